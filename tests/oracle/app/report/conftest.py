"""A demonstration run and its page, opened in Chromium: the tests of the page's program share them."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from bayescannon.app.demo import run_demo
from bayescannon.cannon.model_file import load_model
from bayescannon.cannon.trained_model import TrainedModel

# where Debian's, Fedora's and other packages put the browser
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


@dataclass(frozen=True)
class Run:
    """Where the page is, and what it was made of."""

    page: Path
    folder: Path
    model: TrainedModel


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    """A run on a mock survey of 250 reference stars and 400 test stars, with its page."""
    out = tmp_path_factory.mktemp("demo")
    run_demo(out, n_reference=250, n_test=400, seed=3)
    folder = out / "results"
    return Run(folder / "report.html", folder, load_model(folder / "model.nc"))


@pytest.fixture(scope="session")
def chromium():
    """The browser; BAYESCANNON_CHROMIUM names one that is not on the path."""
    from playwright.sync_api import sync_playwright

    named = os.environ.get("BAYESCANNON_CHROMIUM")
    path = named or next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.fail(f"no Chromium is installed (looked for {', '.join(NAMES)}); name one in BAYESCANNON_CHROMIUM")
    with sync_playwright() as playwright:
        # the browser's sandbox and shared memory need what containers do not give; the page is our own
        options = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        browser = playwright.chromium.launch(executable_path=path, args=options)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium, request):
    """Open the page; at the end check that nothing went wrong in it and no request left it."""
    opened, wrong = [], []

    def open_it(width=1400, path=None, **options):
        path = path or request.getfixturevalue("run").page
        page = chromium.new_page(viewport={"width": width, "height": 900}, **options)
        opened.append(page)
        page.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on(
            "request", lambda one: None if one.url.startswith(("file:", "data:", "blob:")) else wrong.append(one.url)
        )
        page.goto(path.as_uri())
        page.wait_for_selector("#x-app[data-state=ready]")
        return page

    yield open_it
    for page in opened:
        page.close()
    assert wrong == []

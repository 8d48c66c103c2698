"""The documentation: every link leads somewhere, what is generated can be generated, and pages hold what is public."""

import re
import subprocess
import sys
from pathlib import Path

import code_lines
import generated
import pytest

import bayescannon as bc
from bayescannon import figures

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [
    *ROOT.glob("*.md"),
    *(path for path in DOCS.rglob("*.md") if "notebooks" not in path.parts),
    *ROOT.glob("studies/*/README.md"),
    ROOT / "benchmarks" / "README.md",
]


def anchors(path):
    """Return the anchors of a page's headings, as public hosts and myst make them."""
    text = re.sub(r"^```.*?^```", "", path.read_text("utf-8"), flags=re.M | re.S)
    heads = re.findall(r"^#+ +(.*)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_to_a_file_and_a_heading(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        assert path.exists(), f"{page.name} links to {target}"
        if anchor:
            assert anchor in anchors(path), f"{page.name} links to {target}; there are {sorted(anchors(path))}"


@pytest.mark.parametrize("page", sorted(DOCS.rglob("index.md")), ids=lambda path: str(path.relative_to(DOCS)))
def test_every_page_of_a_folder_is_in_its_contents(page):
    text = page.read_text("utf-8")
    pages = {path.stem for path in page.parent.glob("*.md")} - {"index"}
    folders = {path.parent.name for path in page.parent.glob("*/index.md")}
    assert {name for name in pages if not re.search(rf"^{name}$", text, re.M)} == set()
    assert {name for name in folders if not re.search(rf"^{name}/index$", text, re.M)} == set()


def test_every_public_name_is_on_one_page():
    listed = []
    for page in (DOCS / "reference" / "api").glob("*.md"):
        for module, names in re.findall(r"^```\{api\} (\S+)\n(.*?)^```$", page.read_text("utf-8"), re.M | re.S):
            listed += [f"{module}.{name}" for name in names.split()]
    public = [f"bayescannon.{name}" for name in bc.__all__ if name != "__version__"]
    assert sorted(listed) == sorted([*public, *(f"bayescannon.figures.{name}" for name in figures.__all__)])


def test_lines_of_code_are_found():
    file, name, line = code_lines.line_of("models/label_vector.py:label_vector")
    text = (ROOT / "bayescannon" / file).read_text("utf-8").splitlines()
    assert text[line - 1].startswith(f"def {name}(")
    assert code_lines.place_of("bayescannon.data.flags.ResultFlag")[0] == "data/flags.py"
    with pytest.raises(LookupError, match="has no 'nothing'"):
        code_lines.line_of("models/label_vector.py:nothing")
    with pytest.raises(LookupError, match=r"no file nowhere\.py"):
        code_lines.line_of("nowhere.py:label_vector")


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=lambda path: str(path.relative_to(DOCS)))
def test_every_line_of_code_that_is_named_is_there(page):
    for target in re.findall(r"\{line\}`([^`]+)`", page.read_text("utf-8")):
        code_lines.line_of(target)


def test_generated_tables_hold_what_the_code_has():
    from bayescannon.data.flags import FitStatus

    columns = generated.TEXTS["catalogue"]()
    assert "| `e_teff` | f4 | K | calibrated error of teff" in columns
    assert all(f"`{status.name}`" in columns for status in FitStatus)
    commands = generated.TEXTS["command_line"]()
    assert "### `bayescannon label`" in commands
    assert "--clip-sigma" in commands
    assert "| `clip_sigma` |" in generated.TEXTS["configuration"]()
    assert "| `theta` | normalised flux |" in generated.TEXTS["model"]()


def test_blocks_are_replaced():
    page = "# A page\n\n```{generated} example\n```\n\n```{api} bayescannon\ntrain\nCut\n```\n"
    text = generated.replaced(page)
    assert "import bayescannon as bc" in text
    assert ".. autofunction:: bayescannon.train" in text
    assert ".. autoclass:: bayescannon.Cut" in text
    with pytest.raises(generated.ExtensionError, match="no generated text 'nothing'"):
        generated.replaced("```{generated} nothing\n```\n")


@pytest.mark.long
def test_sphinx_builds_it_without_a_warning(tmp_path):
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", "-d", str(tmp_path / "trees")]
    done = subprocess.run([*command, str(DOCS), str(tmp_path / "html")], capture_output=True, text=True, timeout=550)
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "html" / "reference" / "api" / "labelling.html").read_text("utf-8")
    assert 'id="bayescannon.label_spectra"' in page
    assert (tmp_path / "html" / "code").is_dir()

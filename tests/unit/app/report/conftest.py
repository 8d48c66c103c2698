"""A run of toy stars that the tests of its page share, and one that they may change."""

import pytest
from run_folders import run_folder

from bayescannon.app.report import run_contents
from bayescannon.app.report.run_contents import RunContents
from bayescannon.app.report.run_folder import RunFolder


@pytest.fixture(scope="session")
def whole(tmp_path_factory):
    """The folder of a run; nobody changes it."""
    return run_folder(tmp_path_factory.mktemp("whole"))


@pytest.fixture(scope="session")
def contents(whole):
    """What is in it."""
    return RunContents.read(RunFolder.open(whole))


@pytest.fixture
def run(tmp_path):
    """The folder of a run that a test changes."""
    return run_folder(tmp_path / "run")


@pytest.fixture(autouse=True)
def model_read_once(monkeypatch):
    """Read the same bytes of a model once in all tests: that takes longer than all the rest of a small page."""
    monkeypatch.setattr(run_contents, "load_any_model", read_once)


_known = {}
_read = run_contents.load_any_model


def read_once(path):
    """Return the model in a file; errors are those of reading it."""
    content = path.read_bytes()
    if content not in _known:
        _known[content] = _read(path)
    return _known[content]

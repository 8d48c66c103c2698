"""A run of toy stars that the tests of its page share, and one that they may change."""

import pytest
from run_folders import run_folder

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

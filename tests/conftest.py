import os
from collections.abc import Iterator
from pathlib import Path

import pytest

DATA = "BAYESCANNON_TEST_DATA"
# its script runs under the version that it makes a model of, and not under this one
collect_ignore = ["data"]


@pytest.fixture(scope="session")
def survey_data() -> Path:
    """The folder of real survey spectra and tables, which is not part of the repository."""
    folder = os.environ.get(DATA)
    if not folder:
        pytest.skip(f"{DATA} is not set")
    path = Path(folder)
    if not path.is_dir():
        pytest.fail(f"{DATA} names {path}, which is not a folder")
    return path


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Where the real data are, nothing may be skipped: a skip would hide that it was not tested."""
    report = yield
    if report.skipped and os.environ.get(DATA) and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped although {DATA} is set: {report.longrepr}"
    return report

import pytest
from archive import archive

from bayescannon.io.fetching.client import Client


@pytest.fixture
def served():
    with archive() as one:
        yield one


@pytest.fixture
def waits(monkeypatch):
    """The seconds that urllib3 would wait, without the waiting."""
    seconds = []
    monkeypatch.setattr("urllib3.util.retry.time.sleep", seconds.append)
    return seconds


@pytest.fixture
def client(waits):  # noqa: ARG001
    return Client(rate=1000, sleep=lambda _: None)

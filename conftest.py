"""The examples in docstrings are run in a folder of their own, and draw nothing on a terminal."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bayescannon.data.labels import KNOWN_LABELS


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an example write files without leaving any in the checkout."""
    if isinstance(request.node, pytest.DoctestItem):
        monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def _registered_labels_end_with_the_test() -> Iterator[None]:
    """Labels that a test or an example registers are known in the whole process; take them back."""
    before = dict(KNOWN_LABELS)
    yield
    KNOWN_LABELS.clear()
    KNOWN_LABELS.update(before)

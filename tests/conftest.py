import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def survey_data() -> Path:
    """The folder of real survey spectra and tables, which is not part of the repository."""
    folder = os.environ.get("BAYESCANNON_TEST_DATA")
    if not folder:
        pytest.skip("BAYESCANNON_TEST_DATA is not set")
    path = Path(folder)
    if not path.is_dir():
        pytest.fail(f"BAYESCANNON_TEST_DATA names {path}, which is not a folder")
    return path

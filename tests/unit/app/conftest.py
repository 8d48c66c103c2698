"""The small survey that the tests of the command line share; they change none of its files."""

import pytest

from tests.helpers.small_survey import make_small_survey


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    """A mock survey with its store and a model of three labels."""
    return make_small_survey(tmp_path_factory.mktemp("small"))

import numpy as np
import pytest

from bayescannon import simulate_survey
from bayescannon.cannon.choice_fields import ChoiceError
from bayescannon.mock.releases import DR2, DR10, choose_release


def test_a_release_by_name_and_itself():
    assert choose_release("dr2") is DR2
    assert choose_release(DR10) is DR10


@pytest.mark.parametrize("release", ["dr5", 2, ["dr2"], None])
def test_an_unknown_release_is_refused(release):
    with pytest.raises(ChoiceError, match="release must be one of dr2, dr10"):
        simulate_survey(1, 0, seed=1, release=release)


def test_dr10_has_other_variances_for_the_same_stars():
    early, late = (simulate_survey(60, 0, seed=3, release=release) for release in ("dr2", "dr10"))
    np.testing.assert_array_equal(early.truth["teff"], late.truth["teff"])
    # at the S/N that the header reports, the spectra of DR2 have less noise
    assert np.median(late.truth["snrg"]) > np.median(early.truth["snrg"])

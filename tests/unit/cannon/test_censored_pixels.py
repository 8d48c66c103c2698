"""Ranges of wavelengths in which labels are censored."""

import numpy as np
import pytest

from bayescannon.cannon.censored_pixels import allowed_terms, check_censored
from bayescannon.data.labels import LabelError
from bayescannon.numerics.errors import InputError


def test_a_label_is_censored_with_each_of_its_terms():
    allowed = allowed_terms({"logg": [(5000.0, 5010.0)]}, np.array([4990.0, 5005.0]), ("teff", "logg"))
    # 1, teff, logg, teff^2, teff logg, logg^2
    assert allowed.tolist() == [[True] * 6, [True, True, False, True, False, False]]
    assert allowed_terms({}, np.array([4990.0]), ("teff",)) is None


@pytest.mark.parametrize("good", [{}, {"teff": []}, {"teff": [(5000, 5100), [6000.0, 6100.0]]}, {"teff": ((1, 2),)}])
def test_ranges(good):
    check_censored(good)


@pytest.mark.parametrize(
    "wrong",
    [None, [], [("teff", 1, 2)], {"teff": (5000, 5100)}, {"teff": 5000}, {"teff": "50"}, {"teff": [(5, 4)]},
     {"teff": [("a", "b")]}, {"teff": [(1, 2, 3)]}, {"teff": [(1, float("nan"))]}],
)  # fmt: skip
def test_what_is_no_range_is_refused(wrong):
    with pytest.raises(InputError, match="in Angstrom"):
        check_censored(wrong)


def test_unknown_labels_are_refused():
    with pytest.raises(LabelError, match="unknown label name 'xx'"):
        check_censored({"xx": [(1, 2)]})

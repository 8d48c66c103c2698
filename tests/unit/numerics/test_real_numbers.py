"""Numbers as arguments."""

import numpy as np
import pytest

from bayescannon.numerics.errors import BayesCannonError, InputError, InputTypeError
from bayescannon.numerics.real_numbers import positive_number, real_number


@pytest.mark.parametrize("value", [0.5, np.float32(0.5), 1, np.int64(1)])
def test_numbers_become_float(value):
    assert real_number(value, "x") == float(value)
    assert type(real_number(value, "x")) is float


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("0.5", "x must be a number; got '0.5'"),
        (True, "x must be a number"),
        (None, "x must be a number"),
        (np.nan, "x must be finite and above 0 and below 1; got nan"),
        (0.0, "above 0 and below 1; got 0"),
        (1.0, "above 0 and below 1; got 1"),
    ],
)
def test_others_are_refused_in_words(value, words):
    with pytest.raises(BayesCannonError, match=words):
        real_number(value, "x", above=0, below=1)


@pytest.mark.parametrize("value", [2, 0.5, np.float32(0.5), np.int64(3), np.inf])
def test_positive_numbers_may_be_infinite(value):
    assert type(positive_number(value, "x")) is float
    assert positive_number(value, "x") == value


@pytest.mark.parametrize("value", [0, -1, np.nan])
def test_what_is_not_positive_is_refused(value):
    with pytest.raises(InputError, match="kappa must be positive; got"):
        positive_number(value, "kappa")


@pytest.mark.parametrize("value", ["1", None, True, [1.0], 1j])
def test_other_kinds_are_refused_by_name(value):
    with pytest.raises(InputTypeError, match="kappa must be a number; got"):
        positive_number(value, "kappa")

import numpy as np
import pytest

from bayescannon.numerics.errors import InputError, InputTypeError
from bayescannon.numerics.real_numbers import positive_number, real_number


@pytest.mark.parametrize("value", [2, 0.5, np.float32(0.5), np.int64(3), np.inf])
def test_numbers_become_float(value):
    assert type(real_number(value, "x")) is float
    assert positive_number(value, "x") == value


@pytest.mark.parametrize("value", [0, -1, np.nan])
def test_what_is_not_positive_is_refused(value):
    assert real_number(value, "kappa") == pytest.approx(value, nan_ok=True)
    with pytest.raises(InputError, match="kappa must be positive; got"):
        positive_number(value, "kappa")


@pytest.mark.parametrize("value", ["1", None, True, [1.0], 1j])
def test_other_kinds_are_refused_by_name(value):
    with pytest.raises(InputTypeError, match="kappa must be a number; got"):
        positive_number(value, "kappa")

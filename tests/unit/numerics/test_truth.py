import numpy as np
import pytest

from bayescannon.numerics.errors import InputTypeError
from bayescannon.numerics.truth import truth


@pytest.mark.parametrize("value", [True, False, np.True_, np.False_])
def test_bools_become_bool(value):
    assert truth(value, "overwrite") is bool(value)


@pytest.mark.parametrize("value", ["no", "True", 0, 1, None, [], np.array([True])])
def test_what_is_no_bool_is_refused_by_name(value):
    with pytest.raises(InputTypeError, match="overwrite must be True or False; got"):
        truth(value, "overwrite")

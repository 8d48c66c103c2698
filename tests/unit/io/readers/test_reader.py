import numpy as np
import pytest

import bayescannon as bc
from bayescannon.io.readers.reader import Reader, ReadResult, as_result
from bayescannon.numerics.errors import InputTypeError


def read_nothing(path):  # noqa: ARG001
    return []


def test_readers_that_cannot_be():
    for name in ("", " ", "auto", None):
        with pytest.raises(InputTypeError, match="a reader needs a name"):
            Reader(name, read_nothing)
    with pytest.raises(InputTypeError, match="must be functions"):
        Reader("mine", "read")
    with pytest.raises(InputTypeError, match="both of count and read_rows, or neither"):
        Reader("mine", read_nothing, count=len)
    assert Reader("mine", read_nothing, endings=".txt").endings == (".txt",)


def test_what_a_reader_returns():
    raw = bc.RawSpectrum("a", [5000, 5001], [1, 1], [1, 1])
    assert as_result(raw, "mine").spectra == [raw]
    assert as_result([raw], "mine").spectra == [raw]
    result = ReadResult([raw], notes={"left out": 2})
    assert as_result(result, "mine") is result
    for wrong in (None, [1], np.ones(3), "text"):
        with pytest.raises(InputTypeError, match="read of the reader mine must return a RawSpectrum"):
            as_result(wrong, "mine")

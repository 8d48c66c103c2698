import numpy as np
import pytest

import bayescannon as bc
from bayescannon.io.readers.reader import Reader, ReadResult, as_result
from bayescannon.numerics.errors import InputError, InputTypeError


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
    for wrong in (None, 3, [1], [], ""):
        with pytest.raises(InputTypeError, match="endings of the reader mine must be texts"):
            Reader("mine", read_nothing, endings=wrong)
    with pytest.raises(InputTypeError, match="count and read_rows of the reader mine must be functions"):
        Reader("mine", read_nothing, count=3, read_rows=3)
    with pytest.raises(InputTypeError, match="description of the reader mine must be a text; got an int"):
        Reader("mine", read_nothing, 3)
    with pytest.raises(InputTypeError, match=r"grid of the reader mine must be a text; .*prepare_files\(grid=\)"):
        Reader("mine", read_nothing, grid=np.arange(5000.0, 5100.0))
    with pytest.raises(InputError, match="a grid must be start:stop:step"):
        Reader("mine", read_nothing, grid="wide")


def test_what_a_reader_returns():
    raw = bc.RawSpectrum("a", [5000, 5001], [1, 1], [1, 1])
    assert as_result(raw, "mine").spectra == [raw]
    assert as_result([raw], "mine").spectra == [raw]
    result = ReadResult([raw], notes={"left out": 2})
    assert as_result(result, "mine") == result
    assert as_result((one for one in [raw]), "mine").spectra == [raw]
    for wrong in (None, [1], np.ones(3), "text", ReadResult([None]), ReadResult(None)):
        with pytest.raises(InputTypeError, match="read of the reader mine must return a RawSpectrum"):
            as_result(wrong, "mine")
    for wrong in (ReadResult([raw], rows=[1, 2]), ReadResult([raw], notes=None)):
        with pytest.raises(InputTypeError, match=r"wrong result: .* a row for each of its 1 spectra"):
            as_result(wrong, "mine")

"""Choices of reading a table, as an object."""

import numpy as np
import pytest

from bayescannon.cannon.choices import LABEL_FORMATS
from bayescannon.io.label_tables.found_table import TableError
from bayescannon.io.label_tables.table_layouts import LAYOUTS
from bayescannon.io.label_tables.table_options import FORMATS, TableOptions
from bayescannon.numerics.errors import InputTypeError


def test_the_formats_are_those_of_the_command_line_and_of_the_layouts():
    assert FORMATS == LABEL_FORMATS
    assert set(FORMATS) == {"auto", "allstar", *LAYOUTS}


def test_what_is_given():
    assert TableOptions().is_plain
    assert TableOptions(columns=None).is_plain
    assert not TableOptions(extension=2).is_plain
    assert TableOptions(missing={"fe_h": 0, "teff": [1, 2.5]}).missing_values("fe_h") == [0]
    assert TableOptions(missing={"teff": [1, 2.5]}).missing_values("teff") == [1, 2.5]
    assert TableOptions().missing_values("teff") == []


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"format": "allstar-dr18"}, TableError, "format must be one of auto, .*; got 'allstar-dr18'"),
        ({"columns": ["teff"]}, InputTypeError, r"columns map names to columns, .* got a list"),
        ({"units": "kK"}, InputTypeError, "units map names to units, .* got a str"),
        ({"missing": 0.0}, InputTypeError, "missing maps names to values, .* got a float"),
    ],
)
def test_what_cannot_be(options, error, words):
    with pytest.raises(error, match=words):
        TableOptions(**options)
    with pytest.raises(InputTypeError, match=r"missing\['teff'\] must be numbers, or 'none'; got 'a'"):
        TableOptions(missing={"teff": "a"}).missing_values("teff")


def test_all_values_of_a_column_can_be_taken_as_they_are():
    values = np.array([0.1, 0.2, -999.0, -999.0])
    assert TableOptions().is_missing("fe_h", values).tolist() == [False, False, True, True]
    assert TableOptions(missing={"fe_h": 0.1}).is_missing("fe_h", values).tolist() == [True, False, True, True]
    for given in ("none", "None", []):
        assert not TableOptions(missing={"fe_h": given}).is_missing("fe_h", values).any()

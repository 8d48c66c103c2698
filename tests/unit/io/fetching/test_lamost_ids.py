"""Lists of obsids: texts and tables, and what is no obsid."""

import numpy as np
import pytest
from astropy.table import Table

from bayescannon.io.fetching.lamost_ids import read_obsids
from bayescannon.numerics.errors import BayesCannonWarning, InputError


def test_a_text_has_one_per_line(tmp_path):
    (tmp_path / "ids.txt").write_text("\ufeff101001\n\n101002 \n101001\n", encoding="utf-8")
    assert read_obsids(tmp_path / "ids.txt") == ["101001", "101002"]


@pytest.mark.parametrize("ending", [".csv", ".fits", ".vot"])
def test_a_table_has_a_column(tmp_path, ending):
    path = tmp_path / f"t{ending}"
    table = Table({"ra": [1.0, 2.0], "obsid": np.array([101001, 2**40], dtype=np.int64)})
    table.write(path, **({"format": "votable"} if ending == ".vot" else {}))
    assert read_obsids(path) == ["101001", str(2**40)]


@pytest.mark.parametrize("ending", [".fits", ".vot"])
def test_rows_without_an_obsid_are_said(tmp_path, ending):
    path = tmp_path / f"t{ending}"
    table = Table({"ra": [1.0, 2.0, 3.0], "obsid": np.ma.array([5, 6, 7], mask=[False, True, False])}, masked=True)
    table.write(path, **({"format": "votable"} if ending == ".vot" else {}))
    with pytest.warns(BayesCannonWarning, match="1 rows have no obsid"):
        assert read_obsids(path) == ["5", "7"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("101001\n../x\n", r"'\.\./x' is no obsid"),
        ("101001\nspec-5.fits\n", "says nothing about the obsid"),
        ("spec-55863-GAC_105N29_B1_sp02-111.fits\n", "says nothing about the obsid"),
        ("ra,dec\n1,2\n", "has no column obsid; it has ra, dec"),
        ("obsid\n-4\n", "'-4' is no obsid"),
    ],
)
def test_what_is_no_list_is_refused(tmp_path, text, said):
    (tmp_path / "ids.csv").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=said):
        read_obsids(tmp_path / "ids.csv")

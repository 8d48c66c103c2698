"""Catalogues as text, and what text formats can hold."""

import numpy as np
import pytest
from catalogues import make_calibrated

from bayescannon.io.catalogue import build_catalogue, read_catalogue, write_catalogue
from bayescannon.io.catalogue_provenance import CatalogueError
from bayescannon.io.catalogue_text import require_text


@pytest.mark.parametrize("ending", [".ecsv", ".vot"])
@pytest.mark.parametrize("n_row", [0, 1, 12])
def test_blanks_quotes_and_foreign_letters_come_back(tmp_path, ending, n_row):
    table = build_catalogue(make_calibrated())[:n_row]
    names = ["a b", 'say "x"', "", "é", "#", "a,b", "'", "-", "nan", "0", "<a>&", "last"]
    table["subclass"] = np.array(names[:n_row], dtype=np.str_)
    write_catalogue(table, tmp_path / f"c{ending}")
    assert read_catalogue(tmp_path / f"c{ending}")["subclass"].tolist() == names[:n_row]


def test_only_ascii_goes_into_fits_and_mrt():
    require_text("id", ["é"], ".vot")
    require_text("id", ["e"], "fits")
    with pytest.raises(CatalogueError, match=r"column 'id' has 'é'\. Write \.ecsv"):
        require_text("id", ["a", "é"], "fits")


@pytest.mark.parametrize("ending", [".fits", ".ecsv", ".vot", ".parquet", ".mrt"])
def test_escape_codes_in_names_and_attributes_are_written_as_text(tmp_path, ending):
    estimates = make_calibrated().isel(star=slice(0, 2)).assign_coords(star=["a\x1b[2Jb", "c"])
    estimates.attrs["reference"] = "stars \x1b]0;title\x07"
    write_catalogue(estimates, tmp_path / f"c{ending}")
    table = read_catalogue(tmp_path / f"c{ending}")
    assert table["id"].tolist() == ["a\\x1b[2Jb", "c"]
    assert table.meta["reference"] == "stars \\x1b]0;title\\x07"

"""Machine-readable tables: bytes where the header says, and nothing lost on the way back."""

from pathlib import Path

import numpy as np
from catalogues import make_estimates

from bayescannon.io.catalogue import build_catalogue, write_catalogue
from bayescannon.io.catalogue_mrt import read_mrt, write_mrt
from bayescannon.io.catalogue_rows import CatalogueRows


def test_mrt_bytes_are_where_the_header_says(tmp_path: Path) -> None:
    table = build_catalogue(make_estimates())
    write_catalogue(table, tmp_path / "c.mrt")
    lines = (tmp_path / "c.mrt").read_text().splitlines()
    rows = lines[-len(table) :]
    assert max(map(len, lines[: -len(table)])) <= 80
    assert len({len(row) for row in rows}) == 1
    (entry,) = [line for line in lines if "? effective temperature" in line]
    first, last = map(int, entry[: entry.index("F")].replace(" ", "").split("-"))
    cells = [row[first - 1 : last] for row in rows]
    assert cells[0].strip() == f"{table['teff'][0]:.1f}"
    assert cells[1].strip() == ""
    assert entry.split()[2:5] == [f"F{last - first + 1}.1", "K", "teff"]
    (entry,) = [line for line in lines if "? log10 of the surface gravity" in line]
    assert entry.split()[3:5] == ["[-]", "logg"]


def test_a_table_comes_back_with_its_texts_units_and_provenance(tmp_path: Path) -> None:
    table = build_catalogue(make_estimates())
    write_mrt(CatalogueRows.of_table(table), tmp_path / "c.mrt")
    got = read_mrt(tmp_path / "c.mrt")
    assert got.colnames == table.colnames
    assert got.meta == table.meta
    for name in table.colnames:
        assert got[name].description == table[name].description
    assert got["teff"].mask.tolist() == np.isnan(table["teff"]).tolist(), "a blank number is masked"
    np.testing.assert_allclose(got["logg"][0], table["logg"][0], atol=0.5e-3)
    assert got["status_text"].tolist() == table["status_text"].tolist()


def test_long_explanations_are_broken_at_blanks_only(tmp_path: Path) -> None:
    table = build_catalogue(make_estimates(2))
    table["teff"].description = "effective temperature " + "of a star " * 20 + "x" * 100
    write_mrt(CatalogueRows.of_table(table), tmp_path / "c.mrt")
    assert read_mrt(tmp_path / "c.mrt")["teff"].description == table["teff"].description

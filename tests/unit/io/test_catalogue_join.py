"""Parts that were written by themselves make the catalogue that is made in one go."""

import numpy as np
import pytest
from astropy.table import Column, Table
from catalogues import make_calibrated, require_same_catalogue, with_posterior

from bayescannon.data.labels import PAPER_LABELS, labels_from_names
from bayescannon.io.catalogue import build_catalogue
from bayescannon.io.catalogue_columns import estimate_columns
from bayescannon.io.catalogue_formats import plain_columns
from bayescannon.io.catalogue_join import KEPT, ROW, JoinedParts
from bayescannon.io.catalogue_part import write_part


def estimates():
    found = with_posterior(make_calibrated())
    n_star = found.sizes["star"]
    found["obsid"] = "star", np.where(np.arange(n_star) == 9, "a long name", "")
    found["gaia_id"] = "star", np.full(n_star, "")
    found["p_binary"] = "star", np.where(np.arange(n_star) == 2, 0.5, np.nan)
    found["mass_ratio"] = "star", np.full(n_star, np.nan)
    found["p_odd"] = ("star", "odd_class"), np.where(np.arange(n_star)[:, None] == 5, [[0.1, np.nan]], np.nan)
    return found.assign_coords(odd_class=["sky", "carbon"])


def parts_of(found, folder, bounds=((0, 4), (4, 5), (5, 12)), change=lambda table, start: table):
    places, notes = [], []
    for start, stop in bounds:
        table = Table(list(estimate_columns(found.isel(star=slice(start, stop)), labels_from_names(PAPER_LABELS))))
        places.append(folder / f"{start}.parquet")
        notes.append(write_part(change(table, start), places[-1]))
    return places, notes


def whole_of(rows):
    return plain_columns(next(rows.pieces()))


def test_columns_of_some_parts_and_of_none_widths_and_descriptions(tmp_path):
    found = estimates()
    expected = plain_columns(build_catalogue(found))
    assert "obsid" in expected.colnames
    assert "gaia_id" not in expected.colnames
    assert {"p_binary", "p_odd_sky"} < set(expected.colnames)
    assert not {"mass_ratio", "p_odd_carbon"} & set(expected.colnames)
    rows = JoinedParts(*parts_of(found, tmp_path)).rows(found.attrs)
    assert rows.n_rows == 12
    require_same_catalogue(whole_of(rows), expected, rounded=False)
    assert whole_of(rows)["obsid"].dtype == expected["obsid"].dtype


def test_rows_that_are_not_kept_are_left_out_but_counted(tmp_path):
    found = estimates()
    kept = np.arange(12) % 2 == 0

    def change(table, start):
        table.add_column(Column(kept[start : start + len(table)], KEPT, description="", meta={}))
        return table

    joined = JoinedParts(*parts_of(found, tmp_path, change=change))
    rows = joined.rows(found.attrs)
    assert rows.n_rows == 6
    assert whole_of(rows)["id"].tolist() == found["star"].to_numpy()[kept].tolist()
    assert len(joined.all_values("rchi2")) == joined.n_stars == 12
    assert len(joined.values("rchi2")) == 6


def test_values_of_some_stars_are_replaced(tmp_path):
    found = estimates()
    places, notes = parts_of(found, tmp_path)
    for number, at in enumerate(([1, 4], [11])):
        table = Table([Column(np.array(at), ROW, description="", meta={})])
        table["ess"] = Column(np.array(at, dtype=np.float32), description="", meta={})
        write_part(table, tmp_path / f"new-{number}.parquet")
    replacements = [tmp_path / f"new-{number}.parquet" for number in range(2)]
    table = whole_of(JoinedParts(places, notes, replacements).rows(found.attrs))
    assert table["ess"].tolist() == [11 if n == 11 else n if n in (1, 4) else 900 for n in range(12)]


def test_a_part_may_lack_a_column(tmp_path):
    found = estimates()

    def change(table, start):
        if start == 4:
            table.remove_column("e_teff")
        return table

    for bounds in (((0, 4), (4, 12)), ((4, 12), (0, 4))):
        table = whole_of(JoinedParts(*parts_of(found, tmp_path, bounds, change)).rows(found.attrs))
        assert table.colnames[:3] == ["id", "teff", "e_teff"]
        assert np.isnan(table["e_teff"]).sum() >= 8


@pytest.mark.parametrize("bounds", [((0, 12),), ((0, 0), (0, 12))])
def test_a_part_without_stars(tmp_path, bounds):
    found = estimates()
    places, notes = parts_of(found, tmp_path, bounds)
    table = whole_of(JoinedParts(places[-1:], notes[-1:]).rows(found.attrs))
    require_same_catalogue(table, plain_columns(build_catalogue(found)), rounded=False)

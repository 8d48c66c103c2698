"""Catalogues by position on the sky: every star once, in the file of its pixel, sorted."""

import numpy as np
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest
from catalogues import make_calibrated

from bayescannon.io import catalogue_hats
from bayescannon.io.catalogue import build_catalogue, read_catalogue
from bayescannon.io.catalogue_digest import check_catalogue
from bayescannon.io.catalogue_formats import plain_columns
from bayescannon.io.catalogue_hats import INDEX, write_hats
from bayescannon.io.catalogue_provenance import CatalogueError
from bayescannon.io.catalogue_rows import CatalogueRows
from bayescannon.numerics.healpix import nested_pixels


@pytest.fixture
def made(tmp_path, monkeypatch):
    """Three hundred stars, of which a third are in one place, in files of at most 40 and runs of 64."""
    monkeypatch.setattr(catalogue_hats, "MOST_ROWS", 40)
    monkeypatch.setattr(catalogue_hats, "_RUN_PIECES", 2)
    monkeypatch.setattr(catalogue_hats, "_GROUP", 16)
    monkeypatch.setattr(CatalogueRows.pieces, "__defaults__", (32,))
    table = plain_columns(build_catalogue(make_calibrated()))[np.arange(300) % 12]
    table["id"] = np.char.add("star-", np.arange(300).astype(np.str_))
    rng = np.random.default_rng(1)
    table["ra"] = np.where(np.arange(300) % 3 == 0, rng.uniform(10, 12, 300), rng.uniform(0, 360, 300))
    table["dec"] = np.where(np.arange(300) % 3 == 0, rng.uniform(40, 42, 300), rng.uniform(-80, 80, 300))
    table = plain_columns(table)
    write_hats(CatalogueRows.of_table(table), tmp_path)
    return tmp_path, table


def test_every_star_is_in_the_file_of_its_pixel(made):
    path, table = made
    files = sorted((path / "dataset").rglob("*.parquet"))
    assert len(files) > 12
    seen = []
    for file in files:
        order, pixel = (int(part.partition("=")[2].removesuffix(".parquet")) for part in (file.parts[-3], file.name))
        rows = pq.read_table(file, partitioning=None)
        index = rows.column(INDEX).to_numpy()
        assert (np.diff(index) >= 0).all()
        assert len(index) <= 40
        assert set((index >> (2 * (29 - order))).tolist()) == {pixel}
        np.testing.assert_array_equal(index, nested_pixels(rows["ra"].to_numpy(), rows["dec"].to_numpy()))
        seen += rows["id"].to_pylist()
    assert sorted(seen) == sorted(table["id"].tolist())
    assert len({file.parts[-3] for file in files}) > 1
    listed = (path / "partition_info.csv").read_text().split()[1:]
    assert len(listed) == len(files)
    assert "hats_nrows=300" in (path / "hats.properties").read_text()
    assert pq.read_schema(path / "dataset" / "_common_metadata").names[0] == INDEX


def test_it_reads_as_one_catalogue_and_is_checked(made):
    path, table = made
    got = read_catalogue(path)
    got.sort("id")
    table.sort("id")
    for name in table.colnames:
        np.testing.assert_array_equal(got[name], table[name])
    assert got["teff"].unit == table["teff"].unit
    assert pyarrow.dataset.dataset(path / "dataset", partitioning=None).count_rows() == 300
    assert check_catalogue(path) == []
    first = next((path / "dataset").rglob("*.parquet"))
    first.unlink()
    assert "is missing" in check_catalogue(path)[0]


def test_bytes_do_not_depend_on_the_blocks(made, tmp_path):
    path, table = made
    other = tmp_path / "again"
    other.mkdir()
    values = [
        {name: np.asarray(table[name][a:b]) for name in table.colnames} for a, b in ((0, 7), (7, 200), (200, 300))
    ]
    write_hats(CatalogueRows(table[:0], 300, lambda: iter(values)), other)
    for file in (path / "dataset").rglob("*.parquet"):
        assert (other / file.relative_to(path)).read_bytes() == file.read_bytes()


def test_a_star_without_a_position_is_refused(tmp_path):
    table = plain_columns(build_catalogue(make_calibrated()))
    table["ra"][3] = np.nan
    with pytest.raises(CatalogueError, match=f"by position, and {table['id'][3]} has none"):
        write_hats(CatalogueRows.of_table(table), tmp_path)
    assert not (tmp_path / "_runs").exists()

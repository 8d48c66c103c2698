"""Catalogues in parts: one data set to pyarrow and polars, one catalogue to this package."""

import json

import numpy as np
import pyarrow.dataset
import pytest
from catalogues import make_calibrated, require_same_catalogue

from bayescannon.io import catalogue_folder
from bayescannon.io.catalogue import build_catalogue, read_catalogue
from bayescannon.io.catalogue_digest import check_catalogue
from bayescannon.io.catalogue_folder import MANIFEST, check_folder_path, replacing_folder, write_folder
from bayescannon.io.catalogue_formats import FORMATS, plain_columns
from bayescannon.io.catalogue_provenance import CatalogueError
from bayescannon.io.catalogue_rows import CatalogueRows
from bayescannon.io.outputs import OutputExistsError, OutputFolderError


@pytest.fixture
def parts(tmp_path, monkeypatch):
    """Twelve stars in parts of five rows, of which a piece has five."""
    monkeypatch.setattr(catalogue_folder, "PART_ROWS", 5)
    monkeypatch.setattr(catalogue_folder, "PIECE", 5)
    monkeypatch.setattr(CatalogueRows.pieces, "__defaults__", (5,))
    table = plain_columns(build_catalogue(make_calibrated()))
    with replacing_folder(tmp_path / "stars", overwrite=False) as folder:
        write_folder(FORMATS[".parquet"].signed(CatalogueRows.of_table(table)), folder)
    return tmp_path / "stars", table


def test_a_folder_of_parts_is_one_catalogue(parts):
    path, table = parts
    assert sorted(one.name for one in path.iterdir()) == [MANIFEST, *(f"part-{i:06d}.parquet" for i in range(3))]
    require_same_catalogue(read_catalogue(path), table, rounded=False)
    assert check_catalogue(path) == []
    whole = pyarrow.dataset.dataset(path).to_table()
    assert whole.num_rows == len(table)
    np.testing.assert_array_equal(whole["teff"].to_numpy(), table["teff"])
    assert not [one for one in path.parent.iterdir() if one.name.startswith(".")]


def test_a_part_that_is_lost_changed_or_strange_is_named(parts):
    path, _ = parts
    second = path / "part-000001.parquet"
    content = second.read_bytes()
    (path / "part-000009.parquet").write_bytes(content)
    assert check_catalogue(path) == ["part-000009.parquet is not of the catalogue"]
    (path / "part-000009.parquet").unlink()
    second.write_bytes(content[:-1] + b"X")
    assert "part-000001.parquet" in check_catalogue(path)[0]
    second.write_bytes(content + b"X")
    assert "part-000001.parquet has" in check_catalogue(path)[0]
    second.unlink()
    assert "part-000001.parquet is missing" in check_catalogue(path)[0]
    with pytest.raises(CatalogueError, match=r"part-000001\.parquet is missing"):
        read_catalogue(path)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"format": "x", "parts": []}', '{"parts": [{"name": "../a"}]}'])
def test_a_manifest_that_is_none_is_refused(parts, text):
    path, _ = parts
    (path / MANIFEST).write_text(text)
    with pytest.raises(CatalogueError, match="is no manifest"):
        read_catalogue(path)


def test_a_manifest_names_no_file_elsewhere(parts):
    path, _ = parts
    described = json.loads((path / MANIFEST).read_text())
    described["parts"][0]["name"] = "../part-000000.parquet"
    (path / MANIFEST).write_text(json.dumps(described))
    assert "is no manifest" in check_catalogue(path)[0]


def test_only_a_folder_of_parts_is_replaced(parts, tmp_path):
    path, table = parts
    with pytest.raises(OutputExistsError):
        check_folder_path(path, overwrite=False)
    with replacing_folder(path, overwrite=True) as folder:
        write_folder(CatalogueRows.of_table(table[:3]), folder)
    assert len(read_catalogue(path)) == 3
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "precious").write_text("")
    with pytest.raises(OutputFolderError, match="of something else"):
        check_folder_path(tmp_path / "other", overwrite=True)
    with pytest.raises(OutputFolderError, match="is a file"):
        check_folder_path(tmp_path / "other" / "precious", overwrite=True)

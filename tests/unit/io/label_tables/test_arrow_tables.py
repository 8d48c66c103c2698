"""Parquet and Feather: exact names, missing values, units."""

import sys

import numpy as np
import pandas as pd
import pytest
from astropy.table import Table
from survey_tables import assert_simple, simple

from bayescannon.io.label_tables.found_table import TableError
from bayescannon.io.tables import read_labels


def test_feather_and_an_index(tmp_path):
    frame = simple().to_pandas()
    frame.to_feather(tmp_path / "t.feather")
    assert_simple(read_labels(tmp_path / "t.feather"))
    frame.set_index("id").to_parquet(tmp_path / "t.parquet")
    assert_simple(read_labels(tmp_path / "t.parquet"))


def test_names_of_64_bits_beside_missing_ones(tmp_path):
    big = 4611686018427387905
    pd.DataFrame({"id": pd.array([big, None, big + 2], dtype="Int64"), "teff": [4800, 4900, np.nan]}).to_parquet(
        tmp_path / "t.parquet"
    )
    labels = read_labels(tmp_path / "t.parquet")
    assert labels.id.tolist() == [str(big), "", str(big + 2)]
    np.testing.assert_array_equal(labels.labels["teff"], [4800, 4900, np.nan])


def test_units_that_astropy_wrote(tmp_path):
    Table({"id": ["a"], "teff": [4.8]}, units={"teff": "kK"}).write(tmp_path / "t.parquet")
    assert read_labels(tmp_path / "t.parquet").labels["teff"] == [4800]


def test_without_pyarrow(tmp_path, monkeypatch):
    simple().write(tmp_path / "t.parquet")
    monkeypatch.setitem(sys.modules, "pyarrow.feather", None)
    with pytest.raises(TableError, match=r"pyarrow is not installed.*pip install pyarrow"):
        read_labels(tmp_path / "t.parquet")

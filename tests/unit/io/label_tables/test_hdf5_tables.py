"""HDF5: records, columns in a group, and the layout of pandas."""

import h5py
import numpy as np
import pytest
from astropy.table import Table
from survey_tables import assert_simple, simple

from bayescannon.io.label_tables.found_table import TableError
from bayescannon.io.tables import read_labels


def test_columns_of_equal_length_in_a_group(tmp_path):
    with h5py.File(tmp_path / "t.h5", "w") as stream:
        group = stream.create_group("stars")
        for name in simple().colnames:
            values = np.asarray(simple()[name])
            group[name] = values.astype("S") if values.dtype.kind == "U" else values
        group["teff"][...] /= 1000
        group["teff"].attrs["unit"] = "kK"
        stream["note"] = np.zeros(3)
    assert_simple(read_labels(tmp_path / "t.h5"))


def test_several_tables_are_named(tmp_path):
    simple().write(tmp_path / "t.h5", path="one")
    simple().write(tmp_path / "t.h5", path="two", append=True)
    with pytest.raises(TableError, match=r"several tables with the labels: table 'one'.*--labels-extension"):
        read_labels(tmp_path / "t.h5")
    assert_simple(read_labels(tmp_path / "t.h5", extension="two"))


def test_units_that_astropy_wrote(tmp_path):
    Table({"id": ["a"], "teff": [4.8]}, units={"teff": "kK"}).write(tmp_path / "t.h5", path="t", serialize_meta=True)
    assert read_labels(tmp_path / "t.h5").labels["teff"] == [4800]


def test_the_layout_of_pandas_and_files_without_a_table(tmp_path):
    with h5py.File(tmp_path / "p.h5", "w") as stream:
        stream.create_group("frame").attrs["pandas_type"] = "frame"
    with pytest.raises(TableError, match=r"DataFrame.to_hdf.*to_parquet"):
        read_labels(tmp_path / "p.h5")
    with h5py.File(tmp_path / "n.h5", "w") as stream:
        stream["image"] = np.zeros((3, 3))
    with pytest.raises(TableError, match="holds no table"):
        read_labels(tmp_path / "n.h5")

"""Tables whose headers lie, or that unpack to very much, are refused in a sentence before anything is allocated."""

import gzip
import io
import tracemalloc

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from astropy.table import Table

from bayescannon.io.label_tables import text_files
from bayescannon.io.label_tables.found_table import TableError
from bayescannon.io.tables import read_labels

_TABLE = Table({"id": ["a", "b"], "teff": [4800.0, 5100.0], "logg": [2.5, 3.0]})


def _votable(path, old, new):
    stream = io.BytesIO()
    _TABLE.write(stream, format="votable")
    data = stream.getvalue()
    assert old in data
    path.write_bytes(data.replace(old, new))


def _fits(path, key, value):
    _TABLE.write(path, format="fits")
    data = path.read_bytes()
    at = data.rindex(f"{key:8}=".encode())
    path.write_bytes(data[: at + 10] + f"{value:>20}".encode() + data[at + 30 :])


def _parquet_of_one_value(path):
    column = pa.DictionaryArray.from_arrays(pa.array(np.zeros(30_000_000, np.int32)), pa.array([4800.0]))
    pa.parquet.write_table(pa.table({"id": column, "teff": column}), path, compression="zstd")


def _hdf5(path):
    with h5py.File(path, "w") as file:
        for name in ("id", "teff"):
            file.create_dataset(name, (10**11,), "f8", chunks=(1000,))


def _linked(path):
    with h5py.File(path.with_name("other.h5"), "w") as file:
        file["teff"] = [1.0, 2.0]
    with h5py.File(path, "w") as file:
        file["id"] = [1, 2]
        file["teff"] = h5py.ExternalLink("other.h5", "/teff")


CASES = {
    "rows.vot": (lambda path: _votable(path, b"<TABLE", b'<TABLE nrows="99999999999"'), "too large: a table in rows"),
    "cells.vot": (lambda path: _votable(path, b'arraysize="', b'arraysize="999999x999999" x="'), "too large: a table"),
    "rows.fits": (lambda path: _fits(path, "NAXIS2", 10**15), "too large: extension 1 of rows.fits"),
    "columns.fits": (lambda path: _fits(path, "TFIELDS", 10**15), "declares TFIELDS = 1000000000000000"),
    "axes.fits": (lambda path: _fits(path, "NAXIS", 10**18), "declares NAXIS = 1000000000000000000"),
    "one.parquet": (_parquet_of_one_value, "too large: the table in one.parquet"),
    "rows.h5": (_hdf5, "is refused: too large: /id of shape"),
    "link.h5": (_linked, "takes /teff from another file, which is not read"),
}


@pytest.mark.parametrize("name", CASES)
def test_false_headers(tmp_path, name):
    make, fault = CASES[name]
    path = tmp_path / name
    make(path)
    assert path.stat().st_size < 400_000
    tracemalloc.start()
    with pytest.raises(TableError) as caught:
        read_labels(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert fault in str(caught.value)
    assert "\n" not in str(caught.value)
    assert peak < 50e6


@pytest.mark.parametrize("inside", ["text", "fits"])
def test_a_table_that_unpacks_to_very_much(tmp_path, monkeypatch, inside):
    monkeypatch.setattr(text_files, "UNPACKED_TABLE", 1 << 20)
    monkeypatch.setattr("bayescannon.io.label_tables.fits_tables.UNPACKED_TABLE", 1 << 20)
    data = b"id,teff\n" + b"a,4800\n" * 10**6
    if inside == "fits":
        stream = io.BytesIO()
        Table({"id": np.zeros(10**6)}).write(stream, format="fits")
        data = stream.getvalue()
    path = tmp_path / "t.gz"
    path.write_bytes(gzip.compress(data))
    with pytest.raises(TableError, match=r"too large: .*t\.gz unpacks to more than 1\.0 MiB"):
        read_labels(path)


def test_a_text_that_is_too_long(tmp_path, monkeypatch):
    monkeypatch.setattr(text_files, "UNPACKED_TABLE", 1000)
    (tmp_path / "t.csv").write_text("id,teff\n" + "a,4800\n" * 1000)
    with pytest.raises(TableError, match=r"t\.csv has more than 1000 bytes; expected a table of labels"):
        read_labels(tmp_path / "t.csv")

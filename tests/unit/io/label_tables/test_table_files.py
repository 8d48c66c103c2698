"""Files of tables, recognised by what is in them."""

import gzip

import numpy as np
import pytest
from survey_tables import assert_simple, simple

from bayescannon.io.label_tables.found_table import TableError
from bayescannon.io.tables import read_labels


@pytest.mark.parametrize(
    ("format", "options"),
    [
        ("fits", {}), ("votable", {}), ("votable", {"tabledata_format": "binary2"}), ("parquet", {}),
        ("hdf5", {"path": "group/labels", "serialize_meta": True}), ("ascii.ecsv", {}),
    ],
)  # fmt: skip
def test_the_name_of_a_file_does_not_matter(tmp_path, format, options):
    simple().write(tmp_path / "any.name", format=format, **options)
    assert_simple(read_labels(tmp_path / "any.name"))
    assert_simple(read_labels(str(tmp_path / "any.name")))


@pytest.mark.parametrize("format", ["fits", "votable", "ascii.csv"])
def test_gzipped(tmp_path, format):
    simple().write(tmp_path / "t", format=format)
    (tmp_path / "t.gz").write_bytes(gzip.compress((tmp_path / "t").read_bytes()))
    assert_simple(read_labels(tmp_path / "t.gz"))


@pytest.mark.parametrize("format", ["fits", "votable", "parquet", "hdf5"])
def test_a_cut_file_is_refused_or_whole(tmp_path, format):
    simple().write(tmp_path / "t", format=format, **({"path": "x"} if format == "hdf5" else {}))
    data = (tmp_path / "t").read_bytes()
    for stop in np.unique(np.linspace(1, len(data) - 1, 40).astype(int)):
        (tmp_path / "cut").write_bytes(data[:stop])
        try:
            labels = read_labels(tmp_path / "cut")
        except TableError:
            continue
        # the padding of a FITS file may be missing, and what follows the last tag
        assert_simple(labels)
        assert format in ("fits", "votable")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"\x80\x04\x95abc", "is a pickle"),
        (b"PK\x03\x04abc", "Excel"),
        (b"\n<!DOCTYPE html>", "is a web page"),
        (b"SQLite format 3\0", "SQLite"),
        (b"\x93NUMPY\x01", "array of numpy"),
        (b"\x89HDF\r\n\x1a\n", "cannot be read as HDF5"),
        (b"PAR1abc", "cannot be read as Parquet"),
        (b"ARROW1abc", "cannot be read as Feather"),
        (b"<?xml version='1.0'?><VOTABLE>", "is cut: a VOTable ends with"),
        (b"<?xml version='1.0'?><VOTABLE></VOTABLE>", "without a table"),
        (b"\x1f\x8babc", "cut or damaged"),
    ],
)
def test_what_is_no_table_is_named(tmp_path, data, words):
    (tmp_path / "t.xyz").write_bytes(data)
    with pytest.raises(TableError, match=words):
        read_labels(tmp_path / "t.xyz")


def test_text_under_the_name_of_a_binary_format(tmp_path):
    (tmp_path / "t.fits").write_text("id,teff\na,4800\n")
    with pytest.raises(TableError, match=r"its name ends in .fits, and it begins with b'id,teff"):
        read_labels(tmp_path / "t.fits")

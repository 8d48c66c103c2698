"""Bytes of text files: marks of their encoding, compression, damage."""

import gzip

import pytest
from survey_tables import assert_simple, simple

from bayescannon.io.label_tables.found_table import TableError
from bayescannon.io.tables import read_labels


@pytest.fixture
def text(tmp_path):
    simple().write(tmp_path / "t.csv", format="ascii.csv")
    return (tmp_path / "t.csv").read_text()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "latin-1"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_encodings_and_compression(tmp_path, text, encoding, pack):
    path = tmp_path / "any name"
    rows = text.splitlines()
    full = "\n".join([rows[0] + ",größe", *(f"{row},é" for row in rows[1:])]) + "\n"
    path.write_bytes(pack(full.encode(encoding)))
    assert_simple(read_labels(path))


def test_compressed_data_that_are_cut(tmp_path, text):
    packed = gzip.compress(text.encode())
    for stop in range(3, len(packed), 5):
        (tmp_path / "t.csv.gz").write_bytes(packed[:stop])
        with pytest.raises(TableError, match="cut or damaged"):
            read_labels(tmp_path / "t.csv.gz")


def test_text_that_does_not_go_on_as_it_begins(tmp_path, text):
    (tmp_path / "t.csv").write_bytes(text.encode("utf-16")[:-1])
    with pytest.raises(TableError, match="begins as utf-16"):
        read_labels(tmp_path / "t.csv")

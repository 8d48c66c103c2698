"""Rows of a catalogue in a file of their own."""

import numpy as np
from catalogues import make_calibrated

from bayescannon.io.catalogue import build_catalogue
from bayescannon.io.catalogue_part import part_columns, part_template, read_part, write_part


def test_values_types_and_descriptions_come_back(tmp_path):
    table = build_catalogue(make_calibrated())
    note = write_part(table, tmp_path / "part.parquet")
    assert note["rows"] == len(table)
    assert note["widths"]["id"] == max(map(len, table["id"]))
    block = read_part(tmp_path / "part.parquet")
    assert list(block) == part_columns(tmp_path / "part.parquet") == table.colnames
    template = part_template(tmp_path / "part.parquet")
    for name in table.colnames:
        np.testing.assert_array_equal(block[name], table[name])
        assert template[name].dtype.kind == table[name].dtype.kind
        assert template[name].unit == table[name].unit
        assert template[name].description == table[name].description
        assert template[name].format == table[name].format
        assert template[name].meta == table[name].meta
    assert list(read_part(tmp_path / "part.parquet", ["flags", "id"])) == ["flags", "id"]


def test_the_bytes_of_a_part_are_the_same_every_time(tmp_path):
    table = build_catalogue(make_calibrated())
    for name in ("a", "b"):
        write_part(table, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()

"""Catalogues in pieces: every format has the same bytes however the rows are split, and keeps them."""

import numpy as np
import pytest
from catalogues import ENDINGS, make_calibrated, require_same_catalogue, with_posterior

from bayescannon.io import catalogue_rows
from bayescannon.io.catalogue import build_catalogue, read_catalogue, write_rows
from bayescannon.io.catalogue_formats import plain_columns
from bayescannon.io.catalogue_rows import CatalogueRows


def many(n_row=300):
    table = plain_columns(build_catalogue(with_posterior(make_calibrated())))
    table["subclass"] = np.array(["K3", "", "longer than the others"] * 4)
    table = table[np.arange(n_row) % len(table)]
    table["id"] = np.char.add("star-", np.arange(n_row).astype(np.str_))
    return plain_columns(table)


def in_blocks(table, lengths):
    """The same rows in blocks of these lengths, over and over."""

    def blocks():
        start = 0
        while start < len(table):
            for length in lengths:
                part = table[start : start + length]
                yield {name: np.asarray(part[name]) for name in part.colnames}
                start += length

    return CatalogueRows(table[:0], len(table), blocks)


@pytest.mark.parametrize("size", [1, 7, 12, 1000])
def test_pieces_have_one_length_whatever_the_blocks(size):
    table = many(30)["id", "teff", "flags"]
    for lengths in ([1], [12], [5, 0, 9], [30]):
        pieces = list(in_blocks(table, lengths).pieces(size))
        assert [len(piece) for piece in pieces[:-1]] == [size] * (len(pieces) - 1)
        assert sum(len(piece) for piece in pieces) == 30
        for name in table.colnames:
            np.testing.assert_array_equal(np.concatenate([piece[name] for piece in pieces]), table[name])
        assert pieces[-1]["teff"].unit == table["teff"].unit
        assert pieces[-1].meta == table.meta


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_file_does_not_depend_on_how_the_rows_are_split(tmp_path, ending, monkeypatch):
    table = many(90)
    write_rows(CatalogueRows.of_table(table), tmp_path / f"whole{ending}")
    write_rows(in_blocks(table, [5, 70]), tmp_path / f"blocks{ending}")
    whole = (tmp_path / f"whole{ending}").read_bytes()
    assert (tmp_path / f"blocks{ending}").read_bytes() == whole
    require_same_catalogue(read_catalogue(tmp_path / f"whole{ending}"), table, rounded=ending == ".mrt")
    # several pieces: row groups of parquet differ, and nothing else
    monkeypatch.setattr(catalogue_rows, "PIECE", 32)
    monkeypatch.setattr(CatalogueRows.pieces, "__defaults__", (32,))
    write_rows(CatalogueRows.of_table(table), tmp_path / f"pieces{ending}")
    if ending != ".parquet":
        assert (tmp_path / f"pieces{ending}").read_bytes() == whole
    require_same_catalogue(read_catalogue(tmp_path / f"pieces{ending}"), table, rounded=ending == ".mrt")

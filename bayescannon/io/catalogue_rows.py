"""Rows of a catalogue that need not be in memory together: what every format is written from."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy.table import Column, Table
from numpy.typing import NDArray

# rows that are in memory at a time, and in a row group of parquet
PIECE = 32768

# the values of some rows, by the names of their columns
type Block = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class CatalogueRows:
    """
    A catalogue as a template and blocks of rows.

    Attributes
    ----------
    template : astropy.table.Table
        Without rows: names, types (of text with its width), units, descriptions and provenance, in plain form
        (:func:`bayescannon.io.catalogue_formats.plain_columns`).
    n_rows : int
    blocks : callable
        Returns the values in order, anew at each call, in blocks of any length.
    """

    template: Table
    n_rows: int
    blocks: Callable[[], Iterator[Block]]

    @classmethod
    def of_table(cls, table: Table) -> "CatalogueRows":
        """Take the rows of a table in plain form."""
        values = {name: np.asarray(table[name]) for name in table.colnames}
        return cls(table[:0], len(table), lambda: iter([values]))

    def pieces(self, size: int = PIECE) -> Iterator[Table]:
        """Yield tables of `size` rows, whatever the blocks' lengths; the last may be shorter."""
        for values in _of_equal_length(self.blocks(), self.template.colnames, size):
            yield self.filled(values)

    def filled(self, values: Block) -> Table:
        """Return the template with values."""
        columns = [
            Column(
                np.asarray(values[name]).astype(column.dtype, copy=False), name, unit=column.unit,
                description=column.description, format=column.format, meta=column.meta,
            )
            for name, column in self.template.columns.items()
        ]  # fmt: skip
        return Table(columns, meta=self.template.meta, copy=False)


def _of_equal_length(blocks: Iterator[Block], names: list[str], size: int) -> Iterator[Block]:
    """Yield blocks of `size` rows and a shorter one in the end."""
    held: list[Block] = []
    n_held = 0
    for block in blocks:
        start, n_rows = 0, len(block[names[0]])
        while start < n_rows:
            stop = min(n_rows, start + size - n_held)
            held.append({name: block[name][start:stop] for name in names})
            n_held += stop - start
            start = stop
            if n_held == size:
                yield _joined(held, names)
                held, n_held = [], 0
    if n_held:
        yield _joined(held, names)


def _joined(held: list[Block], names: list[str]) -> Block:
    return held[0] if len(held) == 1 else {name: np.concatenate([one[name] for one in held]) for name in names}

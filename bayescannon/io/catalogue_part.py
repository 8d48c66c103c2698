"""Rows of some stars of a catalogue in a file of their own, until the catalogue is joined from such files."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from astropy.table import Column, Table
from numpy.typing import NDArray

from bayescannon.io.catalogue_finish import empty_columns
from bayescannon.io.catalogue_rows import Block

ENDING = ".parquet"
_COLUMNS = b"columns"


def write_part(table: Table, path: Path) -> dict[str, Any]:
    """
    Write rows of a catalogue, before what depends on all stars is known.

    Parameters
    ----------
    table : astropy.table.Table
        As :func:`bayescannon.io.catalogue_columns.estimate_columns` gives the columns.
    path : Path

    Returns
    -------
    note : dict
        What joining needs, for JSON: ``rows``; ``widths`` of the columns of text; ``empty``, the columns without a
        value that a catalogue may lack.
    """
    described = [
        [
            name, column.dtype.str if column.dtype.kind != "U" else "U", str(column.unit or ""), column.description,
            column.format, column.meta.get("ucd"),
        ]
        for name, column in table.columns.items()
    ]  # fmt: skip
    arrays = [pa.array(np.asarray(column)) for column in table.columns.values()]
    schema = pa.schema(
        [(name, array.type) for name, array in zip(table.colnames, arrays, strict=True)],
        metadata={_COLUMNS: json.dumps(described)},
    )
    pq.write_table(pa.Table.from_arrays(arrays, schema=schema), path, compression="zstd", compression_level=1)
    widths = {name: _width(column) for name, column in table.columns.items() if column.dtype.kind == "U"}
    return {"rows": len(table), "widths": widths, "empty": empty_columns(table)}


def _width(column: Column) -> int:
    """Return the length of the longest text, at least 1."""
    return max(1, int(np.char.str_len(np.asarray(column)).max(initial=0)))


def read_part(path: Path, names: Sequence[str] | None = None) -> Block:
    """Return the values of a part's columns, all or some, by name."""
    table = pq.read_table(path, columns=None if names is None else list(names), partitioning=None)
    return {name: _values(table.column(name)) for name in table.column_names}


def _values(column: Any) -> NDArray[Any]:
    """Return a column of Arrow as numpy holds it."""
    if pa.types.is_string(column.type):
        return np.array(column.to_pylist(), dtype=np.str_)
    result: NDArray[Any] = column.to_numpy()
    return result


def part_columns(path: Path) -> list[str]:
    """Return the names of a part's columns, in order."""
    return [str(name) for name in pq.read_schema(path).names]


def part_template(path: Path) -> Table:
    """Return the columns of a part without rows; text has the width 1."""
    columns = json.loads(pq.read_schema(path).metadata[_COLUMNS])
    return Table(
        [
            Column(
                np.zeros(0, dtype=dtype if dtype != "U" else "U1"), name, unit=None if dtype == "U" else unit,
                description=description, format=style, meta={"ucd": ucd},
            )
            for name, dtype, unit, description, style, ucd in columns
        ]
    )  # fmt: skip

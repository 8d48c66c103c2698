"""Parquet and Feather files as tables."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import Column

from bayescannon.io.label_tables.found_table import FoundTable, TableError
from bayescannon.io.size_limits import SizeLimitError, require_held


def arrow_table(path: Path, *, feather: bool) -> FoundTable:
    """
    Open a Parquet or Feather file.

    Raises
    ------
    TableError
        pyarrow is not installed, or the file cannot be read.
    """
    kind = "Feather" if feather else "Parquet"
    try:
        import pyarrow.feather
        import pyarrow.parquet
    except ImportError:
        raise TableError(
            f"{path} is a {kind} file, and pyarrow is not installed, which reads them: pip install pyarrow"
        ) from None
    try:
        table = pyarrow.feather.read_table(path) if feather else parquet_file(path).read()
    except SizeLimitError as error:
        raise TableError(str(error)) from error
    except Exception as error:  # pyarrow raises kinds of its own
        raise TableError(f"{path} cannot be read as {kind}; it is cut or damaged: {error}") from error
    flag_type = (table.schema.metadata or {}).get(b"FLAGTYPE", b"").decode("utf-8", "replace")
    # pandas keeps an index of row numbers as a column
    names = tuple(name for name in table.column_names if not name.startswith("__index_level_"))
    return FoundTable(names, arrow_getter(table), table.num_rows, flag_type=flag_type)


def parquet_file(path: Path) -> Any:
    """
    Open a parquet file whose rows were counted: of a row of numbers many can be packed in a few bytes.

    Raises
    ------
    SizeLimitError
        It declares more than it can hold.
    """
    import pyarrow.parquet

    file = pyarrow.parquet.ParquetFile(path)
    metadata = file.metadata
    require_held(metadata.num_rows * metadata.num_columns * 8, path.stat().st_size, f"the table in {path.name}")
    for k in range(metadata.num_row_groups):
        require_held(metadata.row_group(k).total_byte_size, path.stat().st_size, f"row group {k} of {path.name}")
    return file


def arrow_getter(table: Any) -> Callable[[str], Any]:
    """Return a function that gives a column of an Arrow table, with its unit; missing whole numbers become None."""
    import pyarrow

    units = _units(table.schema)

    def get(name: str) -> Any:
        column = table.column(table.column_names.index(name))
        if column.null_count and column.type not in (pyarrow.float32(), pyarrow.float64()):
            # None keeps whole numbers exact
            values = np.array(column.to_pylist(), dtype=object)
        else:
            values = column.to_numpy()
        unit = units.get(name)
        return values if unit is None else Column(values, unit=unit)

    return get


def _units(schema: Any) -> dict[str, Any]:
    """Return the units that astropy, or a field's own metadata, gives."""
    units: dict[str, Any] = {}
    for field in schema:
        own = {key.lower(): value for key, value in (field.metadata or {}).items()}
        unit = own.get(b"unit", own.get(b"units"))
        if unit:
            units[field.name] = unit.decode("utf-8", "replace")
    text = (schema.metadata or {}).get(b"table_meta_yaml")
    if text:
        from astropy.table.meta import get_header_from_yaml

        header = get_header_from_yaml(text.decode("utf-8").splitlines())
        units |= {str(one["name"]): one["unit"] for one in header["datatype"] if one.get("unit") is not None}
    return units

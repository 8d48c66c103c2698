"""Tables of an HDF5 file: datasets of records, as astropy writes them, and groups of columns of equal length."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from astropy.table import Column

from bayescannon.io.hdf5_check import hdf5_fault, heap_fault
from bayescannon.io.label_tables.found_table import FoundTable, TableError

_META = ".__table_column_meta__"


@contextmanager
def hdf5_tables(path: Path) -> Iterator[list[FoundTable]]:
    """
    Open an HDF5 file and give its tables.

    Raises
    ------
    TableError
        The file cannot be read, holds no table, or was written by pandas, whose layout is its own.
    """
    try:
        fault = heap_fault(path)
        if fault:
            raise TableError(f"{path} {fault}")
        with h5py.File(path, "r", locking=False) as stream:
            if any("pandas_type" in group.attrs for group in _groups(stream)):
                raise TableError(
                    f"{path} was written by DataFrame.to_hdf, whose layout only pandas reads; write the table with "
                    "to_parquet or to_csv, or give the DataFrame itself"
                )
            fault = hdf5_fault(stream, path.stat().st_size)
            if fault:
                raise TableError(f"{path} {fault}")
            tables = [
                *(
                    _of_records(one, _units(one, stream))
                    for one in _datasets(stream)
                    if one.dtype.names and one.ndim == 1
                ),
                *(table for group in [stream, *_groups(stream)] if (table := _of_columns(group)) is not None),
            ]
            if not tables:
                raise TableError(f"{path} holds no table: no dataset of records, and no columns of equal length")
            yield tables
    except TableError:
        raise
    except OSError as error:
        raise TableError(f"{path} cannot be read as HDF5; it is cut or damaged: {error}") from error


def _groups(group: Any) -> list[Any]:
    found: list[Any] = []
    group.visititems(lambda _, one: found.append(one) if isinstance(one, h5py.Group) else None)
    return found


def _datasets(group: Any) -> list[Any]:
    found: list[Any] = []
    group.visititems(lambda _, one: found.append(one) if isinstance(one, h5py.Dataset) else None)
    return [one for one in found if not one.name.endswith(_META)]


def _units(dataset: Any, stream: Any) -> Mapping[str, Any]:
    """Return the units that astropy keeps beside a dataset of records."""
    name = dataset.name + _META
    if name not in stream:
        return {}
    from astropy.table.meta import get_header_from_yaml

    lines = [one.decode("utf-8") for one in stream[name][()]]
    return {str(one["name"]): one.get("unit") for one in get_header_from_yaml(lines)["datatype"]}


def _of_records(dataset: Any, units: Mapping[str, Any]) -> FoundTable:
    def get(name: str) -> Any:
        return Column(_decoded(dataset[name]), unit=units.get(name))

    key = dataset.name.strip("/")
    return FoundTable(tuple(dataset.dtype.names), get, len(dataset), f"table {key!r}", (key,))


def _of_columns(group: Any) -> FoundTable | None:
    """Return the columns of equal length in a group; None if there are none."""
    columns = {name: one for name, one in group.items() if isinstance(one, h5py.Dataset) and one.dtype.names is None}
    columns = {name: one for name, one in columns.items() if one.ndim >= 1}
    lengths = {len(one) for one in columns.values()}
    if len(columns) < 2 or len(lengths) != 1:
        return None

    def get(name: str) -> Any:
        attrs = columns[name].attrs
        unit = next((str(attrs[key]) for key in ("unit", "units") if key in attrs), None)
        return Column(_decoded(columns[name][()]), unit=unit)

    key = group.name.strip("/") or "/"
    return FoundTable(tuple(columns), get, lengths.pop(), f"group {key!r}", (key,))


def _decoded(values: Any) -> Any:
    """Turn the byte strings of an array of objects into text."""
    array = np.asarray(values)
    if array.dtype.kind == "O":
        return np.array([one.decode("utf-8", "replace") if isinstance(one, bytes) else one for one in array], object)
    return array

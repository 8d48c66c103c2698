"""Tables in memory, from any library, as column names and a function that returns a column."""

import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from bayescannon.data.parts import a_kind
from bayescannon.data.spectra import RawSpectrum, Spectra
from bayescannon.io.label_tables.arrow_tables import arrow_getter
from bayescannon.numerics.errors import InputTypeError

Columns = tuple[list[str], Callable[[str], Any]]


def columns_of(source: Any) -> Columns | None:
    """
    Return the names of a table's columns and a function that returns a column; None for a path.

    Parameters
    ----------
    source : path, astropy Table, DataFrame, Arrow table, Dataset, mapping of name to column, or structured array
        The index of a DataFrame is a column too: under its name, or as ``id`` if it has no name and holds text; of an
        index of several levels those with a name.

    Raises
    ------
    InputTypeError
        `source` is none of these.
    """
    if isinstance(source, str | os.PathLike):
        return None
    if isinstance(source, Spectra | RawSpectrum):
        raise InputTypeError(
            f"a table of labels is needed; got {source!r}. Check that spectra and labels are not swapped"
        )
    if hasattr(source, "colnames"):
        return _of_astropy(source)
    if isinstance(source, np.ndarray) and source.dtype.names:
        return list(source.dtype.names), source.__getitem__
    if hasattr(source, "iloc") and hasattr(source, "columns"):
        return _of_frame(source)
    if hasattr(source, "variables") and hasattr(source, "dims"):
        return [str(name) for name in source.variables], source.__getitem__
    if hasattr(source, "column_names") and hasattr(source, "schema"):
        return list(source.column_names), arrow_getter(source)
    if isinstance(source, Mapping):
        return [str(name) for name in source], source.__getitem__
    if hasattr(source, "columns") and hasattr(source, "__getitem__"):
        return [str(name) for name in source.columns], source.__getitem__
    raise InputTypeError(
        "labels must be a path, a LabelTable, an astropy Table, a DataFrame or a mapping of name to column; got "
        f"{a_kind(source)}"
    )


def _of_astropy(table: Any) -> Columns:
    """Return the columns of an astropy Table; a column of positions becomes two, its ra and dec in ICRS."""
    from astropy.coordinates import SkyCoord

    names: list[str] = []
    parts: dict[str, Any] = {}
    for name in table.colnames:
        if isinstance(table[name], SkyCoord):
            position = table[name].icrs
            parts |= {f"{name}.ra": position.ra.deg, f"{name}.dec": position.dec.deg}
            names += [f"{name}.ra", f"{name}.dec"]
        else:
            names.append(name)
    return names, lambda name: parts[name] if name in parts else table[name]


def _of_frame(frame: Any) -> Columns:
    """Return the columns of a DataFrame and its index."""
    names = [str(name) for name in frame.columns]
    by_name = dict(zip(names, frame.columns, strict=True))
    index = frame.index
    holds_text = not isinstance(index.dtype, np.dtype) or index.dtype.kind in "OUS"
    index_name = str(index.name) if index.name is not None else ("id" if holds_text else None)
    if getattr(index, "nlevels", 1) > 1:
        levels = {str(name): place for place, name in enumerate(index.names) if name is not None}
        levels = {name: place for name, place in levels.items() if name not in names}
        return [
            *names,
            *levels,
        ], lambda name: index.get_level_values(levels[name]) if name in levels else frame[by_name[name]]
    if index_name is None or index_name in names:
        return names, lambda name: frame[by_name[name]]
    return [*names, index_name], lambda name: index if name == index_name else frame[by_name[name]]

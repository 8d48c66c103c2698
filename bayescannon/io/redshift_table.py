"""Redshifts of stars in a table, for files that have none."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bayescannon.data.convert import numbers
from bayescannon.data.redshifts import REDSHIFT_NAMES, VELOCITY_NAMES, known_redshifts
from bayescannon.data.units import to_unit
from bayescannon.io.label_tables.column_values import column_names, column_numbers
from bayescannon.io.label_tables.found_table import FoundTable, TableError
from bayescannon.io.label_tables.table_files import open_tables
from bayescannon.numerics.errors import InputError, MissingFileError
from bayescannon.numerics.typing import FloatArray

_IDS = ("id", "ids", "file", "filename", "name")


def read_redshifts(path: Path) -> dict[str, float]:
    """
    Read the redshifts of stars from a table, of any format that a table of labels may have.

    Parameters
    ----------
    path : Path
        With a column ``id`` (or ``file``, ``name``) and a column ``redshift`` (or ``z``), or a velocity in km/s or with
        its unit (``rv``, ``velocity``, ``v_rad``).

    Returns
    -------
    redshifts : mapping of name to z = v/c
        Names as they are in the table; without the stars whose value is missing, which -9999 and the like are too.

    Raises
    ------
    MissingFileError
        There is no such file.
    InputError
        It is no table, lacks a column, has both of redshift and velocity, or several values for a star.
    """
    if not path.is_file():
        raise MissingFileError(
            f"there is no file {path} with redshifts; give a number, or a table with id and redshift"
        )
    try:
        return _read(path)
    except TableError as error:
        raise InputError(f"{path} cannot be read as a table of redshifts: {error}") from error


def _read(path: Path) -> dict[str, float]:
    with open_tables(path) as tables:
        usable = [table for table in tables if len(_columns(table)) == 2]
        if len(usable) != 1:
            found = "; ".join(", ".join(table.names) for table in tables)
            raise InputError(
                f"a table of redshifts must have a column id and one of redshift, or rv [km/s]; {path} has "
                f"{f'{len(usable)} of them: ' if usable else ''}{found}"
            )
        (table,) = usable
        id_name, name = _columns(table)
        ids = column_names(table.get(id_name), id_name).tolist()
        column = table.get(name)
        values, unit = column_numbers(column, name)
        velocity = name.lower() in VELOCITY_NAMES
        if velocity:
            values = to_unit(values, unit, "km/s", name)
    return _unique(ids, known_redshifts(values, velocity=velocity), str(path))


def _columns(table: FoundTable) -> list[str]:
    """Return the names of the column of ids and that of redshifts or velocities; fewer or more if that is not clear."""
    ids = [one for name in _IDS for one in table.names if one.lower() == name][:1]
    return ids + [one for one in table.names if ids and one.lower() in REDSHIFT_NAMES + VELOCITY_NAMES]


def _unique(ids: list[str], values: FloatArray, source: str) -> dict[str, float]:
    """Return one value per name; raise an error for a star with two."""
    result: dict[str, float] = {}
    for name, value in zip(ids, values.tolist(), strict=True):
        if not name or not np.isfinite(value):
            continue
        if not -1 < value < 1:
            raise InputError(f"redshifts are z = v/c, between -1 and 1; {source} has {value:g} for {name}")
        if result.setdefault(name, value) != value:
            raise InputError(f"{source} has two redshifts for {name}: {result[name]:g} and {value:g}; keep one")
    return result


def choose_redshift(given: Any) -> float | dict[str, float] | None:
    """
    Return a redshift for all spectra, or those of stars by name, from a number, the path of a table, or a mapping.

    Raises
    ------
    InputError
        It is none of these, or not between -1 and 1.
    """
    if given is None:
        return None
    if isinstance(given, str | Path):
        return read_redshifts(Path(given))
    if isinstance(given, Mapping):
        values, _ = numbers(list(given.values()), "redshift", masked=np.nan)
        return _unique([str(name).strip() for name in given], known_redshifts(values), "redshift")
    if isinstance(given, bool) or not isinstance(given, int | float | np.number) or not -1 < given < 1:
        raise InputError(
            f"redshift must be z = v/c, between -1 and 1 and 0 for spectra at rest, or a table of them; got {given!r}"
        )
    return float(given)

"""Redshifts of stars in a table, for files that have none."""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bayescannon.data.convert import numbers, texts
from bayescannon.data.raw_spectrum import SPEED_OF_LIGHT
from bayescannon.data.star_ids import bare_id
from bayescannon.data.units import to_unit
from bayescannon.numerics.errors import InputError, MissingFileError

_IDS = ("id", "ids", "file", "filename", "name")
_REDSHIFTS = ("redshift", "z")
_VELOCITIES = ("rv", "velocity", "radial_velocity", "v_rad", "vrad")


def read_redshifts(path: Path) -> dict[str, float]:
    """
    Read the redshifts of stars from a table that astropy reads.

    Parameters
    ----------
    path : Path
        With a column ``id`` (or ``file``, ``name``) and a column ``redshift`` (or ``z``), or a velocity in km/s or with
        its unit (``rv``, ``velocity``, ``v_rad``).

    Returns
    -------
    redshifts : mapping of id to z = v/c
        Names without folders and endings of files; without the stars whose value is missing.

    Raises
    ------
    MissingFileError
        There is no such file.
    InputError
        It is no table, lacks a column, has both of redshift and velocity, or several values for a star.
    """
    from astropy.table import Table

    if not path.is_file():
        raise MissingFileError(
            f"there is no file {path} with redshifts; give a number, or a table with id and redshift"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            table = Table.read(path)
    except Exception as error:  # each format has exceptions of its own
        reason = str(error).partition("\n")[0]
        raise InputError(f"{path} cannot be read as a table of redshifts: {reason}") from error
    columns = {name.lower(): table[name] for name in table.colnames}
    found_id = [name for name in _IDS if name in columns]
    found = [name for name in (*_REDSHIFTS, *_VELOCITIES) if name in columns]
    if not found_id or len(found) != 1:
        raise InputError(
            f"a table of redshifts must have a column id and one of redshift, or rv [km/s]; {path} has "
            f"{', '.join(table.colnames)}"
        )
    ids = [bare_id(name) for name in texts(columns[found_id[0]], found_id[0]).tolist()]
    values, _ = numbers(columns[found[0]], found[0], masked=np.nan)
    values = values.astype(np.float64)
    if found[0] in _VELOCITIES:
        values = to_unit(values, columns[found[0]].unit or "km/s", "m/s", found[0]) / SPEED_OF_LIGHT
    return _unique(ids, values, path)


def _unique(ids: list[str], values: Any, path: Path) -> dict[str, float]:
    """Return one value per name; raise an error for a star with two."""
    result: dict[str, float] = {}
    for name, value in zip(ids, values.tolist(), strict=True):
        if not np.isfinite(value):
            continue
        if not -1 < value < 1:
            raise InputError(f"redshifts are z = v/c, between -1 and 1; {path} has {value:g} for {name}")
        if result.setdefault(name, value) != value:
            raise InputError(f"{path} has two redshifts for {name}: {result[name]:g} and {value:g}; keep one")
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
        return _unique([bare_id(str(name)) for name in given], values, Path("redshift"))
    if isinstance(given, bool) or not isinstance(given, int | float | np.number) or not -1 < given < 1:
        raise InputError(
            f"redshift must be z = v/c, between -1 and 1 and 0 for spectra at rest, or a table of them; got {given!r}"
        )
    return float(given)

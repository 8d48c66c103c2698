"""Spectra and labels from whatever a function accepts: the object itself, a path, or a table of another library."""

import os
from collections.abc import Sequence
from typing import Any

import xarray as xr

from bayescannon.data.label_table import LabelTable
from bayescannon.data.parts import a_kind
from bayescannon.data.spectra import RawSpectrum, Spectra
from bayescannon.io.label_tables.table_options import TableOptions
from bayescannon.io.store import load_spectra
from bayescannon.io.tables import read_table
from bayescannon.numerics.errors import InputTypeError


def as_spectra(given: Any, *, name: str = "spectra") -> Spectra:
    """
    Return spectra, which are read or converted if need be.

    Parameters
    ----------
    given : Spectra, path of a store, Dataset, or normalised spectra of specutils on one grid
    name : str
        What it is, for messages.

    Raises
    ------
    InputTypeError
        `given` is none of these.
    InputError
        The store or the Dataset cannot be used.

    Examples
    --------
    >>> from bayescannon.io.inputs import as_spectra
    >>> as_spectra(3.0)
    Traceback (most recent call last):
    bayescannon.numerics.errors.InputTypeError: spectra must be Spectra or the path of a store; got a float
    """
    if isinstance(given, Spectra):
        return given
    if isinstance(given, str | os.PathLike):
        return load_spectra(os.fspath(given))
    if isinstance(given, xr.Dataset):
        return Spectra.from_xarray(given)
    first = given[0] if isinstance(given, list | tuple) and given else given
    if any(type(one).__module__.startswith("specutils") for one in (given, first)):
        # imported here because astropy.nddata is slow to import and rarely needed
        from bayescannon.io.specutils import stack_specutils

        return stack_specutils(given)
    hint = ""
    if isinstance(first, RawSpectrum):
        hint = ". Make Spectra of RawSpectrum with prepare_spectra"
    elif isinstance(given, LabelTable):
        hint = ". Check that spectra and labels are not swapped"
    elif hasattr(given, "theta") and hasattr(given, "label_names"):
        hint = ". Check that model and spectra are not swapped"
    raise InputTypeError(f"{name} must be Spectra or the path of a store; got {a_kind(given)}{hint}")


def as_labels(
    given: Any,
    *,
    options: TableOptions | None = None,
    label_names: Sequence[str] | None = None,
    optional: Sequence[str] = (),
    keys: Sequence[str] = (),
) -> LabelTable:
    """
    Return a table of labels, which is read if need be; a LabelTable is returned unchanged.

    Parameters and further errors are those of :func:`bayescannon.io.tables.read_table`. `options` say how to read a
    table, so they cannot be given with a LabelTable.

    Raises
    ------
    InputTypeError
        `options` were given with a LabelTable.
    """
    options = TableOptions() if options is None else options
    if isinstance(given, LabelTable) and not options.is_plain:
        raise InputTypeError(
            "format, columns, units, missing and extension say how to read a table; got a LabelTable. Leave them out"
        )
    return read_table(given, options, label_names, optional=optional, keys=keys)

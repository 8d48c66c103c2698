"""What a function accepts as spectra or as labels: the object itself, or where it can be read from."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import xarray as xr

from bayescannon.data.label_table import LabelTable
from bayescannon.data.parts import kind_of
from bayescannon.data.spectra import RawSpectrum, Spectra
from bayescannon.io.store import load_spectra
from bayescannon.io.tables import read_labels
from bayescannon.numerics.errors import InputTypeError


def as_spectra(given: Any, *, name: str = "spectra") -> Spectra:
    """
    Return spectra from what stands for them.

    Parameters
    ----------
    given : Spectra, path of a store, Dataset, or normalised spectra of specutils on one grid
    name : str
        What it is, for messages.

    Raises
    ------
    InputTypeError
        It is none of these.
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
        # astropy.nddata is slow to import, and seldom needed
        from bayescannon.io.specutils import stack_specutils

        return stack_specutils(given)
    hint = ""
    if isinstance(first, RawSpectrum):
        hint = "; prepare_spectra makes Spectra of RawSpectrum"
    elif isinstance(given, LabelTable):
        hint = "; are spectra and labels swapped?"
    elif hasattr(given, "theta") and hasattr(given, "label_names"):
        hint = "; are model and spectra swapped?"
    raise InputTypeError(f"{name} must be Spectra or the path of a store; got a {kind_of(given)}{hint}")


def as_labels(
    given: Any,
    *,
    format: str = "table",
    label_names: Sequence[str] | None = None,
    columns: Mapping[str, str] | None = None,
) -> LabelTable:
    """
    Return a table of labels from what stands for one; a LabelTable is returned as it is.

    Parameters, and what is raised, are those of :func:`bayescannon.io.tables.read_labels`. `format` and `columns` say
    how to read a table, and are refused for a LabelTable, which is read already.

    Raises
    ------
    InputTypeError
        `format` or `columns` were given with a LabelTable.
    """
    if isinstance(given, LabelTable) and (format != "table" or columns):
        raise InputTypeError("format and columns say how to read a table; this is a LabelTable, which is read already")
    return read_labels(given, format=format, label_names=label_names, columns=columns)

"""Labels and errors of reference stars as arrays, from arrays or from the named columns of a table."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayescannon.data.convert import numbers, texts
from bayescannon.data.label_table import label_numbers
from bayescannon.data.labels import KNOWN_LABELS, LabelError, labels_from_names
from bayescannon.data.parts import row_names, split
from bayescannon.data.star_ids import bare_id, same_stars
from bayescannon.data.units import label_unit, to_unit
from bayescannon.io.frames import columns_of
from bayescannon.numerics.errors import InputError, InputTypeError
from bayescannon.numerics.typing import FloatArray


def label_matrix(
    given: Any, label_names: Sequence[str] | None, star_id: Sequence[str]
) -> tuple[tuple[str, ...], FloatArray]:
    """
    Return the names of labels and their values, shape (star, K), float64 and finite, in the labels' units.

    Parameters
    ----------
    given : array of shape (star, K), of shape (star,) for one label, or table in memory
    label_names : sequence of K str, or None
        None takes the columns of a table that are named after labels.
    star_id : sequence of str
        Names of the stars; rows of a table that has ids must be in this order.

    Raises
    ------
    LabelError
        An unknown label, or one that the table lacks.
    InputError
        Another shape, values that are not finite, or labels of other stars.
    """
    table = _table(given)
    n_star = len(star_id)
    if table is None:
        _require_same_stars(row_names(given), star_id)
        if label_names is None:
            raise InputError("labels in an array need their names: label_names=('teff', 'logg')")
        names = tuple(label.name for label in labels_from_names(label_names))
        values = _matrix(given, "labels", names, n_star)
        unit = split(given, "labels").unit
        columns = [to_unit(values[:, k], unit, label_unit(KNOWN_LABELS[name]), name) for k, name in enumerate(names)]
    else:
        there, get = table
        wanted = [name for name in KNOWN_LABELS if name in there] if label_names is None else label_names
        if not wanted:
            raise LabelError(
                f"no column is named after a label; the columns are {', '.join(there)}, and labels are "
                f"{', '.join(KNOWN_LABELS)}"
            )
        names = tuple(label.name for label in labels_from_names(wanted))
        missing = [name for name in names if name not in there]
        if missing:
            raise LabelError(f"labels have no column {missing[0]!r}; the columns are {', '.join(there)}")
        if "id" in there:
            _require_same_stars(_ids(get), star_id)
        columns = [label_numbers(get(name), name) for name in names]
    for name, values in zip(names, columns, strict=True):
        if values.shape != (n_star,):
            raise InputError(f"{name} must have one value per star ({n_star}); got {values.shape}")
    matrix = np.column_stack(columns).astype(np.float64, copy=False)
    if not np.isfinite(matrix).all():
        star, k = np.argwhere(~np.isfinite(matrix))[0]
        n_bad = int((~np.isfinite(matrix)).any(axis=1).sum())
        raise InputError(
            f"labels must be finite, and {names[k]} of {star_id[star]} is {matrix[star, k]}; leave out the {n_bad} "
            "stars that lack a label"
        )
    _require_possible(names, matrix, star_id)
    return names, matrix


def _require_possible(names: Sequence[str], matrix: FloatArray, star_id: Sequence[str]) -> None:
    """Raise if a label is outside its physical range: a sentinel for a missing value, or another unit."""
    for k, name in enumerate(names):
        label = KNOWN_LABELS[name]
        outside = (matrix[:, k] < label.lowest) | (matrix[:, k] > label.highest)
        if outside.any():
            star = int(np.flatnonzero(outside)[0])
            raise InputError(
                f"{name} of {star_id[star]} is {matrix[star, k]:g}, and a star has {label.range_text()}; leave out the "
                f"{int(outside.sum())} stars with such values, or convert them to {label.unit or 'plain numbers'}"
            )


def error_matrix(given: Any, labels: Any, names: tuple[str, ...], star_id: Sequence[str]) -> FloatArray:
    """
    Return the errors of labels, shape (star, K), float64; NaN where they are not known.

    Parameters
    ----------
    given : array of shape (star, K), table in memory, or None
        Columns of a table are named ``e_<label>`` or ``<label>``. None takes the columns ``e_<label>`` of `labels`.
    labels : array or table in memory
    names : tuple of K str
    star_id : sequence of str
        Names of the stars; rows of a table that has ids must be in this order.

    Raises
    ------
    InputError
        Another shape, or errors of other stars.
    """
    n_star = len(star_id)
    table = _table(labels if given is None else given)
    if table is None:
        if given is None:
            return np.full((n_star, len(names)), np.nan)
        _require_same_stars(row_names(given), star_id, "errors")
        return _matrix(given, "errors", names, n_star)
    there, get = table
    if "id" in there and given is not None:
        _require_same_stars(_ids(get), star_id, "errors")
    errors = np.full((n_star, len(names)), np.nan)
    for k, name in enumerate(names):
        column = f"e_{name}" if f"e_{name}" in there or given is None else name
        if column in there:
            values = label_numbers(get(column), name, prefix="e_")
            if values.shape != (n_star,):
                raise InputError(f"{column} must have one value per star ({n_star}); got {values.shape}")
            errors[:, k] = values
    return errors


def source_names(given: Any, n_star: int) -> NDArray[np.str_]:
    """
    Return the surveys that stars have their labels from as text, shape (star,); empty names if none were given.

    Raises
    ------
    InputError
        Another shape.
    """
    if given is None:
        return np.full(n_star, "")
    found = texts(given, "source", missing_allowed=True)
    if found.shape != (n_star,):
        raise InputError(f"source must have one name per spectrum ({n_star}); got shape {found.shape}")
    return found


def _table(given: Any) -> tuple[list[str], Callable[[str], Any]] | None:
    """Return names and columns of a table with names that are text; None of anything else."""
    if hasattr(given, "dims") and hasattr(given, "coords") and not hasattr(given, "data_vars"):
        return _of_data_array(given)
    try:
        found = columns_of(given)
    except InputTypeError:
        return None
    if found is None:
        raise InputTypeError(f"labels are an array or a table in memory, got the path {given}; use build_reference")
    # the columns of a DataFrame made of an array are numbered
    return found if any(name in KNOWN_LABELS or name[2:] in KNOWN_LABELS for name in found[0]) else None


def _of_data_array(given: Any) -> tuple[list[str], Callable[[str], Any]] | None:
    """Return the columns of a DataArray (star, label) that has the names of labels as a coordinate; None of others."""
    names_of = {
        dim: [str(name) for name in given[dim].to_numpy().tolist()] for dim in given.dims if dim in given.coords
    }
    dim = next((dim for dim, names in names_of.items() if any(name in KNOWN_LABELS for name in names)), None)
    if dim is None or given.ndim != 2:
        return None
    names, stars = names_of[dim], row_names(given.transpose(..., dim))
    there = [*names, *(["id"] if stars is not None else [])]
    return there, lambda name: stars if name == "id" else given.isel({dim: names.index(name)})


def _ids(get: Callable[[str], Any]) -> list[str]:
    """Return the ids of a table's rows."""
    found: list[str] = texts(get("id"), "id", missing_allowed=True).tolist()
    return found


def _matrix(given: Any, what: str, names: tuple[str, ...], n_star: int) -> FloatArray:
    """Return an array of shape (star, label) as float64, NaN where it is masked."""
    values = numbers(given, what, masked=np.nan)[0].astype(np.float64, copy=False)
    if values.ndim == 1 and len(names) == 1:
        values = values[:, None]
    shape = (n_star, len(names))
    if values.shape != shape:
        hint = f"; it is transposed: {what}.T" if values.shape == shape[::-1] else ""
        raise InputError(
            f"labels and errors must have shape (star, label) = {shape}; got {what} of {values.shape}{hint}"
        )
    return values


def _require_same_stars(ids: Sequence[str] | None, star_id: Sequence[str], what: str = "labels") -> None:
    """Raise unless a table's ids, if it has any, are the spectra's, in their order."""
    if ids is None or same_stars(ids, star_id):
        return
    found, wanted = ([bare_id(str(name)) for name in names] for names in (ids, star_id))
    if sorted(found) == sorted(wanted):
        fault = f"the rows of {what} are in another order than the spectra"
    else:
        fault = (
            f"{what} have ids of other stars than the spectra: {', '.join(found[:2])} against {', '.join(wanted[:2])}"
        )
    raise InputError(f"{fault}; build_reference(spectra, labels) matches them by id")

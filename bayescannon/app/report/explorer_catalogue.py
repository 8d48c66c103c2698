"""The rows of a catalogue as the page's explorer draws them: columns in the order in which they are of use."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy.table import Column, Table
from numpy.typing import NDArray

from bayescannon.app.report.packing import pack, pack_codes, pack_texts, pack_values, size_of

# of more rows than this, labels and other columns are rounded to so many steps of their range
_MANY, _LABEL_STEPS, _OTHER_STEPS = 50_000, 8000, 1000
_ROUNDED = f"labels of the catalogue are rounded to 1/{_LABEL_STEPS} of their range, other columns to 1/{_OTHER_STEPS}"
# rows of a page at most, and the share of its room that names and labels of them may take
_MOST_ROWS, _NAMES_AND_LABELS = 500_000, 0.7
# columns of texts with more different values than this are left out: they are names
_MOST_KINDS = 40
# the column that this module adds
REFERENCE = "in_reference_set"
# columns that are of use beside the labels and their errors, in order
_SECOND = (
    "snr_g", "rchi2", "flags", "flag_bad", "flag_warn", REFERENCE, "population", "p_none", "p_coverage", "p_novelty",
    "p_joint", "label_distance", "ra", "dec", "redshift", "status", "live_pixels",
)  # fmt: skip


@dataclass(frozen=True)
class PackedCatalogue:
    """
    A catalogue for the page.

    Attributes
    ----------
    data : dict
        ``n``, ``id`` and ``columns``, which JSON can hold.
    size : int
        Of the packed columns [bytes].
    left_out : tuple of str
        Columns that did not fit.
    rounded : str
        How the numbers are rounded; empty if there are few rows.
    """

    data: dict[str, Any]
    size: int
    left_out: tuple[str, ...]
    rounded: str


def rows_that_fit(catalogue: Table, label_names: tuple[str, ...], *, limit: int) -> NDArray[np.intp]:
    """
    Return rows, evenly spaced, whose names and labels leave room for other columns: all of them where they are few.

    Parameters
    ----------
    catalogue : Table
    label_names : tuple of str
    limit : int
        Of the size of all columns [bytes].
    """
    needed = ("id", *label_names)
    number = min(len(catalogue), _MOST_ROWS)
    while number:
        rows = np.linspace(0, len(catalogue) - 1, number).round().astype(np.intp)
        few = Table([catalogue[name][rows] for name in needed], names=needed)
        found = pack_catalogue(few, label_names, np.zeros(0, dtype=np.str_), limit=int(_NAMES_AND_LABELS * limit))
        if found.size <= _NAMES_AND_LABELS * limit and not set(found.left_out) & set(label_names):
            return rows
        number //= 2
    return np.zeros(0, dtype=np.intp)


def pack_catalogue(
    catalogue: Table, label_names: tuple[str, ...], reference_id: NDArray[np.str_], *, limit: int
) -> PackedCatalogue:
    """
    Pack as many columns as fit, the most useful ones first.

    Parameters
    ----------
    catalogue : Table
    label_names : tuple of str
        Of the model; their columns and those of their errors come first.
    reference_id : str array
        Spectra of the reference set: the column ``in_reference_set`` says which rows they are.
    limit : int
        Of the size [bytes].
    """
    ids = np.asarray(catalogue["id"]).astype(str)
    names = pack_texts(ids)
    size, columns, left_out = size_of(names), [], []
    many = len(catalogue) > _MANY
    inside = Column(np.isin(ids, reference_id), description="the spectrum is of the reference set")
    every = {name: catalogue[name] for name in catalogue.colnames} | {REFERENCE: inside}
    for name in _in_order(every, label_names):
        steps = _LABEL_STEPS if name in label_names else _OTHER_STEPS
        packed = _packed(every[name], {"steps": steps} if many else {})
        if packed is None:
            continue
        if size + size_of(packed) > limit:
            left_out.append(name)
            continue
        size += size_of(packed)
        unit = "" if every[name].unit is None else str(every[name].unit)
        columns.append({"name": name, "unit": unit, "text": every[name].description or "", **packed})
    data = {"n": len(catalogue), "id": names, "columns": columns}
    return PackedCatalogue(data, size, tuple(left_out), _ROUNDED if many else "")


def _in_order(every: Mapping[str, Any], label_names: tuple[str, ...]) -> Iterator[str]:
    """Yield the names of columns: labels, their errors, what says how good a row is, and the rest."""
    first = [*label_names, *_SECOND[:6], *(f"e_{name}" for name in label_names),
             *(f"e_formal_{name}" for name in label_names), *_SECOND[6:]]  # fmt: skip
    for name in dict.fromkeys([*first, *every]):
        if name in every and name != "id":
            yield name


def _packed(column: Any, precision: dict[str, int]) -> dict[str, Any] | None:
    """Return a column packed: whole numbers and few kinds of texts exactly; None for names and arrays."""
    values = np.asarray(column)
    if values.ndim != 1:
        return None
    if values.dtype.kind in "US":
        kinds, codes = np.unique(values.astype(str), return_inverse=True)
        if not 1 < len(kinds) <= _MOST_KINDS:
            return None
        return pack(codes, "u1") | {"low": 0.0, "step": 1.0, "names": kinds.tolist()}
    if values.dtype.kind in "bui":
        return pack_codes(values) or pack_values(values, **precision)
    return pack_values(values, **precision) if values.dtype.kind == "f" else None

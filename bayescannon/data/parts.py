"""Arrays of any kind split into values, mask and unit, so that neither mask nor unit is lost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayescannon.data.star_ids import same_stars
from bayescannon.data.units import to_unit
from bayescannon.numerics.errors import InputError, InputTypeError
from bayescannon.numerics.typing import BoolArray

# default of an attribute whose value the class fills in
UNKNOWN: Any = None


@dataclass(frozen=True)
class Parts:
    """
    An array split into values, mask and unit.

    Attributes
    ----------
    values : array
        A plain numpy array; text may be of any of numpy's text types, mixed objects stay objects.
    mask : bool array of the same shape, or None
        True where a value is missing: masked, None, or a missing value of pandas that is not NaN.
    unit : astropy unit, str or None
        The unit that came with the values.
    """

    values: NDArray[Any]
    mask: BoolArray | None = None
    unit: Any = None


def split(given: Any, name: str) -> Parts:
    """
    Split an array of any kind into values, mask and unit.

    Parameters
    ----------
    given : array-like
        Array, list, masked array, Quantity, Masked, Column, NDData, Series, DataFrame, Index, DataArray, or a list
        of these.
    name : str
        What it is, for messages.

    Raises
    ------
    InputTypeError
        It is not an array, or its rows differ in length.
    """
    if isinstance(given, list | tuple):
        return _split_sequence(given, name)
    if hasattr(given, "magnitude") and hasattr(given, "units"):
        raise InputTypeError(
            f"{name} is {a_kind(given)}; give a plain array or a Quantity of astropy, {name}.magnitude * UNIT"
        )
    unit = getattr(given, "unit", None)
    if hasattr(given, "unmasked"):  # astropy's Masked
        inner = split(given.unmasked, name)
        return Parts(inner.values, either(inner.mask, np.asarray(given.mask)), inner.unit)
    if hasattr(given, "uncertainty") and hasattr(given, "data"):  # NDData
        inner = split(given.data, name)
        mask = None if given.mask is None else np.broadcast_to(np.asarray(given.mask, dtype=bool), inner.values.shape)
        return Parts(inner.values, either(inner.mask, mask), inner.unit if unit is None else unit)
    mask = None
    if isinstance(given, np.ma.MaskedArray):
        values, mask = np.asarray(np.ma.getdata(given)), np.ma.getmaskarray(given)
    elif hasattr(given, "to_numpy"):
        values, mask = _from_frame(given)
        attrs = getattr(given, "attrs", None)
        unit = attrs.get("units") if isinstance(attrs, Mapping) else None
    else:
        try:
            values = np.asarray(given)
        except Exception as error:  # each library has its own
            raise InputTypeError(
                f"{name} must be an array of numbers or names; got {a_kind(given)}, which is not an array: {error}"
            ) from error
    if values.dtype.kind == "V" or (values.ndim == 0 and values.dtype.kind == "O" and not _is_missing(given)):
        raise InputTypeError(f"{name} must be an array of numbers or names; got {a_kind(given)}")
    if values.dtype.kind == "O":
        mask = either(mask, np.asarray(np.frompyfunc(_is_missing, 1, 1)(values), dtype=bool))
    return Parts(values, mask, unit)


def row_names(given: Any) -> list[str] | None:
    """
    Return the names of the rows of a frame, a Series or a DataArray; None of anything without names.

    Names are an index of text without a name, or one named ``id`` or ``star``, and a coordinate of text.
    """
    names: Any = None
    if hasattr(given, "dims") and hasattr(given, "coords"):
        if given.dims and given.dims[0] in given.coords:
            names = given.coords[given.dims[0]]
    else:
        index: Any = getattr(given, "index", None)
        if hasattr(index, "dtype") and getattr(index, "nlevels", 1) == 1 and index.name in (None, "id", "star"):
            names = index
    values = None if names is None else np.asarray(names.to_numpy())
    if values is None or values.dtype.kind not in "OSUT" or not all(isinstance(one, str) for one in values.tolist()):
        return None
    return [one.strip() for one in values.tolist()]


def require_row_names(given: Any, name: str, ids: Sequence[str]) -> None:
    """
    Raise unless the rows of a frame or DataArray, if they have names, are those of the stars `ids`, in their order.

    Raises
    ------
    InputError
        Other names, or another order.
    """
    found = row_names(given)
    if found is None or same_stars(found, ids):
        return
    if sorted(found) == sorted(ids):
        raise InputError(f"the rows of {name} are in another order than id; sort them, for instance {name}.loc[id]")
    raise InputError(
        f"the rows of {name} have the names of other stars than id: {', '.join(found[:2])} against "
        f"{', '.join(ids[:2])}. Give plain numbers if its index does not name stars"
    )


def either(first: BoolArray | None, second: BoolArray | None) -> BoolArray | None:
    """Return where either of two masks is set; None is a mask that is set nowhere."""
    if first is None or second is None:
        return second if first is None else first
    return first | second


def _split_sequence(given: Sequence[Any], name: str) -> Parts:
    """Split a list or tuple; the rows of a list of arrays keep their masks and units."""
    if all(isinstance(one, str | bytes | bool | int | float | np.generic) or one is None for one in given):
        values = np.array(given if len(given) else np.empty(0))
        return split(values, name)
    parts = [split(one, f"{name}[{i}]") for i, one in enumerate(given)]
    shapes = sorted({part.values.shape for part in parts})
    if len(shapes) > 1:
        raise InputError(
            f"the rows of {name} must have the same shape; got {shapes[0]} and {shapes[-1]}. Make one RawSpectrum of "
            "each spectrum, and give the list of them to prepare_spectra"
        )
    unit = next((part.unit for part in parts if part.unit is not None), None)
    rows = [
        part.values if unit is None else to_unit(part.values, part.unit, unit, f"{name}[{i}]")
        for i, part in enumerate(parts)
    ]
    mask = None
    if any(part.mask is not None for part in parts):
        mask = np.stack([np.zeros(part.values.shape, bool) if part.mask is None else part.mask for part in parts])
    return Parts(np.stack(rows), mask, unit)


def _from_frame(given: Any) -> tuple[NDArray[Any], BoolArray | None]:
    """Return values of pandas, xarray or polars, and a mask where the type has missing values beside NaN."""
    values = np.asarray(given.to_numpy())
    types = [*given.dtypes] if hasattr(given, "columns") else [given.dtype]
    if len(types) == 1 and values.dtype.kind == "f" and str(types[0]).lower().startswith(("int", "uint")):
        # whole numbers with a missing one, which floats cannot hold to the last digit
        values = np.asarray(given.to_numpy(dtype=object))
    mask = None
    if hasattr(given, "isna") and any(not isinstance(one, np.dtype) for one in types):
        mask = np.asarray(given.isna(), dtype=bool)
    return values, mask


def _is_missing(one: Any) -> bool:
    return one is None or type(one).__name__ in ("NAType", "NaTType", "MaskedConstant")


def kind_of(given: Any) -> str:
    """Name the type of an object and the library that defines it."""
    kind = type(given)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__.split('.')[0]} {kind.__name__}"


def a_kind(given: Any) -> str:
    """
    Name the type of an object with its article.

    Examples
    --------
    >>> a_kind(1.5), a_kind(1)
    ('a float', 'an int')
    """
    kind = kind_of(given)
    return f"{'an' if kind[0].lower() in 'aeio' else 'a'} {kind}"


def dtype_text(values: NDArray[Any]) -> str:
    """Name the type of an array's elements."""
    return {"U": "text", "S": "bytes", "T": "text", "b": "booleans", "c": "complex numbers"}.get(
        values.dtype.kind, str(values.dtype)
    )


def require_kind(given: Any, kind: type[Any], call: str) -> None:
    """
    Raise unless an argument is of a class.

    Parameters
    ----------
    given : object
    kind : class
    call : str
        How the function is called, for the message.

    Raises
    ------
    InputTypeError
        It is of another class.
    """
    if not isinstance(given, kind):
        raise InputTypeError(f"{call} takes {kind.__name__} there; got {a_kind(given)}")

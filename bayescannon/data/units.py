"""Units of the input: numbers with a unit are converted to the package's unit, or raise an error that names them."""

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayescannon.data.labels import Label
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.typing import FloatArray

# how tables write the unit of a logarithm: log(K), [K]
_LOG = re.compile(r"(?:log|log10|lg|dex)\((.+)\)|\[(.+)\]", re.IGNORECASE)
# what astropy does not know, in lower case
_SPELLINGS = {"angstrom": "Angstrom", "angstroms": "Angstrom", "nanometers": "nm", "microns": "um"}
# ends of the name of the angle of an hour
_HOURS = ("h", "hr", "hour", "hours", "hourangle", "hms")


class UnitError(InputError):
    """Numbers whose unit does not convert to the unit that is expected."""


def to_unit(values: NDArray[Any], unit: Any, wanted: Any, name: str, *, remedy: str = "") -> NDArray[Any]:
    """
    Convert numbers to a unit.

    Parameters
    ----------
    values : array
        Numbers in `unit`.
    unit : astropy unit, str or None
        None and dimensionless are plain numbers: they are taken to be in `wanted` already.
    wanted : astropy unit or str
        Unit of the result. Only logarithms convert to a logarithm ("dex", "dex(cm / s2)") and only magnitudes to "mag",
        although astropy converts between the two.
    name : str
        What the numbers are, for messages.
    remedy : str
        What to do instead, for messages.

    Raises
    ------
    UnitError
        The unit is not known, or does not convert.

    Examples
    --------
    >>> import numpy as np
    >>> to_unit(np.array([4.8, 5.1]), "kK", "K", "teff")
    array([4800., 5100.])
    >>> to_unit(np.array([1.0]), "Jy", "K", "teff")
    Traceback (most recent call last):
    bayescannon.data.units.UnitError: teff is in Jy, which does not convert to K; give teff in K
    """
    if unit is None:
        return values
    import astropy.units as u

    given, target = as_unit(unit), as_unit(wanted)
    if target == u.deg and str(given) in _HOURS:
        given = u.hourangle
    if given == target or given == u.dimensionless_unscaled or not str(given):
        return values
    # astropy takes a magnitude as -0.4 dex; converting one kind of logarithm to another is meaningless for labels
    kind, wanted_kind = _kind(given), _kind(target)
    if wanted_kind in ("dex", "log") and kind in ("dex", "log", "unknown") and not kind == wanted_kind == "log":
        # tables write the units of logarithms in many ways: [Sun], log(cgs), dex(---)
        return values
    if kind == wanted_kind:
        try:
            result: NDArray[Any] = given.to(target, values)
            return result
        except u.UnitConversionError:
            pass
    expected = "plain numbers" if target == u.dimensionless_unscaled else str(target)
    fault = "is not a known unit" if kind == "unknown" else f"does not convert to {expected}"
    raise UnitError(f"{name} is in {given}, which {fault}; {remedy or f'give {name} in {expected}'}")


def as_unit(unit: Any) -> Any:
    """
    Return the astropy unit of a unit or its text; units of logarithms are understood as tables write them.

    Examples
    --------
    >>> as_unit("log(K)"), as_unit("[K]"), as_unit("kK")
    (Unit("dex(K)"), Unit("dex(K)"), Unit("kK"))
    """
    import astropy.units as u

    text = str(unit).strip().strip("'\"")
    text = _SPELLINGS.get(text.lower(), text)
    logarithm = _LOG.fullmatch(text)
    if logarithm:
        name = (logarithm[1] or logarithm[2]).strip()
        inside = u.Unit(name, parse_strict="silent")
        # [Sun] is relative to the Sun, not in units of one
        if name.lower() not in ("sun", "solar") and not isinstance(
            inside, u.UnrecognizedUnit | u.function.FunctionUnitBase
        ):
            return u.DexUnit(inside)
    if text.lower() in ("sun", "solar"):
        # relative to the Sun, in dex; not the unit of astropy
        return u.Unit(f"[{text}]", parse_strict="silent")
    if text.lower() in ("kelvin", "kelvins"):
        return u.K
    return u.Unit(text if isinstance(unit, str) else unit, parse_strict="silent")


def to_label_unit(
    values: FloatArray, errors: FloatArray | None, units: tuple[Any, Any], label: Label, name: str
) -> tuple[FloatArray, FloatArray | None]:
    """
    Convert a column of labels and their errors to the label's unit.

    Unlike :func:`to_unit` a declared logarithm of a quantity is taken to the power of ten where the label is the
    quantity, and the other way round; the errors then follow to first order.

    Parameters
    ----------
    values : float array of shape (N,)
    errors : float array of shape (N,), or None
    units : tuple of the unit of the values and that of the errors
        None is plain numbers; errors without a unit are in that of the label.
    label : Label
    name : str
        What the numbers are, for messages.

    Raises
    ------
    UnitError
        A unit is not known, or does not convert.

    Examples
    --------
    >>> import numpy as np
    >>> from bayescannon.data.labels import KNOWN_LABELS
    >>> to_label_unit(np.array([3.69897]), np.array([0.004]), ("log(K)", "log(K)"), KNOWN_LABELS["teff"], "teff")
    (array([4999.99995008]), array([46.0517014]))
    """
    unit, error_unit = units
    wanted = label_unit(label)
    remedy = (
        f"convert it to {label.unit or 'plain numbers'}, or say its unit if the table is wrong: --units "
        f"{label.name}={label.unit or 'UNIT'} (units={{{label.name!r}: {label.unit!r}}})"
    )
    given, target = (None if unit is None else as_unit(unit)), as_unit(wanted)
    if given is not None and (_kind(given), _kind(target)) == ("log", "other"):
        with np.errstate(over="ignore"):
            values = 10.0**values
        linear = to_unit(values, given.physical_unit, wanted, name, remedy=remedy)
        if errors is not None and not (error_unit is not None and _kind(as_unit(error_unit)) == "other"):
            return linear, linear * np.log(10) * errors
        return linear, None if errors is None else to_unit(errors, error_unit, wanted, f"the error of {name}")
    if given is not None and (_kind(given), _kind(target)) == ("other", "log") and str(given):
        linear = to_unit(values, given, target.physical_unit, name, remedy=remedy)
        positive = np.where(linear > 0, linear, np.nan)
        if errors is not None and not (error_unit is not None and _kind(as_unit(error_unit)) in ("log", "dex")):
            errors = to_unit(errors, error_unit or given, target.physical_unit, f"the error of {name}") / positive
            errors = errors / np.log(10)
        return np.log10(positive), errors
    converted = to_unit(values, unit, wanted, name, remedy=remedy)
    if errors is not None:
        errors = to_unit(errors, error_unit, label.unit, f"the error of {name}", remedy=remedy)
    return converted, errors


def _kind(unit: Any) -> str:
    """Classify a unit: "dex" without a unit inside, "log" of a unit, "mag", "unknown" or "other"."""
    import astropy.units as u

    if isinstance(unit, u.UnrecognizedUnit):
        return "unknown"
    if isinstance(unit, u.DexUnit):
        return "log"
    if unit == u.dex:
        return "dex"
    return "mag" if isinstance(unit, u.MagUnit) or unit.decompose().bases == [u.dex] else "other"


def require_linear(unit: Any, name: str) -> None:
    """
    Raise an error if a unit is that of a logarithm, such as mag, dex or dB.

    Raises
    ------
    UnitError
        It is, or contains, a logarithm.
    """
    if unit is None:
        return
    import astropy.units as u

    given = u.Unit(unit, parse_strict="silent")
    if isinstance(given, u.function.FunctionUnitBase) or _kind(given) in ("dex", "log", "mag"):
        raise UnitError(
            f"{name} must be linear; got {name} in {given}, which is a logarithm. Convert magnitudes to flux, and "
            "their errors too"
        )


def label_unit(label: Label) -> str:
    """Return the unit of a label as astropy writes it; the unit of a logarithm contains that of its argument."""
    return f"dex({label.log_of})" if label.log_of else label.unit

"""Units of the input: numbers with a unit are converted to the package's unit, or raise an error that names them."""

from typing import Any

from numpy.typing import NDArray

from bayescannon.data.labels import Label
from bayescannon.numerics.errors import InputError


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

    given, target = (u.Unit(one, parse_strict="silent") for one in (unit, wanted))
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

"""What a file says of its wavelengths: in air or in vacuum, corrected to the Sun or not."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# words of headers and attributes, in capitals
_YES = ("T", "TRUE", "YES", "Y", "1")
_NO = ("F", "FALSE", "NO", "N", "0")


@dataclass(frozen=True)
class WavelengthScale:
    """
    The scale of the wavelengths of one file.

    Attributes
    ----------
    air : bool or None
        In air; None if the file does not say.
    notes : tuple of str
        What is unusual and was decided.
    """

    air: bool | None
    notes: tuple[str, ...] = ()


def wavelength_scale(header: Mapping[str, Any]) -> WavelengthScale:
    """
    Return what a header, or the attributes of an array, say of wavelengths.

    Read are ``VACUUM`` (LAMOST, SDSS: true or false, also as text), ``CTYPE1`` (``AWAV`` is air and ``WAVE`` vacuum,
    Greisen et al. 2006, A&A 446, 747), ``AIRORVAC`` (IRAF), ``AIR``, ``MEDIUM``, and ``HELIO``. Where the first and
    another disagree, the first of this list is taken and said.

    Parameters
    ----------
    header : mapping
        Keys in any case.

    Examples
    --------
    >>> wavelength_scale({"VACUUM": False}).air, wavelength_scale({"CTYPE1": "WAVE-LOG"}).air
    (True, False)
    >>> wavelength_scale({"VACUUM": "T", "CTYPE1": "AWAV"}).notes
    ('spectra whose VACUUM says vacuum and CTYPE1 says air: VACUUM was taken',)
    """
    values = {str(key).upper(): value for key, value in header.items() if value is not None}
    says = {key: air for key in _READERS if key in values and (air := _READERS[key](values[key])) is not None}
    notes = []
    air = next(iter(says.values()), None)
    first = next(iter(says), "")
    for key, other in says.items():
        if other != air:
            one, two = scale_name(air), scale_name(other)
            notes.append(f"spectra whose {first} says {one} and {key} says {two}: {first} was taken")
    unclear = [key for key in ("VACUUM", "AIR", "AIRORVAC") if key in values and key not in says and values[key] != ""]
    notes += [f"spectra whose {key} = {values[key]!r} says neither air nor vacuum" for key in unclear]
    if _truth(values.get("HELIO")) is False:
        notes.append("spectra without heliocentric correction (HELIO = F): their redshifts must be of the same frame")
    return WavelengthScale(air, tuple(notes))


def _truth(value: Any) -> bool | None:
    """Return a value of a header as a bool, also if it is a text or a number; None if it is neither."""
    word = (value.decode() if isinstance(value, bytes) else str(value)).strip(" '\"").upper()
    return True if word in _YES else False if word in _NO else None


def _vacuum(value: Any) -> bool | None:
    truth = _truth(value)
    return _medium(value) if truth is None else not truth


def _air(value: Any) -> bool | None:
    truth = _truth(value)
    return _medium(value) if truth is None else truth


def _medium(value: Any) -> bool | None:
    word = (value.decode() if isinstance(value, bytes) else str(value)).strip().upper()
    return True if word.startswith("AIR") else False if word.startswith("VAC") else None


def _axis(value: Any) -> bool | None:
    word = str(value).strip().upper()
    return True if word.startswith("AWAV") else False if word.startswith("WAVE") and word != "WAVELENGTH" else None


def scale_name(air: bool | None) -> str:
    """Return "air" or "vacuum"."""
    return "air" if air else "vacuum"


_READERS = {"VACUUM": _vacuum, "CTYPE1": _axis, "AIRORVAC": _medium, "AIR": _air, "MEDIUM": _medium}

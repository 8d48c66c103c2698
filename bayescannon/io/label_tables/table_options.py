"""How a table of labels is read: the user's choices, as one object."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bayescannon.data.parts import a_kind
from bayescannon.data.sentinels import Repeated, repeated_values
from bayescannon.io.label_tables.found_table import TableError
from bayescannon.numerics.errors import InputTypeError
from bayescannon.numerics.typing import BoolArray, FloatArray

# columns other than labels, and the names by which they are found, in this order, in upper or lower case
PLAIN_COLUMNS: dict[str, tuple[str, ...]] = {
    "id": ("LAMOST_ID", "id", "file"),
    "survey_id": ("APOGEE_ID", "survey_id"),
    "ra": ("ra",),
    "dec": ("dec",),
    "snr": ("snr",),
    "flags": ("flags", "ASPCAPFLAG"),
}
FORMATS = ("auto", "allstar", "allstar-dr12", "allstar-dr13", "allstar-dr17", "astra", "table")


@dataclass(frozen=True)
class TableOptions:
    """
    The user's choices for reading a table.

    Attributes
    ----------
    format : str
        One of `FORMATS`; auto tells the layout by the names of the columns.
    columns : mapping of name to column
        Columns of labels, their errors and :data:`PLAIN_COLUMNS`; they take precedence.
    units : mapping of name to unit
        Units of labels, their errors, ra and dec, in place of those that the table gives.
    missing : mapping of name to values
        Values of a label, or of ra, dec, snr or an error, that stand for a missing one, beside those that are
        recognised; an empty sequence, or "none", takes every value as it is.
    extension : str, int or None
        Name or number of the table in a file of several.

    Raises
    ------
    TableError
        An unknown format.
    InputTypeError
        Something else than a mapping.
    """

    format: str = "auto"
    columns: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, Any] = field(default_factory=dict)
    missing: Mapping[str, Any] = field(default_factory=dict)
    extension: str | int | None = None

    def __post_init__(self) -> None:
        given: Any = self.format
        if given not in FORMATS:
            raise TableError(f"format must be one of {', '.join(FORMATS)}; got {given!r}")
        hints = {
            "columns": "columns map names to columns, such as {'teff': 'Teff'}",
            "units": "units map names to units, such as {'teff': 'kK'}",
            "missing": "missing maps names to values, such as {'fe_h': [0]}",
        }
        for name, hint in hints.items():
            value = getattr(self, name)
            if value is None:
                object.__setattr__(self, name, {})
            elif not isinstance(value, Mapping):
                more = ". label_names=[...] names the labels to read" if name == "columns" else ""
                raise InputTypeError(f"{hint}; got {a_kind(value)}{more}")

    @property
    def is_plain(self) -> bool:
        """Whether no choice was made."""
        return self == TableOptions()

    def missing_values(self, name: str) -> Sequence[float]:
        """Return the values that stand for a missing one in the column of a name."""
        values = self.missing.get(name, ())
        values = () if _is_none(values) else [values] if isinstance(values, int | float) else values
        try:
            return [float(value) for value in values]
        except (TypeError, ValueError):
            raise InputTypeError(f"missing[{name!r}] must be numbers, or 'none'; got {self.missing[name]!r}") from None

    def sentinels(self, name: str, values: FloatArray) -> list[Repeated]:
        """Return the repeated values of a column, see `repeated_values`; none if the user takes it as it is."""
        given = self.missing.get(name)
        if given is not None and (_is_none(given) or np.size(given) == 0):
            return []
        return repeated_values(values)

    def is_missing(self, name: str, values: FloatArray) -> BoolArray:
        """Tell which values of a column stand for a missing one, by the user's choice or as sentinels."""
        lost = [one.value for one in self.sentinels(name, values) if one.missing]
        gone: BoolArray = np.isin(values, [*lost, *self.missing_values(name)])
        return gone


def _is_none(given: Any) -> bool:
    return isinstance(given, str) and given.strip().lower() == "none"

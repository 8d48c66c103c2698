"""A table of labels that a survey published: the trusted labels of Survey A, or those of Survey B."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntFlag
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayescannon.data.convert import bits, numbers, texts
from bayescannon.data.display import html_table, listed, printable
from bayescannon.data.labels import KNOWN_LABELS, LabelError, labels_from_names
from bayescannon.data.parts import UNKNOWN, a_kind
from bayescannon.data.spectra import row_index
from bayescannon.data.units import label_unit
from bayescannon.numerics.errors import InputError, InputTypeError
from bayescannon.numerics.typing import FloatArray

# the bit of a row whose flags are missing; it is APOGEE's NO_ASPCAP_RESULT, so such a row is never clean
MISSING_FLAGS = 1 << 31
_UNITS = {"ra": "deg", "dec": "deg", "snr": ""}


@dataclass(frozen=True, eq=False, repr=False)
class LabelTable:
    """
    Labels of N stars; missing values are NaN.

    Lists, frames, masked arrays, other number types and byte orders, and Quantities are converted; a masked value is
    missing. An attribute that is None becomes empty names, NaN, or no flags. :meth:`from_arrays` takes labels and
    errors by name.

    Attributes
    ----------
    id : str array of shape (N,)
        Names of the stars' spectra in Survey B, see :mod:`bayescannon.data.star_ids`; empty where unknown.
    survey_id : str array of shape (N,)
        Names of the stars in the survey that measured the labels.
    ra, dec : float arrays of shape (N,)
        ICRS position in degrees.
    labels, errors : mapping of label name to float array of shape (N,)
        Labels and their standard errors, in the labels' units. `errors` may lack labels.
    flags : uint64 array of shape (N,)
        Quality bits; 0 is good.
    flag_type : IntFlag class or None
        What the bits mean.
    snr : float array of shape (N,)
        The survey's signal-to-noise ratio.
    source : str
        Origin of the table, for messages and provenance.
    keys : mapping of column name to str array of shape (N,)
        Further names of the stars, by which spectra can be matched.
    layout : str
        What kind of table it was read from, such as ``"allstar-dr17"``; empty if it was not read.
    notes : tuple of str
        What was taken and what was dropped when it was read.

    Raises
    ------
    LabelError
        An unknown label.
    InputError, InputTypeError
        A column of a different length, one that cannot be used, or a negative error.

    Examples
    --------
    >>> import bayescannon as bc
    >>> bc.LabelTable(["star-1", "star-2"], labels={"teff": [4800, 5100]}, errors={"teff": [60, 70]})
    <LabelTable of 2 stars: teff; errors of teff; 2 ids, no positions>
    """

    id: NDArray[np.str_]
    survey_id: NDArray[np.str_] = UNKNOWN
    ra: FloatArray = UNKNOWN
    dec: FloatArray = UNKNOWN
    labels: Mapping[str, FloatArray] = UNKNOWN
    errors: Mapping[str, FloatArray] = UNKNOWN
    flags: NDArray[np.uint64] = UNKNOWN
    flag_type: type[IntFlag] | None = None
    snr: FloatArray = UNKNOWN
    source: str = ""
    keys: Mapping[str, NDArray[np.str_]] = UNKNOWN
    layout: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        values: dict[str, Any] = {}
        for kind in ("labels", "errors"):
            given = getattr(self, kind)
            if given is not None and not hasattr(given, "keys"):
                raise InputTypeError(f"{kind} must map names to one value per row; got {a_kind(given)}")
            pairs = {} if given is None else {str(name): given[name] for name in given.keys()}  # noqa: SIM118
            values[kind] = {
                label.name: label_numbers(pairs[label.name], label.name, prefix="e_" if kind == "errors" else "")
                for label in (labels_from_names(list(pairs)) if pairs else ())
            }
        first = next(iter(values["labels"].values()), self.snr if self.id is None else self.id)
        n_row = next(iter(np.shape(first)), 0)
        for name in ("id", "survey_id"):
            given = getattr(self, name)
            values[name] = np.full(n_row, "") if given is None else texts(given, name, missing_allowed=True)
        for name, unit in _UNITS.items():
            given = getattr(self, name)
            values[name] = (
                np.full(n_row, np.nan) if given is None else numbers(given, name, unit=unit, masked=np.nan)[0]
            )
        values["flags"] = (
            np.zeros(n_row, dtype=np.uint64) if self.flags is None else bits(self.flags, "flags", missing=MISSING_FLAGS)
        )
        object.__setattr__(self, "source", printable(str(self.source)))
        given = self.keys
        values["keys"] = (
            {} if given is None else {name: texts(one, name, missing_allowed=True) for name, one in given.items()}
        )
        for name, value in values.items():
            columns = {name: value}
            if name == "keys":
                columns = dict(value)
            if name in ("labels", "errors"):
                columns = {f"{'e_' * (name == 'errors')}{label}": one for label, one in value.items()}
            for column, one in columns.items():
                if one.shape != (len(values["id"]),):
                    raise InputError(
                        f"{column} must have one value per row ({len(values['id'])}); got shape {one.shape}"
                    )
            object.__setattr__(self, name, value)
        for name, errors in self.errors.items():
            require_errors(errors, f"e_{name}")

    @classmethod
    def from_arrays(
        cls,
        id: Any = None,
        *,
        flag_type: type[IntFlag] | None = None,
        source: str = "",
        keys: Mapping[str, Any] | None = None,
        layout: str = "",
        notes: tuple[str, ...] = (),
        **columns: Any,
    ) -> "LabelTable":
        """
        Make a table of columns.

        Parameters
        ----------
        id : sequence of N names, optional
            Names of the stars' spectra.
        flag_type, source, keys, layout, notes
            As the attributes of the class.
        **columns : arrays of shape (N,)
            Labels by their names, their errors as ``e_<label>``, and ``survey_id``, ``ra``, ``dec``, ``snr``,
            ``flags``.

        Raises
        ------
        LabelError
            A column that is none of these.

        Examples
        --------
        >>> from bayescannon.data.label_table import LabelTable
        >>> LabelTable.from_arrays(["star-1", "star-2"], teff=[4800, 5100], e_teff=[60, 70], fe_h=[0.1, -0.4])
        <LabelTable of 2 stars: teff, fe_h; errors of teff; 2 ids, no positions>
        """
        plain = {name: columns.pop(name) for name in ("survey_id", "ra", "dec", "snr", "flags") if name in columns}
        labels = {name: values for name, values in columns.items() if name in KNOWN_LABELS}
        errors = {name[2:]: values for name, values in columns.items() if name[:2] == "e_" and name[2:] in KNOWN_LABELS}
        unknown = [name for name in columns if name not in labels and name[2:] not in errors]
        if unknown:
            raise LabelError(
                f"unknown column {unknown[0]!r}; known are {', '.join(KNOWN_LABELS)}, errors such as e_teff, and id, "
                "survey_id, ra, dec, snr, flags"
            )
        return cls(
            id, labels=labels, errors=errors, flag_type=flag_type, source=source,
            keys=UNKNOWN if keys is None else keys, layout=layout, notes=notes, **plain,
        )  # fmt: skip

    def __len__(self) -> int:
        return len(self.id)

    def __repr__(self) -> str:
        facts = self._facts()
        source = f" from {self.source}" if self.source else ""
        return (
            f"<LabelTable of {facts['stars']} stars{source}: {facts['labels']}; errors of {facts['errors']}; "
            f"{facts['ids']} ids, {facts['positions']} positions>"
        )

    def _repr_html_(self) -> str:
        """Show the table's contents as a small table in a notebook."""
        return html_table("LabelTable", self._facts())

    def _facts(self) -> dict[str, str]:
        return {
            "stars": str(len(self)),
            "labels": listed(list(self.labels)),
            "errors": listed([name for name, values in self.errors.items() if np.isfinite(values).any()]),
            "ids": str(np.count_nonzero(self.id != "") or "no"),
            "positions": str(np.count_nonzero(np.isfinite(self.ra) & np.isfinite(self.dec)) or "no"),
            "source": self.source,
            **({"read": "; ".join(self.notes)} if self.notes else {}),
        }

    def select(self, index: Any) -> "LabelTable":
        """Return the rows of a boolean mask or an index array."""
        rows = row_index(index, len(self))
        return LabelTable(
            self.id[rows],
            self.survey_id[rows],
            self.ra[rows],
            self.dec[rows],
            {name: values[rows] for name, values in self.labels.items()},
            {name: values[rows] for name, values in self.errors.items()},
            self.flags[rows],
            self.flag_type,
            self.snr[rows],
            self.source,
            {name: values[rows] for name, values in self.keys.items()},
            self.layout,
            self.notes,
        )

    def with_notes(self, notes: Sequence[str], *, flag_type: type[IntFlag] | None) -> "LabelTable":
        """Return the table with other notes and another type of flags."""
        return replace(self, notes=tuple(notes), flag_type=flag_type)

    @property
    def is_apogee(self) -> bool:
        """Whether the table was read as one of APOGEE, or has its flags."""
        return self.flag_type is not None or self.layout.startswith(("allstar", "astra"))

    def matrix(self, names: Sequence[str]) -> FloatArray:
        """
        Return the labels of `names` as an array of shape (N, K).

        Raises
        ------
        LabelError
            The table lacks one of them.
        """
        self.require(names)
        return np.column_stack([self.labels[name] for name in names])

    def error_matrix(self, names: Sequence[str]) -> FloatArray:
        """Return the errors of `names` as an array of shape (N, K); NaN where the table has none."""
        nothing = np.full(len(self), np.nan)
        return np.column_stack([self.errors.get(name, nothing) for name in names])

    def require(self, names: Sequence[str]) -> None:
        """Raise :class:`~bayescannon.data.labels.LabelError` unless the table has every label of `names`."""
        for name in names:
            if name not in self.labels:
                raise LabelError(
                    f"label {name!r} is not in {self.source or 'the label table'}, which has "
                    f"{', '.join(self.labels) or 'no labels'}; name its column with --columns {name}=COLUMN "
                    f"(columns={{{name!r}: 'COLUMN'}})"
                )


def require_errors(errors: FloatArray, name: str) -> None:
    """Raise :class:`~bayescannon.numerics.errors.InputError` if an error is negative; NaN is an unknown error."""
    if (errors < 0).any():
        row = int(np.flatnonzero(errors < 0)[0])
        raise InputError(
            f"errors must not be negative; {name} of row {row} is {errors[row]:g}. Give NaN where it is unknown"
        )


def label_numbers(given: Any, label_name: str, *, prefix: str = "") -> FloatArray:
    """
    Return the values of one label, or its errors, in the label's unit; NaN where they are masked.

    Parameters
    ----------
    given : array-like of shape (N,)
        Plain numbers, or numbers with a unit that converts to that of the label.
    label_name : str
        A known label.
    prefix : {"", "e_"}
        ``"e_"`` for errors: their unit has no zero point.
    """
    label = KNOWN_LABELS[label_name]
    unit = label.unit if prefix else label_unit(label)
    return numbers(given, prefix + label_name, unit=unit, masked=np.nan)[0]

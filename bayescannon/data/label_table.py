"""A survey's labels as read from its table: the trusted labels of Survey A, or Survey B's own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntFlag
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayescannon.data.labels import LabelError
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.typing import FloatArray


@dataclass(frozen=True)
class LabelTable:
    """
    Labels of N stars; missing values are NaN.

    Attributes
    ----------
    id : str array of shape (N,)
        Names of the stars' spectra in Survey B, without folder and endings; empty where unknown.
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
        Where the table came from, for messages and provenance.
    """

    id: NDArray[np.str_]
    survey_id: NDArray[np.str_]
    ra: FloatArray
    dec: FloatArray
    labels: Mapping[str, FloatArray]
    errors: Mapping[str, FloatArray]
    flags: NDArray[np.uint64]
    flag_type: type[IntFlag] | None = None
    snr: FloatArray = field(default_factory=lambda: np.empty(0))
    source: str = ""

    def __post_init__(self) -> None:
        for name in ("survey_id", "ra", "dec", "flags", "snr"):
            if len(getattr(self, name)) != len(self.id):
                raise InputError(f"{name} must have one value a row ({len(self.id)}); got {len(getattr(self, name))}")

    def __len__(self) -> int:
        return len(self.id)

    def select(self, index: Any) -> "LabelTable":
        """Return the rows of a boolean mask or an index array."""
        return LabelTable(
            self.id[index],
            self.survey_id[index],
            self.ra[index],
            self.dec[index],
            {name: values[index] for name, values in self.labels.items()},
            {name: values[index] for name, values in self.errors.items()},
            self.flags[index],
            self.flag_type,
            self.snr[index],
            self.source,
        )

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
                    f"{', '.join(self.labels) or 'no labels'}; map its column with --columns {name}=COLUMN"
                )

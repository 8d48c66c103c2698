"""Held-out reference stars, as the errors are fitted to them."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayescannon.data.parts import UNKNOWN
from bayescannon.numerics.typing import FloatArray
from bayescannon.reliability.damage_errors import InformationLeft


@dataclass(frozen=True)
class OutOfFold:
    """
    Out-of-fold results of N spectra of reference stars and K labels, in units of the scaled labels.

    Attributes
    ----------
    scaled, formal : float arrays of shape (N, K)
        Inferred labels and their formal errors.
    reference, noise : float arrays of shape (N, K)
        Reference labels, and the standard deviations of their errors.
    snr : float array of shape (N,)
    star : int array of shape (N,), optional
        Number of each spectrum's star; every spectrum is of another star unless given.
    left : InformationLeft, optional
        What the spectra's pixels tell; not known unless given.
    """

    scaled: FloatArray
    formal: FloatArray
    reference: FloatArray
    noise: FloatArray
    snr: FloatArray
    star: NDArray[np.int64] = UNKNOWN
    left: InformationLeft | None = None

    def __post_init__(self) -> None:
        if self.star is None:
            object.__setattr__(self, "star", np.arange(len(self.snr)))

    def __len__(self) -> int:
        return len(self.snr)

    @property
    def n_stars(self) -> int:
        """Number of stars."""
        return len(np.unique(self.star))

    @classmethod
    def join(cls, parts: "Sequence[OutOfFold]") -> "OutOfFold":
        """Return the spectra of all parts, which have no star in common; `left` is known if it is of all."""
        starts = np.cumsum([0, *(int(part.star.max(initial=-1)) + 1 for part in parts)])
        parts = [replace(part, star=part.star + start) for part, start in zip(parts, starts[:-1], strict=True)]
        lefts = [part.left for part in parts if part.left is not None]
        left = None
        if len(lefts) == len(parts):
            left = InformationLeft(*(_joined(lefts, item.name) for item in fields(InformationLeft)))
        arrays = {item.name: _joined(parts, item.name) for item in fields(cls) if item.name != "left"}
        return cls(**arrays, left=left)

    def select(self, index: Any) -> "OutOfFold":
        """Return some of the spectra: a slice, a mask or an index array."""
        arrays: dict[str, Any] = {
            item.name: getattr(self, item.name)[index] for item in fields(self) if item.name != "left"
        }
        return OutOfFold(**arrays, left=None if self.left is None else self.left.select(index))


def _joined(parts: Sequence[Any], name: str) -> Any:
    """Return one attribute of all parts."""
    return np.concatenate([getattr(part, name) for part in parts])

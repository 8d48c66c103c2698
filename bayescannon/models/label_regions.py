r"""
Populations of stars as overlapping regions of label space, and their shares pi_m(l) of it.

A region is a union of boxes. With the border width w_k of label k, and only the bounded sides of a box counted,

    h_m(l) = sum_boxes prod_k sigmoid((l_k - low_k) / w_k) sigmoid((high_k - l_k) / w_k),
    pi_m(l) = h_m(l) / sum_j h_j(l),

so that the shares of all populations sum to one at any labels. The stars of a box that is larger by the overlap,
4 w_k, train the population's model: where pi_m falls below 2 % its model has seen no stars.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayescannon.numerics.errors import InputError
from bayescannon.numerics.typing import BoolArray, FloatArray

# the overlap in border widths: the sigmoid is 0.018 that far outside
_WIDTHS_OF_OVERLAP = 4.0

# columns p_NAME of a catalogue that are of something else
_RESERVED = ("none", "coverage", "novelty", "joint", "binary")

_LONGEST = 40

Box = Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class LabelRegion:
    """
    The part of label space that a population of stars takes.

    Attributes
    ----------
    name : str
    boxes : tuple of mappings of a label's name to (low, high)
        In the labels' units; infinite where a side is not bounded. A label that is not named is not bounded.
    in_router : bool
        Whether its stars train the router; not those whose spectra a quadratic of all stars would not describe.

    Examples
    --------
    >>> LabelRegion("giant", ({"logg": (-np.inf, 3.8)},))
    <LabelRegion giant: logg < 3.8>
    """

    name: str
    boxes: tuple[Box, ...]
    in_router: bool = True

    def __post_init__(self) -> None:
        if not _is_name(self.name):
            raise InputError(
                f"the name of a population becomes a column, p_NAME, and part of names of files; expected at most "
                f"{_LONGEST} letters, digits and _, and none of {', '.join(_RESERVED)}, which are other columns; got "
                f"{self.name!r}"
            )
        if not self.boxes:
            raise InputError(f"population {self.name!r} needs at least one box of labels")
        for box in self.boxes:
            for label, (low, high) in box.items():
                if not low < high:
                    raise InputError(f"population {self.name!r} needs low < high of {label}; got {low} and {high}")
        object.__setattr__(self, "boxes", tuple(MappingProxyType(dict(box)) for box in self.boxes))

    def __repr__(self) -> str:
        return f"<LabelRegion {self.name}: {self.describe()}>"

    def describe(self) -> str:
        """Say which labels, in a phrase."""
        return " or ".join(
            ", ".join(_side(label, *sides) for label, sides in box.items() if np.isfinite(sides).any()) or "all labels"
            for box in self.boxes
        )

    def joined(self, other: "LabelRegion") -> "LabelRegion":
        """Return the union with another region, named after both."""
        return LabelRegion(f"{self.name}_{other.name}", (*self.boxes, *other.boxes), self.in_router and other.in_router)


@dataclass(frozen=True)
class LabelRegions:
    """
    The regions of all populations, with the overlap between neighbours.

    Attributes
    ----------
    regions : tuple of LabelRegion
    overlap : mapping of a label's name to float
        By how much a region's training stars reach over its sides, in the label's units.

    Examples
    --------
    >>> cool = LabelRegion("cool", ({"teff": (-np.inf, 7000)},))
    >>> hot = LabelRegion("hot", ({"teff": (7000, np.inf)},))
    >>> regions = LabelRegions((cool, hot), {"teff": 400})
    >>> regions.shares(np.array([[6000.0], [7000.0]]), ("teff",)).round(3)
    array([[1. , 0. ],
           [0.5, 0.5]])
    """

    regions: tuple[LabelRegion, ...]
    overlap: Mapping[str, float]

    def __post_init__(self) -> None:
        # FITS does not tell small letters from large ones in names of columns
        if not self.regions or len({name.lower() for name in self.names}) < len(self.regions):
            raise InputError(
                f"populations need different names, and at least one; got {', '.join(self.names) or 'none'}"
            )
        for label in self.labels:
            width = self.overlap.get(label)
            if width is None or not 0 < width < np.inf:
                raise InputError(
                    f"the populations are bounded in {label}, so that they need its overlap, a positive number in its "
                    f"unit; got {width}"
                )
        object.__setattr__(self, "overlap", MappingProxyType(dict(self.overlap)))

    def __len__(self) -> int:
        return len(self.regions)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the populations, in order."""
        return tuple(region.name for region in self.regions)

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the labels that bound a region, in the order in which they are named."""
        return tuple(dict.fromkeys(label for region in self.regions for box in region.boxes for label in box))

    def require(self, label_names: Sequence[str]) -> None:
        """
        Check that labels are known that bound the regions.

        Raises
        ------
        InputError
            One is not.
        """
        missing = [label for label in self.labels if label not in label_names]
        if missing:
            raise InputError(
                f"the populations are bounded in {', '.join(self.labels)}, and {missing[0]} is not among the labels "
                f"{', '.join(label_names)}; train on it too, or give populations by other labels"
            )

    def log_shares(self, labels: Any, label_names: Sequence[str], xp: Any = np) -> Any:
        """
        Return ln pi_m at labels.

        Parameters
        ----------
        labels : array of shape (..., K)
            In the labels' units.
        label_names : sequence of K str
        xp : module
            numpy, or pytensor.tensor for a symbolic result.

        Returns
        -------
        log_shares : array of shape (..., M)
        """
        columns = [xp.stack([self._log_box(labels, box, label_names, xp) for box in region.boxes], axis=-1)
                   for region in self.regions]  # fmt: skip
        logs = xp.stack([_log_sum(column, xp) for column in columns], axis=-1)
        return logs - _log_sum(logs, xp)[..., None]

    def shares(self, labels: FloatArray, label_names: Sequence[str]) -> NDArray[np.float64]:
        """Return pi_m at labels of shape (..., K), shape (..., M)."""
        result: NDArray[np.float64] = np.exp(self.log_shares(np.asarray(labels, dtype=np.float64), label_names))
        return result

    def training_stars(self, labels: FloatArray, label_names: Sequence[str]) -> BoolArray:
        """
        Return which stars train which population's model: those in its boxes enlarged by the overlap.

        Parameters
        ----------
        labels : float array of shape (N, K)
        label_names : sequence of K str

        Returns
        -------
        inside : bool array of shape (N, M)
        """
        columns = []
        for region in self.regions:
            inside = np.zeros(len(labels), dtype=bool)
            for box in region.boxes:
                one = np.ones(len(labels), dtype=bool)
                for label, (low, high) in box.items():
                    values, reach = labels[:, label_names.index(label)], self.overlap[label]
                    one &= (values >= low - reach) & (values <= high + reach)
                inside |= one
            columns.append(inside)
        return np.stack(columns, axis=1)

    def _log_box(self, labels: Any, box: Box, label_names: Sequence[str], xp: Any) -> Any:
        """Return the log of a box's product of sigmoids; shape (...,)."""
        total = 0.0 * labels[..., 0]
        for label, sides in box.items():
            value = labels[..., label_names.index(label)]
            width = self.overlap[label] / _WIDTHS_OF_OVERLAP
            for side, sign in zip(sides, (1.0, -1.0), strict=True):
                if np.isfinite(side):
                    # ln sigmoid(x) = -ln(1 + e^-x), without overflow
                    x = sign * (value - side) / width
                    total = total + xp.minimum(x, 0.0) - xp.log1p(xp.exp(-abs(x)))
        return total


def _log_sum(logs: Any, xp: Any) -> Any:
    """Return ln sum exp over the last axis."""
    largest = logs.max(axis=-1)
    return largest + xp.log(xp.exp(logs - largest[..., None]).sum(axis=-1))


def _side(label: str, low: float, high: float) -> str:
    if np.isfinite(low) and np.isfinite(high):
        return f"{low:g} < {label} < {high:g}"
    return f"{label} > {low:g}" if np.isfinite(low) else f"{label} < {high:g}"


def _is_name(name: str) -> bool:
    """Tell whether a population may have a name: it is a column's, and a file's."""
    return name.isidentifier() and name.isascii() and len(name) <= _LONGEST and name.lower() not in _RESERVED

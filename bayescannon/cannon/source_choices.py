"""Choices of reference labels that come from several surveys: of each survey, and how they are brought together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, isfinite

from bayescannon.cannon.choice_fields import ChoiceError, Choices, choice
from bayescannon.cannon.choices import CUTS

# offsets between surveys: a linear map that is fitted to the stars in common, or the scales are taken as equal
FIT_OFFSETS, NO_OFFSETS = "fit", "none"
OFFSETS = (FIT_OFFSETS, NO_OFFSETS)


@dataclass(frozen=True)
class SourceChoices(Choices):
    """What belongs to one table of labels out of several: its survey, cuts on its own scale, and errors."""

    name: str = choice("", "the survey that the labels are of; the name of the table's file unless given")
    cuts: str | None = choice(
        None, "named cuts of this table; the paper's for allStar tables and none for others unless given", values=CUTS
    )
    keep: Mapping[str, Sequence[float]] = choice(dict, "keep stars with a label of this table in this range")
    errors: Mapping[str, float] = choice(
        dict, "errors of its labels, in the labels' units, in place of those of the table"
    )
    error_scale: float = choice(1.0, "factor of the table's errors: the trust in them")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.error_scale < inf:
            raise ChoiceError(f"error_scale must be positive and finite; got {self.error_scale}")
        for name, error in self.errors.items():
            if not (isfinite(error) and error >= 0):
                raise ChoiceError(f"the error of {name} must be finite and not negative; got {error}")
        for name, bounds in self.keep.items():
            if len(bounds) != 2 or not bounds[0] < bounds[1]:
                raise ChoiceError(
                    f"the range of {name} must be two numbers [low, high] with low < high; got {list(bounds)}"
                )


@dataclass(frozen=True)
class MergeChoices(Choices):
    """How the stars of several surveys become one reference set."""

    offsets: str = choice(
        FIT_OFFSETS,
        "labels of further tables are put on the scale of the first by a linear map, which is fitted to the stars in "
        "common; none takes the scales as equal",
        values=OFFSETS,
    )
    max_per_cell: int | None = choice(
        None,
        "keep at most this many stars in each cell of 250 K, 0.5 dex in log g and 0.25 dex in [Fe/H]: of tables that "
        "come first, then drawn at random; all unless given",
        least=1,
        metavar="N",
    )
    memory: float | None = choice(
        None,
        "GB of memory that the spectra of the reference stars may take; more of them are put into a scratch file, with "
        "the same result; half of what is free unless given",
        least=0,
        metavar="GB",
    )

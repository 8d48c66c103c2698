"""
Named cuts of the reference set (Ho et al. 2017, section 3).

The paper prints its cuts as "excise 3500 < Teff < 6000" and "[alpha/M] < 0.1", which would remove nearly every
giant; its numbers (11,057 stars, 9,952 kept) say that Teff *outside* 3500-6000 K and [alpha/M] below *-0.1* was
removed, and so it is here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bayescannon.cannon.choices import CUTS
from bayescannon.data.convert import number
from bayescannon.data.label_table import LabelTable
from bayescannon.data.labels import labels_from_names
from bayescannon.data.parts import a_kind, dtype_text, split
from bayescannon.data.units import label_unit
from bayescannon.numerics.errors import InputError, InputTypeError
from bayescannon.numerics.typing import BoolArray


@dataclass(frozen=True, repr=False)
class Cut:
    """
    One named step that removes stars from the reference set.

    Attributes
    ----------
    name : str
        What the step removes.
    keep : callable
        Takes a LabelTable of N rows, returns a bool array of shape (N,): the rows that stay. A masked row is removed.
    needs : tuple of str
        Labels that the table must have.
    source : str
        Citation.

    Examples
    --------
    >>> from bayescannon.cannon.cuts import Cut, range_cut
    >>> bright = Cut("S/N below 100", lambda table: table.snr >= 100)
    >>> range_cut("teff", 3500, 6000)
    <Cut teff < 3500 or teff > 6000 K>
    """

    name: str
    keep: Callable[[LabelTable], BoolArray]
    needs: tuple[str, ...] = ()
    source: str = ""

    def __repr__(self) -> str:
        needs = f", needs {', '.join(self.needs)}" if self.needs and not all(n in self.name for n in self.needs) else ""
        return f"<Cut {self.name}{needs}{f' ({self.source})' * bool(self.source)}>"

    def kept(self, table: LabelTable) -> BoolArray:
        """
        Return the rows of a table that stay, a bool array of shape (N,).

        Raises
        ------
        InputTypeError
            `keep` returned something else than one bool per row.
        """
        given = self.keep(table)
        rule = f"cut {self.name!r} must return one True or False per row ({len(table)})"
        try:
            parts = split(given, "the result")
        except (InputError, InputTypeError):
            raise InputTypeError(f"{rule}; got {a_kind(given)}") from None
        if parts.values.dtype != np.bool_ or parts.values.shape != (len(table),):
            raise InputTypeError(f"{rule}; got {dtype_text(parts.values)} of shape {parts.values.shape}")
        return parts.values if parts.mask is None else parts.values & ~parts.mask


def range_cut(name: str, low: float = -np.inf, high: float = np.inf, *, source: str = "") -> Cut:
    """Return the cut that keeps stars with low <= label <= high, in the label's unit."""
    (label,) = labels_from_names([name])
    if not low < high or not (low > -np.inf or high < np.inf):
        raise InputError(f"a range of {name} needs low < high and at least one end; got {low:g} and {high:g}")
    bounds = [f"{name} < {low:g}"] * bool(low > -np.inf) + [f"{name} > {high:g}"] * bool(high < np.inf)
    return Cut(
        f"{' or '.join(bounds)} {label.unit}",
        lambda table: (table.labels[name] >= low) & (table.labels[name] <= high),
        (name,),
        source,
    )


def flag_cut(bits: int | None = None, *, source: str = "") -> Cut:
    """Return the cut that removes stars with any of `bits` set (None: with any bit at all)."""
    text = "quality flag set" if bits is None else f"quality flag has a bit of {bits:#x}"
    mask = np.uint64(0xFFFFFFFFFFFFFFFF if bits is None else bits)
    return Cut(text, lambda table: (table.flags & mask) == 0, (), source)


_PAPER = "Ho et al. 2017, section 3"


_CODE = "released code of Ho et al. 2017"


# Bits 3, 4, 7, 23: M_H_WARN, ALPHA_M_WARN, STAR_WARN, STAR_BAD. The released code also tests four elements of
# PARAMFLAG by number; what the last of them means differs from its comment, so it is not imitated.
_PAPER_CUTS = (
    range_cut("teff", 3500, 6000, source=_PAPER),
    range_cut("alpha_m", -0.1, source=_PAPER),
    flag_cut(source=_PAPER),
)
_RELEASED_CUTS = (
    range_cut("teff", 4000, 6000, source=_CODE),
    range_cut("logg", 0, source=_CODE),
    flag_cut(1 << 3 | 1 << 4 | 1 << 7 | 1 << 23, source=_CODE),
)
CUT_SETS: Mapping[str, tuple[Cut, ...]] = dict(zip(CUTS, (_PAPER_CUTS, _RELEASED_CUTS, ()), strict=True))


def choose_cuts(
    cuts: str | Cut | Sequence[Cut] | None, keep: Mapping[str, Sequence[float | None]], *, is_apogee: bool
) -> list[Cut]:
    """
    Return the cuts of a name, or those that were given, and the ranges to keep.

    Parameters
    ----------
    cuts : {"paper", "released", "none"}, Cut, sequence of Cut, or None
        None takes the paper's for labels of APOGEE and none for others.
    keep : mapping of label name to (low, high)
        In the labels' units; None is an open end.
    is_apogee : bool
        Whether the labels are of APOGEE.

    Raises
    ------
    InputError, InputTypeError
        An unknown name, a range that is none, or something else than cuts.
    """
    if not isinstance(keep, Mapping):
        raise InputTypeError(f"keep maps labels to (low, high), such as {{'teff': (4000, 6000)}}; got {a_kind(keep)}")
    if cuts is None:
        cuts = "paper" if is_apogee else "none"
    return [*_named_cuts(cuts), *(_range(name, bounds) for name, bounds in keep.items())]


def _named_cuts(cuts: str | Cut | Sequence[Cut]) -> Sequence[Cut]:
    if isinstance(cuts, Cut):
        return [cuts]
    if isinstance(cuts, str):
        if cuts not in CUT_SETS:
            raise InputError(f"cuts must be one of {', '.join(CUT_SETS)}; got {cuts!r}")
        return CUT_SETS[cuts]
    others = [cut for cut in cuts if not isinstance(cut, Cut)] if isinstance(cuts, Sequence) else [cuts]
    if others:
        raise InputTypeError(
            f"cuts are a name or a list of Cut; got {a_kind(others[0])}. keep={{...}} takes ranges of labels"
        )
    return cuts


def _range(name: str, bounds: Sequence[float | None]) -> Cut:
    """Return the cut that keeps a range of a label."""
    if isinstance(bounds, str) or not hasattr(bounds, "__len__") or len(bounds) != 2:
        raise InputError(f"keep needs (low, high) of {name}, None for an open end; got {bounds!r}")
    (label,) = labels_from_names([name])
    low, high = (
        open_end if bound is None else number(bound, f"the bound of {name}", unit=label_unit(label))
        for bound, open_end in zip(bounds, (-np.inf, np.inf), strict=True)
    )
    return range_cut(name, low, high)

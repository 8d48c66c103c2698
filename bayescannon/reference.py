"""
The reference set: Survey A's labels and Survey B's spectra, after named cuts (Ho et al. 2017, section 3).

The paper prints its cuts as "excise 3500 < Teff < 6000" and "[alpha/M] < 0.1", which would remove nearly every
giant; its numbers (11,057 stars, 9,952 kept) say that Teff *outside* 3500-6000 K and [alpha/M] below *-0.1* was
removed, and so it is here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bayescannon.label_table import LabelTable
from bayescannon.label_vector import FloatArray, n_terms
from bayescannon.labels import labels_from_names
from bayescannon.spectra import Spectra

BoolArray = NDArray[np.bool_]


class ReferenceSetError(ValueError):
    """No usable reference set; the message holds the tally."""


@dataclass(frozen=True)
class Cut:
    """
    One named step that removes stars from the reference set.

    Attributes
    ----------
    name : str
        What the step removes.
    keep : callable
        Takes a LabelTable of N rows, returns a bool array of shape (N,): the rows that stay.
    needs : tuple of str
        Labels that the table must have.
    source : str
        Citation.
    """

    name: str
    keep: Callable[[LabelTable], BoolArray]
    needs: tuple[str, ...] = ()
    source: str = ""


@dataclass(frozen=True)
class TallyRow:
    """What one step of the reference set removed and left."""

    step: str
    removed: int
    remaining: int
    source: str = ""


def range_cut(name: str, low: float = -np.inf, high: float = np.inf, *, source: str = "") -> Cut:
    """Return the cut that keeps stars with low <= label <= high, in the label's unit."""
    (label,) = labels_from_names([name])
    if not low < high or not (low > -np.inf or high < np.inf):
        raise ValueError(f"a range of {name} needs low < high and at least one end; got {low:g} and {high:g}")
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
CUT_SETS: Mapping[str, tuple[Cut, ...]] = {
    "paper": (
        range_cut("teff", 3500, 6000, source=_PAPER),
        range_cut("alpha_m", -0.1, source=_PAPER),
        flag_cut(source=_PAPER),
    ),
    "released": (
        range_cut("teff", 4000, 6000, source=_CODE),
        range_cut("logg", 0, source=_CODE),
        flag_cut(1 << 3 | 1 << 4 | 1 << 7 | 1 << 23, source=_CODE),
    ),
    "none": (),
}


@dataclass(frozen=True)
class Selection:
    """
    Which spectra and which rows of a label table make the reference set.

    Attributes
    ----------
    star, row : int arrays of shape (n,)
        Index of the spectrum and of the row of its labels.
    tally : tuple of TallyRow
    """

    star: NDArray[np.intp]
    row: NDArray[np.intp]
    tally: tuple[TallyRow, ...]

    def __len__(self) -> int:
        return len(self.star)

    def step(self, keep: BoolArray, name: str, source: str = "") -> "Selection":
        """Keep the entries of a bool array of shape (n,) and add a row to the tally."""
        row = TallyRow(name, int((~keep).sum()), int(keep.sum()), source)
        return Selection(self.star[keep], self.row[keep], (*self.tally, row))


def match_by_id(star_id: NDArray[np.str_], table: LabelTable) -> Selection:
    """
    Match spectra to the rows that carry their names; of rows with the same name the best S/N counts.

    Parameters
    ----------
    star_id : str array of shape (N,)
        Names of the spectra, without folder and endings.
    table : LabelTable
    """
    order = np.argsort(-np.nan_to_num(table.snr, nan=-np.inf), kind="stable")
    row_of: dict[str, int] = {}
    for row in order:
        name = str(table.id[row])
        if name:
            row_of.setdefault(name, int(row))
    pairs = [(star, row_of[str(name)]) for star, name in enumerate(star_id) if str(name) in row_of]
    n_repeated = len(table.id) - int((table.id == "").sum()) - len(row_of)
    repeated = f" ({n_repeated} rows with worse S/N of repeated ids left out)" if n_repeated else ""
    return _matched(pairs, len(star_id), f"no labels under this id in {table.source or 'the table'}{repeated}")


def match_by_sky(ra: FloatArray, dec: FloatArray, snr: FloatArray, table: LabelTable, *, radius: float) -> Selection:
    """
    Match spectra to the nearest row within `radius` arcsec; of several spectra of a row the best S/N counts.

    Parameters
    ----------
    ra, dec : float arrays of shape (N,)
        Positions of the spectra in degrees.
    snr : float array of shape (N,)
    table : LabelTable
    radius : float
        In arcsec.
    """
    import astropy.units as u
    from astropy.coordinates import SkyCoord

    stars = np.flatnonzero(np.isfinite(ra) & np.isfinite(dec))
    rows = np.flatnonzero(np.isfinite(table.ra) & np.isfinite(table.dec))
    pairs: list[tuple[int, int]] = []
    if len(stars) and len(rows):
        here = SkyCoord(ra[stars], dec[stars], unit="deg")
        there = SkyCoord(table.ra[rows], table.dec[rows], unit="deg")
        nearest, distance, _ = here.match_to_catalog_sky(there)
        near = distance <= radius * u.arcsec
        pairs = list(zip(stars[near].tolist(), rows[nearest[near]].tolist(), strict=True))
    step = f"no labels within {radius:g} arcsec in {table.source or 'the table'}"
    selection = _matched(pairs, len(ra), step)
    best: dict[int, int] = {}
    for star, row in sorted(pairs, key=lambda pair: (-np.nan_to_num(snr[pair[0]], nan=-np.inf), pair[0])):
        best.setdefault(row, star)
    keep = np.array([best[int(row)] == star for star, row in zip(selection.star, selection.row, strict=True)], bool)
    return selection if keep.all() else selection.step(keep, "another spectrum of the star has better S/N")


def _matched(pairs: Sequence[tuple[int, int]], n_star: int, step: str) -> Selection:
    star, row = np.array(pairs, dtype=np.intp).reshape(-1, 2).T
    tally = (TallyRow("spectra", 0, n_star), TallyRow(step, n_star - len(star), len(star)))
    return Selection(star, row, tally)


def apply_cuts(
    selection: Selection, table: LabelTable, label_names: Sequence[str], *, cuts: Sequence[Cut] = ()
) -> Selection:
    """
    Remove stars without all labels, then apply the cuts in order, each a row of the tally.

    Raises
    ------
    LabelError
        An unknown label, or one that the table lacks.
    """
    labels_from_names(label_names)
    missing = ~np.isfinite(table.matrix(label_names)[selection.row]).all(axis=1)
    selection = selection.step(~missing, f"one of {', '.join(label_names)} is missing")
    for cut in cuts:
        table.require(cut.needs)
        selection = selection.step(cut.keep(table.select(selection.row)), cut.name, cut.source)
    return selection


@dataclass(frozen=True)
class ReferenceSet:
    """
    N reference stars.

    Attributes
    ----------
    spectra : Spectra
    labels, errors : float arrays of shape (N, K)
        Labels in their units, finite; their standard errors, NaN where unknown.
    label_names : tuple of K str
    tally : tuple of TallyRow
        How the set came about.
    """

    spectra: Spectra
    labels: FloatArray
    errors: FloatArray
    label_names: tuple[str, ...]
    tally: tuple[TallyRow, ...] = ()

    def __post_init__(self) -> None:
        labels_from_names(self.label_names)
        shape = (len(self.spectra), len(self.label_names))
        if self.labels.shape != shape or self.errors.shape != shape:
            raise ValueError(
                f"labels and errors must have shape (star, label) = {shape}; got {self.labels.shape} and "
                f"{self.errors.shape}"
            )

    def __len__(self) -> int:
        return len(self.spectra)

    def select(self, index: NDArray[np.intp] | BoolArray) -> "ReferenceSet":
        """Return the stars of a boolean mask or an index array."""
        return replace(self, spectra=self.spectra.select(index), labels=self.labels[index], errors=self.errors[index])

    def drop(self, dropped: BoolArray, step: str, source: str = "") -> "ReferenceSet":
        """Remove the stars of a bool array of shape (N,) and add a row to the tally."""
        row = TallyRow(step, int(dropped.sum()), int((~dropped).sum()), source)
        return replace(self.select(~dropped), tally=(*self.tally, row))

    def require_enough(self, *, n_hidden: int = 0) -> None:
        """
        Raise unless there are at least twice as many stars as terms of the label vector and hidden components.

        Raises
        ------
        ReferenceSetError
            Too few stars; the message holds the tally.
        """
        n_term = n_terms(len(self.label_names))
        if len(self) < 2 * (n_term + n_hidden):
            hidden = f" and {n_hidden} hidden components" if n_hidden else ""
            fewer = "labels, fewer hidden components (n_hidden, --hidden)" if n_hidden else "labels"
            raise ReferenceSetError(
                f"{len(self)} reference stars are too few for the {n_term} terms of {len(self.label_names)} "
                f"labels{hidden}; at least {2 * (n_term + n_hidden)} are needed. Use fewer {fewer}, weaker cuts or "
                "more spectra.\n" + tally_text(self.tally)
            )


def tally_text(tally: Sequence[TallyRow]) -> str:
    """Format a tally as lines of removed and remaining numbers of stars."""
    return "\n".join(f"{row.removed:>8} removed  {row.remaining:>8} remain  {row.step}" for row in tally)

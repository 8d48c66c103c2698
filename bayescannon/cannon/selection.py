"""Rows of a label table that carry the names of spectra: of several rows of a star the best usable one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayescannon.cannon.name_matching import match_names
from bayescannon.data.display import html_table
from bayescannon.data.label_table import LabelTable
from bayescannon.data.tally import TallyRow
from bayescannon.numerics.typing import BoolArray, FloatArray

# in arcsec, between rows of one star
SAME_STAR = 0.5


@dataclass(frozen=True, eq=False, repr=False)
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

    def __repr__(self) -> str:
        return f"<Selection of {len(self)} stars after {len(self.tally)} steps>"

    def _repr_html_(self) -> str:
        """Show the tally as a small table in a notebook."""
        return html_table(
            "Selection", {row.step: f"{row.removed} removed, {row.remaining} remain" for row in self.tally}
        )

    def __len__(self) -> int:
        return len(self.star)

    def step(self, keep: BoolArray, name: str, source: str = "") -> "Selection":
        """Keep the entries of a bool array of shape (n,) and add a row to the tally."""
        row = TallyRow(name, int((~keep).sum()), int(keep.sum()), source)
        return Selection(self.star[keep], self.row[keep], (*self.tally, row))


def match_by_id(
    star_id: Sequence[str] | NDArray[np.str_],
    table: LabelTable,
    *,
    names: NDArray[np.str_] | None = None,
    what: str = "id",
    usable: BoolArray | None = None,
) -> Selection:
    """
    Match spectra to the rows that carry their names; of rows with the same name the best usable one counts.

    Parameters
    ----------
    star_id : sequence of N str
        Names of the spectra.
    table : LabelTable
    names : str array of shape (rows,), optional
        Names of the rows; the table's ids unless given.
    what : str
        What the names are, for the tally.
    usable : bool array of shape (rows,), optional
        Rows that have the labels and pass the cuts; of several the best S/N counts. All unless given.
    """
    source = table.source or "the table"
    names = table.id if names is None else names
    usable = np.ones(len(table), dtype=bool) if usable is None else usable
    if len(table) and not (names != "").any():
        step = f"no label of {source} has an {what}: it has no column of {what}s, or an empty one"
        return matched_pairs([], len(star_id), step)
    stars = [str(name) for name in star_id]
    found = match_names(stars, names.tolist(), _best_last(table.snr, usable), of=source)
    pairs = [(int(star), int(found.rows[star])) for star in np.flatnonzero(found.rows >= 0)]
    how = f"; names compared {found.how}" if found.how else f"; {found.more}" if found.more else ""
    step = f"no labels under this {what} in {source}{_repeated(names, table.snr, usable)}{how}"
    return matched_pairs(pairs, len(stars), step)


def _best_last(snr: FloatArray, usable: BoolArray) -> NDArray[np.intp]:
    """Return the rows in the order of their worth: usable ones last, of these the best S/N, of equals the first."""
    worth = np.lexsort((-np.arange(len(snr)), np.nan_to_num(snr, nan=-np.inf), usable))
    return worth.astype(np.intp)


def _repeated(names: NDArray[np.str_], snr: FloatArray, usable: BoolArray) -> str:
    """Say how many rows were left out because another row of the star is better, and for how many that mattered."""
    named = np.flatnonzero(names != "")
    unique, group = np.unique(names[named], return_inverse=True)
    n_left = len(named) - len(unique)
    if not n_left:
        return ""
    loudest = np.lexsort((np.nan_to_num(snr[named], nan=-np.inf), group))
    last = np.flatnonzero(np.r_[np.diff(group[loudest]) != 0, True])
    some = np.zeros(len(unique), dtype=bool)
    np.logical_or.at(some, group, usable[named])
    better = int((some & ~usable[named[loudest[last]]]).sum())
    instead = f", for {better} a usable one instead of that with the best S/N" if better else ""
    return f" ({n_left} rows of repeated ids left out: the best usable row of each counts{instead})"


def best_of_stars(table: LabelTable, position: Any, usable: BoolArray) -> NDArray[np.intp]:
    """Return the best usable row of the star of every row; rows are of a star by name, or half an arcsec apart."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n_row = len(table)
    first, second, _, _ = position.search_around_sky(position, SAME_STAR * position.ra.unit / 3600)
    named = np.flatnonzero(table.survey_id != "")
    _, representative, group = np.unique(table.survey_id[named], return_index=True, return_inverse=True)
    first = np.concatenate([first, named])
    second = np.concatenate([second, named[representative[group]]])
    links = coo_array((np.ones(len(first), dtype=bool), (first, second)), shape=(n_row, n_row))
    _, star = connected_components(links, directed=False)
    order = _best_last(table.snr, usable)
    best = np.empty(n_row, dtype=np.intp)
    best[star[order]] = order
    of_star: NDArray[np.intp] = best[star]
    return of_star


def matched_pairs(pairs: Sequence[tuple[int, int]], n_star: int, step: str) -> Selection:
    """Return the selection of pairs of spectrum and row, of `n_star` spectra; `step` says what the others lack."""
    star, row = np.array(pairs, dtype=np.intp).reshape(-1, 2).T
    tally = (TallyRow("spectra", 0, n_star), TallyRow(step, n_star - len(star), len(star)))
    return Selection(star, row, tally)

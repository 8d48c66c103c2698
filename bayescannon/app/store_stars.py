"""Which stars of a store a budget is of, and which spectra are of the same stars."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bayescannon.data.star_groups import RADIUS, StarGroups, star_groups
from bayescannon.io.store import open_reader, rows_in_store, store_id
from bayescannon.numerics.errors import InputError

_NONE = np.zeros(0, dtype=np.intp)


@dataclass(frozen=True, eq=False)
class StarChoice:
    """
    Stars of a store.

    Attributes
    ----------
    store : str or Path
    identity : str
        Of the store.
    rows : int array of shape (N,)
        Their places, in the order of the budget.
    others : int array
        Places of further spectra of the same stars, for repeats.
    star_id : str or None
    radius : float
        By what spectra of the same star are recognised.
    """

    store: str | Path
    identity: str
    rows: NDArray[np.intp]
    others: NDArray[np.intp]
    star_id: str | None
    radius: float

    def digest(self) -> str:
        """Return a digest of the places."""
        return hashlib.sha256(self.rows.astype("<i8").tobytes() + self.others.astype("<i8").tobytes()).hexdigest()

    def groups(self) -> StarGroups:
        """Return which of the spectra, the others after the stars, are of the same star."""
        every = groups_of_store(self.store, star_id=self.star_id, radius=self.radius)
        number = every.number[np.concatenate([self.rows, self.others])]
        # numbered anew: by the first spectrum of each
        _, first, inverse = np.unique(number, return_index=True, return_inverse=True)
        order = np.argsort(np.argsort(first))
        return StarGroups(order[inverse].astype(np.int64), every.rule)


def groups_of_store(store: str | Path, *, star_id: str | None, radius: float) -> StarGroups:
    """Return which spectra of a store are of the same star."""
    reader = open_reader(store)
    names = getattr(reader, "columns", None)
    known = reader.manifest.columns if names is None else names  # type: ignore[union-attr]
    columns = {name: reader.values(name) for name in known}
    return star_groups(columns, reader.n_star, star_id=star_id, radius=radius)


def choose_stars(
    store: str | Path,
    stars: Sequence[str] | int | None,
    *,
    seed: int,
    repeats: bool = False,
    star_id: str | None = None,
    radius: float = RADIUS,
) -> StarChoice:
    """
    Find the stars of a store.

    Parameters
    ----------
    store : str or Path
    stars : sequence of str, or int, optional
        Ids, or how many to draw at random; all unless given.
    seed : int
        Decides the stars that are drawn.
    repeats : bool
        Further spectra of the same stars are needed too.
    star_id, radius
        By what they are recognised, see :mod:`bayescannon.data.star_groups`.

    Raises
    ------
    StoreError
        There is no complete store, or an id is not in it.
    InputError
        More stars are to be drawn than there are.
    """
    reader = open_reader(store)
    if isinstance(stars, int):
        if not 1 <= stars <= reader.n_star:
            raise InputError(
                f"the number of stars must be from 1 to the {reader.n_star} of {store}; got {stars}. A name that is a "
                f"number is given as a list, ['{stars}'], or on the command line with a comma, --stars {stars},"
            )
        rows = np.sort(np.random.default_rng(seed).permutation(reader.n_star)[:stars])
    elif stars is None:
        rows = np.arange(reader.n_star)
    else:
        rows = rows_in_store(reader.values("star"), stars, store)
    others = _NONE
    if repeats and len(rows) < reader.n_star:
        group = groups_of_store(store, star_id=star_id, radius=radius).number
        same = np.isin(group, group[rows])
        same[rows] = False
        others = np.flatnonzero(same)
    return StarChoice(store, store_id(store), rows, others, star_id, radius)

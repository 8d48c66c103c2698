"""
Which spectra are of the same star: the one rule, for folds, bootstraps, jackknife, calibration, coverage and repeats.

Spectra are of one star if they have the same value in the column that is named for it (`star_id`). Without one they are
of one star if they share a row of the label table, ``survey_id``, ``gaia_id`` or ``twomass_id``, or lie within 3 arcsec
of each other. Links are transitive. Values that stand for "unknown" link nothing: those of
:func:`bayescannon.data.star_ids.known_names`, and the position (0, 0).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from bayescannon.data.display import listed
from bayescannon.data.star_ids import ZERO, known_names
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.real_numbers import real_number
from bayescannon.numerics.typing import BoolArray, FloatArray

# in arcsec; LAMOST's fibres are 3.3 arcsec wide, and positions of the same star differ by less
RADIUS = 3.0
# columns whose equal values identify a star
NAME_COLUMNS = ("survey_id", "gaia_id", "twomass_id")
# every column that the rule looks at unless one is named
GROUP_COLUMNS = (*NAME_COLUMNS, "ra", "dec")
# value of `star_id` that takes every spectrum as a star of its own
EACH_SPECTRUM = "id"
_HOW = "name a column that identifies stars (star_id=, --star-id), or 'id' if every spectrum is of another star"
_NOT_EXACT = (
    "floating-point numbers above 2^53, which are not exact, so that stars cannot be told apart by them; give text or "
    "whole numbers"
)
# float64 does not tell larger whole numbers apart
_LARGEST_EXACT = 2.0**53
# a star with more spectra than this, and than this share of all, may be a value that stands for something else
_MANY, _LARGE_SHARE = 10, 0.2


@dataclass(frozen=True, eq=False, repr=False)
class StarGroups:
    """
    The stars of N spectra.

    Attributes
    ----------
    number : int array of shape (N,)
        Number of each spectrum's star; stars are numbered from 0 in the order of their first spectra.
    rule : str
        By what the spectra were linked, in words; empty where nothing tells stars apart.
    """

    number: NDArray[np.int64]
    rule: str

    def __len__(self) -> int:
        return int(self.number.max(initial=-1)) + 1

    def __repr__(self) -> str:
        return f"<StarGroups: {self.describe()}>"

    def describe(self) -> str:
        """Say how many stars there are, and what tells them apart."""
        if not self.rule:
            return (
                f"repeats cannot be recognised, and each of {len(self)} spectra counts as a star: there is no "
                f"position, {', '.join(NAME_COLUMNS)}; {_HOW}"
            )
        return f"{counted(len(self), len(self.number))}: {self.rule}"

    def names(self, ids: NDArray[np.str_]) -> NDArray[np.str_]:
        """Return a name for each spectrum's star, shape (N,): the id of the star's first spectrum."""
        first: NDArray[np.str_] = ids[first_rows(self.number)][self.number]
        return first

    def suspicion(self) -> str:
        """Say that one star has a large share of all spectra, if so; else empty."""
        n_most = int(np.bincount(self.number, minlength=1).max())
        if n_most <= max(_MANY, _LARGE_SHARE * len(self.number)):
            return ""
        return (
            f"{n_most} of {len(self.number)} spectra count as one star ({self.rule}). If they are of several stars, "
            f"{_HOW}"
        )


def counted(n_stars: int, n_spectra: int, what: str = "stars") -> str:
    """Return "60 stars in 300 spectra", or "60 stars" where each has one."""
    return f"{n_stars} {what}" if n_stars == n_spectra else f"{n_stars} {what} in {n_spectra} spectra"


def star_numbers(names: ArrayLike) -> NDArray[np.int64]:
    """
    Return numbers of the stars of N spectra, from 0, in the order of their first spectra.

    Parameters
    ----------
    names : array of shape (N,)
        Names or numbers; equal ones are the same star.

    Examples
    --------
    >>> star_numbers(["b", "a", "b", "c"]).tolist()
    [0, 1, 0, 2]
    """
    _, first, inverse = np.unique(np.asarray(names), return_index=True, return_inverse=True)
    order = np.empty(len(first), dtype=np.int64)
    order[np.argsort(first)] = np.arange(len(first))
    result: NDArray[np.int64] = order[inverse.reshape(-1)]
    return result


def first_rows(number: NDArray[np.int64]) -> NDArray[np.intp]:
    """Return the row of the first spectrum of every star, for numbers from :func:`star_numbers`."""
    return np.unique(number, return_index=True)[1]


def star_groups(
    columns: Mapping[str, ArrayLike],
    n_spectra: int,
    *,
    star_id: str | None = None,
    radius: float = RADIUS,
    row: ArrayLike | None = None,
) -> StarGroups:
    """
    Find which of N spectra are of the same star, by the rule of this module.

    Parameters
    ----------
    columns : mapping of str to array of shape (N,)
        Columns of the spectra, see :class:`bayescannon.data.spectra.Spectra`; ``ra`` and ``dec`` in degrees.
    n_spectra : int
        N.
    star_id : str, optional
        Column whose equal values alone identify a star; ``"id"`` takes every spectrum as a star of its own.
    radius : float
        Spectra within this distance in arcsec are of the same star.
    row : int array of shape (N,), optional
        Row of the label table that each spectrum has its labels from.

    Returns
    -------
    groups : StarGroups

    Raises
    ------
    InputError
        The radius is not positive, the spectra lack the column, or it holds numbers too large to be exact.

    Examples
    --------
    >>> columns = {"gaia_id": ["7", "", "7", "0"], "ra": [10.0, 10.0, 50.0, 80.0], "dec": [0.0, 0.0, 0.0, 0.0]}
    >>> star_groups(columns, 4)
    <StarGroups: 2 stars in 4 spectra: the same gaia_id, or within 3 arcsec>
    >>> star_groups(columns, 4, star_id="gaia_id").number.tolist()
    [0, 1, 0, 2]
    """
    radius = real_number(radius, "the radius of repeats", above=0)
    every = np.arange(n_spectra)
    if star_id == EACH_SPECTRUM:
        return StarGroups(every, "every spectrum is taken as a star of its own (star_id 'id')")
    if star_id is not None:
        if star_id not in columns:
            raise InputError(
                f"stars are to be told apart by the column {star_id!r}, which the spectra lack; they have "
                f"{listed(list(columns), most=20) or 'none'}. Name one of these (star_id=, --star-id), or 'id'"
            )
        text, known, exact = _names(columns[star_id])
        if not exact:
            raise InputError(f"the column {star_id!r} holds {_NOT_EXACT}")
        blank = int((~known).sum())
        rule = f"the same {star_id}" + (f"; {blank} of no known {star_id} count as stars of their own" if blank else "")
        return StarGroups(_connected(n_spectra, [_links_of_names(text, known)]), rule)
    links, rules = [], []
    if row is not None and len(np.unique(row)) < n_spectra:
        links.append(_links_of_names(np.asarray(row).astype(np.str_), np.ones(n_spectra, dtype=bool)))
        rules.append("row of the label table")
    for name in NAME_COLUMNS:
        if name in columns:
            text, known, exact = _names(columns[name])
            if exact and known.any():
                links.append(_links_of_names(text, known))
                rules.append(name)
    said = [f"the same {' or '.join(rules)}"] if rules else []
    if "ra" in columns and "dec" in columns:
        ra, dec = (np.asarray(columns[name], dtype=np.float64) for name in ("ra", "dec"))
        known = is_position(ra, dec)
        if known.any():
            links.append(_links_of_places(ra, dec, known, radius))
            said.append(f"within {radius:g} arcsec")
    return StarGroups(_connected(n_spectra, links), ", or ".join(said))


def is_position(ra: FloatArray, dec: FloatArray) -> BoolArray:
    """Return where ra and dec [deg] are a position: finite, on the sphere, and not (0, 0)."""
    with np.errstate(invalid="ignore"):
        known: BoolArray = (np.abs(ra) <= 360) & (np.abs(dec) <= 90) & ((ra != 0) | (dec != 0))
    return known


def _names(column: ArrayLike) -> tuple[NDArray[np.str_], BoolArray, bool]:
    """Return a column as text, where it is known, and whether its numbers are exact."""
    values = np.ma.asarray(column)
    exact = not (values.dtype.kind == "f" and bool((np.abs(np.nan_to_num(values.filled(0))) > _LARGEST_EXACT).any()))
    plain = values.filled("") if values.dtype.kind in "USO" else values.data
    words = [one.decode("utf-8", "replace") if isinstance(one, bytes) else str(one) for one in plain.tolist()]
    text = np.char.strip(np.array(words, dtype=np.str_))
    return text, known_names(text) & ~np.ma.getmaskarray(values), exact


def named_stars(given: Any, ids: NDArray[np.str_]) -> NDArray[np.str_]:
    """
    Return the names of stars that a user gives for N spectra, as text; a spectrum without one is named by its id.

    Parameters
    ----------
    given : array of shape (N,)
        Names or whole numbers. What stands for "unknown" in them is no name; 0 is one among texts.
    ids : str array of shape (N,)
        Ids of the spectra.

    Raises
    ------
    InputError
        Another shape, or floating-point numbers that are not exact.
    """
    if np.shape(given) != ids.shape:
        raise InputError(f"star must have one name per spectrum ({len(ids)}); got shape {np.shape(given)}")
    text, known, exact = _names(given)
    if not exact:
        raise InputError(f"star holds {_NOT_EXACT}")
    if np.ma.asarray(given).dtype.kind in "USO":
        known |= np.isin(text, ZERO)
    return np.where(known, text, ids)


type _Links = tuple[NDArray[np.intp], NDArray[np.intp]]


def _links_of_names(names: NDArray[np.str_], known: BoolArray) -> _Links:
    """Link every spectrum with a known name to the first spectrum of that name."""
    rows = np.flatnonzero(known)
    _, first, inverse = np.unique(names[rows], return_index=True, return_inverse=True)
    return rows, rows[first[inverse.reshape(-1)]]


def _links_of_places(ra: FloatArray, dec: FloatArray, known: BoolArray, radius: float) -> _Links:
    """Link spectra with the same position, and one spectrum of each position to those of the positions nearby."""
    rows = np.flatnonzero(known)
    places, first, inverse = np.unique(
        np.column_stack([ra[rows], dec[rows]]), axis=0, return_index=True, return_inverse=True
    )
    longitude, latitude = np.radians(places).T
    across = np.cos(latitude)
    sphere = np.column_stack([across * np.cos(longitude), across * np.sin(longitude), np.sin(latitude)])
    chord = 2 * np.sin(np.radians(radius / 3600) / 2)
    near = cKDTree(sphere).query_pairs(chord, output_type="ndarray")
    one, other = rows[first[near[:, 0]]], rows[first[near[:, 1]]]
    return np.concatenate([rows, one]), np.concatenate([rows[first[inverse.reshape(-1)]], other])


def _connected(n_spectra: int, links: list[_Links]) -> NDArray[np.int64]:
    """Return the numbers of the groups that the links make."""
    if not links:
        return np.arange(n_spectra)
    one, other = (np.concatenate(ends) for ends in zip(*links, strict=True))
    graph = coo_array((np.ones(len(one)), (one, other)), shape=(n_spectra, n_spectra))
    return star_numbers(connected_components(graph, directed=False)[1])

"""What a reference set does with several spectra of a star: keep all of them, as one star, or the best one."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayescannon.cannon.choices import REPEATS
from bayescannon.data.star_groups import first_rows, star_groups
from bayescannon.numerics.errors import BayesCannonWarning, InputError
from bayescannon.numerics.typing import BoolArray


@dataclass(frozen=True)
class ChosenRepeats:
    """
    The stars of n matched spectra.

    Attributes
    ----------
    star : str array
        Names of the stars of the spectra that are kept.
    steps : tuple of (str, bool array)
        Steps for the tally, each with a mask of what it keeps of the spectra before it: none where every spectrum is of
        another star.
    """

    star: NDArray[np.str_]
    steps: tuple[tuple[str, BoolArray], ...]


def choose_repeats(
    columns: Mapping[str, NDArray[Any]],
    ids: NDArray[np.str_],
    row: NDArray[np.intp],
    *,
    star_id: str | None = None,
    repeats: str = "keep",
) -> ChosenRepeats:
    """
    Find which matched spectra are of the same star, and keep all of them or the best of each star.

    Parameters
    ----------
    columns : mapping of str to array of shape (n,)
        Columns of the spectra; by ``snr`` the best is chosen.
    ids : str array of shape (n,)
    row : int array of shape (n,)
        Row of the label table that each spectrum has its labels from.
    star_id : str, optional
        As in :func:`bayescannon.data.star_groups.star_groups`.
    repeats : {"keep", "best"}

    Returns
    -------
    chosen : ChosenRepeats

    Raises
    ------
    InputError
        Another choice, or a column that the spectra lack.

    Examples
    --------
    >>> columns = {"snr": np.array([50.0, 80.0, 60.0])}
    >>> found = choose_repeats(columns, np.array(["a", "b", "c"]), np.array([4, 4, 7]), repeats="best")
    >>> found.star.tolist(), [step for step, _ in found.steps][1]
    (['a', 'c'], 'another spectrum of the star has better S/N')
    """
    if repeats not in REPEATS:
        raise InputError(f"repeats must be one of {', '.join(REPEATS)}; got {repeats!r}")
    groups = star_groups(columns, len(ids), star_id=star_id, row=row)
    if suspicion := groups.suspicion():
        warnings.warn(suspicion, BayesCannonWarning, stacklevel=3)
    star, steps = groups.names(ids), []
    several = len(groups) < len(ids)
    if several or not groups.rule or star_id is not None:
        steps.append((groups.describe(), np.ones(len(ids), dtype=bool)))
    if repeats == "best" and several:
        snr = np.nan_to_num(columns.get("snr", np.full(len(ids), np.nan)), nan=-np.inf)
        order = np.argsort(-snr, kind="stable")
        kept = np.zeros(len(ids), dtype=bool)
        kept[order[first_rows(groups.number[order])]] = True
        unknown = "" if np.isfinite(snr).any() else "; no S/N is known, and the first spectrum counts"
        steps.append((f"another spectrum of the star has better S/N{unknown}", kept))
        star = star[kept]
    return ChosenRepeats(star, tuple(steps))

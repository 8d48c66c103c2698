"""
A field sample: giants, dwarfs and hot stars together, each star with the name of its population.

Test stars are in the proportions of a magnitude-limited survey of the disc, four dwarfs to a giant, and a few hot stars
in a hundred, as among LAMOST's A, F, G and K stars. Reference stars have shares that let a model of each population be
trained. A giant has log g < 3.8; subgiants above that are dwarfs; stars hotter than 7000 K are hot.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayescannon.mock.dwarfs import LEAST_DWARF_LOGG, draw_dwarfs, draw_hot_stars
from bayescannon.mock.emulator import POPULATIONS
from bayescannon.mock.population import draw_population
from bayescannon.mock.releases import DR2, Release

TEST_SHARES = {"giant": 0.19, "dwarf": 0.77, "hot": 0.04}
REFERENCE_SHARES = {"giant": 0.5, "dwarf": 0.4, "hot": 0.1}

Stars = dict[str, NDArray[Any]]


def draw_field(n_reference: int, n_test: int, rng: np.random.Generator, *, release: Release = DR2) -> Stars:
    """
    Draw true labels of a field sample, reference stars first.

    Parameters
    ----------
    n_reference, n_test : int
        Numbers of stars with and without labels from Survey A.
    rng : numpy.random.Generator
    release : Release
        Distribution of S/N.

    Returns
    -------
    stars : dict of arrays of shape (n_reference + n_test,)
        The columns of :func:`~bayescannon.mock.dwarfs.draw_dwarfs` and ``population``, one of
        :data:`bayescannon.mock.emulator.POPULATIONS`; the populations are in random order.
    """
    population = np.concatenate(
        [
            rng.permutation(np.repeat(POPULATIONS, _counts(n_star, shares)))
            for n_star, shares in ((n_reference, REFERENCE_SHARES), (n_test, TEST_SHARES))
        ]
    )
    draws = {"giant": _draw_giants, "dwarf": draw_dwarfs, "hot": draw_hot_stars}
    stars: Stars = {"population": population}
    for name, draw in draws.items():
        rows = population == name
        for column, values in draw(int(rows.sum()), rng, release=release).items():
            stars.setdefault(column, np.zeros(len(population)))[rows] = values
    return stars


def _counts(n_star: int, shares: Mapping[str, float]) -> list[int]:
    """Return whole numbers of stars of each population that add up to `n_star`."""
    ends = np.round(n_star * np.cumsum([shares[name] for name in POPULATIONS])).astype(int)
    counts: list[int] = np.diff(ends, prepend=0).tolist()
    return counts


def _draw_giants(n_star: int, rng: np.random.Generator, *, release: Release = DR2) -> Stars:
    """Draw giants below the dwarfs' least log g; they are known not to rotate fast."""
    parts: list[Stars] = []
    missing = n_star
    while missing > 0:
        drawn = draw_population(missing, rng, release=release)
        giants = drawn["logg"] < LEAST_DWARF_LOGG
        parts.append({name: values[giants] for name, values in drawn.items()})
        missing -= int(giants.sum())
    stars = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]} if parts else {}
    return {**stars, "v_sin_i": np.zeros(n_star)}

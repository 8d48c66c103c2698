"""
A field sample: giants, dwarfs and hot stars together, each star with the name of its population.

Test stars are in the proportions of a magnitude-limited survey of the disc, four dwarfs to a giant, and a few hot stars
in a hundred, as among LAMOST's A, F, G and K stars. Reference stars have shares that let a model of each population be
trained. A giant has log g < 3.8; subgiants above that are dwarfs; stars hotter than 7000 K are hot.

How far it is like real data: the table compares 400 dwarfs of LAMOST DR10 (5000 to 7000 K, log g >= 3.8) with three
labels of LAMOST's pipeline, and the mean of two field samples of ``release="dr10"`` with as many dwarfs (the statistics
are those of :mod:`bayescannon.mock.survey`). ``tests/published/mock/test_field.py`` holds the table against both.

===================================================  ====================  ====================
statistic                                            real                  mock
===================================================  ====================  ====================
header S/N: 16, 50, 84 %                             17, 35, 103           15, 34, 86
kappa learned                                        0.73                  0.74
median s, with kappa learned                         0.0047                0.0044
median kappa sigma / s, kappa learned                3.3                   3.9
the same, kappa = 1                                  6.7                   10.9
N_eff / N of the stars' weights, kappa learned       0.41                  0.37
median reduced chi2, kappa = 1                       0.59                  0.64
residuals beyond 4                                   0.26 %                0.28 %
excess kurtosis of the residuals (below 10)          3.4                   3.8
correlation of residuals 1, 2, 3 pixels apart        0.42, 0.12, 0.08      0.41, 0.14, 0.09
variance in 1, 3, 10, 30 principal components        2, 6, 14, 29 %        2, 5, 11, 21 %
taken by the clip                                    6 %                   2 %
scatter of Teff, log g, [Fe/H], 8-fold (robust)      62 K, 0.108, 0.080    66 K, 0.122, 0.067
the same, S/N > 50                                   52 K, 0.081, 0.045    53 K, 0.102, 0.052
the same, standard deviation of all                  74 K, 0.117, 0.111    71 K, 0.128, 0.076
width of (inferred - reference) / formal error       3.3, 4.7, 2.9         3.1, 5.0, 3.1
===================================================  ====================  ====================

Mean spectra of mock stars with the labels of real ones, normalised alike, have correlations of 0.93 (K giants), 0.95
(K to F dwarfs) and 0.97 to 0.98 (A stars) with the mean real spectra between 4000 and 6800 A; lines of giants and K to
early F dwarfs are 15 to 20 % too deep, those of late F dwarfs and A stars right to 5 %. Rates of change with Teff and
[Fe/H] correlate by 0.95 and 0.86 with those of real dwarfs; the rate of change with log g is less alike (0.3; its size
is 0.6 of that with LASP's log g).
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
# Ho et al. (2017): APOGEE's stars are giants
PAPER_SHARES = {"giant": 1.0, "dwarf": 0.0, "hot": 0.0}

Stars = dict[str, NDArray[Any]]


def draw_field(
    n_reference: int,
    n_test: int,
    rng: np.random.Generator,
    *,
    release: Release = DR2,
    reference_shares: Mapping[str, float] = REFERENCE_SHARES,
) -> Stars:
    """
    Draw true labels of a field sample, reference stars first.

    Parameters
    ----------
    n_reference, n_test : int
        Numbers of stars with and without labels from Survey A.
    rng : numpy.random.Generator
    release : Release
        Distribution of S/N.
    reference_shares : mapping of str to float
        Shares of the populations among the reference stars.

    Returns
    -------
    stars : dict of arrays of shape (n_reference + n_test,)
        The columns of :func:`~bayescannon.mock.dwarfs.draw_dwarfs` and ``population``, one of
        :data:`bayescannon.mock.emulator.POPULATIONS`; the populations are in random order.
    """
    population = np.concatenate(
        [
            rng.permutation(np.repeat(POPULATIONS, _counts(n_star, shares)))
            for n_star, shares in ((n_reference, reference_shares), (n_test, TEST_SHARES))
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

"""
The dwarfs and hot stars of a field sample: true labels.

Temperatures, surface gravities and metallicities follow 460 dwarfs and 132 stars hotter than 7000 K of LAMOST DR10 with
labels of LAMOST's pipeline (LASP): the median of log g at each Teff, its scatter for labels that are drawn toward the
median (see :mod:`bayescannon.mock.catalogues`), and the distribution of [Fe/H]. Dwarfs have 3.8 <= log g and
Teff < 7000 K; evolved stars of the turn-off scatter to low log g.

These are assumptions: log g below 5000 K, where the real sample ends; the shares of the thin and thick disc and of the
halo and their [alpha/M]; [C/M] and [N/M] near 0, for there is no dredge-up on the main sequence; masses
(Teff / 5800 K)^1.7; rotation of stars hotter than 6200 K, Maxwellian, with a mean that reaches 130 km/s at 7500 K.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayescannon.mock.population import draw_circumstances, draw_inside
from bayescannon.mock.releases import DR2, Release
from bayescannon.numerics.typing import FloatArray

# Teff [K], median log g and its scatter
SEQUENCE = np.array([
    (4000, 4.68, 0.06), (4500, 4.63, 0.10), (5150, 4.57, 0.18), (5450, 4.48, 0.24), (5750, 4.29, 0.24),
    (6050, 4.20, 0.20), (6350, 4.18, 0.16), (6750, 4.16, 0.15), (7250, 4.09, 0.12), (8500, 4.05, 0.12),
    (11000, 4.08, 0.15),
])  # fmt: skip
# of temperatures of dwarfs: share, mean and width of two normal distributions, and the limits [K]
WARM_SHARE, WARM, COOL = 0.82, (5950.0, 480.0), (4800.0, 380.0)
DWARF_TEFF = (4000.0, 7000.0)
# of hot stars: the limits, and the scale on which their number decreases [K]
HOT_TEFF = (7000.0, 11000.0)
HOT_SCALE = 1400.0
LEAST_DWARF_LOGG = 3.8
# share, mean and width of [M/H], mean of [alpha/M] of thin disc, thick disc, halo
DISCS = np.array([(0.66, -0.18, 0.22, 0.04), (0.24, -0.55, 0.25, 0.20), (0.10, -1.40, 0.35, 0.27)])
ALPHA_WIDTH, CARBON_WIDTH, NITROGEN_WIDTH = 0.03, 0.05, 0.06
HOT_M_H, HOT_M_H_WIDTH = -0.15, 0.2
MASS_EXPONENT, SOLAR_TEFF = 1.7, 5800.0
# medians of A_K [mag] and of S/N relative to the release's: dwarfs are near and faint, hot stars bright
A_K_MEDIANS = {"dwarf": 0.05, "hot": 0.08}
SNR_FACTORS = {"dwarf": 0.6, "hot": 1.5}
# mean projected rotation [km/s] by Teff [K]
ROTATION = np.array([(6200.0, 0.0), (6800.0, 40.0), (7500.0, 130.0), (11000.0, 140.0)])

Stars = dict[str, NDArray[Any]]


def sequence_logg(teff: FloatArray) -> FloatArray:
    """Return the median log g of dwarfs of a temperature, shape (star,)."""
    logg: FloatArray = np.interp(teff, SEQUENCE[:, 0], SEQUENCE[:, 1])
    return logg


def draw_dwarfs(n_star: int, rng: np.random.Generator, *, release: Release = DR2) -> Stars:
    """
    Draw true labels of dwarfs and subgiants, all inside the range of their emulator.

    Parameters
    ----------
    n_star : int
    rng : numpy.random.Generator
    release : Release
        Distribution of S/N.

    Returns
    -------
    stars : dict of arrays of shape (n_star,)
        The columns of :func:`~bayescannon.mock.population.draw_population` and ``v_sin_i`` [km/s].
    """
    return _complete(draw_inside(n_star, lambda: _dwarf_candidates(n_star, rng), "dwarf"), "dwarf", rng, release)


def draw_hot_stars(n_star: int, rng: np.random.Generator, *, release: Release = DR2) -> Stars:
    """Draw true labels of stars hotter than 7000 K; parameters and result are those of :func:`draw_dwarfs`."""
    return _complete(draw_inside(n_star, lambda: _hot_candidates(n_star, rng), "hot"), "hot", rng, release)


def _complete(stars: Stars, population: str, rng: np.random.Generator, release: Release) -> Stars:
    circumstances = draw_circumstances(
        stars["m_h"],
        rng,
        release=release,
        a_k_median=A_K_MEDIANS[population],
        snr_factor=SNR_FACTORS[population],
    )
    # three squares of normal numbers make a Maxwellian distribution with a mean of 1.596 widths
    mean = np.interp(stars["teff"], *ROTATION.T)
    speed = mean / 1.596 * np.sqrt((rng.standard_normal((3, len(mean))) ** 2).sum(axis=0))
    return {**stars, **circumstances, "v_sin_i": speed}


def _dwarf_candidates(n_star: int, rng: np.random.Generator) -> FloatArray:
    warm = rng.random(n_star) < WARM_SHARE
    teff = np.where(warm, rng.normal(*WARM, n_star), rng.normal(*COOL, n_star))
    disc = rng.choice(len(DISCS), size=n_star, p=DISCS[:, 0])
    m_h = rng.normal(DISCS[disc, 1], DISCS[disc, 2])
    # super-solar stars have solar [alpha/M]
    alpha_m = DISCS[disc, 3] - 0.1 * np.clip(m_h, 0.0, None) + ALPHA_WIDTH * rng.standard_normal(n_star)
    labels = _with_abundances(teff, m_h, alpha_m, rng)
    chosen = (teff >= DWARF_TEFF[0]) & (teff < DWARF_TEFF[1]) & (labels[:, 1] >= LEAST_DWARF_LOGG)
    return labels[chosen]


def _hot_candidates(n_star: int, rng: np.random.Generator) -> FloatArray:
    teff = HOT_TEFF[0] + rng.exponential(HOT_SCALE, n_star)
    m_h = rng.normal(HOT_M_H, HOT_M_H_WIDTH, n_star)
    alpha_m = DISCS[0, 3] + ALPHA_WIDTH * rng.standard_normal(n_star)
    return _with_abundances(teff, m_h, alpha_m, rng)[teff < HOT_TEFF[1]]


def _with_abundances(teff: FloatArray, m_h: FloatArray, alpha_m: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Draw log g, [C/M] and [N/M]; return the emulator's labels and the mass, shape (star, 7)."""
    n_star = len(teff)
    scatter = np.interp(teff, SEQUENCE[:, 0], SEQUENCE[:, 2])
    logg = sequence_logg(teff) + scatter * rng.standard_normal(n_star)
    c_m = CARBON_WIDTH * rng.standard_normal(n_star)
    n_m = NITROGEN_WIDTH * rng.standard_normal(n_star)
    return np.stack([teff, logg, m_h, alpha_m, c_m, n_m, (teff / SOLAR_TEFF) ** MASS_EXPONENT], axis=1)

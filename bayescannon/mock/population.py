"""
The giant-branch population of the mock survey: true labels, hidden abundances, extinction, S/N.

Teff, log g, [M/H] and [alpha/M] follow a mixture of Gaussians fitted by ``scripts/fit_population.py`` to 10,733
unflagged giants common to LAMOST DR2 and APOGEE DR12, with the label errors deconvolved; it includes the red clump
and the sequences of low and high [alpha/M].

The following are plausible assumptions and not fitted. [C/M] decreases and [N/M] increases over the first dredge-up
(log g about 3.3) and again above the bump of metal-poor giants; the masses, log-normal about 1.2 solar masses, scatter
both: a more massive giant has less carbon and more nitrogen, and a few giants are peculiar in both. A_K is
log-normal with a mean near 0.13 mag, typical of AK_WISE in disk fields. Radial velocities are normal with 35 km/s for
the disk, and with 130 km/s for a halo whose fraction increases at low metallicity.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from bayescannon.mock.emulator import EMULATOR_LABELS, Emulator
from bayescannon.mock.releases import DR2, Release
from bayescannon.numerics.typing import FloatArray

POPULATION_LABELS = ("teff", "logg", "m_h", "alpha_m")
# range of the stars that were fitted and of those that are drawn
LOW = np.array([3720.0, -0.1, -2.3, -0.09])
HIGH = np.array([5750.0, 3.92, 0.49, 0.42])

# weight; means; standard deviations; correlations (logg teff), (m_h teff), (m_h logg), (alpha_m teff), ...
COMPONENTS = np.array([
    (0.1955, 4552, 2.186, -0.203, 0.059, 276, 0.575, 0.252, 0.0260, 0.986, 0.159, 0.315, 0.291, 0.196, -0.666),
    (0.1849, 4848, 2.738, 0.101, 0.037, 175, 0.204, 0.170, 0.0109, 0.960, -0.669, -0.456, -0.685, -0.756, 0.028),
    (0.1729, 4868, 2.660, -0.226, 0.072, 93, 0.070, 0.158, 0.0180, 0.895, -0.568, -0.160, 0.181, -0.241, -0.867),
    (0.1643, 4706, 2.667, -0.407, 0.215, 234, 0.549, 0.254, 0.0425, 0.979, 0.051, 0.251, 0.118, -0.040, -0.781),
    (0.1431, 4934, 3.191, -0.015, 0.069, 106, 0.233, 0.242, 0.0162, 0.834, -0.369, 0.153, -0.038, -0.239, -0.669),
    (0.0627, 4828, 2.576, -0.383, 0.213, 133, 0.054, 0.279, 0.0546, 0.848, -0.922, -0.616, 0.721, 0.276, -0.880),
    (0.0433, 5098, 3.150, -0.621, 0.164, 294, 0.547, 0.496, 0.0952, 0.576, 0.153, 0.575, -0.241, -0.512, -0.561),
    (0.0334, 4557, 1.747, -1.413, 0.218, 316, 0.684, 0.406, 0.0705, 0.938, -0.244, 0.095, 0.298, 0.157, -0.575),
])  # fmt: skip

# of the giants' masses, in solar masses; the width is of the natural logarithm
MASS_MEDIAN = 1.2
MASS_LOG_WIDTH = 0.25

# share of giants with peculiar carbon and nitrogen, and how much larger their own scatter is
PECULIAR_SHARE, PECULIAR_FACTOR = 0.03, 4.0

A_K_MEDIAN = 0.10
A_K_LOG_WIDTH = 0.7
A_K_MAX = 0.8

MAX_DRAWS = 200


def mixture() -> tuple[FloatArray, FloatArray, FloatArray]:
    """
    Return the mixture's weights (component,), means (component, 4) and covariances (component, 4, 4).

    The labels are in the order of `POPULATION_LABELS`.
    """
    n_label = len(POPULATION_LABELS)
    weights, means, sigma, correlations = np.split(COMPONENTS, [1, 1 + n_label, 1 + 2 * n_label], axis=1)
    correlation = np.repeat(np.eye(n_label)[None], len(COMPONENTS), axis=0)
    i, j = np.tril_indices(n_label, -1)
    correlation[:, i, j] = correlation[:, j, i] = correlations
    return weights[:, 0] / weights.sum(), means, correlation * sigma[:, :, None] * sigma[:, None, :]


def draw_population(n_star: int, rng: np.random.Generator, *, release: Release = DR2) -> dict[str, NDArray[Any]]:
    """
    Draw true labels of stars, all inside the range of the emulator.

    Parameters
    ----------
    n_star : int
    rng : numpy.random.Generator
    release : Release
        Distribution of S/N.

    Returns
    -------
    stars : dict of arrays of shape (n_star,)
        ``teff`` [K], ``logg``, ``m_h``, ``alpha_m``, ``c_m``, ``n_m`` [dex], ``mass`` [solMass], ``a_k`` [mag],
        ``velocity`` [km/s, heliocentric, approaching is negative], ``snr`` (the S/N in g that the header will report).
    """
    stars = draw_inside(n_star, lambda: _draw_candidates(n_star, rng), "giant")
    stars.update(draw_circumstances(stars["m_h"], rng, release=release))
    return stars


def draw_inside(n_star: int, draw: Callable[[], FloatArray], population: str) -> dict[str, NDArray[Any]]:
    """
    Draw labels until there are `n_star` stars inside the range of the population's emulator.

    Parameters
    ----------
    n_star : int
    draw : callable
        Draws candidates, shape (star, 7): the labels of the emulators and the mass.
    population : str
        One of :data:`bayescannon.mock.emulator.POPULATIONS`.

    Returns
    -------
    stars : dict of arrays of shape (n_star,)
        ``teff`` [K], ``logg``, ``m_h``, ``alpha_m``, ``c_m``, ``n_m`` [dex], ``mass`` [solMass].
    """
    emulator = Emulator.load(population)
    labels = np.empty((0, 7))
    for _ in range(MAX_DRAWS):
        candidates = draw()
        labels = np.concatenate([labels, candidates[emulator.inside(candidates[:, :-1])]])[:n_star]
        if len(labels) == n_star:
            break
    else:
        raise RuntimeError(
            f"{n_star} stars inside the emulator's range are needed; {MAX_DRAWS} draws gave only {len(labels)}. Check "
            "that the emulator's data file belongs to this population"
        )
    return dict(zip((*EMULATOR_LABELS, "mass"), labels.T, strict=True))


def draw_circumstances(
    m_h: FloatArray,
    rng: np.random.Generator,
    *,
    release: Release = DR2,
    a_k_median: float = A_K_MEDIAN,
    snr_factor: float = 1.0,
) -> dict[str, NDArray[Any]]:
    """
    Draw extinction, velocity and S/N of stars with the metallicities `m_h`, shape (star,).

    Parameters
    ----------
    m_h : array of shape (star,)
    rng : numpy.random.Generator
    release : Release
        Distribution of S/N.
    a_k_median : float
        Median of A_K in mag.
    snr_factor : float
        Median of the S/N relative to the release's.

    Returns
    -------
    stars : dict of arrays of shape (star,)
        ``a_k``, ``velocity`` and ``snr`` of :func:`draw_population`.
    """
    n_star = len(m_h)
    a_k = np.minimum(a_k_median * np.exp(A_K_LOG_WIDTH * rng.standard_normal(n_star)), A_K_MAX)
    velocity = _draw_velocity(m_h, rng)
    # a truncated normal distribution: the inverse of the distribution function between the limits
    median = release.snr_median * snr_factor
    low, high = ndtr(np.log(np.array(release.snr_range) / median) / release.snr_log_width)
    snr = median * np.exp(release.snr_log_width * ndtri(rng.uniform(low, high, n_star)))
    return {"a_k": a_k, "velocity": velocity, "snr": snr}


def _draw_candidates(n_star: int, rng: np.random.Generator) -> FloatArray:
    weights, means, covariances = mixture()
    component = rng.choice(len(weights), size=n_star, p=weights)
    root = np.linalg.cholesky(covariances)
    normal = rng.standard_normal((n_star, len(POPULATION_LABELS)))
    labels = means[component] + np.einsum("nij,nj->ni", root[component], normal)
    labels = labels[np.all((labels > LOW) & (labels < HIGH), axis=1)]
    return np.concatenate([labels, _draw_carbon_nitrogen(labels, rng)], axis=1)


def _draw_carbon_nitrogen(labels: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Draw ([C/M], [N/M], mass), shape (star, 3), given the labels of the population; see the module's docstring."""
    _, logg, m_h, _ = labels.T
    dredge_up = 1 / (1 + np.exp((logg - 3.3) / 0.12))
    # extra mixing above the bump, stronger for metal-poor stars
    extra = np.clip(2.3 - logg, 0, None) * np.clip(-m_h, 0.1, 1.2)
    mass = rng.standard_normal(len(labels))
    own = rng.standard_normal((len(labels), 2))
    own *= np.where(rng.random((len(labels), 1)) < PECULIAR_SHARE, PECULIAR_FACTOR, 1.0)
    c_m = 0.03 - 0.13 * dredge_up - 0.10 * extra - 0.06 * mass + 0.06 * own[:, 0]
    n_m = 0.02 + 0.17 * dredge_up + 0.12 * extra + 0.09 * mass + 0.08 * own[:, 1]
    return np.stack([c_m, n_m, MASS_MEDIAN * np.exp(MASS_LOG_WIDTH * mass)], axis=1)


def _draw_velocity(m_h: FloatArray, rng: np.random.Generator) -> FloatArray:
    n_star = len(m_h)
    halo_share = 0.02 + 0.9 / (1 + np.exp((m_h + 1.2) / 0.1))
    width = np.where(rng.random(n_star) < halo_share, 130.0, 35.0)
    return np.clip(rng.normal(-10.0, width), -450.0, 450.0)

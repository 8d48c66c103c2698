"""
The giant-branch population of the mock survey: true labels, hidden abundances, extinction, S/N.

Teff, log g, [M/H] and [alpha/M] follow a mixture of Gaussians fitted by ``scripts/fit_population.py`` to 10,733
unflagged giants common to LAMOST DR2 and APOGEE DR12, with the label errors deconvolved; it includes the red clump
and the sequences of low and high [alpha/M].

The following are plausible assumptions and not fitted. [C/M] decreases and [N/M] increases over the first dredge-up
(log g about 3.3) and again above the bump of metal-poor giants; the masses, log-normal about 1.2 solar masses, scatter
both: a more massive giant has less carbon and more nitrogen. A_K is
log-normal with a mean near 0.13 mag, typical of AK_WISE in disk fields. Radial velocities are normal with 35 km/s for
the disk, and with 130 km/s for a halo whose fraction increases at low metallicity.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from bayescannon.mock.emulator import Emulator
from bayescannon.numerics.typing import FloatArray

POPULATION_LABELS = ("teff", "logg", "m_h", "alpha_m")
# range of the stars that were fitted and of those that are drawn
LOW = np.array([3720.0, -0.1, -2.3, -0.09])
HIGH = np.array([5750.0, 3.92, 0.49, 0.42])

# weight; means; standard deviations; correlations (logg teff), (m_h teff), (m_h logg), (alpha_m teff), ...
COMPONENTS = np.array([
    (0.1926, 4539, 2.169, -0.205, 0.060, 267, 0.569, 0.258, 0.0263, 0.983, 0.146, 0.318, 0.319, 0.216, -0.641),
    (0.1879, 4849, 2.736, 0.099, 0.037, 173, 0.203, 0.177, 0.0108, 0.961, -0.644, -0.425, -0.675, -0.762, -0.024),
    (0.1713, 4869, 2.658, -0.228, 0.072, 91, 0.069, 0.164, 0.0180, 0.896, -0.551, -0.145, 0.209, -0.201, -0.824),
    (0.1626, 4704, 2.662, -0.407, 0.215, 234, 0.547, 0.257, 0.0422, 0.980, 0.055, 0.250, 0.123, -0.032, -0.766),
    (0.1436, 4935, 3.190, -0.016, 0.068, 106, 0.232, 0.246, 0.0161, 0.826, -0.360, 0.166, -0.041, -0.211, -0.652),
    (0.0626, 4827, 2.576, -0.381, 0.213, 132, 0.056, 0.284, 0.0546, 0.809, -0.911, -0.576, 0.726, 0.271, -0.869),
    (0.0437, 5104, 3.196, -0.542, 0.160, 288, 0.517, 0.444, 0.0937, 0.569, 0.163, 0.549, -0.235, -0.513, -0.641),
    (0.0358, 4597, 1.823, -1.428, 0.217, 332, 0.710, 0.400, 0.0735, 0.936, -0.231, 0.097, 0.130, 0.012, -0.506),
])  # fmt: skip

# header S/N in the g band of the same stars: median, and standard deviation of the logarithm
SNR_MEDIAN = 47.6
SNR_LOG_WIDTH = 0.764
SNR_RANGE = (8.0, 400.0)

# of the giants' masses, in solar masses; the width is of the natural logarithm
MASS_MEDIAN = 1.2
MASS_LOG_WIDTH = 0.25

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


def draw_population(n_star: int, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
    """
    Draw true labels of stars, all inside the range of the emulator.

    Parameters
    ----------
    n_star : int
    rng : numpy.random.Generator

    Returns
    -------
    stars : dict of arrays of shape (n_star,)
        ``teff`` [K], ``logg``, ``m_h``, ``alpha_m``, ``c_m``, ``n_m`` [dex], ``mass`` [solMass], ``a_k`` [mag],
        ``velocity`` [km/s, heliocentric, approaching is negative], ``snr`` (the S/N in g that the header will report).
    """
    labels = np.empty((0, 7))
    for _ in range(MAX_DRAWS):
        candidates = _draw_candidates(n_star, rng)
        labels = np.concatenate([labels, candidates[Emulator.load().inside(candidates[:, :-1])]])[:n_star]
        if len(labels) == n_star:
            break
    else:
        raise RuntimeError(
            f"{n_star} stars inside the emulator's range are needed; {MAX_DRAWS} draws gave only {len(labels)}. Check "
            "that the emulator's data file belongs to this population"
        )
    stars: dict[str, NDArray[Any]] = dict(zip((*POPULATION_LABELS, "c_m", "n_m", "mass"), labels.T, strict=True))
    stars["a_k"] = np.minimum(A_K_MEDIAN * np.exp(A_K_LOG_WIDTH * rng.standard_normal(n_star)), A_K_MAX)
    stars["velocity"] = _draw_velocity(stars, rng)
    # a truncated normal distribution: the inverse of the distribution function between the limits
    low, high = ndtr(np.log(np.array(SNR_RANGE) / SNR_MEDIAN) / SNR_LOG_WIDTH)
    stars["snr"] = SNR_MEDIAN * np.exp(SNR_LOG_WIDTH * ndtri(rng.uniform(low, high, n_star)))
    return stars


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
    c_m = 0.03 - 0.13 * dredge_up - 0.10 * extra - 0.06 * mass + 0.05 * own[:, 0]
    n_m = 0.02 + 0.17 * dredge_up + 0.12 * extra + 0.09 * mass + 0.06 * own[:, 1]
    return np.stack([c_m, n_m, MASS_MEDIAN * np.exp(MASS_LOG_WIDTH * mass)], axis=1)


def _draw_velocity(stars: Mapping[str, FloatArray], rng: np.random.Generator) -> FloatArray:
    n_star = len(stars["m_h"])
    halo_share = 0.02 + 0.9 / (1 + np.exp((stars["m_h"] + 1.2) / 0.1))
    width = np.where(rng.random(n_star) < halo_share, 130.0, 35.0)
    return np.clip(rng.normal(-10.0, width), -450.0, 450.0)

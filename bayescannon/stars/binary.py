r"""
Unresolved pairs of main-sequence stars against single stars, from a star's quartic: no new pass over the pixels.

With a share w of the light and equal velocities, a pair's spectrum theta . ((1 - w) v(l_1) + w v(l_2)) is linear in
u = (1 - w) v(l_1) + w v(l_2), so that its chi2 = c - 2 b . u + u^T A u has the A, b and c of labelling
(:mod:`bayescannon.stars.quartic`). The evidence of a single star and that of a pair,

    Z_1 = int p(f | l) p(l) dl,    Z_2 = int p(f | l_1, q, rho) p(l_1) p(q) p(rho) dl_1 dq drho,

are integrals over K and K + 2 numbers by importance sampling; :func:`bayescannon.models.binary_star.pair_model` states
the second one. The first stars of pairs have the prior of single stars. A pair of equal stars has the spectrum of a
single one: their ratio is 1, and the probability of a pair its prior share.
"""

from dataclasses import dataclass
from math import lgamma

import numpy as np
from numpy.typing import NDArray

from bayescannon.data.labels import LabelScaler
from bayescannon.models.label_vector import term_pairs
from bayescannon.models.main_sequence import LEAST_RATIO, MainSequence
from bayescannon.numerics.label_density import LabelDensity
from bayescannon.numerics.threads import map_blocks
from bayescannon.numerics.typing import FloatArray
from bayescannon.stars.binary_kernels import integrate_all
from bayescannon.stars.quartic import Quartic

# intervals of the ratio, draws in each, and of a single star
_N_INTERVAL, _N_DRAW, _N_SINGLE = 16, 48, 250
_SEED = 0
# degrees of freedom of the proposal
_DOF = 7.0
_BLOCK = 128


@dataclass(frozen=True)
class PairEvidence:
    """
    N stars as pairs and as single stars.

    Attributes
    ----------
    log_single, log_pair : float arrays of shape (N,)
        ln Z_1 and ln Z_2, but for the same constant.
    by_ratio : float array of shape (N, G)
        ln Z_2 of each interval of q.
    ratio, light_share : float arrays of shape (N,)
        Means of q and w, if the star is a pair.
    first, second : float arrays of shape (N, K)
        Means of the scaled labels of both stars, if it is a pair.
    ratio_error, light_share_error : float arrays of shape (N,)
    first_error, second_error : float arrays of shape (N, K)
        Standard deviations of these.
    best : float array of shape (N, K + 2)
        Scaled labels of the first star, rho and q, of the best pair.
    ess : float array of shape (N,)
        Effective number of draws of the pair.
    """

    log_single: FloatArray
    log_pair: FloatArray
    by_ratio: FloatArray
    ratio: FloatArray
    light_share: FloatArray
    first: FloatArray
    second: FloatArray
    ratio_error: FloatArray
    light_share_error: FloatArray
    first_error: FloatArray
    second_error: FloatArray
    best: FloatArray
    ess: FloatArray

    @property
    def log_ratio(self) -> FloatArray:
        """ln(Z_2 / Z_1), shape (N,); positive speaks for a pair."""
        return self.log_pair - self.log_single

    def probability(self, prior_share: float) -> FloatArray:
        """Return the probability of a pair, shape (N,), where this share of stars like these are pairs."""
        odds = self.log_ratio + np.log(prior_share) - np.log1p(-prior_share)
        return np.asarray(0.5 * (1 + np.tanh(0.5 * odds)))


def pair_evidence(
    quartic: Quartic,
    start: FloatArray,
    sequence: MainSequence,
    scaler: LabelScaler,
    *,
    density: LabelDensity,
    least_ratio: float = LEAST_RATIO,
    power: FloatArray | float = 1.0,
    workers: int | None = None,
) -> PairEvidence:
    """
    Compare N stars as pairs with them as single stars.

    Parameters
    ----------
    quartic : Quartic
    start : float array of shape (N, K)
        Scaled labels of the stars as single ones; a star with NaN has NaN results.
    sequence : MainSequence
        In the labels' units.
    scaler : LabelScaler
    density : LabelDensity
        The prior of the labels of a star; its constant does not matter.
    least_ratio : float
        q is uniform from here to 1.
    power : float or float array of shape (N,)
        To which the likelihood is raised: below 1 where a model fits worse than its noise.
    workers : int or None
        Threads; None takes every core.

    Returns
    -------
    evidence : PairEvidence
        The same for a star in every selection of stars.
    """
    n_star, k = start.shape
    power = np.broadcast_to(np.asarray(power, dtype=np.float64), n_star)
    tempered = Quartic(quartic.a * power[:, None, None], quartic.b * power[:, None], quartic.c * power, quartic.n_live)
    edges = np.linspace(least_ratio, 1.0, _N_INTERVAL + 1)
    rng = np.random.default_rng(_SEED)
    pair, single = (_draws(rng, shape, k + 1) for shape in ((_N_INTERVAL, _N_DRAW), (1, _N_SINGLE)))
    known = np.isfinite(start).all(axis=1)
    at = np.where(known[:, None], start, 0.0)
    of_pair, of_single = _outputs(n_star, _N_INTERVAL, k), _outputs(n_star, 1, k)
    common = (term_pairs(k), density.arrays, sequence.arrays(scaler))

    def one(part: slice) -> None:
        own = tempered.select(part).arrays
        integrate_all(own, *common, np.zeros(2), at[part], single, tuple(x[part] for x in of_single))
        integrate_all(own, *common, edges, at[part], pair, tuple(x[part] for x in of_pair))

    map_blocks(one, n_star, _BLOCK, workers)
    for values in (*of_pair, *of_single):
        values[~known] = np.nan
    log_pair, by_ratio, mean, variance, best, ess = of_pair
    error = np.sqrt(variance)
    return PairEvidence(
        of_single[0], log_pair, by_ratio, mean[:, 0], mean[:, 1], mean[:, 2 : 2 + k], mean[:, 2 + k :],
        error[:, 0], error[:, 1], error[:, 2 : 2 + k], error[:, 2 + k :], best, ess,
    )  # fmt: skip


def _draws(rng: np.random.Generator, shape: tuple[int, int], n_dimension: int) -> tuple[FloatArray, ...]:
    """Return Student-t variables, their log density and places in intervals: stratified, in random order."""
    stretch = np.sqrt(_DOF / rng.chisquare(_DOF, shape))
    z = rng.standard_normal((*shape, n_dimension)) * stretch[..., None]
    constant = lgamma((_DOF + n_dimension) / 2) - lgamma(_DOF / 2) - n_dimension / 2 * np.log(_DOF * np.pi)
    log_density = constant - (_DOF + n_dimension) / 2 * np.log1p((z**2).sum(axis=-1) / _DOF)
    strata = np.argsort(rng.random(shape), axis=1)
    return z, log_density, (strata + rng.random(shape)) / shape[1] - 0.5


def _outputs(n_star: int, n_interval: int, k: int) -> tuple[NDArray[np.float64], ...]:
    """Return arrays to be filled by the kernel."""
    shapes: tuple[tuple[int, ...], ...] = ((), (n_interval,), (2 + 2 * k,), (2 + 2 * k,), (k + 2,), ())
    return tuple(np.full((n_star, *shape), np.nan) for shape in shapes)

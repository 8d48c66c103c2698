r"""
Draws from the likelihoods of stars raised to a power, by importance sampling with the same points for all stars.

The proposal is Gaussian around each star's optimum, with the covariance of the optimum over the power, widened; its
points are the normal quantiles of a Sobol sequence and their negatives, so that their mean is the optimum exactly. The
weights are on the exact quartic:

    w_d  prop. to  exp(-rho (chi2(l_d) - chi2(l)) / 2) / N(l_d; l, g^2 C / rho).
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import qmc

from bayescannon.models.label_vector import label_vector
from bayescannon.numerics.threads import map_blocks
from bayescannon.numerics.typing import FloatArray
from bayescannon.stars.quartic import Quartic

# a power of two, half of them negatives of the others
N_POINTS = 256
# the proposal is wider than the widened likelihood by this factor, for tails that are heavier than a Gaussian's
_WIDER = 1.3
_BLOCK = 64


@dataclass(frozen=True)
class WidenedDraws:
    """
    Weighted draws of N stars' labels.

    Attributes
    ----------
    scaled : float array of shape (N, D, K)
        Scaled labels; NaN for a star without an optimum.
    weight : float array of shape (N, D)
        They sum to 1.
    """

    scaled: FloatArray
    weight: FloatArray

    @property
    def ess(self) -> FloatArray:
        """Effective number of draws, shape (N,)."""
        effective: FloatArray = 1 / (self.weight**2).sum(axis=1)
        return effective


def draw_widened(
    quartic: Quartic, scaled: FloatArray, covariance: FloatArray, power: FloatArray, *, workers: int | None = None
) -> WidenedDraws:
    """
    Draw labels of stars from their likelihoods to a power.

    Parameters
    ----------
    quartic : Quartic
        Of N stars.
    scaled : float array of shape (N, K)
        Their optima, in scaled labels.
    covariance : float array of shape (N, K, K)
        Of the optima at power 1.
    power : float array of shape (N,)
        rho.
    workers : int or None
        Threads; None takes every core.

    Returns
    -------
    draws : WidenedDraws
    """
    n_star, n_label = scaled.shape
    points = _points(n_label)
    labels = np.full((n_star, len(points), n_label), np.nan)
    weight = np.full((n_star, len(points)), np.nan)
    usable = np.isfinite(scaled).all(axis=1) & np.isfinite(covariance).all(axis=(1, 2)) & (power > 0)
    rows = np.flatnonzero(usable)
    # the log density of the proposal at its points, up to a constant
    proposal = -0.5 * (points**2).sum(axis=1)

    def one(block: slice) -> None:
        some = rows[block]
        root = np.linalg.cholesky(covariance[some]) * (_WIDER / np.sqrt(power[some]))[:, None, None]
        at = scaled[some, None, :] + points @ root.transpose(0, 2, 1)
        vectors = label_vector(at)
        vectors[..., 0] = 0.0
        chi2 = ((vectors @ quartic.a[some]) * vectors).sum(axis=2) - 2 * (vectors @ quartic.b[some][:, :, None])[..., 0]
        log = -0.5 * power[some, None] * chi2 - proposal
        odds = np.exp(log - log.max(axis=1, keepdims=True))
        labels[some], weight[some] = at, odds / odds.sum(axis=1, keepdims=True)

    map_blocks(one, len(rows), _BLOCK, workers)
    return WidenedDraws(labels, weight)


@cache
def _points(n_label: int) -> NDArray[np.float64]:
    """Return standard normal points, shape (D, K): a scrambled Sobol sequence and its negatives."""
    uniform = qmc.Sobol(n_label, seed=0).random(N_POINTS // 2)
    half = ndtri(np.clip(uniform, 1e-9, 1 - 1e-9))
    result: NDArray[np.float64] = np.concatenate([half, -half])
    return result

r"""
Extreme deconvolution: a mixture of Gaussians fitted to labels that were measured with known errors.

    x_n ~ sum_m weight_m Normal(mean_m, covariance_m + S_n)

Expectation-maximisation of Bovy, Hogg & Roweis 2011 (AnnApStat 5, 1657), with diagonal S_n and a floor on the
covariances; with S_n = 0 it is the usual Gaussian mixture. The number of components is chosen by held-out likelihood.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.vq import kmeans2
from scipy.special import logsumexp

from bayescannon.numerics.compiled import compiled
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.typing import FloatArray

_MAX_ROUNDS = 600
# rounds end when the log likelihood per star rises by less: in the final fit, and while numbers of components compete
_TOLERANCE = 3e-6
_ROUGH_TOLERANCE = 1e-4
# stop after so many numbers of components in a row that are worse than the best
_PATIENCE = 2
# stars by which the number of components is chosen, at most
_MOST_TO_CHOOSE_BY = 2000
# smallest variance of a component, in units of the variance of the whole sample
_FLOOR = 1e-3
# smallest number of stars per component and label; a component with fewer stars than this in all is dropped
_LEAST_STARS = 3


@dataclass(frozen=True)
class Mixture:
    """
    A mixture of M Gaussians in K dimensions.

    Attributes
    ----------
    weight : float array of shape (M,)
    mean : float array of shape (M, K)
    covariance : float array of shape (M, K, K)
    """

    weight: FloatArray
    mean: FloatArray
    covariance: FloatArray

    def log_components(self, values: FloatArray, variance: FloatArray) -> FloatArray:
        """Return ln(weight_m Normal(x_n; mean_m, covariance_m + S_n)), shape (N, M), for x and S of shape (N, K)."""
        result = np.empty((len(values), len(self.weight)))
        log_components(values, variance, np.log(self.weight), self.mean, self.covariance, result)
        return result

    def log_likelihood(self, values: FloatArray, variance: FloatArray) -> NDArray[np.float64]:
        """Return ln p(x_n), shape (N,)."""
        result: NDArray[np.float64] = logsumexp(self.log_components(values, variance), axis=1)
        return result


def fit_mixture(
    values: FloatArray, variance: FloatArray, n_components: int, *, tolerance: float = _TOLERANCE, seed: int = 0
) -> Mixture:
    """
    Fit a mixture by expectation-maximisation, started from k-means clusters.

    Parameters
    ----------
    values, variance : float arrays of shape (N, K)
        Measured values and the variances of their errors.
    n_components : int
        M; a component is dropped when the shares of all stars in it sum to fewer than 3 stars.
    tolerance : float
        Rounds end when the log likelihood per star rises by less than this.
    seed : int
        Seed of k-means.

    Raises
    ------
    InputError
        Values that are not finite, negative variances, too few stars for the components, or a label that is the same
        for all stars.
    """
    n_star, n_label = values.shape
    if variance.shape != values.shape or not (np.isfinite(values).all() and (variance >= 0).all()):
        raise InputError(f"values and variances of shape (star, label) must be finite, variances not negative; got "
                         f"shapes {values.shape} and {variance.shape}")  # fmt: skip
    if n_components < 1 or n_star < _LEAST_STARS * n_label * n_components:
        raise InputError(
            f"{n_components} components of {n_label} labels need at least {_LEAST_STARS * n_label * n_components} "
            f"stars; got {n_star}. Use fewer components"
        )
    spread = values.var(axis=0)
    if not (spread > 0).all():
        raise InputError(
            f"every label must vary between stars; label number {int(spread.argmin())} is the same for all. Leave it "
            "out of the prior"
        )
    floor = np.diag(_FLOOR * spread)
    mixture = _from_clusters(values, n_components, floor, seed)
    last = -np.inf
    for _ in range(_MAX_ROUNDS):
        logs = mixture.log_components(values, variance)
        total = logsumexp(logs, axis=1)
        if total.mean() < last + tolerance:
            break
        last = total.mean()
        mixture = _maximise(values, variance, mixture, np.exp(logs - total[:, None]), floor)
    return mixture


def choose_mixture(
    values: FloatArray, variance: FloatArray, candidates: Sequence[int], *, folds: int = 5, seed: int = 0
) -> Mixture:
    """
    Fit the mixture whose number of components maximises the likelihood of held-out stars.

    Parameters
    ----------
    values, variance
        As in :func:`fit_mixture`.
    candidates : sequence of int
        Numbers of components; those for which there are too few stars are left out.
    folds : int
        Number of folds of the cross-validation.
    seed : int
        Seed of the folds and of k-means.
    """
    n_star, n_label = values.shape
    order = np.random.default_rng(seed).permutation(n_star)
    # a few thousand stars are enough to choose the number of components; the final fit uses all stars
    chosen = order[:_MOST_TO_CHOOSE_BY]
    some, some_variance, n_star = values[chosen], variance[chosen], len(chosen)
    fold = np.arange(n_star) % folds
    possible = [m for m in candidates if (n_star - n_star // folds - 1) >= _LEAST_STARS * n_label * m] or [1]
    scores: list[float] = []
    for m in possible:
        held_out = 0.0
        for k in range(folds):
            mixture = fit_mixture(some[fold != k], some_variance[fold != k], m, tolerance=_ROUGH_TOLERANCE, seed=seed)
            held_out += float(mixture.log_likelihood(some[fold == k], some_variance[fold == k]).sum())
        scores.append(held_out)
        if len(scores) > _PATIENCE and max(scores[-_PATIENCE:]) < max(scores):
            break
    return fit_mixture(values, variance, possible[int(np.argmax(scores))], seed=seed)


def _from_clusters(values: FloatArray, n_components: int, floor: FloatArray, seed: int) -> Mixture:
    """
    Return a mixture of k-means clusters, all with the pooled covariance within clusters.

    Narrower components would stay too narrow where the errors are large.
    """
    rng = np.random.default_rng(seed)
    _, member = kmeans2(values / values.std(axis=0), n_components, minit="++", rng=rng, missing="warn")
    kept = np.unique(member)
    weight = np.array([(member == m).mean() for m in kept])
    mean = np.array([values[member == m].mean(axis=0) for m in kept])
    offset = values - mean[np.searchsorted(kept, member)]
    within = _at_least(offset.T @ offset / len(values), floor)
    return Mixture(weight, mean, np.repeat(within[None], len(kept), axis=0))


def _maximise(
    values: FloatArray, variance: FloatArray, mixture: Mixture, share: FloatArray, floor: FloatArray
) -> Mixture:
    """Return the mixture that maximises the expected log likelihood, given the stars' shares (N, M) in components."""
    alive = share.sum(axis=0) >= _LEAST_STARS
    if not alive.all():
        mixture = Mixture(mixture.weight[alive], mixture.mean[alive], mixture.covariance[alive])
        share = share[:, alive] / np.maximum(share[:, alive].sum(axis=1, keepdims=True), np.finfo(float).tiny)
    number = share.sum(axis=0)
    first, second = np.empty_like(mixture.mean), np.empty_like(mixture.covariance)
    component_moments(values, variance, share, mixture.mean, mixture.covariance, first, second)
    shift = first / number[:, None]
    covariance = second / number[:, None, None] - shift[:, :, None] * shift[:, None, :]
    floored = np.array([_at_least(one, floor) for one in covariance])
    return Mixture(number / number.sum(), mixture.mean + shift, floored)


def _at_least(covariance: FloatArray, floor: FloatArray) -> FloatArray:
    """Return a covariance whose variance along any direction is at least that of `floor`, a diagonal matrix."""
    root = np.sqrt(np.diag(floor))
    values, vectors = np.linalg.eigh(0.5 * (covariance + covariance.T) / np.outer(root, root))
    result: FloatArray = (vectors * np.maximum(values, 1.0)) @ vectors.T * np.outer(root, root)
    return result


@compiled(nogil=True, error_model="numpy")
def log_components(values, variance, log_weight, mean, covariance, result):  # type: ignore[no-untyped-def]
    """Fill result (N, M) with ln weight_m + ln Normal(x_n; mean_m, covariance_m + diag(variance_n))."""
    n_star, k = values.shape
    factor, y = np.empty((k, k)), np.empty(k)
    constant = -0.5 * k * np.log(2 * np.pi)
    for n in range(n_star):
        for m in range(len(log_weight)):
            _factor(covariance[m], variance[n], factor)
            log_p = log_weight[m] + constant
            for p in range(k):
                y[p] = values[n, p] - mean[m, p]
                for q in range(p):
                    y[p] -= factor[p, q] * y[q]
                y[p] /= factor[p, p]
                log_p -= 0.5 * y[p] ** 2 + np.log(factor[p, p])
            result[n, m] = log_p


@compiled(nogil=True, error_model="numpy")
def component_moments(values, variance, share, mean, covariance, first, second):  # type: ignore[no-untyped-def]
    """
    Fill first (M, K) and second (M, K, K) with sums over stars of share * E[d] and share * E[d d^T], d = x - mean_m.

    Given component m and the measured x_n with V = covariance_m and S_n = diag(variance_n), the true value is Normal
    with mean mean_m + V (V + S)^-1 (x_n - mean_m) and covariance V - V (V + S)^-1 V (Bovy et al. 2011, section 3).
    """
    n_star, k = values.shape
    factor, right, expected = np.empty((k, k)), np.empty((k, k + 1)), np.empty(k)
    first[:] = 0.0
    second[:] = 0.0
    for n in range(n_star):
        for m in range(len(mean)):
            if share[n, m] < 1e-12:
                continue
            _factor(covariance[m], variance[n], factor)
            # L^-1 [V, x - mean], whose products are V (V + S)^-1 V and V (V + S)^-1 (x - mean)
            for c in range(k + 1):
                for p in range(k):
                    total = covariance[m, p, c] if c < k else values[n, p] - mean[m, p]
                    for q in range(p):
                        total -= factor[p, q] * right[q, c]
                    right[p, c] = total / factor[p, p]
            for p in range(k):
                expected[p] = 0.0
                for q in range(k):
                    expected[p] += right[q, p] * right[q, k]
            for p in range(k):
                first[m, p] += share[n, m] * expected[p]
                for c in range(k):
                    left = covariance[m, p, c] + expected[p] * expected[c]
                    for q in range(k):
                        left -= right[q, p] * right[q, c]
                    second[m, p, c] += share[n, m] * left


@compiled(nogil=True, error_model="numpy")
def _factor(covariance, variance, factor):  # type: ignore[no-untyped-def]
    """Fill factor with the lower Cholesky factor of covariance + diag(variance)."""
    k = len(variance)
    for p in range(k):
        for q in range(p + 1):
            total = covariance[p, q]
            if p == q:
                total += variance[p]
            for r in range(q):
                total -= factor[p, r] * factor[q, r]
            factor[p, q] = np.sqrt(total) if p == q else total / factor[q, q]

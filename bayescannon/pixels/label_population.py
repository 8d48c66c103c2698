r"""
The population of true labels, and the affine maps that bring latent labels to the scale of the reported labels.

True labels x_n ~ Normal(mu, Omega) are reported as o_n ~ Normal(x_n, Sigma_n). Spectra determine latent labels only up
to an affine map, because the quadratic spectral model is closed under affine maps; the reported labels determine the
map.
"""

from dataclasses import dataclass

import numpy as np

from bayescannon.numerics.errors import InputError
from bayescannon.numerics.typing import FloatArray

# added to the diagonal of a population's covariance of scaled labels
_FLOOR = 1e-6
# errors whose size is still to be fitted start with at most this share of the variance, in every direction
_MOST_OF_VARIANCE = 0.8


class ReferenceErrorError(InputError):
    """Errors of reference labels that cannot be used."""


@dataclass(frozen=True)
class LabelPopulation:
    """
    A Gaussian population of scaled true labels.

    Attributes
    ----------
    mean : float array of shape (K,)
        mu.
    covariance : float array of shape (K, K)
        Omega.
    """

    mean: FloatArray
    covariance: FloatArray

    @classmethod
    def of_reported(cls, observed: FloatArray, variance: FloatArray, *, to_fit: bool = False) -> "LabelPopulation":
        """
        Estimate the population from reported labels and the variances of their errors, both (star, K).

        Parameters
        ----------
        observed, variance : float arrays of shape (star, K)
        to_fit : bool
            The size of the errors is still to be fitted: those that leave the labels no spread count as
            `_MOST_OF_VARIANCE` of it.

        Raises
        ------
        ReferenceErrorError
            The errors are as large as the spread of the labels.
        """
        centre, covariance, error = _corrected_moments(observed, observed, variance)
        spread = covariance - np.diag(error)
        if not np.linalg.eigvalsh(spread)[0] > 0:
            ratio = np.sqrt(error / np.diag(covariance))
            worst = int(ratio.argmax())
            known = np.linalg.eigvalsh(covariance)[0] > 0
            if not (to_fit and known):
                together = "" if ratio[worst] >= 1 else ", and labels that go together have less spread across"
                raise ReferenceErrorError(
                    "the errors of the reference labels must be smaller than the spread of the labels; the error of "
                    f"label number {worst} is {ratio[worst]:.2f} of its spread{together}. Check the unit of the "
                    "errors, leave out stars with large errors or the label, or have the size of the errors fitted "
                    "(--label-errors learn)"
                )
            root = np.linalg.cholesky(covariance)
            half = np.linalg.solve(root, np.diag(np.sqrt(error)))
            share, axes = np.linalg.eigh(half @ half.T)
            axes = root @ axes
            spread = (axes * (1 - np.minimum(share, _MOST_OF_VARIANCE))) @ axes.T
        return cls(centre, spread)

    @classmethod
    def of_latent(cls, mean: FloatArray, covariance: FloatArray) -> "LabelPopulation":
        """Return the population of maximum likelihood for labels with means (star, K) and covariances (star, K, K)."""
        centre = mean.mean(axis=0)
        offset = mean - centre
        total = offset.T @ offset / len(mean) + covariance.mean(axis=0)
        return cls(centre, total + _FLOOR * np.eye(len(centre)))

    def given_reported(self, observed: FloatArray, variance: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """
        Return the distribution of true labels given the reported ones, without spectra.

        Parameters
        ----------
        observed, variance : float arrays of shape (star, K)
            The variances are positive.

        Returns
        -------
        mean : float array of shape (star, K)
        precision : float array of shape (star, K, K)
            Mean and inverse covariance of p(x_n | o_n).
        log_density : float array of shape (star,)
            ln p(o_n).
        """
        own = np.linalg.inv(self.covariance)
        diagonal = np.eye(len(self.mean))
        precision = own + diagonal / variance[:, :, None]
        right = own @ self.mean + observed / variance
        mean = np.linalg.solve(precision, right[..., None])[..., 0]
        total = self.covariance + diagonal * variance[:, :, None]
        offset = observed - self.mean
        squares = np.einsum("nk,nk->n", offset, np.linalg.solve(total, offset[..., None])[..., 0])
        return mean, precision, -0.5 * (squares + np.linalg.slogdet(2 * np.pi * total)[1])


@dataclass(frozen=True)
class AffineMap:
    """
    l -> matrix l + offset.

    Attributes
    ----------
    matrix : float array of shape (K, K)
    offset : float array of shape (K,)
    """

    matrix: FloatArray
    offset: FloatArray

    def apply(self, mean: FloatArray, covariance: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Map means (star, K) and covariances (star, K, K)."""
        return mean @ self.matrix.T + self.offset, self.matrix @ covariance @ self.matrix.T


def regress_reported(mean: FloatArray, covariance: FloatArray, observed: FloatArray, variance: FloatArray) -> AffineMap:
    """
    Fit the map G x + g that maximises sum_n E ln Normal(o_n; G x_n + g, Sigma_n) for uncertain x_n.

    Parameters
    ----------
    mean, covariance : float arrays of shape (star, K) and (star, K, K)
        Mean and covariance of x_n.
    observed, variance : float arrays of shape (star, K)
        o_n and the diagonal of Sigma_n.
    """
    n_star, n_label = mean.shape
    design = np.concatenate([np.ones((n_star, 1)), mean], axis=1)
    rows = np.empty((n_label, 1 + n_label))
    for k in range(n_label):
        weight = 1 / variance[:, k]
        normal = design.T @ (weight[:, None] * design)
        normal[1:, 1:] += np.tensordot(weight, covariance, 1)
        rows[k] = np.linalg.solve(normal, design.T @ (weight * observed[:, k]))
    return AffineMap(rows[:, 1:], rows[:, 0])


def _corrected_moments(
    left: FloatArray, right: FloatArray, variance: FloatArray, weight: FloatArray | None = None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the weighted mean of `left`, its covariance with `right`, and the mean variance of the errors."""
    share = np.full(len(left), 1.0) if weight is None else weight
    share = share / (1 + variance.sum(axis=1))
    share = share / share.sum()
    middle = share @ left
    return middle, (left - middle).T @ (share[:, None] * (right - share @ right)), share @ variance

r"""
The population of true labels, and the affine maps that put latent labels on the reported labels' scale.

True labels x_n ~ Normal(mu, Omega) are reported as o_n ~ Normal(x_n, Sigma_n). Spectra fix latent labels only up to an
affine map, since the quadratic spectral model is closed under those; the reported labels fix the map.
"""

from dataclasses import dataclass

import numpy as np

from bayescannon.numerics.errors import InputError
from bayescannon.numerics.typing import FloatArray

# smallest eigenvalue of a population's covariance of scaled labels
_FLOOR = 1e-6
# smallest singular value of the slope of shown on true labels that can be inverted
_MIN_SLOPE = 0.05


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
    def of_reported(cls, observed: FloatArray, variance: FloatArray) -> "LabelPopulation":
        """
        Estimate the population from reported labels and the variances of their errors, both (star, K).

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
            raise ReferenceErrorError(
                "the errors of the reference labels leave no spread of true labels: that of label number "
                f"{worst} is {ratio[worst]:.2f} of the reported labels' spread. Check the errors' unit, "
                "cut stars with large errors, or leave the label out"
            )
        return cls(centre, spread)

    @classmethod
    def of_latent(cls, mean: FloatArray, covariance: FloatArray) -> "LabelPopulation":
        """Return the population of greatest likelihood for labels with means (star, K) and covariances."""
        centre = mean.mean(axis=0)
        offset = mean - centre
        total = offset.T @ offset / len(mean) + covariance.mean(axis=0)
        return cls(centre, total + _FLOOR * np.eye(len(centre)))

    def given_reported(self, observed: FloatArray, variance: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """
        Predict true labels from reported ones, before a spectrum is seen.

        Parameters
        ----------
        observed, variance : float arrays of shape (star, K)
            The variances are positive.

        Returns
        -------
        mean : float array of shape (star, K)
        precision : float array of shape (star, K, K)
            Of p(x_n | o_n).
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
    Find the map that maximises sum_n E ln Normal(o_n; G x_n + g, Sigma_n) for uncertain x_n.

    Parameters
    ----------
    mean, covariance : float arrays of shape (star, K) and (star, K, K)
        Of x_n.
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


def calibrate_shown(
    shown: FloatArray, noise: FloatArray, observed: FloatArray, variance: FloatArray
) -> tuple[AffineMap, FloatArray] | None:
    """
    Find the map after which the labels that spectra show follow the true ones with slope 1.

    With z = a + B x + noise and o = x + error, Cov(z, o) = B Omega and Cov(o) = Omega + Sigma, whatever the noise of z
    (what abundances, line spread and continuum do to it); so B = Cov(z, o) (Cov(o) - Sigma)^-1, the regression
    corrected for the known errors of its regressor, and the map is the inverse of a + B x.

    Parameters
    ----------
    shown, noise : float arrays of shape (star, K)
        Labels from the spectra alone, and variances by which noisy stars are given less weight.
    observed, variance : float arrays of shape (star, K)
        Reported labels and the variances of their errors.

    Returns
    -------
    affine, systematic : AffineMap and float array of shape (K, K), or None
        The map, and the covariance of mapped minus true labels; None where the spectra do not tell the labels apart
        and the map has no inverse.
    """
    weight = 1 / (1 + noise.sum(axis=1))
    centre, reported, error = _corrected_moments(observed, observed, variance, weight)
    middle, cross, _ = _corrected_moments(shown, observed, variance, weight)
    true = reported - np.diag(error)
    if not np.linalg.eigvalsh(true)[0] > 0:
        return None
    slope = np.linalg.solve(true, cross.T).T
    if not np.linalg.svd(slope, compute_uv=False)[-1] > _MIN_SLOPE:
        return None
    inverse = np.linalg.inv(slope)
    affine = AffineMap(inverse, centre - inverse @ middle)
    _, spread, _ = _corrected_moments(shown, shown, variance, weight)
    return affine, inverse @ spread @ inverse.T - true


def _corrected_moments(
    left: FloatArray, right: FloatArray, variance: FloatArray, weight: FloatArray | None = None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the weighted mean of `left`, its covariance with `right`, and the mean variance of the errors."""
    share = np.full(len(left), 1.0) if weight is None else weight
    share = share / (1 + variance.sum(axis=1))
    share = share / share.sum()
    middle = share @ left
    return middle, (left - middle).T @ (share[:, None] * (right - share @ right)), share @ variance

r"""
Hidden components of spectra: effects of abundances, line-spread function and continuum that no label describes.

    f_np = theta_p . v(l_n) + H_p . h_n + noise,     h_n ~ Normal(0, 1) in R components.

They correlate the residuals of a star's pixels. If the residuals are taken as independent, the spectrum seems to
constrain the labels far better than it does, and a latent label can drift to what a hidden component describes.
Given the loadings H, the h_n of a star are integrated out of its quartic exactly; the result is again a quartic.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from bayescannon.models.pixel_weights import pixel_weights
from bayescannon.numerics.typing import FloatArray
from bayescannon.stars.quartic import Quartic

_OVERSAMPLE = 8
_POWER_ROUNDS = 2
_MOST_STARS = 2000


@dataclass(frozen=True)
class HiddenPosterior:
    """
    The hidden components of N stars given their labels: Normal(map v(l), covariance).

    Attributes
    ----------
    map : float array of shape (N, R, T)
    covariance : float array of shape (N, R, R)
    """

    map: FloatArray
    covariance: FloatArray

    def select(self, index: Any) -> "HiddenPosterior":
        """Return those of some of the stars: a slice, a mask or an index array."""
        return HiddenPosterior(self.map[index], self.covariance[index])

    def products(self, vectors: FloatArray) -> FloatArray:
        """
        Return E[w w^T] of w = (v, h) from E[v v^T].

        Parameters
        ----------
        vectors : float array of shape (N, T, T)

        Returns
        -------
        products : float array of shape (N, T + R, T + R)
        """
        size = vectors.shape[1]
        cross = self.map @ vectors
        result = np.empty((len(vectors), size + cross.shape[1], size + cross.shape[1]))
        result[:, :size, :size] = vectors
        result[:, size:, :size] = cross
        result[:, :size, size:] = cross.transpose(0, 2, 1)
        result[:, size:, size:] = cross @ self.map.transpose(0, 2, 1) + self.covariance
        return result


def integrate_hidden(quartic: Quartic, n_hidden: int) -> tuple[Quartic, HiddenPosterior, FloatArray]:
    """
    Integrate the hidden components out of the quartics of N stars.

    Parameters
    ----------
    quartic : Quartic
        Quartic in w = (v(l), h), from :func:`bayescannon.stars.quartic.compress` with the columns of theta and H.
    n_hidden : int
        R.

    Returns
    -------
    left : Quartic
        Quartic in the labels alone: minus twice the log likelihood is its chi2 plus `log_determinant`, up to a
        constant.
    posterior : HiddenPosterior
    log_determinant : float array of shape (N,)
    """
    size = quartic.b.shape[1] - n_hidden
    across, right = quartic.a[:, size:, :size], quartic.b[:, size:]
    precision = quartic.a[:, size:, size:] + np.eye(n_hidden)
    covariance = np.linalg.inv(precision)
    to_labels = covariance @ across
    centre = (covariance @ right[..., None])[..., 0]
    left = Quartic(
        a=quartic.a[:, :size, :size] - across.transpose(0, 2, 1) @ to_labels,
        b=quartic.b[:, :size] - np.einsum("nht,nh->nt", across, centre),
        c=quartic.c - np.einsum("nh,nh->n", right, centre),
        n_live=quartic.n_live,
    )
    mapping = -to_labels
    # the quartic uses v without its constant 1, so that column can hold the part that does not depend on the labels
    mapping[:, :, 0] = centre
    return left, HiddenPosterior(mapping, covariance), np.linalg.slogdet(precision)[1]


def first_loadings(
    vectors: FloatArray,
    theta: FloatArray,
    scatter: FloatArray,
    flux: FloatArray,
    ivar: FloatArray,
    n_hidden: int,
    *,
    seed: int = 0,
) -> FloatArray:
    """
    Return first loadings: principal components of the residuals, orthogonal to the linear coefficients.

    They are a start, for which some thousand of the stars do.

    Parameters
    ----------
    vectors : float array of shape (star, T)
    theta, scatter : float arrays of shape (pixel, T) and (pixel,)
    flux, ivar : float arrays of shape (star, pixel)
    n_hidden : int
        R.
    seed : int
        Seed of the randomised decomposition (Halko, Martinsson & Tropp 2011, SIAM Review 53, 217).

    Returns
    -------
    loadings : float array of shape (pixel, R)
    """
    some = slice(None, None, max(len(flux) // _MOST_STARS, 1))
    vectors, flux, ivar = vectors[some], flux[some], ivar[some]
    scale = np.sqrt(pixel_weights(scatter, ivar).mean(axis=0))
    residual = np.where(ivar > 0, flux - vectors @ theta.T, 0.0) * scale
    # label errors leave residuals along the linear coefficients; those are not hidden components
    axes, _ = np.linalg.qr(theta[:, 1:] * scale[:, None])
    residual -= (residual @ axes) @ axes.T
    sketch = np.random.default_rng(seed).normal(size=(flux.shape[1], n_hidden + _OVERSAMPLE))
    for _ in range(_POWER_ROUNDS):
        sketch, _ = np.linalg.qr(residual.T @ (residual @ sketch))
    _, values, rows = np.linalg.svd(residual @ sketch, full_matrices=False)
    components = (sketch @ rows.T)[:, :n_hidden] * values[:n_hidden] / np.sqrt(len(flux))
    return np.where(scale[:, None] > 0, components / np.where(scale > 0, scale, 1.0)[:, None], 0.0)


def ordered_loadings(loadings: FloatArray, ivar: FloatArray) -> FloatArray:
    """
    Rotate loadings so that components are in the order of the variance that they explain, in units of the noise.

    The likelihood does not depend on a rotation. The largest loading of each component is positive.

    Parameters
    ----------
    loadings : float array of shape (pixel, R)
    ivar : float array of shape (pixel,)
        Typical inverse variances.

    Returns
    -------
    loadings : float array of shape (pixel, R)
    """
    _, _, rows = np.linalg.svd(np.sqrt(ivar)[:, None] * loadings, full_matrices=False)
    rotated: FloatArray = loadings @ rows.T
    if rotated.size:
        rotated *= np.sign(np.take_along_axis(rotated, np.abs(rotated).argmax(axis=0)[None], 0)) + 0.0
    return rotated

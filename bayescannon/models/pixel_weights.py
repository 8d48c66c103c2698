"""The weight of a pixel in a star's chi2, given a trained model; training weights also contain kappa."""

import numpy as np

from bayescannon.numerics.typing import FloatArray


def pixel_weights(scatter: FloatArray, ivar: FloatArray) -> FloatArray:
    """
    Return w = 1 / (s^2 + sigma^2) (Ho et al. 2017, section 4).

    Parameters
    ----------
    scatter : float array of shape (pixel,)
        s; inf in pixels without a fit.
    ivar : float array of shape (star, pixel) or (pixel,)
        1 / sigma^2; 0 in dead pixels.

    Returns
    -------
    weight : float array of the shape of `ivar`
        0 in dead pixels and in pixels without a fit.
    """
    live = np.isfinite(scatter)
    weight: FloatArray = np.where(live, ivar / (1 + np.where(live, scatter, 0.0) ** 2 * ivar), 0.0)
    return weight


def equivalent_ivar(scatter: FloatArray, ivar: FloatArray, factors: FloatArray) -> FloatArray:
    """
    Return the inverse variance with which the weight of a pixel is u w, where it can be an outlier.

    Parameters
    ----------
    scatter, ivar
        As in :func:`pixel_weights`.
    factors : float array of the shape of `ivar`
        u, from 0 to 1: the mean precision in units of w, see :mod:`bayescannon.numerics.outlier_mixture`.

    Returns
    -------
    ivar : float array of the shape of `ivar`
        u ivar / (1 + (1 - u) s^2 ivar).
    """
    s2 = np.where(np.isfinite(scatter), scatter, 0.0) ** 2
    result: FloatArray = factors * ivar / (1 + (1 - factors) * s2 * ivar)
    return result

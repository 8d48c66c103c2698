r"""
Compressed pixels: given the scatter, T numbers carry all that the reference stars say about a pixel's coefficients.

With M = V^T W V = R^T R and y = R^-T V^T W f, the likelihood of theta (Ho et al. 2017, eq. 4, s given) is

    y ~ Normal(R theta, 1)

up to a constant: :func:`bayescannon.models.compressed_pixels.compressed_model` states it under any prior.
"""

import numpy as np
from numpy.typing import NDArray

from bayescannon.numerics.errors import InputError
from bayescannon.numerics.threads import map_blocks
from bayescannon.numerics.typing import FloatArray
from bayescannon.pixels.block import LabelMoments, PixelBlock
from bayescannon.pixels.fit import PixelFit
from bayescannon.pixels.prior import PixelPrior
from bayescannon.stars.quartic import Quartic, pseudo_observations

# pixels at once
_BLOCK = 64


def normal_equations(
    vectors: FloatArray | LabelMoments,
    flux: FloatArray,
    ivar: FloatArray,
    scatter: FloatArray,
    *,
    kappa: FloatArray | float = 1.0,
    allowed: NDArray[np.bool_] | None = None,
    offset: float = 0.0,
    workers: int | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """
    Return V^T W V (P, T, T) and V^T W (f - offset) (P, T) of every pixel, w = 1 / (s^2 + kappa^2 / ivar).

    Parameters
    ----------
    vectors, flux, ivar, kappa
        As in :func:`bayescannon.pixels.fit.fit_pixels`.
    scatter : float array of shape (pixel,)
        s; where it is inf the pixel has zeros.
    allowed : bool array of shape (pixel, T), optional
        False for censored terms, which get zeros.
    offset : float
        Taken out of the flux.
    workers : int or None
        Threads; None takes every core.
    """
    moments = vectors if isinstance(vectors, LabelMoments) else LabelMoments.known(vectors)
    n_pixel, n_term = flux.shape[1], moments.mean.shape[1]
    live = np.isfinite(scatter)
    s2 = np.where(live, scatter, 0.0) ** 2
    scales = np.broadcast_to(np.asarray(kappa, dtype=np.float64), n_pixel)
    normal, right = np.empty((n_pixel, n_term, n_term)), np.empty((n_pixel, n_term))
    keep = np.broadcast_to(live[:, None], right.shape) if allowed is None else live[:, None] & allowed

    def one(part: slice) -> None:
        kept = keep[part]
        noise = ivar[:, part] / scales[part] ** 2
        flat = PixelPrior.flat(len(kept), n_term)
        data = PixelBlock(moments, flux[:, part] - offset, noise, flat, marginal=False)
        _, matrix, _, vector = data.normal_equations(s2[part])
        normal[part] = matrix * (kept[:, :, None] & kept[:, None, :])
        right[part] = np.where(kept, vector, 0.0)

    map_blocks(one, n_pixel, _BLOCK, workers)
    return normal, right


def compress_pixels(
    fit: PixelFit,
    vectors: FloatArray | LabelMoments,
    flux: FloatArray,
    ivar: FloatArray,
    *,
    kappa: FloatArray | float = 1.0,
    allowed: NDArray[np.bool_] | None = None,
    workers: int | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """
    Compress every pixel to T observations y_p ~ Normal(R_p theta_p, 1), given the scatters of a fit.

    Parameters
    ----------
    fit : PixelFit
        Its scatters are used, its coefficients not.
    vectors, flux, ivar, kappa
        As in :func:`bayescannon.pixels.fit.fit_pixels`, for the same pixels.
    allowed : bool array of shape (pixel, T), optional
        False for censored terms: R_p does not depend on them.
    workers : int or None
        Threads; None takes every core.

    Returns
    -------
    root : float array of shape (pixel, T, T)
        R_p; zeros in dead pixels.
    y : float array of shape (pixel, T)

    Raises
    ------
    ValueError
        The fit has another number of pixels than the flux.
    """
    if len(fit.scatter) != flux.shape[1]:
        raise InputError(f"the fit has {len(fit.scatter)} pixels, the flux {flux.shape[1]}; select the same pixels")
    # f - 1 has no cancellation; pseudo_observations puts the constant back
    normal, right = normal_equations(
        vectors, flux, ivar, fit.scatter, kappa=kappa, allowed=allowed, offset=1.0, workers=workers
    )
    root, y = pseudo_observations(Quartic(a=normal, b=right, c=np.zeros(len(right)), n_live=fit.n_live))
    return np.asarray(root, dtype=np.float64), np.asarray(y, dtype=np.float64)

r"""
Compressed pixels: given the scatter, the likelihood of a pixel's coefficients is that of T observations.

With M = V^T W V = R^T R and y = R^-T V^T W f, the likelihood of theta (Ho et al. 2017, eq. 5, s given) is

    y ~ Normal(R theta, 1)

up to a constant; :func:`bayescannon.models.compressed_pixels.compressed_model` combines it with any prior.
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

# pixels per block
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
    Return V^T W V (P, T, T) and V^T W (f - offset) (P, T) of every pixel, with w = 1 / (s^2 + kappa^2 / ivar).

    Parameters
    ----------
    vectors, flux, ivar, kappa
        As in :func:`bayescannon.pixels.fit.fit_pixels`.
    scatter : float array of shape (pixel,)
        s; if it is inf, the result is 0.
    allowed : bool array of shape (pixel, T), optional
        False for censored terms, whose result is 0.
    offset : float
        Subtracted from the flux.
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
        Only its scatters are used.
    vectors, flux, ivar, kappa
        As in :func:`bayescannon.pixels.fit.fit_pixels`, for the same pixels.
    allowed : bool array of shape (pixel, T), optional
        False for censored terms: R_p does not depend on them.
    workers : int or None
        Threads; None takes every core.

    Returns
    -------
    root : float array of shape (pixel, T, T)
        R_p; 0 in dead pixels.
    y : float array of shape (pixel, T)

    Raises
    ------
    InputError
        The numbers of pixels of the fit and of the flux differ.
    """
    if len(fit.scatter) != flux.shape[1]:
        raise InputError(
            f"fit and flux must have the same pixels; got {len(fit.scatter)} and {flux.shape[1]}. Select the same ones"
        )
    # f - 1 avoids cancellation; pseudo_observations adds the constant back
    normal, right = normal_equations(
        vectors, flux, ivar, fit.scatter, kappa=kappa, allowed=allowed, offset=1.0, workers=workers
    )
    root, y = pseudo_observations(Quartic(a=normal, b=right, c=np.zeros(len(right)), n_live=fit.n_live))
    return np.asarray(root, dtype=np.float64), np.asarray(y, dtype=np.float64)

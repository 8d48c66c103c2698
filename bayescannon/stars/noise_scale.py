r"""
The scale of each star's noise, from its own residuals under a population: kappa_n = kappa exp(u_n).

    r_np ~ Normal(0, sqrt(s_p^2 + kappa^2 exp(2 u_n) sigma_np^2)),     u_n ~ Normal(0, width).

A spectrum has thousands of pixels, so that u_n is known to about one per cent, and the population matters for short or
damaged spectra. With tau = kappa^2 exp(2 u) sigma^2, w = 1 / (s^2 + tau) and E[r^2], which holds what is not known of
the fitted spectrum, the derivative of minus log posterior by u is sum_p tau w (1 - w E[r^2]) + u / width^2.
"""

import numpy as np
from numpy.typing import NDArray

from bayescannon.models.pixel_weights import pixel_weights
from bayescannon.numerics.compiled import compiled
from bayescannon.numerics.threads import map_blocks
from bayescannon.numerics.typing import FloatArray

_BLOCK = 64


@compiled(nogil=True, error_model="numpy")
def settle_offsets(squares, ivar, s2, lost, precision, u, slope, curvature):  # type: ignore[no-untyped-def]
    """
    Find the offsets u (star,) of ln kappa in place, with the likelihood's derivative and curvature there.

    `squares` are E[r^2] and `ivar` 1 / (kappa sigma)^2, both (star, pixel); `s2` (pixel,) is inf in dead pixels. `lost`
    (star,) is the share of w E[r^2] that the fit has taken away, and `precision` 1 / width^2; inf keeps u at 0.
    """
    for n in range(squares.shape[0]):
        held = np.isinf(precision)
        if held:
            u[n] = 0.0
        for _ in range(30):
            scale = np.exp(2.0 * u[n])
            gradient, observed, expected = 0.0, 0.0, 0.0
            for p in range(squares.shape[1]):
                if ivar[n, p] > 0.0 and s2[p] < np.inf:
                    tau = scale / ivar[n, p]
                    w = 1.0 / (s2[p] + tau)
                    share = tau * w
                    z = w * squares[n, p] + lost[n]
                    gradient += share * (1.0 - z)
                    observed += 2.0 * share * ((1.0 - share) * (1.0 - z) + share * z)
                    expected += 2.0 * share * share
            slope[n] = gradient
            curvature[n] = observed if observed > 0.3 * expected else expected
            if held or expected == 0.0:
                break
            step = -(gradient + precision * u[n]) / (curvature[n] + precision)
            if abs(step) < 1e-9:
                break
            u[n] += min(max(step, -0.5), 0.5)


def star_scales(
    coefficients: FloatArray,
    scatter: FloatArray,
    flux: FloatArray,
    ivar: FloatArray,
    vectors: FloatArray,
    *,
    freedom: FloatArray,
    width: float,
    workers: int | None = None,
) -> NDArray[np.float64]:
    """
    Return the scale exp(u) of each star's noise, given what was fitted to it.

    Parameters
    ----------
    coefficients : float array of shape (pixel, T)
        Of the fitted spectra: theta, and the loadings of hidden components.
    scatter : float array of shape (pixel,)
        inf in dead pixels.
    flux, ivar : float arrays of shape (star, pixel)
        ivar is 1 / (kappa sigma)^2 with the centre of the population.
    vectors : float array of shape (star, T)
        Label vectors, and hidden components, of the fits.
    freedom : float array of shape (star,)
        How many parameters were fitted to each star. Their part of each pixel is taken as the same.
    width : float
        Standard deviation of the population of u.
    workers : int or None
        Threads; None takes every core.

    Returns
    -------
    scales : float array of shape (star,)
        1 for a star without a fit (vectors that are not finite) or without a live pixel.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> noise = 1.5 * 0.02 * rng.standard_normal((1, 4000))
    >>> scatter, ivar = np.full(4000, 0.005), np.full((1, 4000), 0.02**-2)
    >>> scales = star_scales(
    ...     np.ones((4000, 1)), scatter, 1 + noise, ivar, np.ones((1, 1)), freedom=np.zeros(1), width=0.3
    ... )
    >>> print(scales.round(2))
    [1.48]
    """
    known = np.isfinite(vectors).all(axis=1)
    offsets = np.zeros(len(flux))
    s2 = np.asarray(scatter, dtype=np.float64) ** 2

    def one(part: slice) -> None:
        squares = (flux[part] - np.where(known[part, None], vectors[part], 0.0) @ coefficients.T) ** 2
        n_live = np.maximum((pixel_weights(scatter, ivar[part]) > 0).sum(axis=1), 1)
        lost = np.minimum(freedom[part] / n_live, 1.0)
        slope, curvature = np.empty((2, len(squares)))
        weights = np.asarray(ivar[part], dtype=np.float64)
        settle_offsets(squares.astype(np.float64), weights, s2, lost, width**-2, offsets[part], slope, curvature)

    map_blocks(one, len(flux), _BLOCK, workers)
    return np.where(known, np.exp(offsets), 1.0)

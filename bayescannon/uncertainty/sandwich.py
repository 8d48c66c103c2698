r"""
Sandwich errors: the covariance of labels estimated from the residuals instead of the reported noise.

The error of the labels is H^-1 sum_p w_p r_p J_p with J_p = dF_p/dl and H = J^T W J, as in formal errors. Over blocks b
of consecutive pixels that are longer than the correlation of the noise, the sums s_b = sum_{p in b} w r J are
independent, so that

    covariance = H^-1 (c sum_b s_b s_b^T) H^-1

(Huber 1967, Proc. Fifth Berkeley Symp. 1, 221; White 1980, Econometrica 48, 817; blocks: Liang & Zeger 1986, Biometrika
73, 13).

Fitted residuals are smaller than the noise; the factor c corrects the trace for independent noise of the reported
variance (similar to MacKinnon & White 1985, J. Econometrics 29, 305). With hidden components h, J is projected
orthogonally to their loadings, the residuals are f - F - H h at the optimum, and the prior of h contributes with its
stated variance. Nuisances of a star are further hidden components, with the directions in which they change its
spectrum.
"""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayescannon.cannon.labelling import label_spectra
from bayescannon.cannon.likelihood import StarLikelihood
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.data.flags import ErrorStatus, FitStatus
from bayescannon.data.spectra import Spectra
from bayescannon.models.label_vector import label_vector, label_vector_jacobian
from bayescannon.models.pixel_weights import pixel_weights
from bayescannon.numerics.compiled import compiled
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.threads import map_blocks
from bayescannon.numerics.typing import FloatArray
from bayescannon.stars.quartic import chi2_derivatives

# pixels per block. At R = 1800 the line-spread function is 2.4 pixels of 1e-4 dex wide (FWHM), and interpolation and
# redshift errors are correlated over about as many; the normalisation (a Gaussian of L = 50 A) correlates 20 to 55
# pixels. Longer blocks include more of that, but there must be many more blocks (90 on the paper's grid) than labels
BLOCK_PIXELS = 40

# smallest fraction of the variance of the blocks' sums that the fit may leave; below it there are too few blocks
_LEAST_LEFT = 0.5

_STARS = 64


def sandwich_covariance(
    model: TrainedModel,
    spectra: Spectra,
    *,
    block: int = BLOCK_PIXELS,
    estimates: xr.Dataset | None = None,
    workers: int | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """
    Evaluate covariances of labels that are valid for wrong variances and for noise that is correlated within blocks.

    Parameters
    ----------
    model : TrainedModel
    spectra : Spectra
        N stars on the model's grid. Dead pixels have no effect.
    block : int
        Number of consecutive pixels of the grid whose noise may be correlated.
    estimates : xarray.Dataset, optional
        Result of :func:`bayescannon.cannon.labelling.label_spectra` for the same model and stars, if available.
    workers : int or None
        Threads; None takes every core.

    Returns
    -------
    covariance : float array of shape (N, K, K)
        In the labels' units; NaN if the status is not GIVEN.
    status : int array of shape (N,)
        :class:`bayescannon.data.flags.ErrorStatus`.

    Raises
    ------
    InputError
        `block` is less than 1.
    GridError
        The spectra are on another grid.
    """
    if block < 1:
        raise InputError(f"a block must have at least 1 pixel; got {block}")
    if estimates is None:
        estimates = label_spectra(model, spectra, workers=workers)
    likelihood = StarLikelihood.of(model, spectra, workers=workers)
    scaled = model.scaler.to_scaled(estimates["labels"].to_numpy())
    good = np.flatnonzero(estimates["status"].to_numpy() == FitStatus.CONVERGED)
    covariance = np.full((*scaled.shape, scaled.shape[1]), np.nan)
    status = np.full(len(scaled), int(ErrorStatus.NO_FIT))

    def one(part: slice) -> None:
        some = good[part]
        covariance[some], enough = _sandwich(likelihood.select(some), scaled[some], block)
        status[some] = np.where(enough, ErrorStatus.GIVEN, ErrorStatus.FEW_BLOCKS)

    map_blocks(one, len(good), _STARS, workers)
    return model.scaler.covariance_from_scaled(covariance), status


def _sandwich(likelihood: StarLikelihood, scaled: FloatArray, block: int) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Return covariances of scaled labels, and whether there are enough blocks to estimate them."""
    model, flux, n_label = likelihood.model, likelihood.clean_flux(scaled), scaled.shape[1]
    theta = np.where(model.fit.live[:, None], model.theta, 0.0)
    loadings = np.zeros((len(theta), 0)) if model.loadings is None else model.loadings
    effects = np.concatenate(
        [np.broadcast_to(loadings.T, (len(flux), *loadings.T.shape)), likelihood.directions(scaled)], axis=1
    )
    n_hidden = effects.shape[1]
    vectors = label_vector(scaled)
    hidden = likelihood.hidden_means(scaled)[:, : loadings.shape[1]]
    bread = np.linalg.inv(chi2_derivatives(likelihood.quartic, scaled).gauss_newton / 2)

    weight = pixel_weights(model.scatter, likelihood.ivar)
    residual = flux - vectors @ theta.T - hidden @ loadings.T
    jacobian = label_vector_jacobian(scaled).transpose(0, 2, 1) @ theta.T
    design = np.concatenate([jacobian, effects], axis=1)
    normal = (design * weight[:, None]) @ design.transpose(0, 2, 1)
    ridge = np.arange(n_label, n_label + n_hidden)
    normal[:, ridge, ridge] += 1.0
    # the derivative of the hidden components by the labels, by which J is projected
    share = np.linalg.solve(normal[:, n_label:, n_label:], normal[:, n_label:, :n_label])
    slope = jacobian - share.transpose(0, 2, 1) @ design[:, n_label:]
    meat, expected = (np.empty((len(flux), n_label, n_label)) for _ in range(2))
    block_sums(slope, design, np.linalg.inv(normal), weight, residual, block, meat, expected)

    # the prior of the hidden components acts as R further observations with known errors
    prior = share.transpose(0, 2, 1) @ share
    gauss = normal[:, :n_label, :n_label] - normal[:, :n_label, n_label:] @ share
    pixels = np.linalg.solve(gauss, gauss - prior)
    full = np.trace(pixels, axis1=1, axis2=2)
    left = np.trace(np.linalg.solve(gauss, expected), axis1=1, axis2=2)
    enough = left > _LEAST_LEFT * full
    correction = np.where(enough, full / np.where(enough, left, 1.0), np.nan)
    return bread @ (meat * correction[:, None, None] + prior) @ bread, enough


@compiled(nogil=True)
def block_sums(slope, design, inverse, weight, residual, size, meat, expected):  # type: ignore[no-untyped-def]
    """
    Fill meat with the sum over blocks of s s^T, and expected with its mean for the reported noise, both (star, K, K).

    s is the sum of w r J over the pixels of a block, with J (star, K, pixel) as `slope`. With `design` Z (star, K + R,
    pixel) and `inverse` Q^-1 (star, K + R, K + R), the covariance of the residuals is W^-1 - Z Q^-1 Z^T.
    """
    n_star, n_label, n_pixel = slope.shape
    n_all = design.shape[1]
    s, own, cross = np.empty(n_label), np.empty((n_label, n_label)), np.empty((n_label, n_all))
    for star in range(n_star):
        meat[star], expected[star] = 0.0, 0.0
        for first in range(0, n_pixel, size):
            s[:], own[:], cross[:] = 0.0, 0.0, 0.0
            for p in range(first, min(first + size, n_pixel)):
                w = weight[star, p]
                if w == 0.0:
                    continue
                for i in range(n_label):
                    wj = w * slope[star, i, p]
                    s[i] += wj * residual[star, p]
                    for j in range(n_label):
                        own[i, j] += wj * slope[star, j, p]
                    for j in range(n_all):
                        cross[i, j] += wj * design[star, j, p]
            for i in range(n_label):
                for j in range(n_label):
                    meat[star, i, j] += s[i] * s[j]
                    total = own[i, j]
                    for k in range(n_all):
                        for m in range(n_all):
                            total -= cross[i, k] * inverse[star, k, m] * cross[j, m]
                    expected[star, i, j] += total

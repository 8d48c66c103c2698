r"""
Labels and errors that include the uncertainty of the coefficients.

Training leaves theta_p with a covariance C_p. This has two effects. The prediction theta_p . v(l) of a pixel has the
variance v^T C_p v, which adds to the noise. And noise in theta acts like sensitivity to labels: on average theta
theta^T is too large by C, which shrinks labels toward the middle of the reference set. Both effects are known and
corrected:

    w_p = 1 / (1 / ivar_p + s_p^2 + v^T C_p v),      chi2(l) = sum_p w_p ((f_p - theta_p . v(l))^2 - v(l)^T C_p v(l)).

This is the corrected score of models with errors in the regressors (Stefanski 1985, Biometrika 72, 583; Nakamura 1990,
Biometrika 77, 127): its mean over the noise of theta is that of the true coefficients. With the weights evaluated at v
of the optimum it is a quartic again; labels and weights are updated alternately. With J = D^T theta, D = dv/dl and the
expected curvature H = sum_p w_p (J_p J_p^T - D^T C_p D), the covariance of the labels is H^-1 M H^-1 with

    M = sum_p w_p J_p J_p^T + w_p^2 (D^T C_p v)(D^T C_p v)^T.

With the weights but without the correction, labels stay biased if there are few reference stars; but that form is less
sensitive to a wrong C, which results from wrong reported variances.

With hidden components, loadings add h^T C_H h to the variance of a pixel. Hidden components of the reference stars have
unit variance and are uncorrelated with their label vectors, so that C_H is 1 / sum_n w_n, which is 1 / (C^-1)_00. Where
reference labels are latent, the errors of the scale of labels are added (:mod:`bayescannon.uncertainty.anchor`).
"""

from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayescannon.cannon.labelling import label_spectra
from bayescannon.cannon.likelihood import StarLikelihood, star_quartic
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.data.flags import FitStatus
from bayescannon.data.spectra import Spectra
from bayescannon.models.label_vector import label_vector, label_vector_jacobian
from bayescannon.models.pixel_weights import pixel_weights
from bayescannon.numerics.packing import pack_products, unpack_symmetric
from bayescannon.numerics.threads import map_blocks
from bayescannon.numerics.typing import FloatArray
from bayescannon.stars.optimum import best_optimum
from bayescannon.stars.quartic import Quartic, chi2_derivatives, minimise
from bayescannon.uncertainty.anchor import anchor_variance

_ROUNDS = 2
_BLOCK = 64


def label_with_coefficient_errors(
    model: TrainedModel,
    spectra: Spectra,
    *,
    corrected: bool | None = None,
    estimates: xr.Dataset | None = None,
    workers: int | None = None,
) -> dict[str, NDArray[Any]]:
    """
    Label stars with the covariance of the coefficients in the likelihood, and evaluate their errors.

    Parameters
    ----------
    model : TrainedModel
    spectra : Spectra
        N stars on the model's grid.
    corrected : bool, optional
        Subtract v^T C v from chi2. If False, C is only in the weights, and the covariance is (J^T W J)^-1. By default
        it is subtracted if training learned kappa: otherwise reported variances may be wrong by large factors, and C
        with them, and with a C that is too large chi2 has no minimum.
    estimates : xarray.Dataset, optional
        Result of :func:`bayescannon.cannon.labelling.label_spectra` for the same model and stars, if available; its
        labels are the starts.
    workers : int or None
        Threads; None takes every core.

    Returns
    -------
    found : dict
        ``labels`` (N, K) and ``covariance`` (N, K, K) in the labels' units, and ``status`` (N,), of
        :class:`bayescannon.data.flags.FitStatus`. Labels and covariance are NaN if it is not CONVERGED, for instance if
        the correction is as large as the curvature of chi2.

    Raises
    ------
    GridError
        The spectra are on another grid.

    Notes
    -----
    C is the covariance of theta given the scatters. Scatters of maximum joint likelihood are biased low by the number
    of fitted terms, and C with them; with few reference stars, train with the coefficients integrated out (REML).

    The noise of theta is assumed to be independent of that of the star. This is wrong for reference stars, because the
    coefficients follow their noise; if there are few, label them only with models from which they were held out.
    """
    if corrected is None:
        corrected = bool((model.noise_scale != 1).any())
    if estimates is None:
        estimates = label_spectra(model, spectra, workers=workers)
    likelihood = StarLikelihood.of(model, spectra, workers=workers)
    scaled = model.scaler.to_scaled(estimates["labels"].to_numpy())
    status = estimates["status"].to_numpy().copy()
    covariance = np.full((*scaled.shape, scaled.shape[1]), np.nan)
    scaled[status != FitStatus.CONVERGED] = np.nan
    known = np.isfinite(scaled).all(axis=1)
    n_hidden = 0 if model.loadings is None else model.loadings.shape[1]
    hidden = likelihood.hidden_means(np.where(known[:, None], scaled, 0.0))[:, :n_hidden]
    noise = likelihood.ivar
    if n_hidden:
        noise = noise / (1 + noise * np.outer((hidden**2).sum(axis=1), _loading_variance(model)))

    def one(part: slice) -> None:
        stars = np.flatnonzero(np.isfinite(scaled[part]).all(axis=1)) + part.start
        if len(stars):
            some = spectra.select(stars)
            scaled[stars], covariance[stars], status[stars] = _relabelled(
                model, some, noise[stars], scaled[stars], corrected=corrected
            )

    map_blocks(one, len(spectra), _BLOCK, workers)
    failed = status != FitStatus.CONVERGED
    k = np.arange(scaled.shape[1])
    covariance[:, k, k] += anchor_variance(model, np.where(failed[:, None], 0.0, scaled), hidden)
    scaled[failed], covariance[failed] = np.nan, np.nan
    return {
        "labels": model.scaler.from_scaled(scaled),
        "covariance": model.scaler.covariance_from_scaled(covariance),
        "status": status,
    }


def _loading_variance(model: TrainedModel) -> FloatArray:
    """Return 1 / sum_n w_n of each pixel, the variance of a loading; 0 in dead pixels."""
    covariance, live = model.fit.covariance, model.fit.live
    # terms held at 0 have no variance
    diagonal = np.diagonal(covariance, axis1=1, axis2=2)
    filled = covariance + (diagonal == 0)[:, :, None] * np.eye(covariance.shape[1])
    result: FloatArray = np.where(live, 1 / np.linalg.inv(filled)[:, 0, 0], 0.0)
    return result


def _relabelled(
    model: TrainedModel, spectra: Spectra, noise: FloatArray, scaled: FloatArray, *, corrected: bool
) -> tuple[FloatArray, FloatArray, NDArray[np.int16]]:
    """Return scaled labels, their covariance and the status of some stars, starting from `scaled`."""
    n_term = model.theta.shape[1]
    k, l = np.triu_indices(n_term)  # noqa: E741 - the indices of the paper
    packed = model.fit.covariance[:, k, l]
    lost = np.full(len(scaled), FitStatus.CONVERGED, dtype=np.int16)
    for _ in range(_ROUNDS):
        products = pack_products(label_vector(scaled)) * np.where(k == l, 1.0, 2.0)
        ivar = noise / (1 + noise * np.maximum(products @ packed.T, 0.0))
        weight = pixel_weights(model.scatter, ivar)
        plain = star_quartic(model, spectra, ivar=ivar)
        quartic = _subtract(plain, unpack_symmetric(weight @ packed, n_term)) if corrected else plain
        # the minimum near the star's labels, not the deepest: less the correction, A may be indefinite far away
        found = best_optimum(quartic, minimise(quartic, scaled[:, None]))
        scaled, status = found.scaled, found.status
        # a star that failed once keeps its status; it is set to the pivot while the others continue
        lost = np.where(lost == FitStatus.CONVERGED, status, lost)
        scaled = np.where((lost == FitStatus.CONVERGED)[:, None], scaled, 0.0)

    good = lost == FitStatus.CONVERGED
    covariance = np.full((len(scaled), scaled.shape[1], scaled.shape[1]), np.nan)
    information = chi2_derivatives(plain, scaled).gauss_newton / 2
    if not corrected:
        covariance[good] = np.linalg.inv(information[good])
        return scaled, covariance, lost
    vectors, jacobian = label_vector(scaled), label_vector_jacobian(scaled)
    along = (vectors @ model.fit.covariance.transpose(1, 2, 0).reshape(n_term, -1)).reshape(len(scaled), n_term, -1)
    spread = (jacobian.transpose(0, 2, 1) @ along) * weight[:, None]
    meat = information + spread @ spread.transpose(0, 2, 1)
    # the second derivatives of the label vector are left out: their mean contribution is 0, and they add noise
    expected = chi2_derivatives(quartic, scaled).gauss_newton / 2
    bread = np.linalg.inv(expected[good])
    covariance[good] = bread @ meat[good] @ bread
    return scaled, covariance, lost


def _subtract(quartic: Quartic, matrices: FloatArray) -> Quartic:
    """Subtract v^T M v, M of shape (N, T, T), from the chi2 of each star; a quartic uses v without its constant."""
    return replace(
        quartic,
        a=quartic.a - matrices,
        b=quartic.b + matrices[:, :, 0],
        c=quartic.c - matrices[:, 0, 0],
    )

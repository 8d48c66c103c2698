"""Statistics by which a mock survey is compared with a real one: noise, scatter, weights, residuals, label errors."""

from dataclasses import dataclass

import numpy as np

from bayescannon import train, train_clipped, validate
from bayescannon.models.label_vector import label_vector

FOLDS = 8
# a residual beyond this many standard deviations is in the tail
TAIL = 4.0
N_COMPONENTS = (1, 3, 10, 30)
# a pixel counts if this share of the stars has it
LIVE_SHARE = 0.9


@dataclass(frozen=True)
class SurveyStatistics:
    """
    Statistics of a reference set; the residuals are in units of sqrt(s^2 + kappa^2 sigma^2), with kappa learned.

    Attributes
    ----------
    n_star : int
        Stars after the clip.
    clip_share : float
        Share that the clip takes (flat training, kappa = 1, until stable).
    snr : array of shape (3,)
        15.9, 50 and 84.1 % quantiles of the header's S/N.
    kappa : float
        Noise scale that flat training learns (``noise="global"``).
    scatter : float
        Median of s over the pixels, with that kappa.
    sigma_over_scatter, sigma_over_scatter_fixed : float
        Median over pixels of the star's median of kappa sigma / s, with kappa learned and with kappa = 1.
    weight_share, weight_share_fixed : float
        Median over pixels of N_eff / N = (sum w)^2 / (N sum w^2) of the stars' weights.
    reduced_chi2 : float
        Median of the stars', flat training, kappa = 1.
    tail : float
        Share of residuals beyond four.
    kurtosis : float
        Excess kurtosis of the residuals, below 10 in size.
    lags : array of shape (3,)
        Correlation of residuals of pixels 1, 2 and 3 apart.
    component_share : array of shape (4,)
        Share of the residuals' variance in the first 1, 3, 10 and 30 principal components.
    label_scatter, label_scatter_bright : arrays of shape (K,)
        Robust scatter of (inferred - reference), 8-fold, flat training: all stars, and S/N > 50.
    label_std : array of shape (K,)
        Standard deviation of the same, all stars.
    pull_width : array of shape (K,)
        Robust width of (inferred - reference) / formal error, 8-fold.
    """

    n_star: int
    clip_share: float
    snr: np.ndarray
    kappa: float
    scatter: float
    sigma_over_scatter: float
    sigma_over_scatter_fixed: float
    weight_share: float
    weight_share_fixed: float
    reduced_chi2: float
    tail: float
    kurtosis: float
    lags: np.ndarray
    component_share: np.ndarray
    label_scatter: np.ndarray
    label_scatter_bright: np.ndarray
    label_std: np.ndarray
    pull_width: np.ndarray


def survey_statistics(reference, *, folds=FOLDS, workers=1):
    """Compute the statistics of a reference set."""
    model, kept = train_clipped(reference, workers=workers)
    learned = train(kept, noise="global", workers=workers)
    residuals = whitened_residuals(learned, kept)
    residuals = residuals[:, np.isfinite(residuals).mean(axis=0) > LIVE_SHARE]
    seen = residuals[np.isfinite(residuals)]
    validation = validate(model, kept, folds=folds, workers=workers)
    rows = {
        selection: [validation.row("k-fold", selection, name) for name in model.label_names]
        for selection in ("all", "snr > 50")
    }
    chi2 = validation.estimates["leave-none-out"]["reduced_chi2"].to_numpy()
    live = learned.fit.live
    return SurveyStatistics(
        n_star=len(kept),
        clip_share=1 - len(kept) / len(reference),
        snr=np.quantile(validation.estimates["leave-none-out"]["snr"].to_numpy(), [0.159, 0.5, 0.841]),
        kappa=float(np.median(learned.kappa)),
        scatter=float(np.median(learned.fit.scatter[live])),
        sigma_over_scatter=_sigma_over_scatter(learned, kept),
        sigma_over_scatter_fixed=_sigma_over_scatter(model, kept),
        weight_share=_weight_share(learned, kept),
        weight_share_fixed=_weight_share(model, kept),
        reduced_chi2=float(np.nanmedian(chi2)),
        tail=float((np.abs(seen) > TAIL).mean()),
        kurtosis=_kurtosis(seen),
        lags=np.array([_lag(residuals, k) for k in (1, 2, 3)]),
        component_share=_component_share(residuals),
        label_scatter=np.array([row.robust_scatter for row in rows["all"]]),
        label_scatter_bright=np.array([row.robust_scatter for row in rows["snr > 50"]]),
        label_std=np.array([row.scatter for row in rows["all"]]),
        pull_width=np.array([row.pull_width for row in rows["all"]]),
    )


def whitened_residuals(model, reference):
    """(flux - model) / sqrt(s^2 + kappa^2 sigma^2), shape (star, pixel); NaN where a pixel is dead."""
    vectors = label_vector(model.scaler.to_scaled(reference.labels))
    flux, ivar = reference.spectra.flux, reference.spectra.ivar
    with np.errstate(divide="ignore", invalid="ignore"):
        residual = (flux - vectors @ model.fit.theta.T) / np.sqrt(_variance(model, ivar))
    return np.where((ivar > 0) & model.fit.live, residual, np.nan)


def _variance(model, ivar):
    with np.errstate(divide="ignore"):
        return model.fit.scatter**2 + np.asarray(model.kappa) ** 2 / ivar


def _sigma_over_scatter(model, reference):
    ivar = np.where(reference.spectra.ivar > 0, reference.spectra.ivar, np.nan)[:, model.fit.live]
    sigma = np.nanmedian(model.kappa / np.sqrt(ivar), axis=0)
    with np.errstate(divide="ignore"):
        return float(np.median(sigma / model.fit.scatter[model.fit.live]))


def _weight_share(model, reference):
    weight = 1 / _variance(model, reference.spectra.ivar)[:, model.fit.live]
    return float(np.median(weight.sum(axis=0) ** 2 / (len(weight) * (weight**2).sum(axis=0))))


def _kurtosis(values):
    values = values[np.abs(values) < 10]
    return float((values**4).mean() / (values**2).mean() ** 2 - 3)


def _lag(residuals, lag):
    product = residuals[:, lag:] * residuals[:, :-lag]
    return float(np.nanmean(product) / np.nanmean(residuals**2))


def _component_share(residuals):
    filled = np.nan_to_num(residuals)
    power = np.linalg.eigvalsh(filled @ filled.T)[::-1]
    return np.cumsum(power)[np.array(N_COMPONENTS) - 1] / power.sum()

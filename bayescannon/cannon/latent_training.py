"""Training with hidden components and latent labels in the labels' units, from the fit to the reported ones on."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bayescannon.cannon.choices import AUTO, LEARN
from bayescannon.cannon.learned_labels import LearnedLabels
from bayescannon.cannon.options import TrainingOptions
from bayescannon.data.labels import LabelScaler
from bayescannon.io.mapped_spectra import available_memory
from bayescannon.io.size_limits import size_text
from bayescannon.models.pixel_weights import equivalent_ivar
from bayescannon.models.reported_stars import ReportedStars
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.typing import FloatArray
from bayescannon.pixels.component_choice import NUMBERS, ComponentChoice, choose_components
from bayescannon.pixels.fit import PixelFit
from bayescannon.pixels.label_population import ReferenceErrorError
from bayescannon.pixels.latent_label_fit import LatentLabelFit, LatentLabelOptions, fit_latent_labels, with_loadings
from bayescannon.pixels.spectral_fit import SpectralFit
from bayescannon.stars.outlier_rounds import StarPixels, settle_outliers
from bayescannon.stars.quartic import compress, minimise

# errors that are to be fitted start from this share of the labels' scatter, where the table has none
_SHARE_OF_SCATTER = 0.7
# and are at most this share of the labels' spread
_MOST_OF_SPREAD = 0.5
# stars that the scatter is measured on
_SCATTER_STARS = 2000


def require_latent_memory(n_star: int, n_pixel: int, options: TrainingOptions, n_term: int) -> None:
    """
    Raise unless what hidden components and latent labels hold of every star fits into the free memory.

    That is the second moments of T terms and R components, three times while they are changed, and the spectra.

    Raises
    ------
    InputError
        It does not fit.
    """
    size = n_term + (max(NUMBERS) if options.components is None else options.components)
    needed, free = n_star * (3 * 8 * size**2 + 12 * n_pixel), available_memory()
    if needed > free:
        raise InputError(
            f"hidden components or latent labels hold {size_text(needed)} of memory for {n_star} reference spectra, "
            f"and {size_text(free)} is free; take fewer stars (max_per_cell, --max-per-cell, cuts), or leave them out"
        )


@dataclass(frozen=True)
class LatentTraining:
    """
    What training with hidden components and latent labels gives.

    Attributes
    ----------
    pixels : PixelFit
    loadings : float array of shape (pixel, R) or None
    learned : LearnedLabels or None
        None where labels are exact.
    errors : float array of shape (star, K) or None
        Errors of the reference labels that were used, in their units; None where labels are exact.
    choice : ComponentChoice or None
        What held-out stars said; None where they were not asked.
    """

    pixels: PixelFit
    loadings: FloatArray | None
    learned: LearnedLabels | None
    errors: FloatArray | None
    choice: ComponentChoice | None = None


def fit_latent(
    stars: ReportedStars,
    scaler: LabelScaler,
    reported: SpectralFit,
    *,
    n_hidden: int,
    learn_errors: bool = False,
    loadings: FloatArray | None = None,
    fitted_errors: bool = False,
    workers: int | None = None,
) -> LatentTraining:
    """
    Fit hidden components and latent labels, from the fit to the reported labels on.

    Parameters
    ----------
    stars : ReportedStars
        Scaled; variances of 0 are exact labels.
    scaler : LabelScaler
    reported : SpectralFit
        From :func:`bayescannon.cannon.reference_fit.fit_reference` for the same stars: its priors, kappa and start.
        Where pixels can be outliers, they lose their weight as this fit tells them, and then again as the fit with
        hidden components does, whose residuals are smaller; the weights are held in between.
    n_hidden : int
        R.
    learn_errors : bool
        Fit a factor of the errors of each label.
    loadings : float array of shape (pixel, R), optional
        H of a fit nearby, from which this one starts.
    fitted_errors : bool
        The errors were fitted before.
    workers : int or None
        Threads; None takes every core.

    Raises
    ------
    ReferenceErrorError
        The errors cannot be used.
    """
    exact = not stars.variance.any()
    start = reported.fit if loadings is None else with_loadings(reported.fit, loadings)

    def fitted(known: ReportedStars, start: PixelFit) -> LatentLabelFit:
        return fit_latent_labels(
            known,
            options=LatentLabelOptions(
                n_hidden=n_hidden, learn_errors=learn_errors and not exact, fitted_errors=fitted_errors
            ),
            kappa=reported.kappa,
            prior=reported.prior,
            start=start,
            workers=workers,
        )

    with _named_labels(scaler):
        fit = fitted(_without_outliers(stars, reported), start)
        if reported.populations.outliers is not None:
            columns = np.concatenate([fit.pixels.theta, fit.loadings], axis=1)
            noise = stars.ivar / reported.kappa**2
            pixels = StarPixels(columns, fit.pixels.theta.shape[1], fit.pixels.scatter, stars.flux, noise)
            settled = settle_outliers(pixels, reported.populations.outliers, stars.observed[:, None], workers=workers)
            start = with_loadings(fit.pixels, fit.loadings)
            fit = fitted(replace(stars, ivar=settled.ivar * reported.kappa**2), start)
    loadings = fit.loadings if n_hidden else None
    if exact:
        return LatentTraining(fit.pixels, loadings, None, None)
    errors = np.sqrt(stars.variance) * fit.error_scale * scaler.scale
    return LatentTraining(fit.pixels, loadings, LearnedLabels.of_fit(fit), errors)


def train_latent(
    stars: ReportedStars,
    scaler: LabelScaler,
    reported: SpectralFit,
    options: TrainingOptions,
    number: NDArray[np.int64],
    *,
    loadings: FloatArray | None = None,
    workers: int | None = None,
) -> LatentTraining | None:
    """
    Fit hidden components and latent labels as the options say, which may leave the decision to held-out stars.

    Parameters
    ----------
    stars : ReportedStars
        Scaled; NaN variances are errors that the table does not give.
    scaler, reported
        As in :func:`fit_latent`.
    options : TrainingOptions
    number : int array of shape (star,)
        Spectra of one star have one number.
    loadings
        As in :func:`fit_latent`, where their number is that of the options.
    workers : int or None
        Threads; None takes every core.

    Returns
    -------
    trained : LatentTraining or None
        None where held-out stars gain nothing, or nothing was asked for: the fit to the reported labels stands.
    """
    learn = options.label_errors in (LEARN, AUTO)
    if options.label_errors is None:
        stars = replace(stars, variance=np.zeros_like(stars.observed))
    elif learn:
        stars = replace(stars, variance=_first_variance(_without_outliers(stars, reported), reported, workers))
    latent, n_hidden, choice = options.label_errors is not None, options.components, None
    if options.is_open:
        with _named_labels(scaler):
            choice = choose_components(
                _without_outliers(stars, reported),
                reported,
                number,
                n_hidden=n_hidden,
                latent=None if options.label_errors == AUTO else latent,
                workers=workers,
            )
        latent, n_hidden = choice.latent, choice.n_hidden
    if not latent:
        stars = replace(stars, variance=np.zeros_like(stars.observed))
        if not n_hidden:
            return None if choice is None else LatentTraining(reported.fit, None, None, None, choice)
    if n_hidden is None:
        raise AssertionError("held-out stars decide on an open number")
    if loadings is not None and loadings.shape[1] != n_hidden:
        loadings = None
    trained = fit_latent(
        stars, scaler, reported, n_hidden=n_hidden, learn_errors=learn, loadings=loadings, workers=workers
    )
    return replace(trained, choice=choice)


@contextmanager
def _named_labels(scaler: LabelScaler) -> Iterator[None]:
    """Name the labels in errors that number them."""
    try:
        yield
    except ReferenceErrorError as error:
        numbered = ", ".join(f"{k} is {name}" for k, name in enumerate(scaler.names))
        raise ReferenceErrorError(f"{error} (label number {numbered})") from error


def _without_outliers(stars: ReportedStars, reported: SpectralFit) -> ReportedStars:
    """Return stars whose outliers, as the fit to the reported labels tells them, have lost their weight."""
    if reported.factors is None:
        return stars
    noise = stars.ivar / reported.kappa**2
    used = equivalent_ivar(reported.fit.scatter, noise, reported.factors) * reported.kappa**2
    return replace(stars, ivar=used)


def _first_variance(stars: ReportedStars, reported: SpectralFit, workers: int | None) -> FloatArray:
    """Return variances of label errors to start from: the table's, and part of the scatter where it has none."""
    some = slice(None, None, max(len(stars.observed) // _SCATTER_STARS, 1))
    observed, fit = stars.observed[some], reported.fit
    quartic = compress(fit.theta, fit.scatter, stars.flux[some], stars.ivar[some] / reported.kappa**2, workers=workers)
    off = minimise(quartic, observed[:, None], workers=workers).labels[:, 0] - observed
    low, high = np.quantile(off, [0.159, 0.841], axis=0)
    given = np.where(stars.variance > 0, stars.variance, np.nan)
    usual = np.array([np.median(x[np.isfinite(x)]) if np.isfinite(x).any() else np.nan for x in given.T])
    usual = np.where(np.isfinite(usual), usual, (_SHARE_OF_SCATTER * (high - low) / 2) ** 2)
    most = (_MOST_OF_SPREAD * stars.observed.std(axis=0)) ** 2
    result: FloatArray = np.minimum(np.where(np.isfinite(given), given, usual), most)
    return result

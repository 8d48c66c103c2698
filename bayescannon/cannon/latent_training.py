"""Training on latent labels in the labels' units, from the fit to the reported ones on."""

from bayescannon.data.labels import LabelScaler
from bayescannon.models.reported_stars import ReportedStars
from bayescannon.numerics.typing import FloatArray
from bayescannon.pixels.label_population import ReferenceErrorError
from bayescannon.pixels.latent_label_fit import LatentLabelFit, LatentLabelOptions, fit_latent_labels
from bayescannon.pixels.spectral_fit import SpectralFit


def fit_latent(
    labels: FloatArray,
    errors: FloatArray,
    flux: FloatArray,
    ivar: FloatArray,
    scaler: LabelScaler,
    reported: SpectralFit,
    *,
    n_hidden: int,
    workers: int | None = None,
) -> LatentLabelFit:
    """
    Train on latent labels, from the fit to the reported ones on.

    Parameters
    ----------
    labels, errors : float arrays of shape (star, K)
        Reported labels and their errors, in the labels' units.
    flux, ivar : float arrays of shape (star, pixel)
    scaler : LabelScaler
    reported : SpectralFit
        From :func:`fit_reference` for the same stars: its priors, kappa and start are used.
    n_hidden : int
        Hidden components.
    workers : int or None
        Threads; None takes every core.

    Raises
    ------
    ReferenceErrorError
        The errors cannot be used.
    """
    try:
        return fit_latent_labels(
            ReportedStars(scaler.to_scaled(labels), (errors / scaler.scale) ** 2, flux, ivar),
            options=LatentLabelOptions(n_hidden=n_hidden),
            kappa=reported.kappa,
            prior=reported.prior,
            start=reported.fit,
            workers=workers,
        )
    except ReferenceErrorError as error:
        numbered = ", ".join(f"{k} is {name}" for k, name in enumerate(scaler.names))
        raise ReferenceErrorError(f"{error} (label number {numbered})") from error

"""
Models of the folds: each without the stars of one fold, from the model of all stars.

Of a set of many stars, the stars of a fold are taken out of the sums that the coefficients and loadings solve
(:mod:`bayescannon.pixels.fold_fit`), while noise scale, populations, scatters, the number of components and what is
known of the other stars' true labels are those of all stars. A star moves each of these by about (T + R) / N of what
its own residual would suggest, so that they hardly depend on a fold. Of a smaller set, where nothing is held, and where
stars have parameters of their own, each fold is trained from the model of all stars on.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bayescannon.cannon.likelihood import coefficient_columns
from bayescannon.cannon.options import TrainingOptions
from bayescannon.cannon.reference import ReferenceSet
from bayescannon.cannon.reference_fit import priors_of
from bayescannon.cannon.start import can_hold, has_learned
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.cannon.training import train, train_near
from bayescannon.models.label_vector import label_vector
from bayescannon.models.reported_stars import ReportedStars
from bayescannon.pixels.block import LabelMoments
from bayescannon.pixels.fold_fit import FoldFit, fit_without_folds
from bayescannon.pixels.hidden_step import infer_hidden
from bayescannon.pixels.label_anchor import anchor_labels
from bayescannon.pixels.label_moments import packed_moments
from bayescannon.pixels.latent_label_fit import check_label_variance, with_hidden
from bayescannon.pixels.latent_label_step import infer_latent
from bayescannon.pixels.spectral_fit import known_prior

# sets of so many stars hardly depend on a fold in what is held
MANY_STARS = 2000


def fold_models(
    model: TrainedModel, reference: ReferenceSet, fold: NDArray[np.int64], *, workers: int | None = None
) -> Iterator[TrainedModel]:
    """
    Yield a model without the stars of each fold, in the order of the folds.

    Parameters
    ----------
    model : TrainedModel
        Of all stars.
    reference : ReferenceSet
        The spectra that it was trained on, in its order.
    fold : int array of shape (spectrum,)
        From 0 on; see :func:`bayescannon.cannon.held_out.deal_folds`.
    workers : int or None
        Threads; None takes every core.

    Raises
    ------
    ReferenceSetError
        A fold leaves too few stars to train on.
    """
    if not is_held(model, reference):
        for k in range(int(fold.max()) + 1):
            yield FoldToTrain(model).trained(reference, fold != k, workers)
        return
    options = model.settled_options
    spectra = reference.spectra
    priors = priors_of(options, model.wavelength, model.label_names)
    n_hidden = 0 if model.loadings is None else model.loadings.shape[1]
    prior = known_prior(priors, model.populations, len(model.wavelength), len(model.label_names))
    found = fit_without_folds(
        _moments(model, reference, workers), spectra.flux, spectra.ivar, fold, model.scatter,
        prior=with_hidden(prior, n_hidden), kappa=model.noise_scale, workers=workers,
    )  # fmt: skip
    for k, part in enumerate(found):
        yield _without(model, fold != k, part)


def is_held(model: TrainedModel, reference: ReferenceSet) -> bool:
    """Return whether the models of the folds hold what the model of all stars learned, and come from one pass."""
    options = model.settled_options
    many = reference.n_stars >= MANY_STARS and has_learned(options) and can_hold(options)
    return many and np.array_equal(reference.spectra.id, model.reference_id)


@dataclass(frozen=True)
class FoldToTrain:
    """
    A model of a fold that is yet to be trained.

    Attributes
    ----------
    start : TrainedModel, TrainingOptions or None
        The model of all stars that it starts from, or what it is trained with; None is the paper's.
    """

    start: TrainedModel | TrainingOptions | None

    def trained(self, reference: ReferenceSet, kept: NDArray[np.bool_], workers: int | None) -> TrainedModel:
        """Train on the stars of a mask."""
        if isinstance(self.start, TrainedModel):
            return train_near(self.start, reference.select(kept), workers=workers)
        return train(reference.select(kept), options=self.start, workers=workers)


def _moments(model: TrainedModel, reference: ReferenceSet, workers: int | None) -> LabelMoments:
    """Return the moments of label vectors and hidden components of the reference stars under the model of all stars."""
    scaled = model.scaler.to_scaled(reference.labels)
    learned, columns = model.latent_labels, coefficient_columns(model)
    if model.loadings is None and (learned is None or model.reference_errors is None):
        return LabelMoments.known(label_vector(scaled))
    noise, ivar = model.noise_scale, reference.spectra.ivar
    if not (noise == 1).all():
        ivar = ivar / noise**2
    exact = ReportedStars(scaled, np.zeros_like(scaled), reference.spectra.flux, ivar)
    if learned is None or model.reference_errors is None:
        return packed_moments(infer_hidden(columns, model.scatter, exact, single=True, workers=workers).products)
    variance = check_label_variance((model.reference_errors / model.scaler.scale) ** 2, scaled.shape)
    stars = replace(exact, variance=variance)
    latent = infer_latent(
        columns, model.scatter, stars, learned.population, scaled[:, None], single=True, workers=workers
    )
    return packed_moments(anchor_labels(latent, scaled, variance).latent.products)


def _without(model: TrainedModel, kept: NDArray[np.bool_], part: FoldFit) -> TrainedModel:
    """Return the model with the coefficients of a fold, and only the stars that they are from."""
    size = model.theta.shape[1]
    fit = replace(
        model.fit,
        theta=part.theta[:, :size],
        covariance=part.covariance[:, :size, :size],
        scatter=np.where(part.live, model.scatter, np.inf),
        n_live=part.n_live,
    )
    errors = model.reference_errors
    return replace(
        model,
        fit=fit,
        loadings=None if model.loadings is None else part.theta[:, size:],
        reference_id=model.reference_id[kept],
        reference_labels=model.reference_labels[kept],
        reference_errors=None if errors is None else errors[kept],
        star=None if model.star is None else model.star[kept],
        held_out=None,
        calibration=None,
        calibration_note="",
        coverage=None,
    )

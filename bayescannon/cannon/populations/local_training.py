r"""
Train the model of one population around the router's: a hierarchy of coefficients.

With pooled coefficients, the quadratic ones of population m are drawn around those of the router, theta_R, which fits
all populations, and the others are free:

    theta_mpk ~ Normal(theta_Rpk + mu_k, tau_k lambda_p),

with mu, tau and lambda as in :class:`bayescannon.models.coefficient_priors.PooledCoefficients`, learned by marginal
likelihood: a population of few stars takes its curvature from the router, one of many departs from it where its spectra
do. That is the pooled model of the spectra less what the router predicts, and it is fitted as that. With any other
prior, with latent labels or nuisances, a local model does not look at the router.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bayescannon.cannon.fold_models import MANY_STARS, fold_models
from bayescannon.cannon.options import TrainingOptions
from bayescannon.cannon.reference import ReferenceSet
from bayescannon.cannon.start import rescaled_theta
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.cannon.training import train, train_near
from bayescannon.data.labels import LabelScaler
from bayescannon.models.coefficient_priors import PooledCoefficients
from bayescannon.numerics.typing import FloatArray


def keeps_to_router(options: TrainingOptions) -> bool:
    """Return whether local models with these options are drawn around the router."""
    return isinstance(options.coefficients, PooledCoefficients) and not (options.has_latent or options.nuisances)


def train_local(
    router: TrainedModel | None,
    reference: ReferenceSet,
    options: TrainingOptions,
    *,
    near: TrainedModel | None = None,
    workers: int | None = None,
) -> TrainedModel:
    """
    Train the model of a population.

    Parameters
    ----------
    router : TrainedModel or None
        Trained on all populations that it covers; None for a population that it does not.
    reference : ReferenceSet
        The population's stars.
    options : TrainingOptions
        Of the whole survey, with what held-out stars decided.
    near : TrainedModel, optional
        The population's model from nearly the same stars, whose populations of coefficients the fit starts from.
    workers : int or None
        Threads; None takes every core.

    Returns
    -------
    model : TrainedModel
        Its coefficients are those of the spectra, the router's part included.

    Raises
    ------
    ReferenceSetError
        Too few stars.
    """
    if router is None or not keeps_to_router(options):
        return train(reference, options=options, workers=workers) if near is None else train_near(
            near, reference, workers=workers
        )  # fmt: skip
    left = without_router(router, reference)
    if near is None:
        deviation = train(left, options=options, workers=workers)
    else:
        scaler = near.scaler
        deviation = train_near(_moved(near, -_router_theta(router, scaler)), left, workers=workers)
    return _moved(deviation, _router_theta(router, deviation.scaler), live=np.isfinite(router.scatter))


def local_fold_models(
    router: TrainedModel,
    router_folds: Sequence[TrainedModel],
    model: TrainedModel,
    reference: ReferenceSet,
    fold: NDArray[np.int64],
    *,
    workers: int | None = None,
) -> Iterator[TrainedModel]:
    """
    Yield the local model without the stars of each fold.

    Of a population of many stars (:data:`bayescannon.cannon.fold_models.MANY_STARS`) the deviations from the router of
    all stars are taken; of a smaller one each fold keeps to the router without its stars.

    Parameters
    ----------
    router : TrainedModel
        Of all stars.
    router_folds : sequence of TrainedModel
        Routers without the stars of each fold.
    model : TrainedModel
        The population's, of all its stars.
    reference : ReferenceSet
        Its stars, in its order.
    fold : int array of shape (N,)
    workers : int or None
    """
    if not keeps_to_router(model.options):
        yield from fold_models(model, reference, fold, workers=workers)
    elif reference.n_stars >= MANY_STARS:
        added = _router_theta(router, model.scaler)
        deviation = _moved(model, -added)
        for part in fold_models(deviation, without_router(router, reference), fold, workers=workers):
            yield _moved(part, _router_theta(router, part.scaler))
    else:
        for k, near in enumerate(router_folds):
            yield train_local(near, reference.select(fold != k), model.options, near=model, workers=workers)


def without_router(router: TrainedModel, reference: ReferenceSet) -> ReferenceSet:
    """Return a reference set whose flux is 1 plus what the router does not predict at the reported labels."""
    predicted = router.predict(reference.labels)
    # the pixels that the router does not have are dead in the local model too
    there = np.isfinite(predicted)
    spectra = reference.spectra
    flux = np.where(there, spectra.flux - np.where(there, predicted, 0.0) + 1.0, 1.0)
    return replace(reference, spectra=replace(spectra, flux=flux, ivar=np.where(there, spectra.ivar, 0.0)))


def _router_theta(router: TrainedModel, scaler: LabelScaler) -> FloatArray:
    """Return what the router adds to the coefficients of the deviations, whose flux is around 1."""
    theta = rescaled_theta(router, scaler).copy()
    theta[:, 0] -= 1.0
    return theta


def _moved(model: TrainedModel, added: FloatArray, *, live: FloatArray | None = None) -> TrainedModel:
    """Return the model with coefficients added, and with further pixels dead where `live` is False."""
    alive = np.isfinite(model.scatter) if live is None else np.isfinite(model.scatter) & live
    theta = np.where(alive[:, None], model.theta + added, 0.0)
    return replace(model, fit=replace(model.fit, theta=theta, scatter=np.where(alive, model.scatter, np.inf)))

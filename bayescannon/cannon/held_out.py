"""Reference stars by models that never saw them: their labels, and what those models leave of their spectra."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import xarray as xr

from bayescannon.cannon.choices import N_FOLDS, N_STARTS, SEED
from bayescannon.cannon.labelling import estimate_labels, search_optima
from bayescannon.cannon.likelihood import StarLikelihood, star_residuals
from bayescannon.cannon.options import TrainingOptions
from bayescannon.cannon.reference import ReferenceSet
from bayescannon.cannon.training import train
from bayescannon.numerics.errors import InputError
from bayescannon.reliability.spectrum_scores import Residuals


@dataclass(frozen=True)
class HeldOut:
    """
    Reference stars out of fold, in the order of their set.

    Attributes
    ----------
    estimates : xarray.Dataset
        See :func:`bayescannon.cannon.labelling.label_spectra`.
    residuals : Residuals
        See :func:`bayescannon.cannon.likelihood.star_residuals`.
    """

    estimates: xr.Dataset
    residuals: Residuals


def hold_out(
    reference: ReferenceSet,
    *,
    folds: int = N_FOLDS,
    options: TrainingOptions | None = None,
    n_starts: int = N_STARTS,
    seed: int = SEED,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> HeldOut:
    """
    Label every reference star with a model trained on the other folds only.

    Parameters
    ----------
    reference : ReferenceSet
    folds : int
        Stars are dealt into this many folds at random.
    options, n_starts, workers
        As in training and labelling.
    seed : int
        Decides folds and starts.
    progress : callable, optional
        Called with (folds done, folds).

    Returns
    -------
    held_out : HeldOut

    Raises
    ------
    ValueError
        `folds` is not between 2 and the number of stars.
    ReferenceSetError
        A fold leaves too few stars to train on.
    """
    if not 2 <= folds <= len(reference):
        raise InputError(f"folds must be from 2 to the {len(reference)} reference stars; got {folds}")
    fold = np.random.default_rng(seed).permutation(len(reference)) % folds
    parts, residuals, order = [], [], []
    for k in range(folds):
        model = train(reference.select(fold != k), options=options, workers=workers)
        members = np.flatnonzero(fold == k)
        likelihood = StarLikelihood.of(model, reference.spectra.select(members), workers=workers)
        search = search_optima(likelihood, n_starts=n_starts, seed=seed, workers=workers)
        parts.append(estimate_labels(likelihood, search, workers=workers))
        scaled = model.scaler.to_scaled(parts[-1]["labels"].to_numpy())
        residuals.append(star_residuals(likelihood, scaled, workers=workers))
        order.append(members)
        if progress is not None:
            progress(k + 1, folds)
    back = np.argsort(np.concatenate(order))
    joined = xr.concat(parts, dim="star", combine_attrs="drop_conflicts").isel(star=back)
    return HeldOut(joined, Residuals.join(residuals).select(back))

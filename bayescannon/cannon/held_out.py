"""Reference stars by models that never saw them: their labels, and what those models leave of their spectra."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import xarray as xr

from bayescannon.cannon.labelling import label_spectra
from bayescannon.cannon.likelihood import scaled_ivar, without_hidden
from bayescannon.cannon.options import TrainingOptions
from bayescannon.cannon.reference import ReferenceSet
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.cannon.training import train
from bayescannon.data.spectra import Spectra
from bayescannon.numerics.errors import InputError
from bayescannon.reliability.spectrum_scores import Residuals, block_residuals


@dataclass(frozen=True)
class HeldOut:
    """
    Reference stars out of fold, in the order of their set.

    Attributes
    ----------
    estimates : xarray.Dataset
        See :func:`bayescannon.cannon.labelling.label_spectra`.
    residuals : Residuals
        See :func:`star_residuals`.
    """

    estimates: xr.Dataset
    residuals: Residuals


def star_residuals(
    model: TrainedModel, spectra: Spectra, estimates: xr.Dataset, *, workers: int | None = None
) -> Residuals:
    """
    Return the blocks of each star's residual at its labels.

    See :func:`bayescannon.reliability.spectrum_scores.block_residuals`.
    """
    scaled = model.scaler.to_scaled(estimates["labels"].to_numpy())
    flux = without_hidden(model, spectra, scaled, workers=workers)
    return block_residuals(model.theta, model.scatter, flux, scaled_ivar(model, spectra), scaled, workers=workers)


def hold_out(
    reference: ReferenceSet,
    *,
    folds: int = 8,
    options: TrainingOptions | None = None,
    n_starts: int = 7,
    seed: int = 0,
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
        spectra = reference.spectra.select(members)
        parts.append(label_spectra(model, spectra, n_starts=n_starts, seed=seed, workers=workers))
        residuals.append(star_residuals(model, spectra, parts[-1], workers=workers))
        order.append(members)
        if progress is not None:
            progress(k + 1, folds)
    back = np.argsort(np.concatenate(order))
    joined = xr.concat(parts, dim="star", combine_attrs="drop_conflicts").isel(star=back)
    return HeldOut(joined, Residuals.join(residuals).select(back))

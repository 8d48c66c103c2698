r"""
Posteriors of stars under a survey model: mixtures of the posteriors under the models of the populations.

With the membership P_m and draws l_md of equal weight from the posterior of a star's labels under model m, the draws of
the mixture are all l_md with the weights

    w_md = P_m pi_m(l_md) / sum_d pi_m(l_md),

which is the posterior of :mod:`bayescannon.models.survey_mixture` given P_m. Like the formal errors they follow from
the likelihood of the pixels, and are not calibrated.
"""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayescannon.cannon.choices import N_DRAWS
from bayescannon.cannon.populations.labelling import PopulationStars, RoutedStars, route_stars
from bayescannon.cannon.populations.survey_model import SurveyModel
from bayescannon.cannon.posterior import posterior_of
from bayescannon.cannon.star_nuisances import with_nuisances
from bayescannon.data.spectra import Spectra
from bayescannon.io.inputs import as_spectra
from bayescannon.models.label_priors import LabelPrior
from bayescannon.models.nuisances import Nuisances
from bayescannon.numerics.intervals import PROBABILITIES
from bayescannon.numerics.typing import FloatArray
from bayescannon.stars.importance import star_seeds


def sample_survey(
    survey: SurveyModel,
    spectra: Spectra | str | Path,
    *,
    prior: LabelPrior | str | None = None,
    nuisances: Nuisances | None = None,
    n_draws: int = N_DRAWS,
    n_keep: int = 0,
    nuts: bool = True,
    **search: Any,
) -> xr.Dataset:
    """
    Sample the posterior of every star's labels under a survey model.

    Parameters
    ----------
    survey : SurveyModel
    spectra, prior, nuisances, n_draws, n_keep, nuts
        As in :func:`bayescannon.cannon.posterior.sample_posterior`; a prior by name is built from each local model's
        reference stars.
    search
        n_starts, seed and workers, as there.

    Returns
    -------
    posterior : xarray.Dataset
        As that function returns, of the mixture; ``k_hat``, ``ess``, ``n_modes`` and ``posterior_status`` are of the
        posterior under the most probable population's model.

    Raises
    ------
    GridError, LabelError, InputError
        As there.
    """
    survey = survey.with_models(partial(with_nuisances, nuisances=nuisances))
    routed = route_stars(survey, as_spectra(spectra), prior=prior, **search)
    return mixed_posterior(routed, n_draws=n_draws, n_keep=n_keep, nuts=nuts, workers=search.get("workers"))


def mixed_posterior(
    routed: RoutedStars, *, n_draws: int, n_keep: int = 0, nuts: bool = True, workers: int | None = None
) -> xr.Dataset:
    """
    Sample posteriors around the optima that were found under each population's model.

    Parameters
    ----------
    routed : RoutedStars
    n_draws, n_keep, nuts, workers
        As in :func:`sample_survey`.

    Returns
    -------
    posterior : xarray.Dataset
        As :func:`sample_survey` returns.
    """
    sample = partial(_sample_part, n_draws=n_draws, nuts=nuts, workers=workers)
    best, taken, places = routed.best, [], []
    for m in range(-1, routed.membership.shape[1]):
        part = routed.part_of(m)
        chosen = np.flatnonzero(best[part.rows] == m)
        if len(chosen):
            taken.append(sample(part, chosen, n_keep=n_keep))
            places.append(part.rows[chosen])
    if not taken:
        taken, places = [sample(routed.router, routed.router.rows, n_keep=n_keep)], [routed.router.rows]
    order = np.argsort(np.concatenate(places), kind="stable")
    joined = xr.concat(taken, dim="star", combine_attrs="override", data_vars="minimal")
    result = joined.isel(star=order).copy(deep=True)
    result.attrs["model_hash"] = routed.survey.hash
    rows = np.flatnonzero(routed.open.sum(axis=1) > 1)
    if not len(rows):
        return result
    names = routed.survey.label_names
    draws = np.full((len(rows), routed.membership.shape[1], n_draws, len(names)), np.nan)
    weight = np.zeros(draws.shape[:3])
    for m in range(draws.shape[1]):
        part = routed.part_of(m)
        chosen = np.flatnonzero(np.isin(part.rows, rows) & routed.open[part.rows, m])
        if len(chosen):
            here = np.searchsorted(rows, part.rows[chosen])
            drawn = sample(part, chosen, n_keep=n_draws)["posterior_draws"].to_numpy()
            usable = np.isfinite(drawn).all(axis=2)
            share = routed.survey.regions.shares(np.where(usable[:, :, None], drawn, 0.0), names)[:, :, m] * usable
            total = share.sum(axis=1, keepdims=True)
            of_population = routed.membership[part.rows[chosen], m][:, None]
            draws[here, m] = np.where(usable[:, :, None], drawn, 0.0)
            weight[here, m] = of_population * share / np.where(total > 0, total, 1.0)
    draws = np.nan_to_num(draws.reshape(len(rows), -1, len(names)))
    weight = weight.reshape(len(rows), -1)
    weighed = weight.sum(axis=1) > 0
    rows, draws, weight = rows[weighed], draws[weighed], weight[weighed]
    weight /= weight.sum(axis=1, keepdims=True)
    mean = np.einsum("nd,ndk->nk", weight, draws)
    off = draws - mean[:, None]
    result["posterior_mean"][{"star": rows}] = mean
    result["posterior_covariance"][{"star": rows}] = np.einsum("nd,ndi,ndj->nij", weight, off, off)
    result["posterior_quantile"][{"star": rows}] = _weighted_quantiles(draws, weight)
    if n_keep:
        seeds = star_seeds(routed.router.likelihood.spectra.id[rows], routed.router.search.seed)
        result["posterior_draws"][{"star": rows}] = np.stack(
            [_resampled(*one, n_keep) for one in zip(draws, weight, seeds, strict=True)]
        )
    return result


def _sample_part(
    part: PopulationStars, chosen: NDArray[np.intp], *, n_draws: int, n_keep: int, nuts: bool, workers: int | None
) -> xr.Dataset:
    """Return posteriors of some of a population's stars under its model."""
    search = replace(part.search, optima=part.search.optima.select(chosen))
    return posterior_of(
        part.likelihood.select(chosen), search, n_draws=n_draws, n_keep=n_keep, nuts=nuts, workers=workers
    )


def _weighted_quantiles(draws: FloatArray, weight: FloatArray) -> FloatArray:
    """Return quantiles of weighted draws (N, D, K), shape (N, quantile, K)."""
    order = np.argsort(draws, axis=1)
    values = np.take_along_axis(draws, order, axis=1)
    weights = np.take_along_axis(np.broadcast_to(weight[:, :, None], draws.shape), order, axis=1)
    # the middle of each draw's weight
    at = weights.cumsum(axis=1) - weights / 2
    result = np.empty((len(draws), len(PROBABILITIES), draws.shape[2]))
    for n, k in np.ndindex(len(draws), draws.shape[2]):
        result[n, :, k] = np.interp(PROBABILITIES, at[n, :, k], values[n, :, k])
    return result


def _resampled(draws: FloatArray, weight: FloatArray, seed: int, n_keep: int) -> FloatArray:
    """Return draws of equal weight: systematic resampling, in random order."""
    rng = np.random.default_rng(seed)
    places = np.searchsorted(weight.cumsum(), (np.arange(n_keep) + rng.random()) / n_keep)
    return rng.permutation(draws[np.minimum(places, len(draws) - 1)])

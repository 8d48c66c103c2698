"""Posteriors of stars from their spectra, in the labels' units: the public face of importance sampling and NUTS."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import xarray as xr

from bayescannon.cannon.choices import N_DRAWS, N_STARTS, SEED
from bayescannon.cannon.label_priors import as_label_prior
from bayescannon.cannon.labelling import Search, search_optima
from bayescannon.cannon.likelihood import StarLikelihood
from bayescannon.cannon.model_file import as_model
from bayescannon.cannon.star_nuisances import with_nuisances
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.data.flags import PosteriorStatus
from bayescannon.data.spectra import Spectra
from bayescannon.io.inputs import as_spectra
from bayescannon.models.label_priors import LabelPrior
from bayescannon.models.nuisances import Nuisances
from bayescannon.numerics.intervals import PROBABILITIES
from bayescannon.numerics.threads import n_cores
from bayescannon.numerics.whole_numbers import whole_number
from bayescannon.stars.importance import LabelPosterior, sample_modes, star_seeds


def sample_posterior(
    model: TrainedModel | str | Path,
    spectra: Spectra | str | Path,
    *,
    prior: LabelPrior | str | None = None,
    nuisances: Nuisances | None = None,
    n_draws: int = N_DRAWS,
    n_keep: int = 0,
    n_starts: int = N_STARTS,
    seed: int = SEED,
    nuts: bool = True,
    workers: int | None = None,
) -> xr.Dataset:
    """
    Sample the posterior of every star's labels (:func:`bayescannon.models.star_labels.label_model`).

    Parameters
    ----------
    model, spectra, prior, nuisances
        As in :func:`bayescannon.cannon.labelling.label_spectra`.
    n_draws : int
        For each star.
    n_keep : int
        How many draws of equal weight are kept for each star.
    n_starts, seed
        As in :func:`bayescannon.cannon.labelling.label_spectra`; a star's draws depend on its id and the seed alone.
    nuts : bool
        Sample stars that importance sampling cannot do with NUTS, where nutpie is installed.
    workers : int or None
        Threads; None takes every core.

    Returns
    -------
    posterior : xarray.Dataset
        Dims star, stellar_label, stellar_label_2, quantile and draw. ``posterior_mean``, ``posterior_covariance``,
        ``posterior_quantile`` and, if kept, ``posterior_draws`` in the labels' units, NaN where there is no posterior;
        ``k_hat``
        (Pareto shape of the weights; NaN after NUTS), ``ess`` (effective draws), ``n_modes`` and
        ``posterior_status`` (:class:`~bayescannon.data.flags.PosteriorStatus`).

    Raises
    ------
    GridError
        The spectra are on another grid.
    LabelError
        The prior is of a label that the model does not have.
    ValueError
        Fewer than 100 draws, or more to keep than there are.

    Examples
    --------
    >>> import bayescannon as bc
    >>> survey = bc.simulate_survey(80, 20, seed=1)
    >>> spectra = bc.prepare_spectra(list(survey.spectra()))
    >>> reference = bc.build_reference(spectra, survey.apogee, ("teff", "logg"), format="allstar-dr12")
    >>> posterior = bc.sample_posterior(bc.train(reference), spectra.select(slice(0, 5)), n_draws=200)
    >>> posterior["posterior_quantile"].sel(quantile=0.5, stellar_label="teff").shape
    (5,)
    """
    model = with_nuisances(as_model(model), nuisances)
    prior = as_label_prior(prior, model, seed=seed)
    likelihood = StarLikelihood.of(model, as_spectra(spectra), prior=prior, workers=workers)
    search = search_optima(likelihood, prior=prior, n_starts=n_starts, seed=seed, workers=workers)
    return posterior_of(likelihood, search, n_draws=n_draws, n_keep=n_keep, nuts=nuts, workers=workers)


def posterior_of(
    likelihood: StarLikelihood,
    search: Search,
    *,
    n_draws: int,
    n_keep: int = 0,
    nuts: bool = True,
    workers: int | None = None,
) -> xr.Dataset:
    """
    Sample the posteriors of stars around the optima that were found: what :func:`sample_posterior` returns.

    Parameters
    ----------
    likelihood : StarLikelihood
    search : Search
        From :func:`bayescannon.cannon.labelling.search_optima` for the same stars.
    n_draws, n_keep, nuts, workers
        As in :func:`sample_posterior`.
    """
    n_draws, n_keep = whole_number(n_draws, "n_draws"), whole_number(n_keep, "n_keep")
    model = likelihood.model
    seeds = star_seeds(likelihood.spectra.id, search.seed)
    found = sample_modes(
        likelihood.quartic, search.optima, seeds, density=search.density, n_draws=n_draws, n_keep=n_keep,
        workers=workers,
    )  # fmt: skip
    if nuts:
        _improve(found, likelihood, search, n_draws=n_draws, n_keep=n_keep, workers=workers)
    return _to_dataset(found, model, likelihood.spectra, search.prior, n_draws=n_draws, seed=search.seed)


def _improve(
    found: LabelPosterior,
    likelihood: StarLikelihood,
    search: Search,
    *,
    n_draws: int,
    n_keep: int,
    workers: int | None,
) -> None:
    """Replace unreliable posteriors by those of NUTS, where it can run and its chains meet."""
    from bayescannon.stars.nuts import can_sample, sample_nuts

    poor = np.flatnonzero(found.status == PosteriorStatus.UNRELIABLE)
    if len(poor) == 0 or not can_sample():
        return
    better = sample_nuts(
        likelihood.quartic.select(poor), found.select(poor), prior=search.prior, scaler=likelihood.model.scaler,
        n_draws=n_draws, n_keep=n_keep, seed=search.seed, cores=workers or n_cores(),
    )  # fmt: skip
    better = replace(better, n_modes=found.n_modes[poor])
    met = better.status == PosteriorStatus.NUTS
    found.put(poor[met], better.select(met))


def _to_dataset(
    found: LabelPosterior, model: TrainedModel, spectra: Spectra, prior: LabelPrior, *, n_draws: int, seed: int
) -> xr.Dataset:
    """Put posteriors into the labels' units, and name their dims."""
    scaler = model.scaler
    names = list(model.label_names)
    drawn = {"posterior_draws": (("star", "draw", "stellar_label"), scaler.from_scaled(found.draws))}
    return xr.Dataset(
        {
            "posterior_mean": (("star", "stellar_label"), scaler.from_scaled(found.mean)),
            "posterior_covariance": (
                ("star", "stellar_label", "stellar_label_2"),
                scaler.covariance_from_scaled(found.covariance),
            ),
            "posterior_quantile": (("star", "quantile", "stellar_label"), scaler.from_scaled(found.quantiles)),
            **(drawn if found.draws.shape[1] else {}),
            "k_hat": ("star", found.k_hat),
            "ess": ("star", found.ess),
            "n_modes": ("star", found.n_modes),
            "posterior_status": ("star", found.status),
        },
        coords={
            "star": spectra.id,
            "stellar_label": names,
            "stellar_label_2": names,
            "quantile": list(PROBABILITIES),
        },
        attrs={"prior": prior.describe(), "n_draws": n_draws, "seed": seed, "model_hash": model.hash},
    )

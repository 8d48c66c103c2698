"""What a label prior changes: the same spectra under several priors, star by star."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayescannon.cannon.choices import LABEL_PRIORS, N_DRAWS, N_STARTS, SEED
from bayescannon.cannon.label_priors import as_label_prior, build_label_prior, prior_deviation
from bayescannon.cannon.labelling import estimate_labels, search_optima
from bayescannon.cannon.likelihood import StarLikelihood
from bayescannon.cannon.model_file import as_model
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.data.flags import ResultFlag
from bayescannon.data.spectra import Spectra
from bayescannon.io.inputs import as_spectra
from bayescannon.models.label_priors import FlatLabels, LabelPrior
from bayescannon.numerics.label_density import LabelDensity
from bayescannon.numerics.typing import FloatArray
from bayescannon.stars.importance import sample_modes, star_seeds
from bayescannon.stars.power_scaling import power_scaling
from bayescannon.stars.quartic import Quartic, chi2_derivatives

# Kallioinen et al. 2024 (StatComp 34, 57): powers that prior and likelihood are raised to
_POWERS = (0.8, 1.25)


def compare_priors(
    model: TrainedModel | str | Path,
    spectra: Spectra | str | Path,
    priors: Mapping[str, LabelPrior] | Sequence[str] | None = None,
    *,
    n_draws: int = N_DRAWS,
    n_starts: int = N_STARTS,
    seed: int = SEED,
    workers: int | None = None,
) -> xr.Dataset:
    """
    Label stars under several priors, and say what each of them does.

    Parameters
    ----------
    model : TrainedModel, or path of its file
    spectra : Spectra, or path of a store
        N stars on the model's grid.
    priors : mapping of name to prior, or names on the command line, optional
        All that :func:`bayescannon.cannon.label_priors.build_label_prior` knows unless given; flat is always there.
    n_draws, n_starts, seed, workers
        As in :func:`bayescannon.cannon.posterior.sample_posterior`.

    Returns
    -------
    comparison : xarray.Dataset
        Dims prior, star, stellar_label. In the labels' units ``labels`` (maximum of the posterior), ``mean`` and
        ``width`` (standard deviation) of the posterior; ``shift``, (mean - mean under the flat prior) in flat widths;
        ``contraction``, 1 - (posterior / prior variance), which is 1 under an improper prior; and the sensitivities
        ``prior_sensitivity`` and ``likelihood_sensitivity`` to power-scaling (Kallioinen et al. 2024, as in ArviZ's
        psense: above 0.05 the posterior depends on it). With dims prior, star also ``k_hat``, ``status``,
        ``posterior_status`` and ``prior_dominated``. NaN where a star has no posterior.

    Raises
    ------
    LabelError
        A prior is of a label that the model does not have.
    GridError
        The spectra are on another grid.

    Examples
    --------
    >>> import bayescannon as bc
    >>> survey = bc.simulate_survey(80, 20, seed=1)
    >>> spectra = bc.prepare_spectra(list(survey.spectra()))
    >>> reference = bc.build_reference(spectra, survey.apogee, ("teff", "logg"), format="allstar-dr12")
    >>> comparison = bc.compare_priors(bc.train(reference), spectra.select(slice(0, 5)), ["gaussian"], n_draws=200)
    >>> comparison["prior"].to_numpy().tolist()
    ['flat', 'gaussian']
    """
    model, spectra = as_model(model), as_spectra(spectra)
    if not isinstance(priors, Mapping):
        names = LABEL_PRIORS if priors is None else [priors] if isinstance(priors, str) else priors
        priors = {name: build_label_prior(name, model, seed=seed) for name in names}
    priors = {"flat": FlatLabels()} | {name: as_label_prior(one, model, seed=seed) for name, one in priors.items()}
    likelihood = StarLikelihood.of(model, spectra, workers=workers)
    quartic = likelihood.quartic
    seeds = star_seeds(spectra.id, seed)
    parts = []
    for prior in priors.values():
        search = search_optima(likelihood, prior=prior, n_starts=n_starts, seed=seed, workers=workers)
        estimates = estimate_labels(likelihood, search, workers=workers)
        found = sample_modes(
            quartic, search.optima, seeds, density=search.density, n_draws=n_draws, n_keep=n_draws, workers=workers
        )
        width = np.sqrt(np.diagonal(found.covariance, axis1=1, axis2=2)) * model.scaler.scale
        prior_sense, likelihood_sense = _sensitivities(found.draws, quartic, search.density)
        star_label = ("star", "stellar_label")
        parts.append(
            xr.Dataset(
                {
                    "labels": (star_label, estimates["labels"].to_numpy()),
                    "mean": (star_label, model.scaler.from_scaled(found.mean)),
                    "width": (star_label, width),
                    "contraction": (star_label, 1 - (width / prior_deviation(prior, model.label_names)) ** 2),
                    "prior_sensitivity": (star_label, prior_sense),
                    "likelihood_sensitivity": (star_label, likelihood_sense),
                    "k_hat": ("star", found.k_hat),
                    "posterior_status": ("star", found.status),
                    "status": ("star", estimates["status"].to_numpy()),
                    "prior_dominated": (
                        "star",
                        (estimates["flags"].to_numpy() & int(ResultFlag.PRIOR_DOMINATED)) != 0,
                    ),
                },
                coords={"star": spectra.id, "stellar_label": list(model.label_names)},
            )
        )
    joined = xr.concat(parts, dim="prior").assign_coords(prior=list(priors))
    flat = joined.sel(prior="flat", drop=True)
    joined["shift"] = (joined["mean"] - flat["mean"]) / flat["width"]
    joined.attrs = {"model_hash": model.hash, "n_draws": n_draws, "seed": seed}
    joined["prior"].attrs = {name: prior.describe() for name, prior in priors.items()}
    return joined


def _sensitivities(
    draws: FloatArray, quartic: Quartic, density: LabelDensity
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the power-scaling sensitivities (star, K) of draws (star, draw, K) to prior and likelihood."""
    n_star, n_draw, n_label = draws.shape
    log_prior, log_likelihood = np.empty((n_star, n_draw)), np.empty((n_star, n_draw))
    for n in range(n_star):
        log_prior[n] = density.log_density(draws[n])
        log_likelihood[n] = -0.5 * chi2_derivatives(quartic.select(np.full(n_draw, n)), draws[n]).chi2
    sense = np.full((2, n_star, n_label), np.nan)
    for star in np.flatnonzero(np.isfinite(draws).all(axis=(1, 2))):
        for row, log_density in enumerate((log_prior, log_likelihood)):
            power_scaling(draws[star], log_density[star], *_POWERS, sense[row, star])
    return sense[0], sense[1]

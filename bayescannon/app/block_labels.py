"""Label one block of a store: each star compressed and searched once, for labels, posterior and coverage."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import xarray as xr

from bayescannon.cannon.label_priors import as_label_prior
from bayescannon.cannon.labelling import estimate_labels, search_optima
from bayescannon.cannon.likelihood import StarLikelihood
from bayescannon.cannon.novelty import assess_coverage, with_coverage
from bayescannon.cannon.odd_spectra import odd_spectra, with_odd
from bayescannon.cannon.populations.labelling import local_priors, mixed_estimates, route_stars
from bayescannon.cannon.populations.novelty import assess_survey, with_none
from bayescannon.cannon.populations.odd_stars import survey_odd_spectra
from bayescannon.cannon.populations.posterior import mixed_posterior
from bayescannon.cannon.populations.survey_model import SurveyModel
from bayescannon.cannon.posterior import posterior_of
from bayescannon.cannon.star_nuisances import with_nuisances
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.data.label_table import LabelTable
from bayescannon.data.spectra import Spectra
from bayescannon.models.label_priors import LabelPrior
from bayescannon.models.nuisances import Nuisances


@dataclass(frozen=True)
class BlockChoices:
    """
    What is found of every star of a store.

    Attributes
    ----------
    n_draws, n_starts, seed, scores, false_alarms, odd, workers
        As in :func:`bayescannon.app.stores.label_store`.
    pipeline_labels : LabelTable or None
    """

    n_draws: int
    n_starts: int
    seed: int
    scores: str
    pipeline_labels: LabelTable | None
    false_alarms: float
    odd: bool
    workers: int | None


def block_labeller(
    model: TrainedModel | SurveyModel,
    choices: BlockChoices,
    *,
    prior: LabelPrior | str | None,
    nuisances: Nuisances | None,
) -> Callable[[Spectra], xr.Dataset]:
    """Return a function that labels the spectra of a block; priors are built here, and not anew in every block."""
    changed = partial(with_nuisances, nuisances=nuisances)
    if isinstance(model, TrainedModel):
        model = changed(model)
        return partial(_label_block, model, choices, as_label_prior(prior, model, seed=choices.seed))
    survey = model.with_models(changed)
    priors = local_priors(survey, prior, seed=choices.seed)

    def label_survey_block(spectra: Spectra) -> xr.Dataset:
        routed = route_stars(
            survey, spectra, prior=priors, n_starts=choices.n_starts, seed=choices.seed,
            false_alarms=choices.false_alarms, workers=choices.workers,
        )  # fmt: skip
        part = mixed_estimates(routed, workers=choices.workers)
        if choices.n_draws:
            posterior = mixed_posterior(routed, n_draws=choices.n_draws, nuts=False, workers=choices.workers)
            part = part.merge(posterior.drop_attrs(deep=False))
        if survey.is_covered:
            assessment = assess_survey(
                routed, part, scores=choices.scores, pipeline_labels=choices.pipeline_labels,
                false_alarms=choices.false_alarms, workers=choices.workers,
            )  # fmt: skip
            part = with_none(part, assessment)
        if choices.odd:
            found = survey_odd_spectra(routed, workers=choices.workers)
            part = with_odd(part, found, false_alarms=choices.false_alarms)
        return part

    return label_survey_block


def _label_block(model: TrainedModel, choices: BlockChoices, prior: LabelPrior, spectra: Spectra) -> xr.Dataset:
    """Label the spectra of a block by a model of one population."""
    likelihood = StarLikelihood.of(model, spectra, prior=prior, workers=choices.workers)
    search = search_optima(
        likelihood, prior=prior, n_starts=choices.n_starts, seed=choices.seed, workers=choices.workers
    )
    part = estimate_labels(likelihood, search, false_alarms=choices.false_alarms, workers=choices.workers)
    if choices.n_draws:
        posterior = posterior_of(likelihood, search, n_draws=choices.n_draws, nuts=False, workers=choices.workers)
        part = part.merge(posterior.drop_attrs(deep=False))
    if model.coverage is not None:
        assessment = assess_coverage(
            model, likelihood, part, scores=choices.scores, pipeline_labels=choices.pipeline_labels,
            false_alarms=choices.false_alarms, workers=choices.workers,
        )  # fmt: skip
        part = with_coverage(part, assessment)
    if choices.odd:
        found = odd_spectra(model, likelihood, part, workers=choices.workers)
        part = with_odd(part, found, false_alarms=choices.false_alarms)
    return part

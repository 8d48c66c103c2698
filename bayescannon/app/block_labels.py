"""Label one block of a store: each star compressed and searched once, for labels, posterior and coverage."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from bayescannon.cannon.label_priors import as_label_prior
from bayescannon.cannon.labelling import estimate_labels, search_optima
from bayescannon.cannon.likelihood import StarLikelihood
from bayescannon.cannon.novelty import assess_coverage, with_coverage
from bayescannon.cannon.odd_spectra import odd_spectra, with_odd
from bayescannon.cannon.offsets import subtract_offsets
from bayescannon.cannon.populations.either_model import sample_posterior
from bayescannon.cannon.populations.labelling import local_priors, mixed_estimates, route_stars
from bayescannon.cannon.populations.novelty import assess_survey, with_none
from bayescannon.cannon.populations.odd_stars import survey_odd_spectra
from bayescannon.cannon.populations.posterior import mixed_posterior
from bayescannon.cannon.populations.survey_model import SurveyModel
from bayescannon.cannon.posterior import posterior_of
from bayescannon.cannon.star_nuisances import with_nuisances
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.data.flags import PosteriorStatus
from bayescannon.data.label_table import LabelTable
from bayescannon.data.spectra import Spectra
from bayescannon.models.label_priors import LabelPrior
from bayescannon.models.nuisances import Nuisances
from bayescannon.numerics.tiles import map_tiles


@dataclass(frozen=True)
class BlockChoices:
    """
    What is found of every star of a store.

    Attributes
    ----------
    n_draws, n_starts, seed, scores, false_alarms, odd, correct_offsets, workers
        As in :func:`bayescannon.app.stores.label_store`.
    """

    n_draws: int
    n_starts: int
    seed: int
    scores: str
    false_alarms: float
    odd: bool
    correct_offsets: bool
    workers: int | None


@dataclass(frozen=True)
class BlockLabeller:
    """
    Labels the spectra of a block; it can be sent to other processes.

    Attributes
    ----------
    model : TrainedModel or SurveyModel
        With the nuisances that are asked for.
    choices : BlockChoices
    prior : LabelPrior, or mapping of a population's number to LabelPrior
        Built once, and not anew in every block.
    """

    model: TrainedModel | SurveyModel
    choices: BlockChoices
    prior: LabelPrior | Mapping[int, LabelPrior]

    @classmethod
    def of(
        cls,
        model: TrainedModel | SurveyModel,
        choices: BlockChoices,
        *,
        prior: LabelPrior | str | None,
        nuisances: Nuisances | None,
    ) -> "BlockLabeller":
        """Build the priors, and set the nuisances of the model."""
        changed = partial(with_nuisances, nuisances=nuisances)
        if isinstance(model, TrainedModel):
            model = changed(model)
            return cls(model, choices, as_label_prior(prior, model, seed=choices.seed))
        survey = model.with_models(changed)
        return cls(survey, choices, local_priors(survey, prior, seed=choices.seed))

    def in_one_thread(self) -> "BlockLabeller":
        """Return a labeller that uses one thread, for worker processes."""
        return replace(self, choices=replace(self.choices, workers=1))

    def __call__(self, spectra: Spectra, pipeline_labels: LabelTable | None = None) -> xr.Dataset:
        """
        Return the estimates of the stars of a block.

        Parameters
        ----------
        spectra : Spectra
        pipeline_labels : LabelTable, optional
            Survey B's own labels of these stars.
        """
        if isinstance(self.model, TrainedModel) and not self.choices.odd:
            found = self._label_one(self.model, spectra, pipeline_labels)
        else:
            # these take some of the stars, and where one is among them must not depend on the block
            def one(part: slice) -> xr.Dataset:
                stars = spectra.select(part)
                if isinstance(self.model, TrainedModel):
                    return self._label_one(self.model, stars, pipeline_labels)
                return self._label_survey(self.model, stars, pipeline_labels)

            parts = map_tiles(one, len(spectra), self.choices.workers)
            found = xr.concat(parts, dim="star", combine_attrs="override", data_vars="minimal")
        return subtract_offsets(found) if self.choices.correct_offsets else found

    def _label_one(self, model: TrainedModel, spectra: Spectra, own: LabelTable | None) -> xr.Dataset:
        """Label the spectra of a block by a model of one population."""
        given, workers = self.choices, self.choices.workers
        prior: Any = self.prior
        likelihood = StarLikelihood.of(model, spectra, prior=prior, workers=workers)
        search = search_optima(likelihood, prior=prior, n_starts=given.n_starts, seed=given.seed, workers=workers)
        part = estimate_labels(likelihood, search, false_alarms=given.false_alarms, workers=workers)
        if given.n_draws:
            posterior = posterior_of(likelihood, search, n_draws=given.n_draws, nuts=False, workers=workers)
            part = part.merge(posterior.drop_attrs(deep=False))
        if model.coverage is not None:
            assessment = assess_coverage(
                model, likelihood, part, scores=given.scores, pipeline_labels=own, false_alarms=given.false_alarms,
                workers=workers,
            )  # fmt: skip
            part = with_coverage(part, assessment)
        if given.odd:
            found = odd_spectra(model, likelihood, part, workers=workers)
            part = with_odd(part, found, false_alarms=given.false_alarms)
        return part

    def _label_survey(self, survey: SurveyModel, spectra: Spectra, own: LabelTable | None) -> xr.Dataset:
        """Label the spectra of a block by a survey model."""
        given, workers = self.choices, self.choices.workers
        routed = route_stars(
            survey, spectra, prior=self.prior, n_starts=given.n_starts, seed=given.seed,
            false_alarms=given.false_alarms, workers=workers,
        )  # fmt: skip
        part = mixed_estimates(routed, workers=workers)
        if given.n_draws:
            posterior = mixed_posterior(routed, n_draws=given.n_draws, nuts=False, workers=workers)
            part = part.merge(posterior.drop_attrs(deep=False))
        if survey.is_covered:
            assessment = assess_survey(
                routed, part, scores=given.scores, pipeline_labels=own, false_alarms=given.false_alarms,
                workers=workers,
            )  # fmt: skip
            part = with_none(part, assessment)
        if given.odd:
            part = with_odd(part, survey_odd_spectra(routed, workers=workers), false_alarms=given.false_alarms)
        return part

    def sample_by_nuts(self, spectra: Spectra) -> xr.Dataset:
        """Return the posteriors of stars that importance sampling could not give, by NUTS where its chains meet."""
        given = self.choices
        prior: Any = self.prior
        posterior: xr.Dataset = sample_posterior(
            self.model, spectra, prior=prior, n_draws=given.n_draws, n_starts=given.n_starts, seed=given.seed,
            workers=given.workers,
        )  # fmt: skip
        return posterior


def poor_rows(estimates: xr.Dataset) -> list[int]:
    """Return the rows of stars whose posteriors importance sampling could not give."""
    if "posterior_status" not in estimates:
        return []
    found: list[int] = np.flatnonzero(estimates["posterior_status"].to_numpy() == PosteriorStatus.UNRELIABLE).tolist()
    return found

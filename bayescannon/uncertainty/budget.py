"""The error budget: the known sources of error of stars' labels, one entry per kind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from bayescannon import __version__
from bayescannon.cannon.choices import N_BOOTSTRAP, N_DRAWS, SEED
from bayescannon.cannon.label_priors import as_label_prior
from bayescannon.cannon.labelling import label_spectra
from bayescannon.cannon.populations.labelling import mixed_estimates, route_stars
from bayescannon.cannon.populations.survey_file import as_any_model
from bayescannon.cannon.populations.survey_model import SurveyModel
from bayescannon.cannon.reference import ReferenceSet, ReferenceSetError
from bayescannon.cannon.reference_file import as_reference
from bayescannon.cannon.star_nuisances import with_nuisances
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.data.flags import ErrorStatus
from bayescannon.data.spectra import Spectra
from bayescannon.data.star_groups import RADIUS
from bayescannon.data.star_ids import rows_by_id
from bayescannon.io.inputs import as_spectra
from bayescannon.models.label_priors import LabelPrior
from bayescannon.models.nuisances import Nuisances
from bayescannon.numerics.created import creation_time
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.progress import Progress, Report, reporting
from bayescannon.numerics.real_numbers import real_number
from bayescannon.numerics.whole_numbers import whole_number
from bayescannon.uncertainty.kinds import KINDS, KindResult, Task, default_kinds
from bayescannon.uncertainty.sandwich import BLOCK_PIXELS
from bayescannon.uncertainty.survey_kinds import evaluate_populations


def error_budget(
    model: TrainedModel | SurveyModel | str | Path,
    spectra: Spectra | str | Path,
    *,
    reference: ReferenceSet | str | Path | None = None,
    kinds: Sequence[str] | None = None,
    prior: LabelPrior | str | None = None,
    nuisances: Nuisances | None = None,
    n_bootstrap: int = N_BOOTSTRAP,
    n_draws: int = N_DRAWS,
    stars: ArrayLike | None = None,
    block: int = BLOCK_PIXELS,
    radius: float = RADIUS,
    star_id: str | None = None,
    keep_draws: bool = False,
    seed: int = SEED,
    workers: int | None = None,
    progress: Progress = None,
) -> xr.Dataset:
    """
    Evaluate the errors of stars' labels for several kinds of error.

    Parameters
    ----------
    model : TrainedModel or SurveyModel, or path of its file
        Of a survey model, formal, coefficient, bootstrap, jackknife and sandwich are of the star's most probable
        population (:mod:`bayescannon.uncertainty.survey_kinds`), and the others of the mixture.
    spectra : Spectra, or path of a store
        On the model's grid.
    reference : ReferenceSet or path of its file, optional
        The set that the model was trained on; bootstrap and jackknife need it.
    kinds : sequence of str, optional
        Keys of :data:`bayescannon.uncertainty.kinds.KINDS`, in the order of the result; those of
        :func:`bayescannon.uncertainty.kinds.default_kinds` unless given.
    prior : prior object or its name on the command line, optional
        Prior of the labels, see :mod:`bayescannon.models.label_priors`; by default flat.
    nuisances : Nuisances, optional
        As in :func:`bayescannon.cannon.labelling.label_spectra`.
    n_bootstrap : int
        Number of bootstraps, at least 2.
    n_draws : int
        Draws per posterior.
    stars : optional
        Ids, indices or a boolean mask of the spectra whose errors are evaluated; by default all.
    block : int
        For the sandwich: number of consecutive pixels whose noise may be correlated.
    radius : float
        For repeats: spectra within this distance in arcsec are of the same star.
    star_id : str, optional
        For repeats: column whose equal values identify a star, instead of the rule of
        :mod:`bayescannon.data.star_groups`.
    keep_draws : bool
        Include the labels of every bootstrap and the draws of every posterior in the result.
    seed : int
        Seed of starts, bootstraps and draws.
    workers : int or None
        Threads; None takes every core. The result does not depend on it.
    progress : callable, bool or None
        See :func:`bayescannon.numerics.progress.reporting`; a function is called with (kinds done, kinds).

    Returns
    -------
    budget : xarray.Dataset
        ``error``, and ``value``, the labels that the error belongs to, both (star, stellar_label, kind) in the labels'
        units; ``error_status`` (star, kind), of :class:`bayescannon.data.flags.ErrorStatus`, which explains every NaN;
        and ``status`` (star), how the fit of the star ended (:class:`bayescannon.data.flags.FitStatus`). With
        bootstraps: ``bootstrap_failed`` (star) and, if requested, ``bootstrap_labels`` (bootstrap, star,
        stellar_label). With repeats: ``n_spectra`` (star), and the error pooled over all stars as attribute
        ``repeat_pooled``, with ``repeat_stars``, which says what was taken for one star. With posteriors: ``k_hat``,
        ``ess`` and ``posterior_status`` (star) and, if requested, ``posterior_draws`` (draw, star, stellar_label).

    Raises
    ------
    InputError
        Unknown kinds or stars, or numbers out of range.
    ReferenceSetError
        A kind needs the reference set and none is given, or it is not the model's.
    GridError
        The spectra are on another grid.

    Examples
    --------
    >>> import bayescannon as bc
    >>> survey = bc.simulate_survey(80, 20, seed=1)
    >>> spectra = bc.prepare_spectra(list(survey.spectra()))
    >>> reference = bc.build_reference(spectra, survey.apogee, ("teff", "logg"), format="allstar-dr12")
    >>> budget = bc.error_budget(bc.train(reference), spectra.select(slice(0, 5)), kinds=("formal", "sandwich"))
    >>> budget["error"].dims
    ('star', 'stellar_label', 'kind')
    """
    spectra = as_spectra(spectra)
    reference = None if reference is None else as_reference(reference)
    choices = BudgetChoices(
        kinds=None if kinds is None else tuple([kinds] if isinstance(kinds, str) else kinds), prior=prior,
        n_bootstrap=n_bootstrap, n_draws=n_draws, block=block, radius=radius, star_id=star_id, keep_draws=keep_draws,
        seed=seed,
    )  # fmt: skip
    evaluator = BudgetEvaluator.of(as_any_model(model), choices, reference=reference, nuisances=nuisances)
    chosen = _choose(spectra, stars)
    some = spectra if stars is None else spectra.select(chosen)
    with reporting(progress, "errors") as report:
        return evaluator.evaluate(some, everything=spectra, chosen=chosen, workers=workers, report=report)[0]


@dataclass(frozen=True)
class BudgetChoices:
    """
    What is evaluated of every star.

    Attributes
    ----------
    kinds, prior, n_bootstrap, n_draws, block, radius, star_id, keep_draws, seed
        As in :func:`error_budget`.
    """

    kinds: tuple[str, ...] | None = None
    prior: LabelPrior | str | None = None
    n_bootstrap: int = N_BOOTSTRAP
    n_draws: int = N_DRAWS
    block: int = BLOCK_PIXELS
    radius: float = RADIUS
    star_id: str | None = None
    keep_draws: bool = False
    seed: int = SEED

    def __post_init__(self) -> None:
        whole_number(self.n_bootstrap, "n_bootstrap", least=2)
        whole_number(self.block, "block", least=1)
        real_number(self.radius, "radius", above=0)


@dataclass(frozen=True)
class BudgetEvaluator:
    """
    Evaluates kinds of error of stars, a block of them after the other; it can be sent to other processes.

    Attributes
    ----------
    model : TrainedModel or SurveyModel
        With the nuisances that are asked for.
    kinds : tuple of str
    choices : BudgetChoices
        With the prior as an object, for a model of one population.
    reference : ReferenceSet or None
    replicates : mapping of a model's hash to tuple of TrainedModel
        Models of the bootstrap; they are trained anew for each block unless given.
    """

    model: TrainedModel | SurveyModel
    kinds: tuple[str, ...]
    choices: BudgetChoices
    reference: ReferenceSet | None
    replicates: Mapping[str, tuple[TrainedModel, ...]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        model: TrainedModel | SurveyModel,
        choices: BudgetChoices,
        *,
        reference: ReferenceSet | None,
        nuisances: Nuisances | None,
    ) -> "BudgetEvaluator":
        """Check what is asked for; exceptions are those of :func:`error_budget`."""
        changed = partial(with_nuisances, nuisances=nuisances)
        model = model.with_models(changed) if isinstance(model, SurveyModel) else changed(model)
        if isinstance(model, TrainedModel):
            choices = replace(choices, prior=as_label_prior(choices.prior, model, seed=choices.seed))
        kinds = choices.kinds
        if kinds is None:
            kinds = default_kinds(model, has_reference=reference is not None)
        unknown = [kind for kind in kinds if kind not in KINDS]
        if unknown or not len(kinds) or len(set(kinds)) < len(kinds):
            what = f"got {unknown[0]!r}" if unknown else f"got {', '.join(kinds) or 'none'}. Name each once"
            raise InputError(f"kinds of error must be among {', '.join(KINDS)}; {what}")
        needing = [kind for kind in kinds if KINDS[kind].needs_reference]
        if needing and reference is None:
            raise ReferenceSetError(
                f"{' and '.join(needing)} change the weights of the reference stars, so they need the reference set "
                "that the model was trained on; got none. Give it as reference, or leave out these kinds"
            )
        return cls(model, tuple(kinds), choices, reference)

    def evaluate(
        self,
        spectra: Spectra,
        *,
        everything: Spectra | None = None,
        chosen: NDArray[np.intp] | None = None,
        workers: int | None = None,
        report: Report | None = None,
    ) -> tuple[xr.Dataset, xr.Dataset]:
        """
        Return the budget of stars, as :func:`error_budget` does, and their label estimates.

        Parameters
        ----------
        spectra : Spectra
        everything : Spectra, optional
            With further spectra of the same stars, for repeats.
        chosen : int array, optional
            The rows of `spectra` in it.
        workers : int or None
            Threads.
        report : callable, optional
            Called with (kinds done, kinds).
        """
        given, model = self.choices, self.model
        everything = spectra if everything is None else everything
        chosen = np.arange(len(spectra), dtype=np.intp) if chosen is None else chosen
        routed = None
        if isinstance(model, SurveyModel):
            routed = route_stars(model, spectra, prior=given.prior, seed=given.seed, workers=workers)
            estimates = mixed_estimates(routed, workers=workers)
        else:
            estimates = label_spectra(model, spectra, prior=given.prior, seed=given.seed, workers=workers)
        task = Task(
            model, spectra, everything, chosen, estimates, self.reference, given.prior, given.n_bootstrap,
            given.n_draws, given.block, given.radius, given.star_id, given.seed, workers, given.keep_draws,
            self.replicates,
        )  # fmt: skip
        results = {}
        for number, kind in enumerate(self.kinds, start=1):
            if routed is None or KINDS[kind].of_mixture:
                results[kind] = KINDS[kind].evaluate(task)
            else:
                results[kind] = evaluate_populations(task, routed, kind)
            if report is not None:
                report(number, len(self.kinds))
        return assemble_budget(task, results), estimates


def _choose(spectra: Spectra, stars: ArrayLike | None) -> NDArray[np.intp]:
    """Return the indices of stars named by ids, indices or a mask."""
    every = np.arange(len(spectra), dtype=np.intp)
    if stars is None:
        return every
    given = np.atleast_1d(np.asarray(stars))
    if given.dtype.kind in "USO":
        rows = rows_by_id(spectra.id, given)
        if (rows < 0).any():
            missing = str(given[rows.argmin()])
            raise InputError(f"stars must be among the {len(spectra)} spectra; got {missing!r}, which is not")
        return rows
    try:
        return every[given]
    except IndexError as error:
        raise InputError(f"stars must be ids, indices or a mask of the {len(spectra)} spectra; {error}") from error


def assemble_budget(task: Task, results: Mapping[str, KindResult]) -> xr.Dataset:
    """Join the kinds in a Dataset; an error whose status is not GIVEN becomes NaN."""
    dims = ("star", "stellar_label", "kind")
    status = np.stack([result.status for result in results.values()], axis=-1)
    error = np.stack([result.error for result in results.values()], axis=-1)
    lost = status != ErrorStatus.GIVEN
    extra = {name: values for result in results.values() for name, values in result.variables.items()}
    return xr.Dataset(
        {
            "error": (dims, np.where(lost[:, None], np.nan, error)),
            "value": (dims, np.stack([result.value for result in results.values()], axis=-1)),
            "error_status": (("star", "kind"), status.astype(np.int16)),
            "status": ("star", task.estimates["status"].to_numpy()),
            **extra,
        },
        coords={
            "star": task.spectra.id,
            "stellar_label": list(task.model.label_names),
            "kind": list(results),
            "unit": ("stellar_label", [label.unit for label in task.model.labels]),
            "meaning": ("kind", [KINDS[kind].sentence for kind in results]),
        },
        attrs={
            "version": __version__,
            "model_hash": task.model.hash,
            "seed": task.seed,
            **{name: value for result in results.values() for name, value in result.attrs.items()},
            **creation_time(),
        },
    )

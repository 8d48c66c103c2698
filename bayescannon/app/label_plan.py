"""What a run over the stars of a store is: its model, its choices, checked before any star is labelled."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

from bayescannon import __version__
from bayescannon.app.block_labels import BlockChoices, BlockLabeller
from bayescannon.app.label_parts import StoreTask
from bayescannon.app.label_run import LabelRun
from bayescannon.app.pipeline_rows import PipelineRows
from bayescannon.app.run_identity import choice_identity, model_identity, table_identity
from bayescannon.cannon.choices import FALSE_ALARMS, N_STARTS, SEED
from bayescannon.cannon.engine_choices import BLOCK, BlockSizeChoices
from bayescannon.cannon.offsets import check_offsets
from bayescannon.cannon.populations.odd_stars import require_odd
from bayescannon.cannon.populations.selection import SelectionLimit
from bayescannon.cannon.populations.survey_model import SurveyModel
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.data.label_table import LabelTable
from bayescannon.data.noise_check import NoiseFinding
from bayescannon.io.store import store_id
from bayescannon.io.store_rows import n_stars, read_rows, whole_path
from bayescannon.models.label_priors import LabelPrior
from bayescannon.models.nuisances import Nuisances
from bayescannon.numerics.executors import Executor
from bayescannon.numerics.progress import Report
from bayescannon.numerics.tile_size import STAR_TILE


class LabelOptions(TypedDict, total=False):
    """How the stars of a store are labelled: keywords of :func:`bayescannon.app.stores.label_store`."""

    prior: LabelPrior | str | None
    nuisances: Nuisances | None
    n_draws: int
    correct_offsets: bool
    n_starts: int
    seed: int
    workers: int | None
    scores: str
    pipeline_labels: LabelTable | str | Path | None
    false_alarms: float
    odd: bool
    block: int


@dataclass(frozen=True)
class LabelPlan:
    """
    A run over the stars of a store, before it begins.

    Attributes
    ----------
    task : StoreTask
    n_stars : int
    block : int
    noise : NoiseFinding
        Of the first stars.
    pipeline : PipelineRows or None
    fingerprint : mapping
        What decides the result, for the work folder.
    """

    task: StoreTask
    n_stars: int
    block: int
    noise: NoiseFinding
    pipeline: PipelineRows | None
    fingerprint: Mapping[str, Any]

    @property
    def n_blocks(self) -> int:
        """Number of tasks."""
        return -(-self.n_stars // self.block)

    def run(self, executor: Executor, report: Report, task: StoreTask | None = None) -> LabelRun:
        """Return the run on an executor; `task` stands for the plan's own."""
        return LabelRun(task or self.task, self.n_stars, self.block, executor, report, self.pipeline)


def plan_labels(
    model: TrainedModel | SurveyModel,
    store: str | Path,
    options: LabelOptions,
    *,
    limit: SelectionLimit | None = None,
) -> LabelPlan:
    """
    Check what is asked for, and return the run.

    Parameters
    ----------
    model : TrainedModel or SurveyModel
    store : str or Path
    options : LabelOptions
    limit : SelectionLimit, optional
        On the membership of the stars that a catalogue keeps.

    Raises
    ------
    StoreError
        There is no complete store.
    InputError
        Corrected labels are asked of a model without calibration, odd spectra of one without scores of held-out stars,
        or `block` is no multiple of 128.
    TypeError
        There is no such option.
    """
    unknown = set(options) - set(LabelOptions.__annotations__)
    if unknown:
        raise TypeError(f"labelling got an unexpected keyword argument {sorted(unknown)[0]!r}")
    block = BlockSizeChoices(block=options.get("block", BLOCK)).block
    store = whole_path(store)
    choices = BlockChoices(
        n_draws=options.get("n_draws", 0), n_starts=options.get("n_starts", N_STARTS), seed=options.get("seed", SEED),
        scores=options.get("scores", "deciding"), false_alarms=options.get("false_alarms", FALSE_ALARMS),
        odd=options.get("odd", False), correct_offsets=options.get("correct_offsets", False),
        workers=options.get("workers"),
    )  # fmt: skip
    for one in [model] if isinstance(model, TrainedModel) else model.distinct.values():
        check_offsets(one, wanted=choices.correct_offsets)
    prior, nuisances = options.get("prior"), options.get("nuisances")
    if choices.odd:
        require_odd(model, nuisances)
    identity, n_star = store_id(store), n_stars(store)
    given = options.get("pipeline_labels")
    router = model if isinstance(model, TrainedModel) else model.router
    pipeline = None if given is None else PipelineRows.of(given, router, store, n_star)
    labeller = BlockLabeller.of(model, choices, prior=prior, nuisances=nuisances)
    # their noise stands for that of all, however the store is split
    first = read_rows(store, slice(0, min(STAR_TILE, n_star)))
    fingerprint = {
        "version": __version__,
        "store": identity,
        "model": model_identity(model),
        "block": block,
        "prior": choice_identity(prior),
        "nuisances": choice_identity(nuisances),
        "pipeline_labels": table_identity(None if pipeline is None else pipeline.table),
        "limit": choice_identity(limit and limit.describe()),
        **{name: getattr(choices, name) for name in choices.__annotations__ if name != "workers"},
    }
    return LabelPlan(
        StoreTask(store, identity, labeller, tuple(model.labels), limit=limit), n_star, block,
        NoiseFinding.of(first.flux, first.ivar), pipeline, fingerprint,
    )  # fmt: skip

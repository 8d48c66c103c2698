"""The errors of many stars' labels in a netCDF file, in parts that are kept until it is whole."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypedDict, Unpack

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayescannon import __version__
from bayescannon.app.budget_parts import (
    ENDING,
    REPEAT_LABELS,
    BudgetBlock,
    BudgetTask,
    ReplicateTask,
    read_block,
    read_replicate,
    write_budget_block,
    write_replicate,
)
from bayescannon.app.run_identity import choice_identity, model_identity, reference_identity
from bayescannon.app.store_stars import StarChoice, choose_stars
from bayescannon.cannon.engine_choices import BLOCK, BlockSizeChoices
from bayescannon.cannon.populations.local_training import keeps_to_router
from bayescannon.cannon.populations.survey_file import as_any_model
from bayescannon.cannon.populations.survey_model import SurveyModel
from bayescannon.cannon.populations.training import population_stars
from bayescannon.cannon.reference import ReferenceSet
from bayescannon.cannon.reference_file import as_reference
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.cannon.training import training_stars
from bayescannon.data.flags import ErrorStatus
from bayescannon.io.netcdf_blocks import BlockedDataset, write_blocks
from bayescannon.io.outputs import check_output_file
from bayescannon.io.paths import as_path
from bayescannon.io.store_rows import whole_path
from bayescannon.io.work_folder import Parts, WorkFolder
from bayescannon.models.nuisances import Nuisances
from bayescannon.numerics.executors import Executor, SerialExecutor, executor_of
from bayescannon.numerics.progress import Progress, Report, reporting
from bayescannon.uncertainty.bootstrap import Replicate
from bayescannon.uncertainty.budget import BudgetChoices, BudgetEvaluator
from bayescannon.uncertainty.kinds import KINDS, KindResult, repeated_spectra

_REPEAT, _BOOTSTRAP = "repeat", "bootstrap"


class BudgetOptions(TypedDict, total=False):
    """What is evaluated of the stars of a store, and how: keywords of :func:`write_budget`."""

    choices: BudgetChoices
    stars: Sequence[str] | int | None
    reference: ReferenceSet | str | Path | None
    nuisances: Nuisances | None
    block: int
    workers: int | None


def write_budget(
    model: TrainedModel | SurveyModel | str | Path,
    store: str | Path,
    out: str | Path,
    *,
    engine: str | Executor | None = None,
    overwrite: bool = False,
    progress: Progress = None,
    **options: Unpack[BudgetOptions],
) -> Path:
    """
    Evaluate the error budget of stars of a store and write it as netCDF, in bounded memory.

    Blocks of stars, and models of the bootstrap, are tasks; what they give is kept in a hidden folder beside `out`
    until the file is in place. The same call, repeated after it was interrupted, does only what is missing.

    Parameters
    ----------
    model : TrainedModel or SurveyModel, or path of its file
    store, out : str or Path
    engine : str, Executor or None
        What does the tasks, see :func:`bayescannon.numerics.executors.as_executor`; this process unless given.
    overwrite : bool
        Replace a file that exists.
    progress : callable, bool or None
        See :func:`bayescannon.numerics.progress.reporting`; a function is called with (stars done, stars).
    **options
        ``choices``, a :class:`bayescannon.uncertainty.budget.BudgetChoices`; ``stars``, ids, or how many to draw at
        random, all unless given; ``reference`` and ``nuisances`` as in
        :func:`bayescannon.uncertainty.budget.error_budget`; ``block``, stars of a task, a multiple of 128; ``workers``,
        threads of this process.

    Returns
    -------
    path : Path

    Raises
    ------
    StoreError
        There is no complete store, or an id is not in it.
    InputError, ReferenceSetError
        As :func:`bayescannon.uncertainty.budget.error_budget`.
    OutputExistsError, OutputWriteError, OutputBusyError
        The file exists, cannot be written, or is being written by another process.
    """
    path = as_path(out, "the netCDF file to write")
    check_output_file(path, overwrite=overwrite)
    given = options.get("reference")
    choices = options.get("choices", BudgetChoices())
    evaluator = BudgetEvaluator.of(
        as_any_model(model), choices, reference=None if given is None else as_reference(given),
        nuisances=options.get("nuisances"),
    )  # fmt: skip
    block = BlockSizeChoices(block=options.get("block", BLOCK)).block
    stars = choose_stars(
        whole_path(store), options.get("stars"), seed=choices.seed, repeats=_REPEAT in evaluator.kinds,
        star_id=choices.star_id, radius=choices.radius,
    )  # fmt: skip
    fingerprint = {
        "verb": "uncertainties",
        "version": __version__,
        "store": stars.identity,
        "model": model_identity(evaluator.model),
        "reference": reference_identity(evaluator.reference),
        "kinds": list(evaluator.kinds),
        "stars": stars.digest(),
        "block": block,
        **{name: choice_identity(getattr(evaluator.choices, name)) for name in choices.__annotations__},
    }
    with WorkFolder(path, fingerprint) as work, executor_of(engine) as executor:
        run = BudgetRun(evaluator, stars, block, executor, options.get("workers"), work.parts)
        with reporting(progress, "uncertainties") as report:
            run.make(report)
        write_blocks(run.joined(), path, overwrite=overwrite)
        work.finish()
    return path


@dataclass(frozen=True)
class BudgetRun:
    """
    A run over stars of a store.

    Attributes
    ----------
    evaluator : BudgetEvaluator
    stars : StarChoice
    block : int
        Stars of a task.
    executor : Executor
    threads : int or None
        Of this process.
    parts : Parts
    """

    evaluator: BudgetEvaluator
    stars: StarChoice
    block: int
    executor: Executor
    threads: int | None
    parts: Parts

    @property
    def workers(self) -> int | None:
        """Threads of a task: one in other processes."""
        return self.threads if isinstance(self.executor, SerialExecutor) else 1

    def blocks(self, *, others: bool = False) -> list[BudgetBlock]:
        """Return the blocks of the stars, or of further spectra of the same stars."""
        rows = self.stars.others if others else self.stars.rows
        starts = range(0, len(rows) if others else max(len(rows), 1), self.block)
        return [BudgetBlock(n, rows[start : start + self.block], others) for n, start in enumerate(starts)]

    def make(self, report: Report) -> None:
        """Make the parts that are missing or damaged."""
        ready = replace(self.evaluator, replicates=self._replicates())
        kinds = tuple(kind for kind in ready.kinds if kind != _REPEAT)
        task = BudgetTask(
            self.stars.store, self.stars.identity, replace(ready, kinds=kinds), tuple(ready.model.labels), self.workers,
            _REPEAT in ready.kinds, self.parts,
        )  # fmt: skip
        every = [*self.blocks(), *self.blocks(others=True)]
        todo = [block for block in every if self.parts.done(block.key) is None]
        total = sum(len(block.rows) for block in every)
        done = total - sum(len(block.rows) for block in todo)
        report(done, total)
        for block, _none in zip(todo, self.executor.map(write_budget_block, todo, task), strict=True):
            done += len(block.rows)
            report(done, total)

    def _replicates(self) -> dict[str, tuple[TrainedModel, ...]]:
        """Train the models of the bootstrap that are missing, and return all by the hashes of the models."""
        if _BOOTSTRAP not in self.evaluator.kinds or self.evaluator.reference is None:
            return {}
        model, seed = self.evaluator.model, self.evaluator.choices.seed
        if isinstance(model, TrainedModel):
            models = {"model": model}
            references = {"model": training_stars(model, self.evaluator.reference)}
        else:
            around = keeps_to_router(model.options)
            models = {name: one for name, one in model.distinct.items() if name == "router" or not around}
            stars = population_stars(model, self.evaluator.reference)
            references = {name: training_stars(one, stars[name]) for name, one in models.items()}
        numbers = range(self.evaluator.choices.n_bootstrap)
        tasks = {name: [ReplicateTask(name, Replicate(one, n, seed)) for n in numbers] for name, one in models.items()}
        todo = [task for some in tasks.values() for task in some if self.parts.done(task.key) is None]
        for _none in self.executor.map(write_replicate, todo, references, self.parts, self.workers):
            pass
        return {models[name].hash: tuple(read_replicate(one, self.parts) for one in some)
                for name, some in tasks.items()}  # fmt: skip

    def joined(self) -> BlockedDataset:
        """Return the budget of all stars, of which some are in memory at a time."""
        places = [self.parts.path(block.key, ENDING) for block in self.blocks()]
        template = read_block(places[0])
        attrs: dict[str, Any] = {}
        fills: dict[str, xr.Variable] = {}
        for place in places[1:] if isinstance(self.evaluator.model, SurveyModel) else ():
            # a block without stars of a population lacks what only that one has
            block = read_block(place)
            attrs |= block.attrs
            fills |= {str(name): one.variable for name, one in block.data_vars.items() if name not in template}
        repeats = self._repeats() if _REPEAT in self.evaluator.kinds else None
        attrs = attrs | template.attrs | ({} if repeats is None else dict(repeats.attrs))

        def finished(block: xr.Dataset, start: int) -> xr.Dataset:
            missing = {name: _unknown(one, block.sizes["star"]) for name, one in fills.items() if name not in block}
            block = block.assign(missing)
            if repeats is not None:
                block = _with_repeats(block, repeats, slice(start, start + block.sizes["star"]), self.evaluator.kinds)
            return block.assign_attrs(attrs)

        def blocks() -> Iterator[xr.Dataset]:
            start = 0
            for place in places:
                block = read_block(place)
                yield finished(block, start)
                start += block.sizes["star"]

        return BlockedDataset(finished(template, 0), "star", len(self.stars.rows), blocks)

    def _repeats(self) -> KindResult:
        """Compare the spectra of each star."""
        both = [*self.blocks(), *self.blocks(others=True)]
        labels = np.concatenate(
            [read_block(self.parts.path(block.key, ENDING))[REPEAT_LABELS].to_numpy() for block in both]
        )
        chosen = np.arange(len(self.stars.rows))
        return repeated_spectra(labels, self.stars.groups(), chosen, radius=self.evaluator.choices.radius)


def _unknown(like: xr.Variable, n_star: int) -> tuple[Any, NDArray[Any]]:
    """Return the values of a variable for stars that have none."""
    shape = tuple(n_star if dim == "star" else size for dim, size in like.sizes.items())
    return like.dims, np.full(shape, np.nan if like.dtype.kind == "f" else 0, dtype=like.dtype)


def _with_repeats(block: xr.Dataset, repeats: KindResult, rows: slice, kinds: Sequence[str]) -> xr.Dataset:
    """Add the errors from repeats to those of the other kinds, in the order of the kinds."""
    status = repeats.status[rows].astype(np.int16)
    error = np.where(status[:, None] == ErrorStatus.GIVEN, repeats.error[rows], np.nan)
    dims = ("star", "stellar_label", "kind")
    own = xr.Dataset(
        {
            "error": (dims, error[:, :, None]),
            "value": (dims, repeats.value[rows][:, :, None]),
            "error_status": (("star", "kind"), status[:, None]),
        },
        coords={"kind": [_REPEAT], "meaning": ("kind", [KINDS[_REPEAT].sentence])},
    )
    by_kind = [name for name, one in block.data_vars.items() if "kind" in one.dims]
    joined = xr.concat([block[by_kind], own], dim="kind", join="override", coords="minimal", compat="override",
                       data_vars="minimal", combine_attrs="override").sel(kind=list(kinds))  # fmt: skip
    rest = block.drop_vars([*by_kind, REPEAT_LABELS, "kind", "meaning"])
    found = rest.assign(joined.data_vars).assign(n_spectra=("star", repeats.variables["n_spectra"][1][rows]))
    return found.assign_coords(kind=list(kinds), meaning=("kind", [KINDS[kind].sentence for kind in kinds]))

"""The best-fit model spectra of stars of a store, written as a store, in parts that are kept until it is whole."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypedDict, Unpack

import numpy as np
from numpy.typing import NDArray

from bayescannon.app.block_labels import BlockLabeller
from bayescannon.app.label_parts import StoreTask, know_labels
from bayescannon.app.label_plan import LabelOptions, LabelPlan, plan_labels
from bayescannon.app.store_stars import choose_stars
from bayescannon.cannon.best_fit import BestFit, best_fit
from bayescannon.cannon.choices import SEED
from bayescannon.cannon.labelling import estimate_labels, search_optima
from bayescannon.cannon.likelihood import StarLikelihood
from bayescannon.cannon.populations.labelling import route_stars
from bayescannon.cannon.populations.survey_file import as_any_model
from bayescannon.cannon.populations.survey_model import SurveyModel
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.data.flags import FitStatus
from bayescannon.data.spectra import Spectra
from bayescannon.io.paths import as_path
from bayescannon.io.store_layout import COMPONENTS, RESIDUAL
from bayescannon.io.store_rows import read_rows
from bayescannon.io.store_writer import StoreWriter, check_output_store
from bayescannon.io.work_folder import WorkFolder
from bayescannon.models.label_priors import LabelPrior
from bayescannon.models.nuisances import Nuisances
from bayescannon.numerics.executors import Executor, SerialExecutor, executor_of
from bayescannon.numerics.progress import Progress, reporting
from bayescannon.numerics.tiles import join_tiles, map_tiles

# the ending of a part: arrays of NumPy, without pickles
_ENDING = ".npz"


class ModelSpectraOptions(TypedDict, total=False):
    """Which stars, and how they are labelled: keywords of :func:`write_model_spectra`."""

    stars: Sequence[str] | int | None
    prior: LabelPrior | str | None
    nuisances: Nuisances | None
    n_starts: int
    seed: int
    block: int
    workers: int | None


@dataclass(frozen=True, eq=False)
class ModelBlock:
    """
    Some stars of a store: one task.

    Attributes
    ----------
    number : int
    rows : int array
        Their places, in the order of the model spectra.
    """

    number: int
    rows: NDArray[np.intp]

    @property
    def key(self) -> str:
        """Name of its part."""
        return f"stars-{self.number:08d}"


@dataclass(frozen=True, eq=False)
class FittedStars:
    """
    Model spectra of N stars, and the labels that they are of.

    Attributes
    ----------
    fit : BestFit
    labels : float64 array of shape (N, K)
    status : int16 array of shape (N,)
        :class:`bayescannon.data.flags.FitStatus`.
    population : int16 array of shape (N,)
        Number of the population whose model it is, -1 for none; of a model of one population 0.
    """

    fit: BestFit
    labels: NDArray[np.float64]
    status: NDArray[np.int16]
    population: NDArray[np.int16]


def write_model_spectra(
    model: TrainedModel | SurveyModel | str | Path,
    store: str | Path,
    out: str | Path,
    *,
    engine: str | Executor | None = None,
    overwrite: bool = False,
    progress: Progress = None,
    **options: Unpack[ModelSpectraOptions],
) -> Path:
    """
    Label stars of a store and write the spectra of their best-fit models as a store, in bounded memory.

    The result has, for every star and pixel, ``flux``, the model's; ``residual``, observed less model; ``ivar``, the
    inverse variance of the residual; and ``components``, what hidden components and nuisances add to ``flux``: see
    :class:`bayescannon.cannon.best_fit.BestFit`. Of every star it has the columns of the store, ``fit_status``, and
    the labels of the model spectrum, ``fit_teff`` and so on, before expected offsets are subtracted. By a survey model,
    a star's spectrum is that of its most probable population's model, named in ``fit_population``, at the labels which
    that model gives.

    Blocks of stars are tasks; what they give is kept in a hidden folder beside `out` until the store is in place. The
    same call, repeated after it was interrupted, does only what is missing, and gives the same store.

    Parameters
    ----------
    model : TrainedModel or SurveyModel, or path of its file
    store, out : str or Path
        The store of spectra, and the store to write.
    engine : str, Executor or None
        What does the tasks, see :func:`bayescannon.numerics.executors.as_executor`; this process unless given.
    overwrite : bool
        Replace a store that exists.
    progress : callable, bool or None
        See :func:`bayescannon.numerics.progress.reporting`; a function is called with (stars done, stars).
    **options
        ``stars``, ids, or how many to draw at random, all unless given; ``prior``, ``nuisances``, ``n_starts``,
        ``seed``, ``block`` and ``workers`` as in :func:`bayescannon.app.stores.label_store`.

    Returns
    -------
    path : Path
        For :func:`bayescannon.io.store.open_store` and xarray.

    Raises
    ------
    StoreError
        There is no complete store, or an id is not in it.
    InputError
        More stars are to be drawn than there are, or `block` is no multiple of 128.
    OutputExistsError, OutputWriteError, OutputBusyError
        The output exists, cannot be written, or is being written by another process.

    Examples
    --------
    >>> import tempfile
    >>> import xarray as xr
    >>> import bayescannon as bc
    >>> survey = bc.simulate_survey(80, 20, seed=1)
    >>> spectra = bc.prepare_spectra(list(survey.spectra()))
    >>> reference = bc.build_reference(spectra, survey.apogee, ("teff", "logg"), format="allstar-dr12")
    >>> folder = tempfile.mkdtemp()
    >>> store = bc.save_spectra(spectra, f"{folder}/store.zarr")
    >>> path = write_model_spectra(bc.train(reference), store, f"{folder}/models.zarr", stars=5)
    >>> with xr.open_zarr(path) as fits:
    ...     [name for name in sorted(fits.data_vars) if name.startswith("fit_")], fits["residual"].shape
    (['fit_logg', 'fit_status', 'fit_teff'], (5, 3626))
    """
    path = as_path(out, "the store to write")
    check_output_store(path, overwrite=overwrite)
    chosen = options.pop("stars", None)
    labelling: LabelOptions = {**options}  # type: ignore[typeddict-item]
    plan = plan_labels(as_any_model(model), store, labelling)
    stars = choose_stars(plan.task.store, chosen, seed=options.get("seed", SEED))
    starts = range(0, len(stars.rows), plan.block)
    blocks = [ModelBlock(n, stars.rows[start : start + plan.block]) for n, start in enumerate(starts)]
    fingerprint = {**plan.fingerprint, "verb": "model spectra", "stars": stars.digest()}
    with WorkFolder(path, fingerprint) as work, executor_of(engine) as executor:
        task = replace(plan.task, parts=work.parts)
        task = task if isinstance(executor, SerialExecutor) else task.for_workers()
        todo = [block for block in blocks if work.parts.done(block.key) is None]
        total = len(stars.rows)
        done = total - sum(len(block.rows) for block in todo)
        with reporting(progress, "model spectra") as report:
            report(done, total)
            for block, _none in zip(todo, executor.map(write_model_block, todo, task), strict=True):
                done += len(block.rows)
                report(done, total)
        _join(plan, task, blocks, path, overwrite=overwrite)
        work.finish()
    return path


def write_model_block(block: ModelBlock, task: StoreTask) -> None:
    """Label the stars of a block, and write their model spectra as a part."""
    assert task.parts is not None
    know_labels(task.labels)
    found = fit_stars(_spectra_of(block, task), task.labeller)
    with task.parts.writing(block.key, _ENDING, {"stars": len(block.rows)}) as path, path.open("wb") as stream:
        np.savez(
            stream, allow_pickle=False, **vars(found.fit), labels=found.labels, status=found.status,
            population=found.population,
        )  # fmt: skip


def _spectra_of(block: ModelBlock, task: StoreTask) -> Spectra:
    """Load the spectra of a block in the order that was asked for."""
    order, inverse = np.unique(block.rows, return_inverse=True)
    return read_rows(task.store, order, of_store=task.identity).select(inverse)


def fit_stars(spectra: Spectra, labeller: BlockLabeller) -> FittedStars:
    """Label stars, and return the spectra of their best-fit models."""
    given, workers = labeller.choices, labeller.choices.workers
    prior: Any = labeller.prior
    if isinstance(labeller.model, TrainedModel):
        likelihood = StarLikelihood.of(labeller.model, spectra, prior=prior, workers=workers)
        search = search_optima(likelihood, prior=prior, n_starts=given.n_starts, seed=given.seed, workers=workers)
        estimates = estimate_labels(likelihood, search, false_alarms=given.false_alarms, workers=workers)
        labels, status = estimates["labels"].to_numpy(), estimates["status"].to_numpy().astype(np.int16)
        fit = best_fit(likelihood, _known(labels, status), workers=workers)
        return FittedStars(fit, labels, status, np.zeros(len(spectra), dtype=np.int16))
    survey = labeller.model

    # where a star is among those of its population must not depend on the block
    def one(part: slice) -> FittedStars:
        return _fitted_by_survey(survey, spectra.select(part), labeller)

    found: FittedStars = join_tiles(map_tiles(one, len(spectra), workers))
    return found


def _fitted_by_survey(survey: SurveyModel, spectra: Spectra, labeller: BlockLabeller) -> FittedStars:
    """Return the model spectra of a tile of stars, each by the model of its most probable population."""
    given = labeller.choices
    prior: Any = labeller.prior
    routed = route_stars(
        survey, spectra, prior=prior, n_starts=given.n_starts, seed=given.seed, false_alarms=given.false_alarms,
        workers=1,
    )  # fmt: skip
    n, best = len(spectra), routed.best
    shape = (n, len(survey.router.wavelength))
    fit = BestFit(*(np.zeros(shape, dtype=np.float32) for _ in range(4)))
    labels = np.full((n, len(survey.label_names)), np.nan)
    status = routed.router.estimates["status"].to_numpy().astype(np.int16)
    for population in np.unique(best[best >= 0]).tolist():
        rows, part = np.flatnonzero(best == population), routed.part_of(population)
        inside = np.searchsorted(part.rows, rows)
        labels[rows] = part.estimates["labels"].to_numpy()[inside]
        status[rows] = part.estimates["status"].to_numpy()[inside]
        own = best_fit(part.likelihood.select(inside), _known(labels[rows], status[rows]), workers=1)
        for name, values in vars(own).items():
            getattr(fit, name)[rows] = values
    return FittedStars(fit, labels, status, best.astype(np.int16))


def _known(labels: NDArray[np.float64], status: NDArray[np.int16]) -> NDArray[np.float64]:
    """Return labels, NaN for stars whose fit did not end well."""
    return np.where((status == FitStatus.CONVERGED)[:, None], labels, np.nan)


def _join(plan: LabelPlan, task: StoreTask, blocks: Sequence[ModelBlock], path: Path, *, overwrite: bool) -> None:
    """Write the parts as a store, one in memory at a time."""
    model = plan.task.labeller.model
    names = ("",) if isinstance(model, TrainedModel) else model.names
    attrs: dict[str, Any] = {}
    with StoreWriter(path, model.wavelength, overwrite=overwrite, further=(RESIDUAL, COMPONENTS)) as writer:
        for spectra, further in _parts(task, blocks, [str(name) for name in model.label_names], names):
            attrs = attrs or dict(spectra.attrs)
            writer.append(spectra, further)
        own = {"kind": "model spectra", "model_hash": model.hash, "spectra_id": plan.task.identity}
        writer.finish(attrs | own)


def _parts(
    task: StoreTask, blocks: Sequence[ModelBlock], labels: Sequence[str], populations: Sequence[str]
) -> Iterator[tuple[Spectra, dict[str, NDArray[np.float32]]]]:
    """Yield the spectra of the parts, with what a store of model spectra has beside them."""
    assert task.parts is not None
    for block in blocks:
        observed = _spectra_of(block, task)
        with np.load(task.parts.path(block.key, _ENDING), allow_pickle=False) as part:
            columns = {**observed.columns, "fit_status": part["status"]}
            columns |= {f"fit_{name}": part["labels"][:, k] for k, name in enumerate(labels)}
            if populations != ("",):
                columns["fit_population"] = np.array([*populations, ""])[part["population"]]
            spectra = Spectra(observed.wavelength, part["flux"], part["ivar"], observed.id, columns, observed.attrs)
            yield spectra, {RESIDUAL: part["residual"], COMPONENTS: part["components"]}

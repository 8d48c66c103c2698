"""A catalogue of every star of a store, in parts that are kept until it is whole: an interrupted run goes on."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Unpack, cast

from bayescannon.app.label_plan import LabelOptions, LabelPlan, plan_labels
from bayescannon.app.run_facts import RunFacts
from bayescannon.app.selection import choose_limit
from bayescannon.app.summary import selection_summary
from bayescannon.cannon.choices import FALSE_ALARMS
from bayescannon.cannon.engine_choices import FILE, HATS, PARTS, LayoutChoices
from bayescannon.cannon.fit_check import warn_of_fit
from bayescannon.cannon.populations.survey_file import as_any_model
from bayescannon.cannon.populations.survey_model import SurveyModel
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.data.flags import FitStatus
from bayescannon.data.star_log import is_logged, log_refused
from bayescannon.io.catalogue import check_catalogue_names, check_catalogue_path, write_rows
from bayescannon.io.catalogue_folder import check_folder_path, replacing_folder, write_folder
from bayescannon.io.catalogue_formats import FORMATS
from bayescannon.io.catalogue_hats import write_hats
from bayescannon.io.catalogue_rows import CatalogueRows
from bayescannon.io.paths import as_path
from bayescannon.io.work_folder import WorkFolder
from bayescannon.numerics.executors import Executor, executor_of
from bayescannon.numerics.progress import Progress, reporting


class CatalogueOptions(LabelOptions, total=False):
    """How the stars of a store are labelled, and how the catalogue lies on disk."""

    layout: str


@dataclass(frozen=True)
class LabelledCatalogue:
    """
    What a run over the stars of a store made.

    Attributes
    ----------
    path : Path
        The catalogue.
    facts : RunFacts
        Counts of its stars.
    selection : str
        How many stars of a population were kept, in a phrase; empty if all were.
    n_adopted : int
        Parts that an interrupted run had finished.
    """

    path: Path
    facts: RunFacts
    selection: str
    n_adopted: int

    def __repr__(self) -> str:
        return f"<LabelledCatalogue of {self.facts['stars']} stars: {self.path}>"


def label_catalogue(
    model: TrainedModel | SurveyModel | str | Path,
    store: str | Path,
    out: str | Path,
    *,
    only: str | None = None,
    engine: str | Executor | None = None,
    overwrite: bool = False,
    progress: Progress = None,
    **options: Unpack[CatalogueOptions],
) -> LabelledCatalogue:
    """
    Label every star of a store and write the catalogue, in bounded memory.

    Blocks of stars are tasks; what they give is kept in a hidden folder beside `out` until the catalogue is in place.
    The same call, repeated after it was interrupted in whatever way, does only what is missing, and gives the same
    file to the byte.

    Parameters
    ----------
    model : TrainedModel or SurveyModel, or path of its file
    store : str or Path
    out : str or Path
        The catalogue; the ending chooses the format, as in :func:`bayescannon.io.catalogue.write_catalogue`.
    only : str, optional
        Keep the stars of this population of a survey model.
    engine : str, Executor or None
        What does the tasks, see :func:`bayescannon.numerics.executors.as_executor`; this process unless given. The
        catalogue does not depend on it.
    overwrite : bool
        Replace a catalogue that exists.
    progress : callable, bool or None
        See :func:`bayescannon.numerics.progress.reporting`; a function is called with (stars done, stars).
    **options
        ``prior``, ``nuisances``, ``n_draws``, ``correct_offsets``, ``n_starts``, ``seed``, ``scores``,
        ``pipeline_labels``, ``false_alarms``, ``odd``, ``block`` and ``workers`` as in
        :func:`bayescannon.app.stores.label_store`; ``layout``, "file" unless given, or "parts": `out` is then a folder
        of parquet files that pyarrow and polars read as one table, and
        :func:`bayescannon.io.catalogue.read_catalogue` as one catalogue; or "hats", a folder by position on the sky,
        which LSDB reads.

    Returns
    -------
    made : LabelledCatalogue

    Raises
    ------
    StoreError, GridError, InputError
        As :func:`bayescannon.app.stores.label_store`.
    CatalogueError, OutputExistsError
        As :func:`bayescannon.io.catalogue.write_catalogue`.
    OutputBusyError
        Another process writes the same catalogue.

    Examples
    --------
    >>> import bayescannon as bc
    >>> survey = bc.simulate_survey(80, 20, seed=1)
    >>> spectra = bc.prepare_spectra(list(survey.spectra()))
    >>> reference = bc.build_reference(spectra, survey.apogee, ("teff", "logg"), format="allstar-dr12")
    >>> import tempfile
    >>> folder = tempfile.mkdtemp()
    >>> store = bc.save_spectra(spectra, f"{folder}/store.zarr")
    >>> made = bc.label_catalogue(bc.train(reference), store, f"{folder}/stars.fits")
    >>> len(bc.read_catalogue(made.path))
    100
    """
    model = as_any_model(model)
    layout = options.pop("layout", FILE)
    path = check_layout_path(out, layout, overwrite=overwrite)
    limit = choose_limit(model, only, options.get("false_alarms", FALSE_ALARMS))
    if layout == FILE:
        check_catalogue_names(path, store)
    plan = plan_labels(model, store, cast("LabelOptions", options), limit=limit)
    plan.noise.warn("the spectra to label", stacklevel=2)
    write = partial(_WRITERS[layout], path=path, overwrite=overwrite)
    with executor_of(engine) as executor:
        return write_labels(plan, path, executor, write, progress=progress)


def check_layout_path(out: str | Path, layout: str, *, overwrite: bool = False) -> Path:
    """
    Check that a catalogue can be written, before the work that it needs.

    Raises
    ------
    InputError
        There is no such layout.
    BayesCannonError
        As :func:`bayescannon.io.catalogue.check_catalogue_path`, or
        :func:`bayescannon.io.catalogue_folder.check_folder_path` for a folder.
    """
    layout = LayoutChoices(layout=layout).layout
    if layout == FILE:
        return check_catalogue_path(out, overwrite=overwrite)
    path = as_path(out, "the catalogue to write")
    check_folder_path(path, overwrite=overwrite)
    return path


def _write_parts(rows: CatalogueRows, *, path: Path, overwrite: bool) -> None:
    """Write a catalogue as a folder of parts."""
    with replacing_folder(path, overwrite=overwrite) as folder:
        write_folder(FORMATS[".parquet"].signed(rows), folder)


def _write_sky(rows: CatalogueRows, *, path: Path, overwrite: bool) -> None:
    """Write a catalogue as a folder by position on the sky."""
    with replacing_folder(path, overwrite=overwrite) as folder:
        write_hats(rows, folder)


_WRITERS: dict[str, Callable[..., None]] = {FILE: write_rows, PARTS: _write_parts, HATS: _write_sky}


def write_labels(
    plan: LabelPlan,
    path: Path,
    executor: Executor,
    write: Callable[[CatalogueRows], None],
    *,
    progress: Progress = None,
) -> LabelledCatalogue:
    """
    Do what is missing of a run, and write its catalogue.

    Parameters
    ----------
    plan : LabelPlan
    path : Path
        As :func:`check_layout_path` returned it.
    executor : Executor
    write : callable
        Writes the rows to `path`.
    progress
        As in :func:`label_catalogue`.
    """
    limit = plan.task.limit
    with WorkFolder(path, {**plan.fingerprint, "verb": "label"}) as work:
        with reporting(progress, "label") as report:
            finished = plan.run(executor, report, replace(plan.task, parts=work.parts)).in_parts(work.parts)
        facts = finished.facts()
        selection = "" if limit is None else selection_summary(facts, limit)
        attributes = dict(finished.attributes) | ({"selection": selection} if selection else {})
        rows = finished.joined.rows(attributes)
        write(rows)
        if is_logged():
            log_refused("label", _unlabelled(rows))
        work.finish()
    warn_of_fit(facts["converged"], facts.median_chi2, facts.median_pixels, stacklevel=3)
    return LabelledCatalogue(path, replace(facts, attributes=attributes), selection, work.n_adopted)


def _unlabelled(rows: CatalogueRows) -> Iterator[tuple[str, str]]:
    """Yield the stars that have no labels, and how their fits ended."""
    for block in rows.blocks():
        poor = block["status"] != FitStatus.CONVERGED
        yield from zip(block["id"][poor].tolist(), block["status_text"][poor].tolist(), strict=True)

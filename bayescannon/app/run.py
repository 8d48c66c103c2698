"""The whole pipeline in one call: spectra and labels in; store, model, catalogue, statistics and figures out."""

from dataclasses import replace
from pathlib import Path

from rich.console import Console

from bayescannon.app.catalogue_comparison import read_side
from bayescannon.app.config import RunConfig, tables_of
from bayescannon.app.console import make_console
from bayescannon.app.report.page import NAME as REPORT_NAME
from bayescannon.app.result import RunResult
from bayescannon.app.run_journal import RunJournal
from bayescannon.app.run_steps import RunSteps, Step
from bayescannon.app.star_verbs import read_own_labels
from bayescannon.app.step_names import COMPARE, FIGURES, LABEL, MODEL_SPECTRA, PREPARE, STEPS
from bayescannon.app.terminal import say
from bayescannon.app.training import read_sources
from bayescannon.cannon.populations.choice import check_choice
from bayescannon.io.catalogue import check_catalogue_path
from bayescannon.io.output_check import Output, check_outputs
from bayescannon.io.output_lock import locked, was_killed_on
from bayescannon.io.outputs import real_path
from bayescannon.numerics.errors import InputError

# longer texts are lists of names, and no paths
LONGEST_PATH = 1000


def run_pipeline(
    config: RunConfig, *, overwrite: bool = False, until: str | None = None, console: Console | None = None
) -> RunResult:
    """
    Run the whole pipeline: prepare, train, validate, label, and what else the configuration has sections for.

    Finished steps are recorded in ``run.json`` with digests of their inputs. A step whose inputs and output are
    unchanged is not done again, so the same call goes on where an earlier one was interrupted.

    Parameters
    ----------
    config : RunConfig
    overwrite : bool
        Replace outputs that exist, where their inputs are others now.
    until : str, optional
        The last step, a name of :data:`bayescannon.app.step_names.STEPS`; all of them unless given.
    console : rich.console.Console, optional
        Where to report; standard output otherwise.

    Returns
    -------
    result : RunResult

    Raises
    ------
    OutputBusyError
        Another process runs into the same folder.
    ValueError, OSError
        As the steps do, before any work where that can be told.
    """
    console = console or make_console()
    out = Path(config.out)
    paths = {
        "store": out / "store.zarr",
        "model": out / "model.nc",
        "validation": out / "validation.json",
        "catalogue": out / config.label.catalogue,
        "uncertainties": out / "uncertainties.nc",
        "coverage": out / f"coverage{Path(config.label.catalogue).suffix}",
        "compare": out / "compare",
        "figures": out / "figures",
        "report": out / REPORT_NAME,
    }
    if config.label.model_spectra is not None:
        paths["model_spectra"] = out / config.label.model_spectra
    for name in ("uncertainties", "coverage", "compare", "figures", "report"):
        if not getattr(config, name):
            del paths[name]
    check_outputs([Output(out, "out", is_added_to=True)], _inputs(config), overwrite=overwrite)
    result = RunResult(config, paths)
    steps = _until(RunSteps(config, result, console).in_order(), until)
    journal = RunJournal(out / "run.json")
    # a killed run of this command had checked what it replaces
    may_replace = overwrite or was_killed_on(real_path(out))
    left = _unfinished(steps, journal)
    check_outputs(_outputs(left), _inputs(config), overwrite=may_replace)
    _check(config)
    if left:
        # found before the spectra are prepared; what is said of the tables follows with the training
        read_sources(config.labels, config.train)
    out.mkdir(parents=True, exist_ok=True)
    check_catalogue_path(paths["catalogue"], overwrite=True)
    with locked(real_path(out)):
        for step in steps:
            inputs = step.inputs()
            if journal.is_finished(step.name, inputs, [step.output]):
                say(console, f"{step.name}: finished before, with the same inputs: {step.output}")
                continue
            step.make()
            journal.finish(step.name, inputs, [step.output])
    names = [step.name for step in steps]
    if LABEL not in names:
        say(console, f"ended after {names[-1]}, as --until says: {steps[-1].output}")
        return result
    # last, because it says whether the labels are of use
    text = result.made.get("summary") or f"labels of {len(result.catalogue)} stars, as they were"
    say(console, f"{text}: {paths['catalogue']}")
    drawn = (out / "figures").glob("*.png") if FIGURES in names else ()
    figures = {path.stem: path for path in sorted(drawn)}
    return replace(result, outputs={**paths, **figures})


def _until(steps: list[Step], last: str | None) -> list[Step]:
    """Return the steps up to one; an error names those that there are."""
    names = [step.name for step in steps]
    if last is None:
        return steps
    if last not in names:
        wanted = "model_spectra in [label]" if last == MODEL_SPECTRA else f"section [{last}]"
        missing = f"; the configuration has no {wanted}" if last in STEPS else ""
        raise InputError(f"--until must be one of the steps {', '.join(names)}; got {last!r}{missing}")
    return steps[: names.index(last) + 1]


def _unfinished(steps: list[Step], journal: RunJournal) -> list[Step]:
    """Return the first step that is to be done, and those after it."""
    for number, step in enumerate(steps):
        if not step.output.exists() or not journal.is_finished(step.name, step.inputs(), [step.output]):
            return steps[number:]
    return []


def _check(config: RunConfig) -> None:
    """Raise an error for populations and choices that do not go together, before the spectra are prepared."""
    if config.train.populations is not None:
        check_choice(config.train.populations, list(config.train.label_names))
    elif config.label.only is not None:
        raise InputError(f"only = {config.label.only!r} needs populations in [train], which tell stars apart")
    if config.label.odd and not config.train.odd:
        raise InputError("odd = true in [label] needs odd = true in [train], which scores held-out stars")
    if config.coverage is not None:
        if not config.train.folds:
            raise InputError("[coverage] needs folds in [train], which scores are measured against; got folds = 0")
        read_own_labels(config.coverage, config.train.label_names)
    if config.compare is not None:
        read_side(config.compare.table, config.compare, 1)


def _outputs(steps: list[Step]) -> list[Output]:
    """Return what steps are to write, for a check before the work."""
    # figures are replaced as a folder is: file by file
    folders = (PREPARE, MODEL_SPECTRA, COMPARE, FIGURES)
    return [
        Output(step.output, f"the output of {step.name}", is_folder=step.name in folders, makes_parents=True)
        for step in steps
    ]


def _inputs(config: RunConfig) -> list[Path]:
    """Return the files and folders that a run reads."""
    prepare, train = config.prepare, config.train
    given = [prepare.grid, prepare.redshift, train.populations, config.label.model_stars]
    given += [config.uncertainties.stars] if config.uncertainties else []
    given += [config.coverage.pipeline_labels] if config.coverage else []
    given += [config.compare.table] if config.compare else []
    more = [one for one in given if isinstance(one, str) and 0 < len(one) < LONGEST_PATH]
    return [Path(one) for one in (prepare.spectra, *(table.table for table in tables_of(config.labels)), *more)]

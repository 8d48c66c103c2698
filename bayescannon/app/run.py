"""The whole pipeline in one call: spectra and labels in; store, model, catalogue, statistics and figures out."""

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from bayescannon.app.config import RunConfig, tables_of
from bayescannon.app.console import make_console
from bayescannon.app.pictures import write_figures
from bayescannon.app.rescue import write_result
from bayescannon.app.result import RunResult
from bayescannon.app.selection import choose_limit, keep_selected
from bayescannon.app.stores import label_store
from bayescannon.app.summary import summary, training_summary
from bayescannon.app.survey_terminal import print_qualified, print_trained
from bayescannon.app.terminal import (
    print_notes,
    print_prepared,
    print_statistics,
    print_tally,
    progress_bar,
    say,
)
from bayescannon.app.training import notes_of, qualify_from_config, read_sources, train_from_config
from bayescannon.cannon.options import choose_nuisances
from bayescannon.cannon.populations.choice import check_choice
from bayescannon.cannon.populations.either_model import save_model, validate
from bayescannon.data.preset import choose_preset
from bayescannon.io.catalogue import check_catalogue_names, check_catalogue_path, write_catalogue
from bayescannon.io.output_check import Output, check_outputs
from bayescannon.io.outputs import replacing
from bayescannon.io.preparation import prepare_files
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.progress import can_draw


def run_pipeline(config: RunConfig, *, overwrite: bool = False, console: Console | None = None) -> RunResult:
    """
    Run the whole pipeline: prepare, train, validate, label, write the catalogue and the figures.

    Parameters
    ----------
    config : RunConfig
    overwrite : bool
        Replace outputs that exist.
    console : rich.console.Console, optional
        Where to report; standard output otherwise.

    Returns
    -------
    result : RunResult

    Raises
    ------
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
    }
    check_outputs(_outputs(paths, out, figures=config.figures), _inputs(config), overwrite=overwrite)
    preset = choose_preset(config.prepare.preset, config.prepare.variance, config.prepare.resampling)
    out.mkdir(parents=True, exist_ok=True)
    check_catalogue_path(paths["catalogue"], overwrite=overwrite)
    # wrong populations and a wrong table are found before the spectra are prepared
    if config.train.populations is not None:
        check_choice(config.train.populations, list(config.train.label_names))
    elif config.label.only is not None:
        raise InputError(f"only = {config.label.only!r} needs populations in [train], which tell stars apart")
    if config.label.odd and not config.train.odd:
        raise InputError("odd = true in [label] needs odd = true in [train], which scores held-out stars")
    print_notes(console, notes_of(read_sources(config.labels, config.train)))

    with progress_bar(console, "prepare") as progress:
        report = prepare_files(
            config.prepare.spectra,
            paths["store"],
            preset=preset,
            grid=config.prepare.grid,
            reader=config.prepare.reader,
            air=config.prepare.air,
            redshift=config.prepare.redshift,
            workers=config.prepare.workers,
            overwrite=overwrite,
            progress=progress,
        )
    print_prepared(console, report)
    check_catalogue_names(paths["catalogue"], paths["store"])

    seed, starts = config.label.seed, config.label.starts
    with console.status("train") if can_draw(console) else nullcontext():
        model, reference = train_from_config(paths["store"], config.labels, config.train, seed=seed)
    print_tally(console, reference.tally)
    print_trained(console, model)
    if config.train.folds:
        with progress_bar(console, "hold out") as progress:
            model = qualify_from_config(model, reference, config.train, n_starts=starts, seed=seed, progress=progress)
        print_qualified(console, model)
    write_result(lambda path: save_model(model, path, overwrite=overwrite), paths["model"])
    say(console, f"{training_summary(model)}: {paths['model']}")

    limit = choose_limit(model, config.label.only, config.label.false_alarms)
    with progress_bar(console, "validate") as progress:
        validation = validate(
            model, reference, folds=config.validate.folds, snr_min=config.validate.snr_min, n_starts=starts, seed=seed,
            progress=progress,
        )  # fmt: skip
    print_statistics(console, validation.rows)
    with replacing(paths["validation"], overwrite=overwrite) as partial:
        partial.write_text(validation.to_json() + "\n", encoding="utf-8")

    nuisances = choose_nuisances(config.label, model.options.nuisances)
    with progress_bar(console, "label") as progress:
        estimates = label_store(
            model, paths["store"], prior=config.label.prior, nuisances=nuisances, n_starts=starts, seed=seed,
            progress=progress, n_draws=config.label.draws if config.label.posterior else 0,
            correct_offsets=config.label.correct_offsets, odd=config.label.odd,
        )  # fmt: skip
    kept, selected = keep_selected(estimates, limit)
    write_result(lambda path: write_catalogue(kept, path, overwrite=overwrite), paths["catalogue"])
    result = RunResult(model, reference, validation, estimates, paths)
    if config.figures:
        figures = write_figures(result, out / "figures", snr_min=config.validate.snr_min)
        say(console, f"drew {', '.join(figures)}: {out / 'figures'}")
        result = replace(result, outputs={**paths, **figures})
    # last, because it says whether the labels are of use
    text = "; ".join(part for part in (summary(estimates, n_starts=starts), selected) if part)
    say(console, f"{text}: {paths['catalogue']}")
    return result


def _outputs(paths: dict[str, Path], out: Path, *, figures: bool) -> list[Output]:
    """Return what a run writes, for a check before the work."""
    files = [
        Output(path, f"{name} of the run", is_folder=name == "store", makes_parents=True)
        for name, path in paths.items()
    ]
    folders = [Output(out, "out", is_added_to=True)]
    # figures are replaced as a folder is: file by file
    return [*folders, *files, *([Output(out / "figures", "figures of the run", is_folder=True)] if figures else [])]


def _inputs(config: RunConfig) -> list[Path]:
    """Return the files and folders that a run reads."""
    prepare, train = config.prepare, config.train
    more = [one for one in (prepare.grid, prepare.redshift, train.populations) if isinstance(one, str)]
    return [Path(one) for one in (prepare.spectra, *(table.table for table in tables_of(config.labels)), *more)]

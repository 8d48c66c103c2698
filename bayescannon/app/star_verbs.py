"""What the verbs `label`, `coverage` and `uncertainties` of the command line do with the stars of a store."""

import argparse
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Unpack

import xarray as xr
from rich.console import Console

from bayescannon.app.budget_run import BudgetOptions, write_budget
from bayescannon.app.catalogue_run import LabelledCatalogue, check_layout_path, label_catalogue
from bayescannon.app.config import LabelConfig, Labels
from bayescannon.app.console import make_console
from bayescannon.app.engines import choose_engine
from bayescannon.app.model_spectra import write_model_spectra
from bayescannon.app.rescue import write_result
from bayescannon.app.stores import star_choice
from bayescannon.app.summary import coverage_summary, summary
from bayescannon.app.terminal import print_budget, print_notes, print_tally, progress_bar, say
from bayescannon.app.training import training_reference
from bayescannon.cannon.choices import NuisanceChoices
from bayescannon.cannon.engine_choices import BlockSizeChoices, LayoutChoices
from bayescannon.cannon.novelty import CoverageError
from bayescannon.cannon.options import choose_nuisances
from bayescannon.cannon.populations.either_model import coverage_of_catalogue, qualify
from bayescannon.cannon.populations.survey_file import load_any_model
from bayescannon.cannon.populations.survey_model import SurveyModel
from bayescannon.cannon.star_choices import CoverageChoices, UncertaintyChoices
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.data.label_distance import PAPER_SCALES
from bayescannon.data.label_table import LabelTable
from bayescannon.io.catalogue import check_catalogue_path, read_catalogue, write_catalogue
from bayescannon.io.catalogue_folder import is_folder_of_parts
from bayescannon.io.output_lock import locked
from bayescannon.io.outputs import check_output_file, real_path
from bayescannon.io.store_rows import n_stars
from bayescannon.io.store_writer import check_output_store
from bayescannon.io.tables import read_labels
from bayescannon.uncertainty.budget import BudgetChoices


def label_stars(options: argparse.Namespace) -> None:
    """Label every star of a store and write a catalogue."""
    console = make_console()
    check_layout_path(options.out, LayoutChoices.of(options).layout, overwrite=options.overwrite)
    chosen = LabelConfig.of(options)
    outputs = [options.out]
    if chosen.model_spectra is not None:
        outputs.append(Path(chosen.model_spectra))
        check_output_store(outputs[1], overwrite=options.overwrite)
    model = load_any_model(options.model)
    with ExitStack() as stack:
        # all are of one command: what a killed one had finished is no obstacle to the same command
        for one in outputs:
            stack.enter_context(locked(real_path(one)))
        made = _catalogue_of(
            console, options, model, options.store, "label",
            only=options.only,
            prior=options.prior,
            nuisances=choose_nuisances(NuisanceChoices.of(options), model.options.nuisances),
            n_draws=options.draws if options.posterior else 0,
            correct_offsets=options.correct_offsets,
            n_starts=options.starts,
            false_alarms=options.false_alarms,
            odd=options.odd,
            layout=LayoutChoices.of(options).layout,
        )  # fmt: skip
        if chosen.model_spectra is not None:
            size = BlockSizeChoices.of(options)
            write_models(console, model, options.store, outputs[1], chosen, size, overwrite=options.overwrite)
    text = summary(made.facts, n_starts=options.starts)
    say(console, f"{'; '.join(part for part in (text, made.selection) if part)}: {options.out}")


def write_models(
    console: Console,
    model: TrainedModel | SurveyModel,
    store: Path,
    out: Path,
    chosen: LabelConfig,
    size: BlockSizeChoices,
    *,
    overwrite: bool,
) -> None:
    """Write the best-fit model spectra of stars of a store, with the workers that are asked for."""
    stars = star_choice(chosen.model_stars)
    count = _n_chosen(stars, store)
    engine = choose_engine(size, -(-count // size.block))
    try:
        with progress_bar(console, "model spectra") as progress:
            write_model_spectra(
                model, store, out, engine=engine, overwrite=overwrite, progress=progress, stars=stars,
                prior=chosen.prior, nuisances=choose_nuisances(chosen, model.options.nuisances),
                n_starts=chosen.starts, seed=chosen.seed, block=size.block,
            )  # fmt: skip
    finally:
        engine.close()
    say(console, f"wrote model spectra of {count} stars: {out}")


def assess_stars(options: argparse.Namespace, labels: Callable[[TrainedModel | SurveyModel], Labels]) -> None:
    """Say how far the stars of a store, or of a catalogue, are from what a model was trained on."""
    console = make_console()
    check_catalogue_path(options.out, overwrite=options.overwrite)
    model = load_any_model(options.model)
    # a store is a folder, a catalogue a file or a folder of parts
    is_catalogue = options.stars.is_file() or is_folder_of_parts(options.stars)
    if options.labels and not is_catalogue:
        reference = training_reference(model, options.stars, labels(model))
        print_notes(console, reference.notes)
        print_tally(console, reference.tally)
        with progress_bar(console, "hold out") as progress:
            model = qualify(model, reference, folds=options.folds, seed=options.seed, progress=progress)
    if not model.is_covered:
        raise CoverageError(
            f"{options.model} holds no coverage reference; train with --folds 8, or give a store that holds "
            "the training stars, with their --labels"
        )
    own = read_own_labels(CoverageChoices.of(options), model.label_names)
    print_notes(console, own.notes if own else ())
    chosen = {"pipeline_labels": own, "false_alarms": options.false_alarms, "scores": "all"}
    if is_catalogue:
        catalogue = coverage_of_catalogue(model, read_catalogue(options.stars, edited=True), **chosen)
        write_result(lambda path: write_catalogue(catalogue, path, overwrite=options.overwrite), options.out)
        text = coverage_summary(catalogue)
    else:
        text = coverage_summary(_catalogue_of(console, options, model, options.stars, "coverage", **chosen).facts)
    say(console, f"{text}: {options.out}")


def read_own_labels(chosen: CoverageChoices, label_names: Sequence[str]) -> LabelTable | None:
    """Read Survey B's own labels, those of a model's that the label distance takes; None if no table is given."""
    if chosen.pipeline_labels is None:
        return None
    names = [name for name in PAPER_SCALES if name in label_names]
    return read_labels(chosen.pipeline_labels, label_names=names, columns=chosen.pipeline_columns)


def evaluate_errors(options: argparse.Namespace, labels: Callable[[TrainedModel | SurveyModel], Labels]) -> None:
    """Evaluate kinds of error of the labels of stars of a store."""
    console = make_console()
    check_output_file(options.out, overwrite=options.overwrite)
    model = load_any_model(options.model)
    reference = None
    if options.labels:
        reference = training_reference(model, options.store, labels(model))
        print_notes(console, reference.notes)
    choices = budget_choices(UncertaintyChoices.of(options), options.prior, options.star_id, options.seed)
    write_errors(
        console, model, options.store, options.out, BlockSizeChoices.of(options), overwrite=options.overwrite,
        choices=choices, stars=star_choice(options.stars), reference=reference,
        nuisances=choose_nuisances(NuisanceChoices.of(options), model.options.nuisances),
    )  # fmt: skip


def budget_choices(chosen: UncertaintyChoices, prior: str, star_id: str | None, seed: int) -> BudgetChoices:
    """Return what is evaluated of every star."""
    return BudgetChoices(
        kinds=tuple(chosen.kinds) if chosen.kinds else None,
        prior=prior,
        n_bootstrap=chosen.bootstrap,
        n_draws=chosen.draws,
        keep_draws=chosen.keep_draws,
        star_id=star_id,
        seed=seed,
    )


def write_errors(
    console: Console,
    model: TrainedModel | SurveyModel,
    store: Path,
    out: Path,
    size: BlockSizeChoices,
    *,
    overwrite: bool,
    **options: Unpack[BudgetOptions],
) -> None:
    """Write the errors of stars of a store with the workers that are asked for, and print their medians."""
    stars = options.get("stars")
    engine = choose_engine(size, -(-_n_chosen(stars, store) // size.block))
    try:
        with progress_bar(console, "uncertainties") as progress:
            options["block"] = size.block
            write_budget(model, store, out, engine=engine, overwrite=overwrite, progress=progress, **options)
    finally:
        engine.close()
    # one kind after the other is read for the medians
    with xr.open_dataset(out, engine="h5netcdf") as budget:
        print_budget(console, budget)
        if "repeat_stars" in budget.attrs:
            say(console, f"repeat: {budget.attrs['repeat_stars']}")
        sizes = budget.sizes
        say(console, f"evaluated {sizes['kind']} kinds of error of {sizes['star']} stars: {out}")


def _n_chosen(stars: int | Sequence[str] | None, store: Path) -> int:
    """Return how many stars of a store are chosen."""
    return stars if isinstance(stars, int) else n_stars(store) if stars is None else len(stars)


def _catalogue_of(
    console: Console,
    options: argparse.Namespace,
    model: TrainedModel | SurveyModel,
    store: Path,
    what: str,
    **chosen: Any,
) -> LabelledCatalogue:
    """Write the catalogue of a store with the workers that the command line asks for; say what was taken up."""
    size = BlockSizeChoices.of(options)
    engine = choose_engine(size, -(-n_stars(store) // size.block))
    try:
        with progress_bar(console, what) as progress:
            made = label_catalogue(
                model, store, options.out, engine=engine, block=size.block, seed=options.seed,
                overwrite=options.overwrite, progress=progress, **chosen,
            )  # fmt: skip
    finally:
        engine.close()
    if made.n_adopted:
        say(console, f"went on from {made.n_adopted} finished parts of an interrupted run")
    return made

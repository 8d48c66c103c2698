"""What the verbs `label`, `coverage` and `uncertainties` of the command line do with the stars of a store."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import xarray as xr
from rich.console import Console

from bayescannon.app.budget_run import write_budget
from bayescannon.app.catalogue_run import LabelledCatalogue, check_layout_path, label_catalogue
from bayescannon.app.config import Labels
from bayescannon.app.console import make_console
from bayescannon.app.engines import choose_engine
from bayescannon.app.model_spectra import write_chosen_spectra
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
from bayescannon.cannon.star_choices import ModelSpectraChoices
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.data.label_distance import PAPER_SCALES
from bayescannon.io.catalogue import check_catalogue_path, read_catalogue, write_catalogue
from bayescannon.io.catalogue_folder import is_folder_of_parts
from bayescannon.io.outputs import check_output_file
from bayescannon.io.store_rows import n_stars
from bayescannon.io.tables import read_labels
from bayescannon.uncertainty.budget import BudgetChoices


def label_stars(options: argparse.Namespace) -> None:
    """Label every star of a store and write a catalogue."""
    console = make_console()
    check_layout_path(options.out, LayoutChoices.of(options).layout, overwrite=options.overwrite)
    model = load_any_model(options.model)
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
    write_chosen_spectra(
        console, ModelSpectraChoices.of(options), model, options.store, options.out, overwrite=options.overwrite
    )
    text = summary(made.facts, n_starts=options.starts)
    say(console, f"{'; '.join(part for part in (text, made.selection) if part)}: {options.out}")


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
    names = [name for name in PAPER_SCALES if name in model.label_names]
    own = options.pipeline_labels and read_labels(
        options.pipeline_labels, label_names=names, columns=options.pipeline_columns
    )
    print_notes(console, own.notes if own else ())
    chosen = {"pipeline_labels": own, "false_alarms": options.false_alarms, "scores": "all"}
    if is_catalogue:
        catalogue = coverage_of_catalogue(model, read_catalogue(options.stars, edited=True), **chosen)
        write_result(lambda path: write_catalogue(catalogue, path, overwrite=options.overwrite), options.out)
        text = coverage_summary(catalogue)
    else:
        text = coverage_summary(_catalogue_of(console, options, model, options.stars, "coverage", **chosen).facts)
    say(console, f"{text}: {options.out}")


def evaluate_errors(options: argparse.Namespace, labels: Callable[[TrainedModel | SurveyModel], Labels]) -> None:
    """Evaluate kinds of error of the labels of stars of a store."""
    console = make_console()
    check_output_file(options.out, overwrite=options.overwrite)
    model = load_any_model(options.model)
    reference = None
    if options.labels:
        reference = training_reference(model, options.store, labels(model))
        print_notes(console, reference.notes)
    stars, size = star_choice(options.stars), BlockSizeChoices.of(options)
    count = stars if isinstance(stars, int) else n_stars(options.store) if stars is None else len(stars)
    engine = choose_engine(size, -(-count // size.block))
    choices = BudgetChoices(
        kinds=options.kinds and tuple(options.kinds),
        prior=options.prior,
        n_bootstrap=options.bootstrap,
        n_draws=options.draws,
        keep_draws=options.keep_draws,
        star_id=options.star_id,
        seed=options.seed,
    )
    try:
        with progress_bar(console, "uncertainties") as progress:
            write_budget(
                model, options.store, options.out, engine=engine, overwrite=options.overwrite, progress=progress,
                choices=choices, stars=stars, reference=reference, block=size.block,
                nuisances=choose_nuisances(NuisanceChoices.of(options), model.options.nuisances),
            )  # fmt: skip
    finally:
        engine.close()
    # one kind after the other is read for the medians
    with xr.open_dataset(options.out, engine="h5netcdf") as budget:
        print_budget(console, budget)
        if "repeat_stars" in budget.attrs:
            say(console, f"repeat: {budget.attrs['repeat_stars']}")
        sizes = budget.sizes
        say(console, f"evaluated {sizes['kind']} kinds of error of {sizes['star']} stars: {options.out}")


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

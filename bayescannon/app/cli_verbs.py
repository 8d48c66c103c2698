"""What each verb of the command line does. Imports that take time are made in the verb, so that --help is quick."""

import argparse
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bayescannon.app.config import Labels
    from bayescannon.cannon.populations.survey_model import SurveyModel
    from bayescannon.cannon.trained_model import TrainedModel


def _demo(options: argparse.Namespace) -> None:
    from bayescannon.app.demo import run_demo

    run_demo(
        options.out,
        n_reference=options.n_reference,
        n_test=options.n_test,
        seed=options.seed,
        overwrite=options.overwrite,
    )


def _mock(options: argparse.Namespace) -> None:
    from bayescannon.app.console import make_console
    from bayescannon.app.terminal import progress_bar, say
    from bayescannon.mock.survey import write_survey

    console = make_console()
    sizes = (options.n_reference, options.n_test)
    with progress_bar(console, "mock survey") as progress:
        write_survey(
            options.out,
            *sizes,
            seed=options.seed,
            release=options.release,
            populations=options.populations,
            odd=options.odd,
            overwrite=options.overwrite,
            progress=progress,
        )
    say(console, f"wrote {sizes[0]} reference and {sizes[1]} test stars: {options.out}")


def _check_input(options: argparse.Namespace) -> int:
    from bayescannon.app.config import TrainConfig
    from bayescannon.app.console import make_console
    from bayescannon.app.input_check import check_input
    from bayescannon.app.terminal import print_check
    from bayescannon.data.preset import choose_preset
    from bayescannon.io.outputs import replacing

    found = check_input(
        options.spectra,
        _labels_config(options) if options.labels else None,
        train=TrainConfig.of(options),
        sample=options.sample,
        preset=choose_preset(options.preset, options.variance, options.resampling),
        grid=options.grid,
        reader=options.reader,
        air=options.air,
        redshift=options.redshift,
    )
    print_check(make_console(), found)
    if options.json:
        with replacing(options.json, overwrite=options.overwrite) as partial:
            partial.write_text(found.to_json() + "\n", encoding="utf-8")
    return 0 if found.usable else 1


def _init(options: argparse.Namespace) -> int:
    from bayescannon.app.cli_values import names_of
    from bayescannon.app.config import LabelsConfig, PrepareConfig
    from bayescannon.app.console import make_console
    from bayescannon.app.init_config import make_config
    from bayescannon.app.terminal import print_check, say
    from bayescannon.data.label_definitions import define_labels
    from bayescannon.io.outputs import replacing

    console = make_console()
    labels = LabelsConfig.of(options, table=str(options.labels.resolve()))
    define_labels(labels.define)
    made = make_config(
        PrepareConfig.of(options, spectra=str(options.spectra.resolve())),
        labels,
        out=options.results,
        label_names=names_of(options.label_names) if options.label_names else None,
        recipe=options.recipe,
        sample=options.sample,
    )
    print_check(console, made.check)
    if not made.check.usable:
        say(console, f"{options.out} was not written; mend the faults, or name what init did not find")
        return 1
    with replacing(options.out, overwrite=options.overwrite) as partial_file:
        partial_file.write_text(made.text(options.out.parent), encoding="utf-8")
    say(console, f"wrote {options.out}; go on with: bayescannon run {options.out}")
    return 0


def _fetch(options: argparse.Namespace) -> int:
    from bayescannon.app.fetch import fetch

    return fetch(options)


def _prepare(options: argparse.Namespace) -> None:
    from bayescannon.app.console import make_console
    from bayescannon.app.terminal import print_prepared, progress_bar
    from bayescannon.data.preset import choose_preset
    from bayescannon.io.preparation import prepare_files
    from bayescannon.io.prepare_report import PrepareError, write_refused

    console = make_console()
    try:
        with progress_bar(console, "prepare") as progress:
            report = prepare_files(
                options.spectra,
                options.out,
                preset=choose_preset(options.preset, options.variance, options.resampling),
                grid=options.grid,
                reader=options.reader,
                air=options.air,
                redshift=options.redshift,
                append=options.append,
                workers=options.workers,
                overwrite=options.overwrite,
                progress=progress,
            )
    except PrepareError as error:
        if options.refused and error.refused:
            write_refused(error.refused, options.refused, overwrite=options.overwrite)
        raise
    print_prepared(console, report)
    if options.refused:
        write_refused(report.refused, options.refused, overwrite=options.overwrite)


def _labels_config(options: argparse.Namespace, model: "TrainedModel | SurveyModel | None" = None) -> "Labels":
    """
    Return how tables of labels are read: as the options say, else as the first was for the model's training.

    Options are those of every table; what differs between tables is in a TOML file in place of one.
    """
    from bayescannon.app.config import LabelsConfig, read_label_tables
    from bayescannon.cannon.choices import LabelTableChoices
    from bayescannon.data.label_definitions import define_labels

    # cuts and ranges of the command line are those of the set, not of a table
    choices = LabelTableChoices.of(options, model and model.label_table)
    define_labels(choices.define)
    tables: list[LabelsConfig] = []
    for path in options.labels:
        if path.suffix.lower() == ".toml":
            tables += read_label_tables(path)
        else:
            tables.append(LabelsConfig.of(choices, table=str(path)))
    return tables[0] if len(tables) == 1 else tables


def _train(options: argparse.Namespace) -> None:
    from bayescannon.app.train_verb import train_and_write

    train_and_write(options, _labels_config(options))


def _label(options: argparse.Namespace) -> None:
    from bayescannon.app.star_verbs import label_stars

    label_stars(options)


def _uncertainties(options: argparse.Namespace) -> None:
    from bayescannon.app.star_verbs import evaluate_errors

    evaluate_errors(options, lambda model: _labels_config(options, model))


def _coverage(options: argparse.Namespace) -> None:
    from bayescannon.app.star_verbs import assess_stars

    assess_stars(options, lambda model: _labels_config(options, model))


def _validate(options: argparse.Namespace) -> None:
    from bayescannon.app.console import make_console
    from bayescannon.app.terminal import print_notes, print_statistics, print_tally, progress_bar
    from bayescannon.app.training import training_reference
    from bayescannon.cannon.populations.either_model import validate
    from bayescannon.cannon.populations.survey_file import load_any_model
    from bayescannon.io.outputs import replacing

    console = make_console()
    model = load_any_model(options.model)
    reference = training_reference(model, options.store, _labels_config(options, model))
    print_notes(console, reference.notes)
    print_tally(console, reference.tally)
    with progress_bar(console, "validate") as progress:
        validation = validate(
            model, reference, folds=options.folds, snr_min=options.snr_min, seed=options.seed, progress=progress
        )
    print_statistics(console, validation.rows)
    if options.json:
        with replacing(options.json, overwrite=options.overwrite) as partial:
            partial.write_text(validation.to_json() + "\n", encoding="utf-8")


def _compare(options: argparse.Namespace) -> None:
    from bayescannon.app.catalogue_comparison import compare_catalogues, print_comparison, write_comparison
    from bayescannon.app.console import make_console
    from bayescannon.app.terminal import progress_bar, say
    from bayescannon.cannon.compare_choices import CompareChoices

    console = make_console()
    with progress_bar(console, "compare") as progress:
        found = compare_catalogues(options.a, options.b, choices=CompareChoices.of(options), progress=progress)
    print_comparison(console, found)
    if options.out:
        written = write_comparison(found, options.out, overwrite=options.overwrite)
        say(console, f"wrote {', '.join(path.name for path in written)}: {options.out}")


def _information(options: argparse.Namespace) -> None:
    from bayescannon.app.console import make_console
    from bayescannon.app.information import evaluate_information, write_information
    from bayescannon.app.terminal import print_hidden, print_information, say
    from bayescannon.cannon.choices import InformationChoices

    console = make_console()
    result = evaluate_information(
        options.model, InformationChoices.of(options), store=options.store, population=options.population
    )
    print_information(console, result.information, result.noise)
    if result.atlas is not None:
        print_hidden(console, result.atlas)
    for path in write_information(result, out=options.out, figures=options.figures, overwrite=options.overwrite):
        say(console, f"wrote {path}")


def _compare_models(options: argparse.Namespace) -> None:
    from bayescannon.app.comparison import compare_configs
    from bayescannon.app.console import make_console
    from bayescannon.app.terminal import progress_bar, say
    from bayescannon.io.outputs import replacing

    console = make_console()
    with progress_bar(console, "compare models") as progress:
        found = compare_configs(
            options.configs,
            store=options.store,
            folds=options.folds,
            seed=options.seed,
            say=partial(say, console),
            progress=progress,
        )
    for line in found.to_text().splitlines():
        say(console, line)
    if options.json:
        with replacing(options.json, overwrite=options.overwrite) as partial_file:
            partial_file.write_text(found.to_json() + "\n", encoding="utf-8")


def _run(options: argparse.Namespace) -> None:
    from bayescannon.app.config import read_config
    from bayescannon.app.run import run_pipeline

    run_pipeline(read_config(options.config), overwrite=options.overwrite, until=options.until)


def _check(options: argparse.Namespace) -> int:
    import json

    from bayescannon.app.check import find_damage
    from bayescannon.app.console import make_console
    from bayescannon.app.terminal import say
    from bayescannon.io.outputs import replacing
    from bayescannon.numerics.errors import BayesCannonError

    console = make_console()
    found: dict[str, list[str]] = {}
    for path in options.paths:
        # what cannot be checked does not keep the others from it
        try:
            faults = find_damage(path)
        except BayesCannonError as error:
            faults = [str(error)]
        found[str(path)] = [fault.removeprefix(f"{path} ") for fault in faults]
        for finding in found[str(path)] or ["ok"]:
            say(console, f"{path}: {finding}")
    if options.json:
        with replacing(options.json, overwrite=options.overwrite) as partial_file:
            partial_file.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return 1 if any(found.values()) else 0


def _report(options: argparse.Namespace) -> None:
    from bayescannon.app.console import make_console
    from bayescannon.app.report.page import file_size, write_report
    from bayescannon.app.terminal import say

    path = write_report(
        options.run, options.out, n_spectra=options.n_spectra, also=options.also, overwrite=options.overwrite
    )
    say(make_console(), f"wrote {path} ({file_size(path.stat().st_size)}): open it in a browser")


VERBS: dict[str, Callable[[argparse.Namespace], int | None]] = {
    "demo": _demo,
    "mock": _mock,
    "check-input": _check_input,
    "init": _init,
    "fetch": _fetch,
    "prepare": _prepare,
    "train": _train,
    "label": _label,
    "uncertainties": _uncertainties,
    "coverage": _coverage,
    "validate": _validate,
    "compare": _compare,
    "information": _information,
    "compare-models": _compare_models,
    "run": _run,
    "check": _check,
    "report": _report,
}

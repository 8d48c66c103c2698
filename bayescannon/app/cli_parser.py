"""The options of the command line, made from the classes of choices; quick to import, so that --help is quick."""

import argparse
import re
from collections.abc import Sequence
from dataclasses import MISSING, Field, fields
from itertools import takewhile
from pathlib import Path
from types import UnionType
from typing import Any, NoReturn, get_args, get_origin

from bayescannon import __version__
from bayescannon.app.cli_values import EMPTY_BY_DEFAULT, READERS, count, named_counts
from bayescannon.app.completion import add_completion
from bayescannon.app.parser_compare import add_compare_files
from bayescannon.app.parser_fetch import add_fetch_options
from bayescannon.app.parser_init import add_init_files
from bayescannon.app.parser_report import add_report_files
from bayescannon.app.spelling import did_you_mean
from bayescannon.app.step_names import STEPS
from bayescannon.cannon.choice_fields import Choices
from bayescannon.cannon.choices import (
    SAMPLE,
    SEED,
    FoldChoices,
    InformationChoices,
    LabellingChoices,
    LabelTableChoices,
    PrepareChoices,
    ReferenceChoices,
    TrainingChoices,
    ValidationChoices,
)
from bayescannon.cannon.engine_choices import BlockSizeChoices, EngineChoices, LayoutChoices
from bayescannon.cannon.mock_choices import MOCK_ODD, MOCK_POPULATIONS, MOCK_RELEASES
from bayescannon.cannon.odd_choices import OddChoices, OddTrainingChoices
from bayescannon.cannon.population_choices import PopulationChoices, SelectionChoices
from bayescannon.cannon.source_choices import MergeChoices
from bayescannon.cannon.star_choices import CoverageChoices, ModelSpectraChoices, UncertaintyChoices
from bayescannon.data.display import as_message

_NEGATIVE = re.compile(r"-\d+|-\d*\.\d+")
# the type that add_subparsers returns has no public name
type Commands = argparse._SubParsersAction[argparse.ArgumentParser]


class _Parser(argparse.ArgumentParser):
    """A parser that names a misspelt option before anything that is missing, and says what was probably meant."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        if args is not None:
            # the parser above the commands knows no options of theirs
            is_command = self.get_default("verb") is not None
            self._require_known(list(args if is_command else takewhile(lambda text: text.startswith("-"), args)))
        return super().parse_known_args(args, namespace)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        try:
            super()._check_value(action, value)
        except argparse.ArgumentError as error:
            error.message += did_you_mean(str(value), map(str, action.choices or ()))
            raise

    def _require_known(self, args: list[str]) -> None:
        known = list(self._option_string_actions)
        for before, text in zip(["", *args], args, strict=False):
            name = text.partition("=")[0]
            if text == "--":
                return
            # as argparse tells options from values: numbers are none, nor is what has a blank
            if not text.startswith("-") or text == "-" or " " in text or name in known or _NEGATIVE.fullmatch(text):
                continue
            if before in known:
                self.error(f"argument {before}: a value that begins with '-' is given as {before}={text}")
            self.error(f"unrecognized arguments: {text}{did_you_mean(name, known)}")

    def error(self, message: str) -> NoReturn:
        super().error(as_message(message))


def build_parser() -> argparse.ArgumentParser:
    """Build the parser of all commands."""
    parser: argparse.ArgumentParser = _Parser(
        prog="bayescannon", description="Put stellar surveys on one label scale.", allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"bayescannon {__version__}")
    add_completion(parser)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    verbs = (
        _add_demo, _add_mock, _add_check_input, _add_init, _add_fetch, _add_prepare, _add_train, _add_label,
        _add_uncertainties, _add_coverage, _add_validate, _add_compare, _add_information, _add_compare_models, _add_run,
        _add_check, _add_report,
    )  # fmt: skip
    for add in verbs:
        command = add(commands)
        command.add_argument("--overwrite", action="store_true", help="replace outputs that exist")
        command.add_argument(
            "--log-file", type=Path, metavar="FILE", help="append to FILE: warnings, and a line for every refused star"
        )
        how_much = command.add_mutually_exclusive_group()
        how_much.add_argument("-q", "--quiet", action="store_true", help="print warnings and errors only")
        how_much.add_argument(
            "-v", "--verbose", action="store_true", help="say on standard error what is done, and how long it took"
        )
        command.add_argument("--traceback", action="store_true", help="show where in the code an error arose")
    return parser


class _HelpFormatter(argparse.ArgumentDefaultsHelpFormatter):
    """Show the defaults that are values; one of None, False or nothing says what the help says already."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        said = action.default is None or action.default is False or action.default in ([], {})
        return action.help if said else super()._get_help_string(action)


def _new(commands: Commands, name: str, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=text, description=text, allow_abbrev=False, formatter_class=_HelpFormatter
    )
    parser.set_defaults(verb=name)
    return parser


def add_choices(
    parser: argparse._ActionsContainer, kind: type[Choices], *, skip: Sequence[str] = (), otherwise: str = ""
) -> None:
    """
    Add an option for every field of a class of choices, with its help, values and default.

    Parameters
    ----------
    parser : argument parser or group
    kind : class
        Of :mod:`bayescannon.cannon.choices`.
    skip : sequence of str
        Fields that the command does not have.
    otherwise : str
        What counts where an option is not given, instead of the default.
    """
    groups: dict[str, argparse._ActionsContainer] = {}
    for item in fields(kind):
        if item.name in skip:
            continue
        group, where = item.metadata["group"], parser
        if group is not None:
            if group not in groups:
                groups[group] = parser.add_argument_group(group)
            where = groups[group]
        flag = item.metadata["flag"] or f"--{item.name.replace('_', '-')}"
        how = _argument(item)
        if otherwise:
            how["default"] = None
        said = item.metadata["help"] + (f"; {otherwise} unless given" if otherwise else "")
        where.add_argument(flag, dest=item.name, help=said, **how)


def _argument(item: "Field[Any]") -> dict[str, Any]:
    """Return how argparse reads a field: by its annotated type and its values."""
    default = item.default_factory() if item.name in EMPTY_BY_DEFAULT and item.default_factory is not MISSING else None
    if item.default is not MISSING:
        default = item.default
    if item.type is bool:
        return {"action": "store_true"}
    if item.metadata["values"]:
        alone = {"nargs": "?", "const": item.metadata["alone"]} if item.metadata["alone"] else {}
        return {"choices": item.metadata["values"], "default": default, **alone}
    reader = READERS.get(item.name) or READERS[_kind_of(item.type)]
    return {**reader, "default": default, "metavar": item.metadata["metavar"]}


def _kind_of(annotation: Any) -> Any:
    """Return the type that an option's text is read as: of several, the first that is not None."""
    if get_origin(annotation) is UnionType:
        annotation = next(member for member in get_args(annotation) if member is not type(None))
    return get_origin(annotation) or annotation


# how the table of labels is read by commands that take a trained model
_AS_TRAINED = "as for the model's training"


def _add_mock_sizes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--n-reference", type=count, default=1200, metavar="N", help="stars with trusted labels")
    parser.add_argument("--n-test", type=count, default=3000, metavar="M", help="stars without")
    parser.add_argument("--seed", type=count, default=1, help="the same seed makes the same survey")


def _add_labels(parser: argparse._ActionsContainer, *, required: bool = True, otherwise: str = "") -> None:
    said = "table of trusted labels; several, in the order of trust, by giving it again, or a TOML file with [[labels]]"
    parser.add_argument("--labels", type=Path, action="append", required=required, metavar="TABLE", help=said)
    add_choices(parser, LabelTableChoices, otherwise=otherwise)


def _add_seed(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument("--seed", type=count, default=SEED, help=f"decides {what}")


def _add_demo(commands: Commands) -> argparse.ArgumentParser:
    parser = _new(commands, "demo", "write a mock survey and run the whole pipeline on its files")
    parser.add_argument("--out", type=Path, default=Path("demo"), metavar="DIR", help="folder to write to")
    _add_mock_sizes(parser)
    return parser


def _add_mock(commands: Commands) -> argparse.ArgumentParser:
    parser = _new(commands, "mock", "write a mock survey: LAMOST FITS files, an APOGEE-like table, the truth")
    parser.add_argument("out", type=Path, metavar="OUT", help="folder to write to")
    _add_mock_sizes(parser)
    text = "data release that reported variances and S/N are like"
    parser.add_argument("--release", choices=MOCK_RELEASES, default=MOCK_RELEASES[0], help=text)
    text = (
        "giants; a field sample with four dwarfs to a giant and some hot stars; or the paper's: labels of giants only"
    )
    parser.add_argument("--populations", choices=MOCK_POPULATIONS, default=MOCK_POPULATIONS[0], help=text)
    text = f"how many stars without labels are odd; classes: {', '.join(MOCK_ODD)}"
    parser.add_argument("--odd", type=named_counts, default={}, metavar="CLASS=N,...", help=text)
    return parser


def _add_check_input(commands: Commands) -> argparse.ArgumentParser:
    parser = _new(commands, "check-input", "say whether spectra, and a table of labels, can be used; status 1 if not")
    parser.add_argument("spectra", type=Path, metavar="SPECTRA", help="as for prepare, or a store")
    parser.add_argument("--sample", type=count, default=SAMPLE, metavar="N", help="files to read, 0 for all")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write the findings as JSON")
    add_choices(parser, PrepareChoices, skip=("workers",))
    labels = parser.add_argument_group("labels", "how the table of labels is read and matched")
    _add_labels(labels, required=False)
    add_choices(labels, ReferenceChoices, skip=("clip_rounds", "clip_sigma"))
    add_choices(labels, MergeChoices)
    return parser


def _add_init(commands: Commands) -> argparse.ArgumentParser:
    parser = _new(commands, "init", "write a commented configuration for your spectra and labels, after a look at them")
    add_init_files(parser)
    add_choices(parser, PrepareChoices)
    add_choices(parser.add_argument_group("labels"), LabelTableChoices)
    return parser


def _add_fetch(commands: Commands) -> argparse.ArgumentParser:
    parser = _new(commands, "fetch", "fetch files of surveys from their archives, going on where it was interrupted")
    add_fetch_options(parser)
    return parser


def _add_prepare(commands: Commands) -> argparse.ArgumentParser:
    parser = _new(commands, "prepare", "read spectra, shift, resample and normalise them into a store")
    parser.add_argument(
        "spectra", type=Path, metavar="SPECTRA", help="folder, file, or text file with one path per line"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="STORE.zarr", help="store to write")
    add_choices(parser, PrepareChoices)
    parser.add_argument("--append", action="store_true", help="add the spectra to the store, which exists")
    parser.add_argument("--refused", type=Path, metavar="TABLE.csv", help="write the table of refused files")
    return parser


def _add_train(commands: Commands) -> argparse.ArgumentParser:
    parser = _new(commands, "train", "build the reference set and train a model")
    parser.add_argument("store", type=Path, metavar="STORE", help="prepared spectra")
    parser.add_argument("--out", type=Path, required=True, metavar="MODEL.nc", help="model to write")
    _add_labels(parser)
    add_choices(parser, ReferenceChoices)
    add_choices(parser, MergeChoices)
    add_choices(parser, FoldChoices)
    add_choices(parser, OddTrainingChoices)
    _add_seed(parser, "the starts of the clip rounds, the folds, and the stars that stay in a cell")
    add_choices(parser, PopulationChoices)
    add_choices(parser, TrainingChoices)
    add_choices(parser, EngineChoices)
    return parser


def _add_label(commands: Commands) -> argparse.ArgumentParser:
    parser = _new(commands, "label", "label every star of a store and write a catalogue")
    parser.add_argument("model", type=Path, metavar="MODEL.nc")
    parser.add_argument("store", type=Path, metavar="STORE")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="CATALOGUE",
        help="the ending chooses the format: .fits .ecsv .parquet .vot .mrt",
    )  # fmt: skip
    add_choices(parser, LabellingChoices)
    add_choices(parser, SelectionChoices)
    add_choices(parser, OddChoices)
    add_choices(parser, ModelSpectraChoices)
    add_choices(parser, LayoutChoices)
    add_choices(parser, BlockSizeChoices)
    return parser


def _add_uncertainties(commands: Commands) -> argparse.ArgumentParser:
    parser = _new(commands, "uncertainties", "evaluate every kind of error of stars' labels")
    parser.add_argument("model", type=Path, metavar="MODEL.nc")
    parser.add_argument("store", type=Path, metavar="STORE")
    add_choices(parser, UncertaintyChoices)
    add_choices(parser, LabellingChoices, skip=("starts", "seed", "posterior", "draws"))
    add_choices(parser, BlockSizeChoices)
    _add_seed(parser, "stars, starts and draws")
    parser.add_argument("--out", type=Path, required=True, metavar="BUDGET.nc", help="netCDF file to write")
    reference = parser.add_argument_group("reference", "bootstrap and jackknife need the training stars' labels")
    _add_labels(reference, required=False, otherwise=_AS_TRAINED)
    return parser


def _add_coverage(commands: Commands) -> argparse.ArgumentParser:
    parser = _new(commands, "coverage", "say how far stars are from what the model was trained on")
    parser.add_argument("model", type=Path, metavar="MODEL.nc", help="see --labels if it was trained with --folds 0")
    parser.add_argument(
        "stars", type=Path, metavar="STORE|CATALOGUE",
        help="spectra to label and assess, or a catalogue, of which only the labels are assessed",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, required=True, metavar="CATALOGUE", help="with scores, p-values and flags")
    add_choices(parser, CoverageChoices)
    add_choices(parser, FoldChoices)
    add_choices(parser, BlockSizeChoices)
    _add_seed(parser, "folds and starts")
    reference = parser.add_argument_group("reference", "to fit the coverage reference from the training stars in STORE")
    _add_labels(reference, required=False, otherwise=_AS_TRAINED)
    return parser


def _add_validate(commands: Commands) -> argparse.ArgumentParser:
    parser = _new(commands, "validate", "compare inferred with reference labels, leave-none-out and k-fold")
    parser.add_argument("model", type=Path, metavar="MODEL.nc")
    parser.add_argument("store", type=Path, metavar="STORE")
    _add_labels(parser, otherwise=_AS_TRAINED)
    add_choices(parser, ValidationChoices)
    _add_seed(parser, "folds and starts")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write the statistics as JSON")
    return parser


def _add_information(commands: Commands) -> argparse.ArgumentParser:
    parser = _new(
        commands, "information", "evaluate the information on labels by wavelength, and describe hidden components"
    )
    parser.add_argument("model", type=Path, metavar="MODEL.nc")
    text = "of a survey model, the population whose model is meant, or router"
    parser.add_argument("--population", metavar="NAME", help=text)
    add_choices(parser, InformationChoices)
    parser.add_argument("--store", type=Path, metavar="STORE", help="noise of the pixels as in these spectra")
    parser.add_argument("--out", type=Path, metavar="INFORMATION.nc", help="netCDF file to write")
    parser.add_argument("--figures", type=Path, metavar="DIR", help="folder to write figures to")
    return parser


def _add_compare_models(commands: Commands) -> argparse.ArgumentParser:
    parser = _new(commands, "compare-models", "compare models by the held-out spectra and labels that they predict")
    parser.add_argument(
        "configs", type=Path, nargs="+", metavar="CONFIG.toml", help="as for run, with the same stars and one store"
    )
    parser.add_argument(
        "--store",
        type=Path,
        metavar="STORE",
        help="prepared spectra; what a run of them wrote unless given",
    )
    add_choices(parser, FoldChoices)
    _add_seed(parser, "folds and starts")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write tables and statistics as JSON")
    return parser


def _add_run(commands: Commands) -> argparse.ArgumentParser:
    parser = _new(commands, "run", "run the whole pipeline as a TOML file says")
    parser.add_argument("config", type=Path, metavar="CONFIG.toml")
    parser.add_argument(
        "--until", metavar="STEP", help=f"end after this step: {', '.join(STEPS)}; all that the file has unless given"
    )
    return parser


def _add_compare(commands: Commands) -> argparse.ArgumentParser:
    parser = _new(commands, "compare", "compare two catalogues of the same stars: labels, errors and flags")
    add_choices(parser, add_compare_files(parser))
    return parser


def _add_check(commands: Commands) -> argparse.ArgumentParser:
    parser = _new(commands, "check", "say whether stores, models and catalogues are whole; status 1 if one is not")
    parser.add_argument("paths", type=Path, nargs="+", metavar="PATH", help="store, model, catalogue or other output")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write the findings as JSON")
    return parser


def _add_report(commands: Commands) -> argparse.ArgumentParser:
    parser = _new(commands, "report", "write a page of a run: whether to trust it, tables, figures, an explorer")
    add_choices(parser, add_report_files(parser))
    return parser

"""The options of the command line, made from the classes of choices; quick to import, so that --help is quick."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, fields
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin

from bayescannon import __version__
from bayescannon.cannon.choice_fields import Choices
from bayescannon.cannon.choices import (
    FALSE_ALARMS,
    N_BOOTSTRAP,
    N_DRAWS,
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

# the type that add_subparsers returns has no public name
type Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def build_parser() -> argparse.ArgumentParser:
    """Build the parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="bayescannon", description="Put stellar surveys on one label scale.", allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"bayescannon {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    verbs = (
        _add_demo, _add_mock, _add_check_input, _add_prepare, _add_train, _add_label, _add_uncertainties, _add_coverage,
        _add_validate, _add_information, _add_run,
    )  # fmt: skip
    for add in verbs:
        command = add(commands)
        command.add_argument("--overwrite", action="store_true", help="replace outputs that exist")
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
    default = item.default_factory() if item.name in _EMPTY_BY_DEFAULT and item.default_factory is not MISSING else None
    if item.default is not MISSING:
        default = item.default
    if item.type is bool:
        return {"action": "store_true"}
    if item.metadata["values"]:
        alone = {"nargs": "?", "const": item.metadata["alone"]} if item.metadata["alone"] else {}
        return {"choices": item.metadata["values"], "default": default, **alone}
    reader = _READERS.get(item.name) or _READERS[_kind_of(item.type)]
    return {**reader, "default": default, "metavar": item.metadata["metavar"]}


def _kind_of(annotation: Any) -> Any:
    """Return the type that an option's text is read as: of several, the first that is not None."""
    if get_origin(annotation) is UnionType:
        return next(member for member in get_args(annotation) if member is not type(None))
    return get_origin(annotation) or annotation


class _KeepRange(argparse.Action):
    """Collect NAME=LOW:HIGH; the last range of a label counts."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:  # noqa: ARG002
        name, bounds = values
        setattr(namespace, self.dest, {**getattr(namespace, self.dest), name: bounds})


class _AddRange(argparse.Action):
    """Collect NAME=LOW:HIGH; a label may have several ranges."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:  # noqa: ARG002
        name, bounds = values
        known = getattr(namespace, self.dest)
        setattr(namespace, self.dest, {**known, name: [*known.get(name, []), bounds]})


class _AddDefinition(argparse.Action):
    """Collect the definitions of labels."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:  # noqa: ARG002
        name, definition = values
        setattr(namespace, self.dest, {**(getattr(namespace, self.dest) or {}), name: definition})


def _count(text: str) -> int:
    try:
        value = int(text)
        if value < 0:
            raise ValueError
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a whole number from 0 up; got {text!r}") from None
    return value


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _columns(text: str) -> dict[str, str]:
    pairs = [item.partition("=") for item in text.split(",") if item.strip()]
    if not all(name.strip() and column.strip() for name, _, column in pairs):
        raise argparse.ArgumentTypeError(f"expected NAME=...,NAME=...; got {text!r}")
    names = [name.strip() for name, _, _ in pairs]
    if len(set(names)) < len(names):
        raise argparse.ArgumentTypeError(f"a name is given twice; got {text!r}")
    return {name.strip(): column.strip() for name, _, column in pairs}


def _missing(text: str) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for item in text.split(","):
        name, _, value = item.partition("=")
        try:
            values = [] if value.strip().lower() == "none" else [float(value)]
        except ValueError:
            raise argparse.ArgumentTypeError(f"expected NAME=VALUE,... as fe_h=0, or NAME=none; got {text!r}") from None
        found.setdefault(name.strip(), []).extend(values)
    return found


def _definition(text: str) -> tuple[str, dict[str, str]]:
    from bayescannon.data.label_definitions import read_definition
    from bayescannon.numerics.errors import InputError

    try:
        return read_definition(text)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _label_errors(text: str) -> str | dict[str, float]:
    return "table" if text.strip() == "table" else _values(text, "table, or NAME=ERROR,... as teff=90,logg=0.11")


def _values(text: str, expected: str = "NAME=VALUE,... as teff=4800,logg=2.5") -> dict[str, float]:
    try:
        return {name: float(value) for name, value in _columns(text).items()}
    except (ValueError, argparse.ArgumentTypeError):
        raise argparse.ArgumentTypeError(f"expected {expected}; got {text!r}") from None


def _number_or_path(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _range(text: str) -> tuple[str, list[float]]:
    name, _, bounds = text.partition("=")
    low, colon, high = bounds.partition(":")
    try:
        if not (name and colon):
            raise ValueError
        return name, [float(low or "-inf"), float(high or "inf")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected NAME=LOW:HIGH, for instance teff=4000:5500; got {text!r}") from None


# fields whose options add to an empty collection; the defaults of others made anew stay with their class
_EMPTY_BY_DEFAULT = ("columns", "units", "missing", "define", "keep", "censored", "at")
# how the text of an option is read, by the type of its field or, where that is not enough, by its name
_READERS: dict[Any, dict[str, Any]] = {
    int: {"type": _count},
    float: {"type": float},
    str: {},
    Sequence: {"type": _names},
    Mapping: {"type": _columns},
    "missing": {"type": _missing},
    "define": {"type": _definition, "action": _AddDefinition},
    "keep": {"type": _range, "action": _KeepRange},
    "censored": {"type": _range, "action": _AddRange},
    "label_errors": {"type": _label_errors},
    "at": {"type": _values},
    "redshift": {"type": _number_or_path},
}


# how the table of labels is read by commands that take a trained model
_AS_TRAINED = "as for the model's training"


def _add_mock_sizes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--n-reference", type=_count, default=1200, metavar="N", help="stars with trusted labels")
    parser.add_argument("--n-test", type=_count, default=3000, metavar="M", help="stars without")
    parser.add_argument("--seed", type=_count, default=1, help="the same seed makes the same survey")


def _add_labels(parser: argparse._ActionsContainer, *, required: bool = True, otherwise: str = "") -> None:
    parser.add_argument("--labels", type=Path, required=required, metavar="TABLE", help="table of trusted labels")
    add_choices(parser, LabelTableChoices, otherwise=otherwise)


def _add_seed(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument("--seed", type=_count, default=SEED, help=f"decides {what}")


def _add_demo(commands: Commands) -> argparse.ArgumentParser:
    parser = _new(commands, "demo", "write a mock survey and run the whole pipeline on its files")
    parser.add_argument("--out", type=Path, default=Path("demo"), metavar="DIR", help="folder to write to")
    _add_mock_sizes(parser)
    return parser


def _add_mock(commands: Commands) -> argparse.ArgumentParser:
    parser = _new(commands, "mock", "write a mock survey: LAMOST FITS files, an APOGEE-like table, the truth")
    parser.add_argument("out", type=Path, metavar="OUT", help="folder to write to")
    _add_mock_sizes(parser)
    return parser


def _add_check_input(commands: Commands) -> argparse.ArgumentParser:
    parser = _new(commands, "check-input", "say whether spectra, and a table of labels, can be used; status 1 if not")
    parser.add_argument("spectra", type=Path, metavar="SPECTRA", help="as for prepare, or a store")
    parser.add_argument("--sample", type=_count, default=SAMPLE, metavar="N", help="files to read, 0 for all")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write the findings as JSON")
    add_choices(parser, PrepareChoices, skip=("workers",))
    labels = parser.add_argument_group("labels", "how the table of labels is read and matched")
    _add_labels(labels, required=False)
    add_choices(labels, ReferenceChoices, skip=("clip_rounds", "clip_sigma"))
    return parser


def _add_prepare(commands: Commands) -> argparse.ArgumentParser:
    parser = _new(commands, "prepare", "read spectra, shift, resample and normalise them into a store")
    parser.add_argument(
        "spectra", type=Path, metavar="SPECTRA", help="folder, file, or text file with one path per line"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="STORE.zarr", help="store to write")
    add_choices(parser, PrepareChoices)
    parser.add_argument("--refused", type=Path, metavar="TABLE.csv", help="write the table of refused files")
    return parser


def _add_train(commands: Commands) -> argparse.ArgumentParser:
    parser = _new(commands, "train", "build the reference set and train a model")
    parser.add_argument("store", type=Path, metavar="STORE", help="prepared spectra")
    parser.add_argument("--out", type=Path, required=True, metavar="MODEL.nc", help="model to write")
    _add_labels(parser)
    add_choices(parser, ReferenceChoices)
    add_choices(parser, FoldChoices)
    _add_seed(parser, "the starts of the clip rounds, and the folds")
    add_choices(parser, TrainingChoices)
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
    return parser


def _add_uncertainties(commands: Commands) -> argparse.ArgumentParser:
    parser = _new(commands, "uncertainties", "evaluate every kind of error of stars' labels")
    parser.add_argument("model", type=Path, metavar="MODEL.nc")
    parser.add_argument("store", type=Path, metavar="STORE")
    parser.add_argument(
        "--kinds", type=_names, metavar="KIND,...",
        help="of formal, coefficient, bootstrap, jackknife, sandwich, posterior, calibrated, repeat; all but repeat "
        "unless given, and without --labels neither bootstrap nor jackknife",
    )  # fmt: skip
    parser.add_argument(
        "--stars",
        metavar="N|ID,...|FILE",
        help="how many stars to draw at random, or which: names, or a text file with one name per line; all unless "
        "given",
    )
    parser.add_argument("--bootstrap", type=_count, default=N_BOOTSTRAP, metavar="B", help="models of the bootstrap")
    parser.add_argument("--draws", type=_count, default=N_DRAWS, metavar="N", help="posterior draws of each star")
    parser.add_argument("--keep-draws", action="store_true", help="keep the labels of bootstraps and posterior draws")
    add_choices(parser, LabellingChoices, skip=("starts", "seed", "posterior", "draws"))
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
    parser.add_argument(
        "--pipeline-labels", type=Path, metavar="TABLE",
        help="Survey B's own labels (columns id, teff, logg, fe_h): the label distance is of them",
    )  # fmt: skip
    parser.add_argument(
        "--pipeline-columns", type=_columns, default={}, metavar="NAME=COL,...", help="where they are named otherwise"
    )
    parser.add_argument(
        "--false-alarms", type=float, default=FALSE_ALARMS, metavar="X", help="rate that each flag may have"
    )
    add_choices(parser, FoldChoices)
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
    add_choices(parser, InformationChoices)
    parser.add_argument("--store", type=Path, metavar="STORE", help="noise of the pixels as in these spectra")
    parser.add_argument("--out", type=Path, metavar="INFORMATION.nc", help="netCDF file to write")
    parser.add_argument("--figures", type=Path, metavar="DIR", help="folder to write figures to")
    return parser


def _add_run(commands: Commands) -> argparse.ArgumentParser:
    parser = _new(commands, "run", "run the whole pipeline as a TOML file says")
    parser.add_argument("config", type=Path, metavar="CONFIG.toml")
    return parser

"""The options of the command line; standard library only, so that --help is quick."""

import argparse
from pathlib import Path

from bayescannon import __version__


def build_parser() -> argparse.ArgumentParser:
    """Build the parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="bayescannon", description="Put stellar surveys on one label scale.", allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"bayescannon {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    verbs = (
        _add_demo, _add_mock, _add_prepare, _add_train, _add_label, _add_uncertainties, _add_coverage, _add_validate,
        _add_run,
    )  # fmt: skip
    for add in verbs:
        command = add(commands)
        command.add_argument("--traceback", action="store_true", help="show where in the code an error arose")
    return parser


Commands = argparse._SubParsersAction  # the type that add_subparsers returns has no public name


class _HelpFormatter(argparse.ArgumentDefaultsHelpFormatter):
    """Show the defaults that are values; one of None, False or nothing says what the help says already."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        said = action.default is None or action.default is False or action.default in ([], {})
        return action.help if said else super()._get_help_string(action)


def _new(commands: Commands, name: str, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=text, description=text, allow_abbrev=False, formatter_class=_HelpFormatter
    )
    return parser


def _add_overwrite(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--overwrite", action="store_true", help="replace outputs that exist")


def _add_mock_sizes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--n-reference", type=_count, default=1200, metavar="N", help="stars with trusted labels")
    parser.add_argument("--n-test", type=_count, default=3000, metavar="M", help="stars without")
    parser.add_argument("--seed", type=_count, default=1, help="the same seed makes the same survey")


def _add_demo(commands: Commands) -> argparse.ArgumentParser:
    parser = _new(commands, "demo", "write a mock survey and run the whole pipeline on its files")
    parser.add_argument("--out", type=Path, default=Path("demo"), metavar="DIR", help="folder to write to")
    _add_mock_sizes(parser)
    _add_overwrite(parser)
    parser.set_defaults(verb="demo")
    return parser


def _add_mock(commands: Commands) -> argparse.ArgumentParser:
    parser = _new(commands, "mock", "write a mock survey: LAMOST FITS files, an APOGEE-like table, the truth")
    parser.add_argument("out", type=Path, metavar="OUT", help="folder to write to")
    _add_mock_sizes(parser)
    _add_overwrite(parser)
    parser.set_defaults(verb="mock")
    return parser


def _add_prepare(commands: Commands) -> argparse.ArgumentParser:
    parser = _new(commands, "prepare", "read LAMOST spectra, shift, resample and normalise them into a store")
    parser.add_argument("spectra", type=Path, metavar="SPECTRA", help="folder, or text file with a path a line")
    parser.add_argument("--out", type=Path, required=True, metavar="STORE.zarr", help="store to write")
    parser.add_argument("--preset", choices=("paper", "released", "masked"), default="paper", help="choices made")
    parser.add_argument(
        "--variance", choices=("interpolate", "propagate"),
        help="how variances go to the grid; the preset's own way unless given",
    )  # fmt: skip
    parser.add_argument("--refused", type=Path, metavar="TABLE.csv", help="write the table of refused files")
    parser.add_argument("--workers", type=_count, default=2, help="processes")
    _add_overwrite(parser)
    parser.set_defaults(verb="prepare")
    return parser


def _add_labels(parser: argparse._ActionsContainer, *, required: bool = True) -> None:
    parser.add_argument("--labels", type=Path, required=required, metavar="TABLE", help="table of trusted labels")
    parser.add_argument(
        "--labels-format", choices=("allstar-dr12", "allstar-dr17", "table"), default="table",
        help="APOGEE allStar file, or any table that astropy reads",
    )  # fmt: skip
    parser.add_argument(
        "--columns", type=_columns, default={}, metavar="NAME=COL,...",
        help="columns of the table, where they are not named id, ra, dec, snr, flags, teff, e_teff, ...",
    )  # fmt: skip
    parser.add_argument("--match", choices=("id", "sky"), default="id", help="by LAMOST id or by position")
    parser.add_argument("--radius", type=float, default=3.0, metavar="ARCSEC", help="for --match sky")


def _add_train(commands: Commands) -> argparse.ArgumentParser:
    parser = _new(commands, "train", "build the reference set and train a model")
    parser.add_argument("store", type=Path, metavar="STORE", help="prepared spectra")
    _add_labels(parser)
    parser.add_argument(
        "--label-names", type=_names, default="teff,logg,fe_h,alpha_m,a_k", metavar="NAME,...", help="in order"
    )
    parser.add_argument(
        "--cuts", choices=("paper", "released", "none"),
        help="named cuts; the paper's for allStar tables and none for others unless given",
    )  # fmt: skip
    parser.add_argument(
        "--keep", type=_range, action="append", default=[], metavar="NAME=LOW:HIGH",
        help="keep stars with a label in this range (an end may be empty); may be given several times",
    )  # fmt: skip
    parser.add_argument("--clip-rounds", type=_count, metavar="N", help="0 never clips; until stable unless given")
    parser.add_argument("--clip-sigma", type=float, default=4.0, metavar="X", help="clip beyond X scatters")
    priors = parser.add_argument_group("priors", "what is believed of coefficients, scatter and noise")
    priors.add_argument(
        "--coefficients",
        choices=("flat", "normal", "pooled", "laplace", "smooth"),
        default="flat",
        help="prior of theta",
    )
    priors.add_argument(
        "--coefficient-scale", type=float, metavar="X", help="scale of a normal, laplace or smooth prior, in flux"
    )
    priors.add_argument("--terms", choices=("quadratic", "all"), default="quadratic", help="terms that are shrunk")
    priors.add_argument(
        "--scatter", choices=("flat", "grid", "half-normal", "pooled"), default="flat",
        help="prior of s; grid is the paper's way to find it",
    )  # fmt: skip
    priors.add_argument("--scatter-scale", type=float, metavar="X", help="scale of a half-normal prior, in flux")
    priors.add_argument(
        "--noise", choices=("fixed", "global", "pixel"), default="fixed", help="scale kappa of the reported errors"
    )
    priors.add_argument("--kappa", type=float, default=1.0, metavar="X", help="its value, if fixed")
    priors.add_argument("--marginal", action="store_true", help="integrate theta out of the likelihood of s")
    priors.add_argument(
        "--censor", type=_range, action="append", default=[], metavar="NAME=LOW:HIGH",
        help="pixels of these wavelengths [A] may not depend on the label; may be given several times",
    )  # fmt: skip
    priors.add_argument(
        "--label-errors", type=_label_errors, metavar="table|NAME=ERROR,...",
        help="reference labels have these errors: the table's, or constants in the labels' units (0 is exact) and the "
        "table's for labels that are not named; labels are taken as exact unless given",
    )  # fmt: skip
    priors.add_argument(
        "--hidden", type=_count, metavar="R", help="hidden components, with --label-errors; 12 unless given"
    )
    parser.add_argument(
        "--folds", type=_count, default=8, metavar="N",
        help="label the reference stars out of N folds, to calibrate errors and to know what is unlike them; 0 does "
        "neither",
    )  # fmt: skip
    parser.add_argument("--seed", type=_count, default=0, help="decides the starts of the clip rounds, and the folds")
    parser.add_argument("--out", type=Path, required=True, metavar="MODEL.nc", help="model to write")
    _add_overwrite(parser)
    parser.set_defaults(verb="train")
    return parser


def _add_label(commands: Commands) -> argparse.ArgumentParser:
    parser = _new(commands, "label", "label every star of a store and write a catalogue")
    parser.add_argument("model", type=Path, metavar="MODEL.nc")
    parser.add_argument("store", type=Path, metavar="STORE")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="CATALOGUE",
        help="the ending chooses the format: .fits .ecsv .parquet .vot .mrt",
    )  # fmt: skip
    parser.add_argument("--starts", type=_count, default=7, help="reference stars whose labels are tried as starts")
    _add_prior(parser)
    parser.add_argument("--posterior", action="store_true", help="sample every star's posterior: adds its quantiles")
    parser.add_argument("--draws", type=_count, default=1000, metavar="N", help="for each star, with --posterior")
    parser.add_argument("--seed", type=_count, default=0, help="decides starts and draws")
    _add_overwrite(parser)
    parser.set_defaults(verb="label")
    return parser


def _add_prior(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--prior", choices=("flat", "box", "gaussian", "mixture", "coverage"), default="flat",
        help="what is believed of a star's labels, from the reference set",
    )  # fmt: skip


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
        help="how many stars to draw at random, or which: names, or a text file with a name a line; all unless given",
    )
    parser.add_argument("--bootstrap", type=_count, default=20, metavar="B", help="models of the bootstrap")
    parser.add_argument("--draws", type=_count, default=1000, metavar="N", help="posterior draws of each star")
    parser.add_argument("--keep-draws", action="store_true", help="keep the labels of bootstraps and posterior draws")
    _add_prior(parser)
    parser.add_argument("--seed", type=_count, default=0, help="decides stars, starts and draws")
    parser.add_argument("--out", type=Path, required=True, metavar="BUDGET.nc", help="netCDF file to write")
    reference = parser.add_argument_group("reference", "bootstrap and jackknife need the training stars' labels")
    _add_labels(reference, required=False)
    _add_overwrite(parser)
    parser.set_defaults(verb="uncertainties")
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
    parser.add_argument("--false-alarms", type=float, default=0.01, metavar="X", help="rate that each flag may have")
    parser.add_argument("--folds", type=_count, default=8, help="with --labels")
    parser.add_argument("--seed", type=_count, default=0, help="decides folds and starts")
    reference = parser.add_argument_group("reference", "to fit the coverage reference from the training stars in STORE")
    _add_labels(reference, required=False)
    _add_overwrite(parser)
    parser.set_defaults(verb="coverage")
    return parser


def _add_validate(commands: Commands) -> argparse.ArgumentParser:
    parser = _new(commands, "validate", "compare inferred with reference labels, leave-none-out and k-fold")
    parser.add_argument("model", type=Path, metavar="MODEL.nc")
    parser.add_argument("store", type=Path, metavar="STORE")
    _add_labels(parser)
    parser.add_argument("--folds", type=_count, default=8, help="0 leaves the k-fold part out")
    parser.add_argument("--snr-min", type=float, default=50.0, help="statistics also for stars above this S/N")
    parser.add_argument("--seed", type=_count, default=0, help="decides folds and starts")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write the statistics as JSON")
    _add_overwrite(parser)
    parser.set_defaults(verb="validate")
    return parser


def _add_run(commands: Commands) -> argparse.ArgumentParser:
    parser = _new(commands, "run", "run the whole pipeline as a TOML file says")
    parser.add_argument("config", type=Path, metavar="CONFIG.toml")
    _add_overwrite(parser)
    parser.set_defaults(verb="run")
    return parser


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
        raise argparse.ArgumentTypeError(f"expected NAME=COLUMN,...; got {text!r}")
    return {name.strip(): column.strip() for name, _, column in pairs}


def _label_errors(text: str) -> str | dict[str, float]:
    if text.strip() == "table":
        return "table"
    pairs = [item.partition("=") for item in text.split(",") if item.strip()]
    try:
        return {name.strip(): float(error) for name, _, error in pairs}
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"expected table, or NAME=ERROR,... as teff=90,logg=0.11; got {text!r}"
        ) from None


def _range(text: str) -> tuple[str, list[float]]:
    name, _, bounds = text.partition("=")
    low, colon, high = bounds.partition(":")
    try:
        if not (name and colon):
            raise ValueError
        return name, [float(low or "-inf"), float(high or "inf")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected NAME=LOW:HIGH, for instance teff=4000:5500; got {text!r}") from None

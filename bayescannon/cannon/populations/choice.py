"""Which populations a survey model has: found from the reference set, named, or read from a file."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bayescannon.cannon.population_choices import AUTO_POPULATIONS, GIANTS
from bayescannon.data.display import listed
from bayescannon.models.label_regions import LabelRegion, LabelRegions
from bayescannon.models.label_vector import n_terms
from bayescannon.numerics.errors import InputError, MissingFileError
from bayescannon.numerics.extreme_deconvolution import fit_mixture
from bayescannon.numerics.typing import FloatArray

# a quadratic model of giants and dwarfs no longer holds where lines of metals give way to those of hydrogen
HOT_TEFF = 7000.0
# stars above this Teff are no giants, whatever their log g: those at the turn-off are dwarfs and subgiants
GIANT_TEFF = 6000.0
# between giants and dwarfs, where the mixture of log g does not say another; and where it may lie
LOGG_BORDER, LOGG_BORDER_RANGE = 3.8, (3.5, 4.05)
OVERLAP = {"teff": 400.0, "logg": 0.3}
# the two components that give the border are of stars of these
_LEAST_SHARE = 0.1
AUTO = AUTO_POPULATIONS


class PopulationError(InputError):
    """Populations that cannot be had as asked; the message says what to do."""


def choose_regions(choice: str | Path | LabelRegions, labels: FloatArray, label_names: Sequence[str]) -> LabelRegions:
    """
    Return the populations of a survey.

    Parameters
    ----------
    choice : {"auto", "giants"}, path of a TOML file, or LabelRegions
        "auto": giants, dwarfs with subgiants, and hot stars; "giants": giants, and all others.
    labels : float array of shape (N, K)
        Of the reference stars.
    label_names : sequence of K str

    Returns
    -------
    regions : LabelRegions

    Raises
    ------
    PopulationError
        The labels that bound the populations are not trained on, or the file cannot be read as populations.
    """
    if isinstance(choice, LabelRegions):
        choice.require(label_names)
        return choice
    if str(choice) not in (AUTO, GIANTS):
        regions = read_regions(Path(choice))
        regions.require(label_names)
        return regions
    missing = [name for name in OVERLAP if name not in label_names]
    if missing:
        raise PopulationError(
            f"the populations {choice!r} are bounded in {' and '.join(OVERLAP)}, and {missing[0]} is not among the "
            f"labels {', '.join(label_names)}; train on it too, or give populations in a file (--populations FILE.toml)"
        )
    border = logg_border(labels[:, label_names.index("teff")], labels[:, label_names.index("logg")])
    low, warm = (-np.inf, border), (GIANT_TEFF, HOT_TEFF)
    giant = LabelRegion("giant", ({"teff": (-np.inf, GIANT_TEFF), "logg": low},))
    if choice == GIANTS:
        other = LabelRegion("other", ({"logg": (border, np.inf)}, {"teff": (GIANT_TEFF, np.inf), "logg": low}))
        return LabelRegions((giant, other), OVERLAP)
    dwarf = LabelRegion("dwarf", ({"teff": (-np.inf, HOT_TEFF), "logg": (border, np.inf)}, {"teff": warm, "logg": low}))
    hot = LabelRegion("hot", ({"teff": (HOT_TEFF, np.inf)},), in_router=False)
    return LabelRegions((giant, dwarf, hot), OVERLAP)


def check_choice(choice: str | Path | LabelRegions, label_names: Sequence[str]) -> None:
    """
    Check before any work that populations can be had: that a file can be read, and that labels bound them.

    Raises
    ------
    PopulationError, InputError, MissingFileError
        As :func:`choose_regions`.
    """
    choose_regions(choice, np.zeros((0, len(label_names))), label_names)


def logg_border(teff: FloatArray, logg: FloatArray) -> float:
    """
    Return the log g between giants and dwarfs: where two components of a mixture of log g are as probable.

    Parameters
    ----------
    teff, logg : float arrays of shape (N,)
        Of the reference stars.

    Returns
    -------
    border : float
        3.8 where the mixture has no two sequences, or their border is not between 3.5 and 4.05.
    """
    cool = logg[teff < HOT_TEFF][:, None]
    if len(cool) < 20 or not np.ptp(cool) > 0:
        return LOGG_BORDER
    mixture = fit_mixture(cool, np.zeros_like(cool), 2)
    if len(mixture.weight) < 2 or mixture.weight.min() < _LEAST_SHARE:
        return LOGG_BORDER
    lower, upper = np.sort(mixture.mean[:, 0])
    grid = np.linspace(lower, upper, 400)[:, None]
    logs = mixture.log_components(grid, np.zeros_like(grid))
    low, high = np.argsort(mixture.mean[:, 0])
    crossing = float(grid[np.abs(logs[:, low] - logs[:, high]).argmin(), 0])
    return round(crossing, 2) if LOGG_BORDER_RANGE[0] <= crossing <= LOGG_BORDER_RANGE[1] else LOGG_BORDER


def read_regions(path: Path) -> LabelRegions:
    """
    Read populations from a TOML file.

    A table for each population gives the ranges of its labels, [low, high]; sides that are not bounded are inf or -inf,
    and labels that are not bounded are left out. With ``router = false`` its stars do not train the router.
    ``[overlap]`` gives the overlap of each of these labels.

    Raises
    ------
    MissingFileError
        There is no such file.
    PopulationError
        It is not TOML, or does not describe populations.
    """
    if not path.is_file():
        raise MissingFileError(
            f"populations must be {AUTO}, {GIANTS} or the path of a TOML file; there is no file {path}"
        )
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PopulationError(f"{path} is not a TOML file: {error}") from error
    overlap = given.pop("overlap", {})
    if not isinstance(overlap, Mapping) or not given:
        raise PopulationError(
            f"{path} must have a table for each population, as [giant] with logg = [-1, 3.8], and [overlap] with "
            "logg = 0.3; got " + listed(list(given) or ["none"], most=5)
        )
    try:
        regions = tuple(_region(name, table) for name, table in given.items())
        return LabelRegions(regions, {**OVERLAP, **{k: float(v) for k, v in overlap.items()}})
    except (InputError, TypeError, ValueError) as error:
        raise PopulationError(f"{path}: {error}") from error


def _region(name: str, table: Any) -> LabelRegion:
    if not isinstance(table, Mapping):
        raise PopulationError(f"population {name!r} must be a table of label = [low, high]; got {table!r}")
    in_router = table.get("router", True)
    if not isinstance(in_router, bool):
        raise PopulationError(f"router of population {name!r} must be true or false; got {in_router!r}")
    box = {}
    for label, sides in table.items():
        if label == "router":
            continue
        if not isinstance(sides, Sequence) or isinstance(sides, str) or len(sides) != 2:
            raise PopulationError(f"{label} of population {name!r} must be [low, high]; got {sides!r}")
        box[label] = (float(sides[0]), float(sides[1]))
    return LabelRegion(name, (box,), in_router)


def merge_small(
    regions: LabelRegions, labels: FloatArray, label_names: Sequence[str], star: np.ndarray
) -> tuple[LabelRegions, tuple[str, ...]]:
    """
    Merge regions whose stars are too few for a model with the neighbour that shares most of their stars.

    Parameters
    ----------
    regions : LabelRegions
    labels : float array of shape (N, K)
        Of the reference spectra.
    label_names : sequence of K str
    star : int array of shape (N,)
        Which spectra are of the same star.

    Returns
    -------
    regions : LabelRegions
    notes : tuple of str
        What was merged, and why.
    """
    least = 2 * n_terms(len(label_names))
    notes = []
    while len(regions) > 1:
        inside = regions.training_stars(labels, label_names)
        counts = np.array([len(np.unique(star[column])) for column in inside.T])
        small = int(counts.argmin())
        if counts[small] >= least:
            break
        shared = np.array([(inside[:, small] & column).sum() for column in inside.T], dtype=float)
        # with none in common, the nearest by the region's own share of the other's stars
        shared += 1e-3 * np.array(
            [
                regions.shares(labels[column], label_names)[:, small].mean() if column.any() else 0.0
                for column in inside.T
            ]
        )
        shared[small] = -1.0
        into = int(shared.argmax())
        first, second = sorted((small, into))
        # the few stars of the small region must not take those of its neighbour from the router
        joined = regions.regions[first].joined(regions.regions[second])
        joined = replace(joined, in_router=regions.regions[into].in_router)
        notes.append(
            f"population {regions.names[small]} has {counts[small]} reference stars and a model of it needs {least}: "
            f"merged with {regions.names[into]}"
        )
        kept = [r for n, r in enumerate(regions.regions) if n not in (first, second)]
        regions = LabelRegions((*kept[:first], joined, *kept[first:]), regions.overlap)
    return regions, tuple(notes)

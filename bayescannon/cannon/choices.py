"""
The choices of every verb, once: their names, defaults, values and help.

Python, TOML files and the command line are made from these dataclasses. Only the standard library is imported, so that
``bayescannon --help`` is quick.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, isfinite
from typing import Any

from bayescannon.cannon.choice_fields import ChoiceError, Choices, choice
from bayescannon.data.preset import PRESETS, RESAMPLINGS, VARIANCES

# Ho et al. 2017, section 4: labels of seven reference stars are tried as starts
N_STARTS = 7
N_FOLDS = 8
N_DRAWS = 1000
# Ho et al. 2017, section 4
N_BOOTSTRAP = 20
SEED = 0
FALSE_ALARMS = 0.01
# files that are read to check whether the input can be used
SAMPLE = 200
# Ho et al. 2017, section 4: stars with a larger reduced chi2 are left out; here they are flagged
HIGH_REDUCED_CHI2 = 10.0
# Ho et al. 2017, figure 5: statistics for S/N > 50. Here it is the S/N of the file's header; the paper's figure 7 is
# drawn against three times the header's
SNR_MIN = 50.0
# in arcsec, between a spectrum and its labels
MATCH_RADIUS = 3.0
# Ho et al. 2017, section 3
CLIP_SIGMA = 4.0
# hidden components, where labels have errors: enough for the mock survey
N_HIDDEN = 12
# of a star whose information is evaluated, and the width of blocks of its wavelengths [Angstrom]
INFORMATION_SNR = 50.0
INFORMATION_BLOCK = 25.0

# found by the content of the files, or by held-out stars
AUTO = "auto"

LABEL_FORMATS = ("auto", "allstar", "allstar-dr12", "allstar-dr13", "allstar-dr17", "astra", "table")
MATCHES = ("id", "sky")
# what is done with several spectra of a star
REPEATS = ("keep", "best")
CUTS = ("paper", "released", "none")
COEFFICIENTS = ("flat", "normal", "pooled", "laplace", "smooth")
TERMS = ("quadratic", "all")
SCATTERS = ("flat", "half-normal", "pooled")
# chosen by held-out stars; errors of labels may also be learned from all stars
LEARN, EXACT_LABELS = "learn", "none"
# choices of a training that go together; whatever else is given replaces one of them; the paper's unless given
PAPER = "paper"
RECIPES: Mapping[str, Mapping[str, Any]] = {
    PAPER: {"coefficients": "flat", "noise": "fixed", "label_errors": None, "hidden": None},
    "recommended": {"coefficients": "pooled", "noise": "global", "label_errors": AUTO, "hidden": AUTO},
}
# the paper's way to find s, by its names on the command line
GRID_SCATTER, EXACT_SCATTER = "grid", "exact"
NOISES = ("fixed", "global", "pixel", "star")
OUTLIERS = ("none", "mixture")
LABEL_PRIORS = ("flat", "box", "gaussian", "mixture", "coverage")
FROM_TABLE = "table"


@dataclass(frozen=True)
class PrepareChoices(Choices):
    """How spectra are brought to rest, to the grid and to a continuum of 1."""

    preset: str = choice("paper", "named set of the choices of the preparation", values=tuple(PRESETS))
    variance: str | None = choice(
        None, "how variances are brought to the grid; the preset's way unless given", values=VARIANCES
    )
    resampling: str | None = choice(
        None,
        "how spectra are brought to the grid: linear interpolation, or white, a shift that keeps the noise of pixels "
        "independent, for a grid with the spectra's own steps; the preset's way, linear, unless given",
        values=RESAMPLINGS,
    )
    reader: str = choice(
        AUTO,
        "reader of the files, by name: lamost-lrs, lamost-mrs, apogee, arrays, specutils, specutils:FORMAT or one of "
        "another package; auto is the one that recognises most of them",
        metavar="NAME",
    )
    grid: str | None = choice(
        None,
        "start:stop:step in Angstrom, or start:stop:step:log with the step in log10 of the wavelength, pieces joined "
        "by commas; or a store, a model, or a file with one column; the reader's grid unless given",
        metavar="GRID|FILE",
    )
    air: str = choice(
        AUTO,
        "the wavelengths are in air and are converted, or in vacuum, whatever the files say; without a value: air",
        values=(AUTO, "air", "vacuum"),
        alone="air",
    )
    redshift: float | str | None = choice(
        None,
        "z = v/c of the spectra that have none, 0 for spectra at rest; or a table with id and redshift, or rv [km/s]",
        metavar="Z|TABLE",
    )
    workers: int = choice(2, "number of processes", least=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.redshift, float | int) and not -1 < self.redshift < 1:
            raise ChoiceError(f"redshift must be z = v/c, between -1 and 1; got {self.redshift}")


@dataclass(frozen=True)
class LabelTableChoices(Choices):
    """How a table of trusted labels is read, and matched with spectra."""

    format: str = choice(
        "auto",
        "layout of the columns: told by their names, or of a release of APOGEE's allStar (dr13 is DR13 to DR16), of "
        "SDSS-V's astraAllStarASPCAP, or named after labels",
        values=LABEL_FORMATS,
        flag="--labels-format",
    )
    columns: Mapping[str, str] = choice(
        dict,
        "columns of the table, where they are not named id, ra, dec, snr, flags, teff, e_teff, ...",
        metavar="NAME=COL,...",
    )
    units: Mapping[str, str] = choice(
        dict,
        "units of labels, errors, ra and dec where the table gives none or wrong ones: teff=kK, teff=dex(K) for log10, "
        "ra=hourangle",
        metavar="NAME=UNIT,...",
    )
    missing: Mapping[str, Sequence[float]] = choice(
        dict,
        "values that stand for a missing one, beside those that are recognised; a label may be named several times; "
        "NAME=none takes all values as they are",
        metavar="NAME=VALUE,...",
    )
    extension: str | int | None = choice(
        None,
        "name or number of the table in a file of several",
        metavar="NAME|N",
        flag="--labels-extension",
    )
    define: Mapping[str, Mapping[str, str | float]] = choice(
        dict,
        "a label of your own, with its unit; may be given several times",
        metavar="NAME:UNIT[:DESCRIPTION]",
    )
    match: str = choice(
        "id",
        "how spectra find their labels: id, sky (position), or a column of the spectra and one of the table, as "
        "gaia_id=source_id or, if they have the same name, obsid",
        metavar="id|sky|LEFT=RIGHT",
    )
    radius: float = choice(MATCH_RADIUS, "for --match sky, in arcsec", metavar="ARCSEC")
    star_id: str | None = choice(
        None,
        "column of the spectra whose equal values identify a star, or id if every spectrum is of another star; the "
        "same row, survey_id, gaia_id or twomass_id, or positions within 3 arcsec unless given",
        metavar="COLUMN",
    )
    repeats: str = choice("keep", "keep all spectra of a star, or the one with the best S/N", values=REPEATS)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.radius < inf:
            raise ChoiceError(f"radius must be positive and finite, in arcsec; got {self.radius}")
        match_pair(self.match)


def match_pair(match: str) -> tuple[str, str] | None:
    """
    Return the columns of the spectra and of the table by which they are matched; None for ``id`` and ``sky``.

    Raises
    ------
    ChoiceError
        The text is no way to match.

    Examples
    --------
    >>> match_pair("gaia_id=source_id"), match_pair("obsid"), match_pair("sky")
    (('gaia_id', 'source_id'), ('obsid', 'obsid'), None)
    """
    if match in MATCHES:
        return None
    left, equals, right = match.partition("=") if isinstance(match, str) else ("", "", "")
    if not left.strip() or (equals and not right.strip()):
        raise ChoiceError(
            f"match must be 'id', 'sky', the name of a column, or a pair of columns LEFT=RIGHT; got {match!r}"
        )
    return left.strip(), (right.strip() if equals else left.strip())


def _paper_labels() -> list[str]:
    from bayescannon.data.labels import PAPER_LABELS  # imports numpy

    return list(PAPER_LABELS)


@dataclass(frozen=True)
class ReferenceChoices(Choices):
    """Which labels are trained, and which stars: named cuts, ranges, and the clip of wrong labels."""

    label_names: Sequence[str] = choice(
        _paper_labels, "labels to train, in order; those of Ho et al. (2017) unless given", metavar="NAME,..."
    )
    cuts: str | None = choice(
        None, "named cuts; the paper's for allStar tables and none for others unless given", values=CUTS
    )
    keep: Mapping[str, Sequence[float]] = choice(
        dict,
        "keep stars with a label in this range (an end may be empty); may be given several times",
        metavar="NAME=LOW:HIGH",
    )
    clip_rounds: int | None = choice(
        None, "rounds of clipping: 0 never clips; until no star is dropped unless given", least=0, metavar="N"
    )
    clip_sigma: float = choice(CLIP_SIGMA, "clip stars with a label off by more than this many scatters", metavar="X")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.clip_sigma < inf:
            raise ChoiceError(f"clip_sigma must be positive and finite, in scatters; got {self.clip_sigma}")
        for name, bounds in self.keep.items():
            if len(bounds) != 2 or not bounds[0] < bounds[1]:
                raise ChoiceError(
                    f"the range of {name} must be two numbers [low, high] with low < high; got {list(bounds)}"
                )


_PRIORS = "priors of the training"
_NUISANCES = "nuisances of each star, integrated out; those of the training, or none in it, unless given; 0 is none"


@dataclass(frozen=True)
class NuisanceChoices(Choices):
    """What may be wrong with each star's spectrum, beside its noise; the class of a verb says what counts otherwise."""

    velocity_prior: str | float | None = choice(
        None, "standard deviation of the stars' velocity errors, as 5km/s", metavar="V", group=_NUISANCES
    )
    line_spread_prior: str | float | None = choice(
        None, "root of the standard deviation of the lines' variance, as 40km/s", metavar="V", group=_NUISANCES
    )
    continuum_prior: float | None = choice(
        None, "standard deviation of the continuum's Legendre terms, as 0.01", least=0, metavar="X", group=_NUISANCES
    )
    continuum_order: int | None = choice(
        None, "their highest order; 3 unless given", least=0, metavar="N", group=_NUISANCES
    )


@dataclass(frozen=True)
class TrainingChoices(NuisanceChoices):
    """What the training assumes of coefficients, scatters, noise, reference labels and nuisances."""

    recipe: str | None = choice(
        None,
        "paper, unless given: the choices of Ho et al. (2017), to reproduce it; recommended: pooled coefficients, "
        "kappa fitted, hidden components and label errors if held-out stars gain. Options of their own replace each",
        values=tuple(RECIPES),
        group=_PRIORS,
    )
    coefficients: str | None = choice(
        None, "prior of the coefficients theta; that of the recipe unless given", values=COEFFICIENTS, group=_PRIORS
    )
    coefficient_scale: float | None = choice(
        None, "scale of a normal, laplace or smooth prior, in normalised flux", metavar="X", group=_PRIORS
    )
    terms: str = choice("quadratic", "terms of the label vector that the prior shrinks", values=TERMS, group=_PRIORS)
    scatter: str = choice(
        "flat",
        "prior of the scatter s; grid is the paper's way to find it, exact the same as flat",
        values=(*SCATTERS, GRID_SCATTER, EXACT_SCATTER),
        group=_PRIORS,
    )
    scatter_scale: float | None = choice(
        None, "scale of a half-normal prior, in normalised flux", metavar="X", group=_PRIORS
    )
    noise: str | None = choice(
        None,
        "scale kappa of the reported errors of the flux: fixed, or fitted, one for all or one for each pixel or star; "
        "that of the recipe unless given",
        values=NOISES,
        group=_PRIORS,
    )
    kappa: float = choice(1.0, "its value, if fixed", metavar="X", group=_PRIORS)
    outliers: str = choice(
        "none",
        "pixels that are outliers (cosmic rays, residuals of the sky): none, or a share of all, learned, which have no "
        "weight in training and labelling",
        values=OUTLIERS,
        group=_PRIORS,
    )
    marginal: bool = choice(False, "integrate theta out of the likelihood of s (REML)", group=_PRIORS)
    censored: Mapping[str, Sequence[Sequence[float]]] = choice(
        dict,
        "pixels of these wavelengths [A] may not depend on the label; may be given several times",
        metavar="NAME=LOW:HIGH",
        flag="--censor",
        group=_PRIORS,
    )
    label_errors: str | Mapping[str, float] | None = choice(
        None,
        "reference labels have these errors: the table's, or constants in the labels' units (0 is exact) and the "
        "table's for labels that are not named; learn fits their size, auto does if held-out stars gain by it, none is "
        "exact; that of the recipe unless given",
        metavar="table|learn|auto|none|NAME=ERROR,...",
        group=_PRIORS,
    )
    hidden: int | str | None = choice(
        None,
        "hidden components of the spectra, which correlate their pixels, or auto: as many as held-out stars gain from; "
        f"{N_HIDDEN} with label errors and 0 without unless given or in the recipe",
        metavar="R|auto",
        group=_PRIORS,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, value in RECIPES[self.recipe or PAPER].items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, value)
        if self.label_errors == EXACT_LABELS:
            object.__setattr__(self, "label_errors", None)
        if self.hidden != AUTO and self.hidden is not None and (isinstance(self.hidden, str) or self.hidden < 0):
            raise ChoiceError(f"hidden must be auto, or a number that is at least 0; got {self.hidden!r}")


@dataclass(frozen=True)
class LabellingChoices(NuisanceChoices):
    """How stars are labelled; nuisances are those of the model unless given."""

    starts: int = choice(N_STARTS, "reference stars whose labels are tried as starts", least=1)
    seed: int = choice(SEED, "decides starts and draws", least=0)
    prior: str = choice("flat", "prior of a star's labels, built from the reference set", values=LABEL_PRIORS)
    posterior: bool = choice(False, "sample the posterior of every star: adds its quantiles")
    draws: int = choice(N_DRAWS, "posterior draws per star, with --posterior", least=100, metavar="N")
    correct_offsets: bool = choice(
        False, "subtract the offsets that held-out stars of such labels have, in a calibrated model; errors follow"
    )


@dataclass(frozen=True)
class InformationChoices(Choices):
    """The star whose information is evaluated."""

    at: Mapping[str, float] = choice(
        dict,
        "its labels; the median of the reference stars for those that are not given",
        metavar="NAME=VALUE,...",
    )
    snr: float = choice(INFORMATION_SNR, "its S/N, as the files' headers give it", metavar="X")
    block: float = choice(INFORMATION_BLOCK, "width of the blocks of wavelengths [A]", metavar="A")


@dataclass(frozen=True)
class FoldChoices(Choices):
    """How the reference stars are held out: each is labelled by a model that never saw it."""

    folds: int = choice(
        N_FOLDS,
        "label the reference stars out of N folds, for calibrated errors and coverage; 0 does neither",
        least=0,
        metavar="N",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.folds == 1:
            raise ChoiceError("folds must be 0 (no star is held out) or at least 2; got 1")


@dataclass(frozen=True)
class ValidationChoices(FoldChoices):
    """How inferred labels are compared with the reference labels."""

    folds: int = choice(
        N_FOLDS,
        "label the reference stars out of N folds, or take the held-out labels of a training with as many; 0 leaves "
        "k-fold statistics out",
        least=0,
        metavar="N",
    )
    snr_min: float = choice(SNR_MIN, "statistics also for stars above this S/N of the files' headers", metavar="X")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isfinite(self.snr_min):
            raise ChoiceError(f"snr_min must be finite; got {self.snr_min}")

"""Statuses and result flags of stars; every member has a name and a sentence that explains it."""

from enum import IntEnum, IntFlag
from typing import Self


class _Status(IntEnum):
    """Status numbers with a sentence each."""

    def __new__(cls, value: int, sentence: str) -> Self:
        """Attach the sentence to the member."""
        member = int.__new__(cls, value)
        member._value_ = value
        member.sentence = sentence
        return member

    sentence: str


class FitStatus(_Status):
    """How the fit of one star ended; `sentence` explains each member."""

    CONVERGED = 0, "The best optimum was found and its curvature is positive definite."
    NOT_CONVERGED = 1, "The optimiser stopped before the gradient vanished; the labels are the best that it found."
    FEW_PIXELS = 2, "No more live pixels than labels; no labels were fitted."
    SINGULAR = 3, "The spectrum does not determine every label; there are no errors."


class ErrorStatus(_Status):
    """Whether one kind of error could be given for one star; `sentence` explains each member."""

    GIVEN = 0, "The error is given."
    NO_FIT = 1, "The star has no labels, or no curvature around them; see the status of its fit."
    FEW_DRAWS = 2, "Fewer than two of the bootstrap models could label the star."
    FEW_BLOCKS = 3, "Too few blocks of pixels constrain a label to estimate the noise from their differences."
    SINGLE = 4, "The star has only one spectrum, so that its labels cannot be compared."
    UNRELIABLE = 5, "The draws of the posterior cannot be trusted; see its status."
    NOT_CALIBRATED = 6, "The model's errors were not calibrated."
    ONE_POPULATION = 7, "The model is of one population, so that labels do not depend on which one the star is of."
    AROUND_ROUTER = 8, "The model of the star's population was trained around that of the whole survey, not by itself."


class ResultFlag(IntFlag):
    """Flags of a catalogue row; `sentence` explains each member."""

    def __new__(cls, value: int, sentence: str) -> "ResultFlag":
        """Attach the sentence to the member."""
        member = int.__new__(cls, value)
        member._value_ = value
        member.sentence = sentence
        return member

    sentence: str

    HIGH_CHI2 = 1, "The reduced chi2 is above the limit (10, as in the paper)."
    NOT_CONVERGED = 2, "The fit did not converge; see the status."
    FEW_PIXELS = 4, "Fewer than half of the pixels of the grid are live."
    MULTIMODAL = (
        8,
        "Another optimum has a chi2 within 9 of the best, or fewer than half of the starts reached the best.",
    )
    OUTSIDE_COVERAGE = (
        16,
        "A label is outside the reference set's range; if coverage was assessed, farther than 99 % of held-out stars.",
    )
    LOW_SNR = 32, "The signal-to-noise ratio in the g band is below ten."
    NOVEL_SPECTRUM = 64, "The model leaves more of the spectrum unexplained than of held-out reference stars."
    PRIOR_DOMINATED = 128, "The prior moves a label by more than its formal error, or halves its variance."
    LITTLE_INFORMATION = (
        256,
        "The live pixels tell less of a label, or are fewer, than those of any star that the errors are calibrated on.",
    )
    LARGE_NUISANCE = (
        512,
        "Velocity, line spread or continuum are beyond three standard deviations of their priors.",
    )
    MANY_OUTLIERS = 1024, "More than 5 % of the live pixels are outliers, which have lost their weight."
    BETWEEN_POPULATIONS = 2048, "No population has a probability of 0.9; the labels are a mixture of several models'."


# flags of rows that should not be used, and of rows to be used with care
FLAG_BAD = (
    ResultFlag.HIGH_CHI2
    | ResultFlag.NOT_CONVERGED
    | ResultFlag.OUTSIDE_COVERAGE
    | ResultFlag.NOVEL_SPECTRUM
    | ResultFlag.LITTLE_INFORMATION
)
FLAG_WARN = (
    ResultFlag.FEW_PIXELS
    | ResultFlag.MULTIMODAL
    | ResultFlag.LOW_SNR
    | ResultFlag.PRIOR_DOMINATED
    | ResultFlag.LARGE_NUISANCE
    | ResultFlag.MANY_OUTLIERS
    | ResultFlag.BETWEEN_POPULATIONS
)


def flag_table() -> str:
    """Return the table of result flags as markdown, for the documentation."""
    lines = ["| bit | flag | sets | meaning |", "|---|---|---|---|"]
    for flag in ResultFlag:
        sets = "`flag_bad`" if flag & FLAG_BAD else "`flag_warn`"
        lines.append(f"| {int(flag)} | `{flag.name}` | {sets} | {flag.sentence} |")
    return "\n".join(lines)


class PosteriorStatus(_Status):
    """How the posterior of one star was found; `sentence` explains each member."""

    SAMPLED = 0, "Importance sampling around the modes; its weights can be trusted."
    ADAPTED = 1, "Importance sampling from a proposal that was refitted to the posterior; its weights can be trusted."
    NUTS = 2, "Sampled with NUTS, because the importance weights could not be trusted."
    UNRELIABLE = 3, "The importance weights cannot be trusted (k-hat above 0.7), and NUTS did not run or converge."
    NO_POSTERIOR = 4, "The spectrum and the prior do not determine every label; the posterior was not sampled."

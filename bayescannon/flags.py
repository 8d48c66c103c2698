"""Bit flags: APOGEE's, per release, and ours; every bit is unique and has a name."""

from enum import IntEnum, IntFlag
from typing import Self


class _Status(IntEnum):
    """Numbers whose members carry their sentences."""

    def __new__(cls, value: int, sentence: str) -> Self:
        """Attach the sentence to the member."""
        member = int.__new__(cls, value)
        member._value_ = value
        member.sentence = sentence
        return member

    sentence: str


class FitStatus(_Status):
    """How the fit of one star ended; each member carries its sentence."""

    CONVERGED = 0, "The best optimum was found and its curvature is positive definite."
    NOT_CONVERGED = 1, "The optimiser stopped before the gradient vanished; the labels are the best it saw."
    FEW_PIXELS = 2, "No more live pixels than labels; no labels were fitted."
    SINGULAR = 3, "The spectrum does not determine every label; no errors can be given."


class ErrorStatus(_Status):
    """Whether one kind of error of one star could be given; each member carries its sentence."""

    GIVEN = 0, "The error is given."
    NO_FIT = 1, "The star has no labels, or no curvature around them; see the status of its fit."
    FEW_DRAWS = 2, "Fewer than two of the bootstrap models could label the star."
    FEW_BLOCKS = 3, "Too few blocks of pixels carry the information on a label to see the noise between them."
    SINGLE = 4, "The star has one spectrum only; there is nothing to compare it with."


class ResultFlag(IntFlag):
    """Flags of a catalogue row; each member carries its sentence."""

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
    STARTS_DISAGREE = 8, "Fewer than half of the starts reached the best optimum."
    OUTSIDE_REFERENCE = 16, "A label is outside the range of the reference set."
    LOW_SNR = 32, "The signal-to-noise ratio in the g band is below ten."
    PRIOR_DOMINATED = 128, "The prior moves a label by more than its formal error, or halves its variance."


class PosteriorStatus(IntEnum):
    """How the posterior of one star was found; each member carries its sentence."""

    def __new__(cls, value: int, sentence: str) -> "PosteriorStatus":
        """Attach the sentence to the member."""
        member = int.__new__(cls, value)
        member._value_ = value
        member.sentence = sentence
        return member

    sentence: str

    SAMPLED = 0, "Importance sampling around the modes; its weights can be trusted."
    ADAPTED = 1, "Importance sampling from a proposal that was refitted to the posterior; its weights can be trusted."
    NUTS = 2, "No proposal fitted; sampled with NUTS."
    UNRELIABLE = 3, "The importance weights cannot be trusted (k-hat above 0.7), and NUTS did not run or converge."
    NO_POSTERIOR = 4, "The spectrum and the prior do not determine every label; there is nothing to sample."

"""Choices of odd spectra: whether a training prepares for them, and whether a catalogue has them."""

from dataclasses import dataclass

from bayescannon.cannon.choice_fields import ChoiceError, Choices, choice


@dataclass(frozen=True)
class OddTrainingChoices(Choices):
    """Whether held-out stars are scored, for what odd spectra are measured against."""

    odd: bool = choice(
        False,
        "score the held-out stars as pairs and by emission, carbon, wide lines, redshift and sky, which label --odd "
        "needs: takes about as long as the folds",
    )
    double_lined: bool = choice(
        False,
        "with --odd, also as pairs with two velocities: up to 300 dwarfs, each a quarter of a second to a second",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.double_lined and not self.odd:
            raise ChoiceError("double_lined needs odd, which scores held-out stars; give both, or neither")


@dataclass(frozen=True)
class OddChoices(Choices):
    """Whether a catalogue says which spectra are odd."""

    odd: bool = choice(
        False,
        "add the probability of a pair of stars (p_binary), p-values of odd spectra and a flag; for a model of train "
        "--odd: about a hundredth of a second a star, several times that of the labels",
    )

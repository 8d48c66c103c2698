"""Choices of the verbs that evaluate the errors and the coverage of labelled stars."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bayescannon.cannon.choice_fields import ChoiceError, Choices, choice
from bayescannon.cannon.choices import FALSE_ALARMS, N_BOOTSTRAP, N_DRAWS


@dataclass(frozen=True)
class UncertaintyChoices(Choices):
    """Which kinds of error are evaluated, and of which stars."""

    kinds: Sequence[str] | None = choice(
        None,
        "of formal, coefficient, bootstrap, jackknife, sandwich, posterior, calibrated, membership, repeat; all that "
        "can be had but repeat unless given: membership of a survey model, bootstrap and jackknife with the labels of "
        "the training stars",
        metavar="KIND,...",
    )
    stars: str | None = choice(
        None,
        "how many stars to draw at random, or which: names, or a text file with one name per line; all unless given",
        metavar="N|ID,...|FILE",
    )
    bootstrap: int = choice(N_BOOTSTRAP, "models of the bootstrap", metavar="B")
    draws: int = choice(N_DRAWS, "posterior draws of each star", metavar="N")
    keep_draws: bool = choice(False, "keep the labels of bootstraps and posterior draws")


@dataclass(frozen=True)
class ModelSpectraChoices(Choices):
    """Whether the model spectra of labelled stars are written, and of which."""

    model_spectra: str | None = choice(
        None, "write the model flux of the stars at their labels, as a store of spectra", metavar="STORE.zarr"
    )
    residual_spectra: str | None = choice(
        None, "write data - model of the same stars, as a store of spectra", metavar="STORE.zarr"
    )
    model_stars: str | None = choice(
        None,
        "of how many stars, the first, or of which: names, or a text file with one name per line; of all unless given",
        metavar="N|ID,...|FILE",
    )


@dataclass(frozen=True)
class CoverageChoices(Choices):
    """How the distance of stars from the training set is assessed."""

    pipeline_labels: str | None = choice(
        None,
        "Survey B's own labels (columns id, teff, logg, fe_h): the label distance is of them",
        metavar="TABLE",
    )
    pipeline_columns: Mapping[str, str] = choice(dict, "where they are named otherwise", metavar="NAME=COL,...")
    false_alarms: float = choice(FALSE_ALARMS, "rate that each flag may have; flags of a catalogue stay", metavar="X")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.false_alarms < 1:
            raise ChoiceError(f"false_alarms must be a share between 0 and 1; got {self.false_alarms}")

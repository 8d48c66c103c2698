"""The choices: one home for names, defaults and help, from which Python, TOML and the command line are made."""

from dataclasses import fields

import pytest

from bayescannon.app.cli_parser import build_parser
from bayescannon.app.config import LabelConfig, LabelsConfig, PrepareConfig, TrainConfig, ValidateConfig
from bayescannon.cannon import choices
from bayescannon.cannon.choice_fields import ChoiceError, Choices
from bayescannon.cannon.choices import (
    FoldChoices,
    InformationChoices,
    LabellingChoices,
    LabelTableChoices,
    NuisanceChoices,
    PrepareChoices,
    ReferenceChoices,
    TrainingChoices,
    ValidationChoices,
)
from bayescannon.cannon.label_priors import LABEL_PRIORS
from bayescannon.cannon.options import TrainingOptions, choose_nuisances
from bayescannon.data.labels import PAPER_LABELS
from bayescannon.io.tables import read_labels
from bayescannon.models.nuisances import CONTINUUM_ORDER, Nuisances

KINDS = (
    PrepareChoices,
    LabelTableChoices,
    ReferenceChoices,
    NuisanceChoices,
    TrainingChoices,
    LabellingChoices,
    FoldChoices,
    ValidationChoices,
    InformationChoices,
)
ARGUMENTS = {
    "prepare": ["spectra", "--out", "s.zarr"],
    "train": ["s.zarr", "--labels", "t.fits", "--out", "m.nc"],
    "label": ["m.nc", "s.zarr", "--out", "c.fits"],
    "validate": ["m.nc", "s.zarr", "--labels", "t.fits"],
}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_choice_says_what_it_is(kind):
    for item in fields(kind):
        assert len(item.metadata["help"]) > 10
        default = getattr(kind(), item.name)
        if item.metadata["values"] and default is not None:
            assert default in item.metadata["values"]


@pytest.mark.parametrize(
    ("verb", "config"),
    [
        ("prepare", (PrepareConfig, {"spectra": "spectra"})),
        ("train", (TrainConfig, {})),
        ("train", (LabelsConfig, {"table": "t.fits"})),
        ("label", (LabelConfig, {})),
        ("validate", (ValidateConfig, {})),
    ],
)
def test_the_command_line_has_the_defaults_of_the_configuration(verb, config):
    kind, required = config
    options = build_parser().parse_args([verb, *ARGUMENTS[verb]])
    assert kind.of(options, **required) == kind(**required)


def test_options_of_the_command_line_become_choices():
    options = build_parser().parse_args(
        ["train", *ARGUMENTS["train"], "--label-names", "teff,logg", "--keep", "teff=4000:", "--keep", "teff=4500:5000",
         "--censor", "logg=5000:5100", "--censor", "logg=5200:5300", "--label-errors", "teff=90,logg=0.1", "--hidden",
         "3", "--columns", "id=name", "--clip-rounds", "0", "--folds", "0"]
    )  # fmt: skip
    train = TrainConfig.of(options)
    assert train.label_names == ["teff", "logg"]
    assert train.keep == {"teff": [4500.0, 5000.0]}
    assert train.censored == {"logg": [[5000.0, 5100.0], [5200.0, 5300.0]]}
    assert train.label_errors == {"teff": 90.0, "logg": 0.1}
    assert (train.hidden, train.clip_rounds, train.folds) == (3, 0, 0)
    assert LabelsConfig.of(options, table="t").columns == {"id": "name"}


def test_nuisances_are_the_same_words_everywhere():
    given = ["--velocity-prior", "5km/s", "--line-spread-prior", "40", "--continuum-prior", "0.01"]
    for verb, config in (("train", TrainConfig), ("label", LabelConfig)):
        found = config.of(build_parser().parse_args([verb, *ARGUMENTS[verb], *given]))
        assert (found.velocity_prior, found.line_spread_prior, found.continuum_prior) == ("5km/s", "40", 0.01)
        assert choose_nuisances(found) == Nuisances(5.0, 40.0, 0.01, CONTINUUM_ORDER)
        helped = {item.name: item.metadata["help"] for item in fields(NuisanceChoices)}
        assert f"highest order; {CONTINUUM_ORDER} unless given" in helped["continuum_order"]
    # what is not given is the model's, and 0 leaves one out
    own = Nuisances(velocity=5, line_spread=40)
    assert choose_nuisances(LabellingChoices(), own) == own
    assert choose_nuisances(LabellingChoices(velocity_prior="0km/s", continuum_prior=0.1), own) == Nuisances(
        line_spread=40, continuum=0.1
    )
    assert TrainingOptions.from_names(velocity_prior="5km/s").nuisances == Nuisances(velocity=5)
    order = LabellingChoices(continuum_order=1)
    assert choose_nuisances(order, Nuisances(continuum=0.01)) == Nuisances(continuum=0.01, continuum_order=1)
    for refused in (
        lambda: choose_nuisances(order, own),
        lambda: TrainingOptions.from_names(velocity_prior="5km/s", continuum_order=1),
    ):
        with pytest.raises(ChoiceError, match="continuum_order=1 has no effect without a continuum prior"):
            refused()


def test_parsing_twice_starts_anew():
    parser = build_parser()
    parser.parse_args(["train", *ARGUMENTS["train"], "--keep", "teff=4000:5000"])
    assert parser.parse_args(["train", *ARGUMENTS["train"]]).keep == {}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TrainingChoices(coefficients="pool"), "coefficients must be one of flat, normal, pooled"),
        (lambda: LabellingChoices(starts=0), "starts must be at least 1; got 0"),
        (lambda: FoldChoices(folds=1), "folds must be 0"),
        (lambda: LabelTableChoices(radius=0.0), "radius must be positive"),
        (lambda: ReferenceChoices(keep={"teff": [5000, 4000]}), "low < high"),
        (lambda: ReferenceChoices(clip_sigma=0.0), "clip_sigma must be positive"),
        (lambda: TrainingOptions.from_names(coefficient="pooled"), "'coefficient' is no choice of the training"),
    ],
)
def test_choices_that_make_no_sense_are_refused(make, message):
    with pytest.raises(ChoiceError, match=message):
        make()


def test_names_are_those_that_the_readers_know():
    """Rooms before this one cannot import the names of choices; so the names are compared."""
    assert tuple(ReferenceChoices().label_names) == PAPER_LABELS
    assert choices.LABEL_PRIORS is LABEL_PRIORS
    with pytest.raises(ValueError, match=r"format must be .*; got 'nothing'") as error:
        read_labels("nothing.csv", format="nothing")
    assert all(name in str(error.value) for name in choices.LABEL_FORMATS)


def test_choices_are_all_listed_here():
    kinds = {kind for kind in vars(choices).values() if isinstance(kind, type) and issubclass(kind, Choices)}
    assert kinds == {*KINDS, Choices}

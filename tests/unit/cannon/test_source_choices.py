"""The choices of tables of labels from several surveys."""

from dataclasses import fields

import pytest

from bayescannon.app.cli_parser import build_parser
from bayescannon.app.config import LabelsConfig, TrainConfig
from bayescannon.cannon import source_choices
from bayescannon.cannon.choice_fields import ChoiceError, Choices
from bayescannon.cannon.label_source import LabelSource
from bayescannon.cannon.source_choices import MergeChoices, SourceChoices

TRAIN = ["train", "s.zarr", "--out", "m.nc", "--labels", "a.fits"]


def test_every_choice_says_what_it_is_and_has_a_default():
    kinds = {kind for kind in vars(source_choices).values() if isinstance(kind, type) and issubclass(kind, Choices)}
    assert kinds == {SourceChoices, MergeChoices, Choices}
    for kind in (SourceChoices, MergeChoices):
        assert all(len(item.metadata["help"]) > 10 for item in fields(kind()))
    of_source = {item.name for item in fields(SourceChoices)}
    assert of_source <= {item.name for item in fields(LabelSource)}
    for item in fields(SourceChoices):
        assert getattr(LabelSource(None), item.name) == getattr(SourceChoices(), item.name)


def test_the_command_line_has_them():
    options = build_parser().parse_args([*TRAIN, "--labels", "b.csv", "--offsets", "none", "--max-per-cell", "20"])
    assert [str(path) for path in options.labels] == ["a.fits", "b.csv"]
    train = TrainConfig.of(options)
    assert (train.offsets, train.max_per_cell) == ("none", 20)
    usual = TrainConfig.of(build_parser().parse_args(TRAIN))
    assert (usual.offsets, usual.max_per_cell) == ("fit", None)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MergeChoices(offsets="mean"), "offsets must be one of fit, none; got 'mean'"),
        (lambda: MergeChoices(max_per_cell=0), "max_per_cell must be at least 1; got 0"),
        (lambda: SourceChoices(error_scale=0.0), "error_scale must be positive and finite; got 0"),
        (lambda: SourceChoices(errors={"teff": float("nan")}), "the error of teff must be finite"),
        (lambda: SourceChoices(cuts="papers"), "cuts must be one of paper, released, none"),
        (lambda: LabelsConfig(table="t", keep={"teff": [5000.0, 4000.0]}), "the range of teff must be two numbers"),
        (lambda: LabelSource(None, errors={"teff": -1.0}), "the error of teff must be finite and not negative"),
        (lambda: LabelSource(None, match="=id"), "match must be 'id', 'sky'"),
    ],
)
def test_choices_that_make_no_sense_are_refused(make, message):
    with pytest.raises(ChoiceError, match=message):
        make()

"""What sets spectra apart from those that a model was trained on."""

from dataclasses import replace

import pytest

from bayescannon.data.preset import MASKED, PAPER, choose_preset, release_mismatch
from bayescannon.numerics.errors import InputError


@pytest.mark.parametrize(
    ("trained", "labelled"),
    [
        ("LAMOST DR2", "LAMOST DR2"),
        ("LAMOST DR2, LAMOST DR3", "LAMOST DR3"),
        ("", "LAMOST DR3"),
        ("LAMOST DR2", ""),
        ("", ""),
    ],
)
def test_releases_that_the_model_knows_or_nobody_knows_are_no_mismatch(trained, labelled):
    assert release_mismatch(trained, labelled) == ""


def test_the_releases_that_the_model_does_not_know_are_named():
    said = release_mismatch("LAMOST DR2", "LAMOST DR10, LAMOST DR2, LAMOST DR7")
    assert said.startswith(
        "the spectra are of LAMOST DR10, LAMOST DR7, the model was trained on spectra of LAMOST DR2; "
    )
    assert "\n" not in said


def test_the_ways_to_resample_are_chosen_by_name():
    assert choose_preset("paper") is PAPER
    assert choose_preset("paper", "propagate") == replace(PAPER, variance="propagate")
    white = choose_preset("masked", resampling="white")
    assert white == replace(MASKED, resampling="white")
    assert choose_preset("paper", "propagate", "white").variance == "propagate"
    assert choose_preset(PAPER, resampling="linear") == PAPER


def test_ways_to_resample_that_do_not_go_together_are_refused():
    with pytest.raises(InputError, match="white resampling propagates variances; leave variance='interpolate' out"):
        choose_preset("paper", "interpolate", "white")
    with pytest.raises(InputError, match="resampling must be one of linear, white; got 'sinc'"):
        choose_preset("paper", resampling="sinc")
    with pytest.raises(InputError, match="variance must be one of interpolate, propagate; got 'exact'"):
        replace(PAPER, variance="exact")

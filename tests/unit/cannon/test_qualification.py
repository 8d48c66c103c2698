"""A qualified model has calibrated errors and a coverage reference from one pass of held-out labels."""

from dataclasses import replace

import numpy as np
import pytest
import toy
from same import assert_same

from bayescannon.cannon import qualification
from bayescannon.cannon.calibrate import calibrate
from bayescannon.cannon.held_out import hold_out
from bayescannon.cannon.labelling import label_spectra
from bayescannon.cannon.novelty import coverage_from_estimates
from bayescannon.cannon.qualification import qualify
from bayescannon.cannon.reference import ReferenceSetError
from bayescannon.cannon.training import train, train_clipped
from bayescannon.data.grid import GridError
from bayescannon.numerics.errors import InputTypeError


@pytest.fixture(scope="module")
def reference():
    return toy.toy_reference(150)


@pytest.fixture(scope="module")
def model(reference):
    return train(reference)


@pytest.fixture(scope="module")
def qualified(model, reference):
    return qualify(model, reference, folds=3, seed=5)


def test_calibration_and_coverage_are_of_the_same_held_out_stars(model, reference, qualified):
    held_out = hold_out(reference, folds=3, seed=5)
    alone = calibrate(model, reference, held_out, seed=5)
    assert qualified.calibration.hash == alone.calibration.hash
    expected = coverage_from_estimates(model, reference.labels, held_out.estimates, held_out.residuals)
    assert_same(qualified.coverage, expected)
    assert qualified.hash == model.hash, "what decides the labels stays"
    estimates = label_spectra(qualified, reference.spectra)
    assert (estimates["calibrated_error"] > 0).all()


def test_what_was_held_out_before_is_not_held_out_again(model, reference, qualified, monkeypatch):
    held_out = hold_out(reference, folds=3, seed=5)

    def again(*_, **__):
        raise AssertionError("labels are held out twice")

    monkeypatch.setattr(qualification, "hold_out", again)
    given = qualify(model, reference, held_out=held_out, seed=5)
    assert given.calibration.hash == qualified.calibration.hash
    assert_same(given.coverage, qualified.coverage)


def test_progress_counts_the_folds(model, reference):
    seen = []
    qualify(model, reference, folds=2, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 2), (2, 2)]


def test_stars_that_are_too_few_leave_a_model_that_says_why():
    """Twenty stars train a model; halves of them do not."""
    few = toy.toy_reference(20)
    found = qualify(train(few), few, folds=2)
    assert found.calibration is None
    assert found.coverage is None
    assert found.calibration_note.startswith("none: 10 reference stars are too few for the 10 terms")
    # thirty can be held out, and are too few to calibrate
    more = toy.toy_reference(45)
    found = qualify(train(more), more, folds=3)
    assert found.calibration is None
    assert len(found.coverage) == 45
    assert "to calibrate errors at least 50 reference stars" in found.calibration_note


@pytest.mark.parametrize("folds", [1, 151])
def test_folds_that_make_no_sense_are_refused(model, reference, folds):
    with pytest.raises(ValueError, match=r"folds must be (at least 2|from 2 to the 150 reference stars)"):
        qualify(model, reference, folds=folds)


def test_clipped_stars_count_for_the_errors_and_not_for_the_coverage(reference):
    kept, clipped = reference.select(np.arange(140)), reference.select(np.arange(140, 150))
    found = qualify(train(kept), kept, clipped=clipped, folds=2)
    assert found.calibration.n_stars == 150
    assert len(found.coverage) == 140


def test_the_reference_set_must_be_that_of_the_model(model, reference):
    with pytest.raises(GridError, match="the model is on the grid"):
        qualify(model, toy.toy_reference(150, n_pixel=80))
    with pytest.raises(ReferenceSetError, match="it lacks"):
        qualify(model, reference.select(slice(0, 100)))
    with pytest.raises(ReferenceSetError, match="must have the labels"):
        qualify(model, reference.with_labels(["teff"]))
    with pytest.raises(InputTypeError, match=r"qualify\(..., clipped=\) takes ReferenceSet there; got a"):
        qualify(model, reference, clipped=3)


def test_stars_that_were_clipped_stay_with_the_set_and_count_in_the_calibration(reference):
    labels = reference.labels.copy()
    labels[:3] += [2000.0, 4.0, 2.0]
    model, kept = train_clipped(replace(reference, labels=labels))
    # the model of wrong labels may lead a star or two with right ones astray, which are clipped with them
    assert set(reference.spectra.id[:3]) <= set(kept.clipped.spectra.id)
    assert len(kept.clipped) < 7
    assert qualify(model, kept, folds=3).calibration.n_stars == len(kept) + len(kept.clipped)
    assert qualify(model, replace(kept, clipped=None), folds=3).calibration.n_stars == len(kept)

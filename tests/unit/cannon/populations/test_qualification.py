"""What held-out stars say of a survey model: errors of each of its models, and membership as a whole."""

import numpy as np
from toy_survey import toy_survey

from bayescannon.cannon.populations.held_out_membership import log_scores


def test_every_model_has_errors_and_coverage_and_the_mixture_is_held_out():
    model = toy_survey().model
    assert model.is_calibrated
    assert model.is_covered
    held_out = model.held_out
    assert len(held_out) == len(toy_survey().reference)
    assert held_out.labels.folds == 2
    assert 0 <= model.evidence_power <= 1
    np.testing.assert_allclose(held_out.membership.sum(axis=1), 1)
    clear = held_out.shares.max(axis=1) > 0.99
    right = held_out.membership.argmax(axis=1) == held_out.shares.argmax(axis=1)
    assert right[clear].mean() > 0.95


def test_held_out_stars_are_told_no_better_than_those_of_the_training():
    model, reference = toy_survey().model, toy_survey().reference
    from bayescannon.cannon.populations.labelling import label_survey

    seen = label_survey(model, reference.spectra)["membership"].to_numpy()
    shares = model.regions.shares(reference.labels, model.label_names)
    assert model.held_out.log_score() < log_scores(seen, shares).mean() + 0.02

"""Models of the folds from the model of all stars, against models that are trained on the other stars."""

from dataclasses import replace

import numpy as np
import pytest
import toy

from bayescannon.cannon import fold_models as module
from bayescannon.cannon.fold_models import fold_models
from bayescannon.cannon.held_out import deal_folds, hold_out
from bayescannon.cannon.training import train

CHOICES = {
    "pooled, kappa": {"coefficients": "pooled", "noise": "global"},
    "exact labels, hidden": {"hidden": 2},
    "label errors, hidden": {"hidden": 2, "label_errors": "table"},
    "label errors": {"hidden": 0, "label_errors": "table"},
}


@pytest.fixture(scope="module")
def reference():
    return toy.noisy_reference(600, error=0.3, hidden=0.01, n_pixel=60)[0]


@pytest.mark.parametrize("name", CHOICES)
def test_labels_are_those_of_models_trained_without_the_fold(reference, monkeypatch, name):
    model = train(reference, **CHOICES[name])
    monkeypatch.setattr(module, "MANY_STARS", 500)
    quick = hold_out(reference, options=model, folds=4, copies=False).estimates["labels"].to_numpy()
    slow = hold_out(reference, options=model.settled_options, folds=4, copies=False).estimates["labels"].to_numpy()
    off, scatter = quick - slow, (slow - reference.labels).std(axis=0)
    # what is held was found with a third more stars
    assert (off.std(axis=0) < 0.25 * scatter).all()
    # and no star is nearer to its reported labels for it
    np.testing.assert_allclose((quick - reference.labels).std(axis=0), scatter, rtol=0.04)


def test_a_model_of_a_fold_has_only_the_other_stars(reference, monkeypatch):
    monkeypatch.setattr(module, "MANY_STARS", 500)
    model = train(reference, hidden=2, label_errors="table")
    fold = deal_folds(reference, folds=3, seed=1)
    for k, part in enumerate(fold_models(model, reference, fold)):
        assert part.reference_id.tolist() == reference.spectra.id[fold != k].tolist()
        assert part.reference_errors.shape == part.reference_labels.shape
        assert part.loadings.shape == model.loadings.shape
        assert not np.allclose(part.theta, model.theta, rtol=1e-6)
        assert part.fit.n_live.max() <= (fold != k).sum()


def test_a_star_does_not_enter_the_coefficients_of_its_own_fold(reference, monkeypatch):
    monkeypatch.setattr(module, "MANY_STARS", 500)
    model = train(reference, coefficients="pooled", noise="global")
    fold = deal_folds(reference, folds=3, seed=1)
    flux = reference.spectra.flux.copy()
    flux[fold == 1] += 0.1
    other = replace(reference, spectra=replace(reference.spectra, flux=flux))
    mine, theirs = (list(fold_models(model, some, fold))[1] for some in (reference, other))
    np.testing.assert_allclose(mine.theta, theirs.theta, rtol=1e-9)


def test_nothing_changes_for_the_paper(reference, monkeypatch):
    monkeypatch.setattr(module, "MANY_STARS", 500)
    fold = deal_folds(reference, folds=3, seed=1)
    for k, part in enumerate(fold_models(train(reference), reference, fold)):
        np.testing.assert_array_equal(part.theta, train(reference.select(fold != k)).theta)

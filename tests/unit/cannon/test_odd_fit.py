"""Scores of held-out stars: whose models are asked, which stars, and what is refused."""

import numpy as np
import pytest
from odd_survey import dwarf_reference
from toy import toy_reference

from bayescannon.cannon import odd_fit
from bayescannon.cannon.fold_models import fold_models
from bayescannon.cannon.held_out import deal_folds
from bayescannon.cannon.odd_fit import fit_odd_reference, odd_reference_of
from bayescannon.cannon.reference import ReferenceSetError
from bayescannon.cannon.training import train

pytestmark = pytest.mark.filterwarnings("ignore:the median reduced chi2")


@pytest.fixture(scope="module")
def giants():
    reference = toy_reference(120)
    return train(reference), reference


def test_models_of_folds_may_be_given(giants):
    model, reference = giants
    done = []
    own = fit_odd_reference(model, reference, folds=3, seed=4, progress=lambda *step: done.append(step))
    fold = deal_folds(reference, folds=3, seed=4)
    given = odd_reference_of(model, fold_models(model, reference, fold), reference, fold, seed=4)
    assert given.to_dict() == own.to_dict()
    assert done == [(1, 3), (2, 3), (3, 3)]
    assert own.model_hash == model.hash
    assert own.pair_odds is None, "giants are no pairs of the main sequence"


def test_stars_that_the_model_was_not_trained_on_are_left_out(giants):
    model, reference = giants
    part = reference.select(np.arange(90))
    small = train(part)
    found = fit_odd_reference(small, reference, folds=2)
    assert found.to_dict() == fit_odd_reference(small, part, folds=2).to_dict()
    with pytest.raises(ReferenceSetError, match="the model was trained on"):
        fit_odd_reference(model, part, folds=2)


@pytest.mark.long
def test_pairs_with_two_velocities_are_fitted_to_some_dwarfs_only(monkeypatch):
    reference = dwarf_reference(60)
    monkeypatch.setattr(odd_fit, "MOST_DOUBLE_LINED", 22)
    model = train(reference)
    found = fit_odd_reference(model, reference, folds=2, double_lined=True)
    assert found.scores["double_lined"].tail.n_reference <= 22
    assert found.scores["binary"].tail.n_reference > 30

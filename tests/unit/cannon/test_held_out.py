"""Reference stars by models that never saw them."""

import numpy as np
import pytest
import toy

from bayescannon.cannon.held_out import hold_out
from bayescannon.cannon.options import TrainingOptions
from bayescannon.cannon.training import train, train_near
from bayescannon.cannon.validation import validate
from bayescannon.models.coefficient_priors import PooledCoefficients


@pytest.fixture(scope="module")
def reference():
    snr = np.where(np.arange(160) % 2, 80.0, 20.0)
    return toy.toy_reference(160, snr=snr)


def test_no_star_is_labelled_by_a_model_that_saw_it(reference):
    """One star's labels are made absurd: out of fold, its own estimate must not notice."""
    labels = reference.labels.copy()
    labels[7] += [1500, 2, 1]
    spoilt = type(reference)(reference.spectra, labels, reference.errors, reference.label_names)
    clean, other = hold_out(reference, folds=4).estimates, hold_out(spoilt, folds=4).estimates
    assert other["star"].to_numpy().tolist() == reference.spectra.id.tolist()
    np.testing.assert_allclose(clean["labels"][7], other["labels"][7], rtol=1e-6)
    assert not np.allclose(clean["labels"], other["labels"], rtol=1e-6)


@pytest.mark.parametrize("folds", [1, 161])
def test_folds_that_make_no_sense_are_refused(reference, folds):
    with pytest.raises(ValueError, match=r"folds must be (at least 2|from 2 to the 160 reference stars)"):
        hold_out(reference, folds=folds)


def test_folds_are_trained_as_the_model_was(reference, monkeypatch):
    import bayescannon.cannon.fold_models as fold_models

    seen = []

    def watched(model, subset, *, workers):
        seen.append((model, len(subset)))
        return train_near(model, subset, workers=workers)

    monkeypatch.setattr(fold_models, "train_near", watched)
    model = train(reference, options=TrainingOptions(coefficients=PooledCoefficients()))
    validate(model, reference, folds=2)
    assert seen == [(model, 80), (model, 80)]

"""What a model gives to a training on other stars."""

import numpy as np
import pytest
import toy

from bayescannon.cannon.options import TrainingOptions
from bayescannon.cannon.start import can_hold, has_learned, held_fit
from bayescannon.cannon.training import train, train_near
from bayescannon.data.labels import LabelScaler
from bayescannon.models.label_vector import label_vector


@pytest.mark.parametrize(
    ("choices", "learned", "holds"),
    [
        ({}, False, True),
        ({"scatter": "grid"}, False, True),
        ({"coefficients": "pooled"}, True, True),
        ({"noise": "global"}, True, True),
        ({"hidden": 2}, True, True),
        ({"noise": "star"}, True, False),
        ({"coefficients": "laplace"}, False, False),
        ({"velocity_prior": 5.0}, False, False),
    ],
)
def test_what_is_learned_and_what_can_be_held(choices, learned, holds):
    options = TrainingOptions.from_names(**choices)
    assert (has_learned(options), can_hold(options)) == (learned, holds)


def test_the_spectra_of_labels_do_not_depend_on_the_scaler():
    reference = toy.toy_reference(120)
    model = train(reference, coefficients="pooled")
    scaler = LabelScaler.fit(reference.labels[:70] * 1.1, reference.label_names)
    held = held_fit(model, scaler)
    spectra = label_vector(scaler.to_scaled(reference.labels)) @ held.fit.theta.T
    np.testing.assert_allclose(spectra, label_vector(model.scaler.to_scaled(reference.labels)) @ model.theta.T)
    assert held.prior.precision[:, -1].min() > 0


@pytest.mark.parametrize("choices", [{}, {"noise": "global", "coefficients": "pooled"}])
def test_a_training_from_nearby_ends_where_one_from_nothing_does(choices):
    reference = toy.toy_reference(160)
    part = reference.select(np.arange(160) % 5 != 0)
    near, alone = train_near(train(reference, **choices), part), train(part, **choices)
    np.testing.assert_allclose(near.noise_scale, alone.noise_scale, rtol=3e-3)
    error = np.sqrt(np.diagonal(alone.fit.covariance, axis1=1, axis2=2))
    assert np.abs((near.theta - alone.theta) / error).max() < (0.02 if choices else 1e-12)

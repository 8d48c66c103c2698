"""Moments of reference stars, and the joint covariance of theta and H, against sums by hand."""

from dataclasses import replace

import numpy as np
import pytest
from hidden_survey import hidden_reference

from bayescannon.cannon.likelihood import scaled_ivar
from bayescannon.cannon.training import train
from bayescannon.models.pixel_weights import pixel_weights
from bayescannon.uncertainty.reference_moments import joint_fit, reference_moments


@pytest.mark.parametrize("choices", [{}, {"label_errors": "table"}, {"coefficients": "normal"}])
def test_joint_covariance_is_the_inverse_of_the_normal_equations(choices):
    reference = hidden_reference(150, 4, error=0.3 if "label_errors" in choices else 0.0, n_pixel=40)
    model = train(reference, hidden=2, **choices)
    latent = reference_moments(model, reference, scaled_ivar(model, reference.spectra))
    ivar = scaled_ivar(model, reference.spectra)
    assert latent.products.shape == (150, 12, 12)
    normal = np.einsum("np,nij->pij", pixel_weights(model.scatter, ivar), latent.products)
    if "coefficients" in choices:
        scale = model.options.coefficients.scale
        normal[:, range(4, 10), range(4, 10)] += 1 / scale**2
    # the covariance of theta is that of the training, whose moments are those of the round before
    fit = replace(model.fit, covariance=np.linalg.inv(normal)[:, :10, :10])
    joint = joint_fit(fit, model.loadings, latent, ivar)
    np.testing.assert_allclose(joint.covariance, np.linalg.inv(normal), rtol=1e-6, atol=1e-12)
    assert joint.theta.shape == (40, 12)
    near = joint_fit(model.fit, model.loadings, latent, ivar).covariance
    size = np.sqrt(np.diagonal(near, axis1=1, axis2=2))
    np.testing.assert_allclose(size, np.sqrt(np.diagonal(joint.covariance, axis1=1, axis2=2)), rtol=0.1)
    # components are standardised: the variance of a loading is 1 / sum_n w_n
    np.testing.assert_allclose(near[:, 10, 10] * pixel_weights(model.scatter, ivar).sum(axis=0), 1, rtol=0.25)


def test_without_components_the_fit_stays():
    reference = hidden_reference(150, 4, error=0.3, n_pixel=40, amplitude=0.0)
    model = train(reference, hidden=0, label_errors="table")
    latent = reference_moments(model, reference, scaled_ivar(model, reference.spectra))
    assert latent.products.shape == (150, 10, 10)
    assert joint_fit(model.fit, np.zeros((40, 0)), latent, reference.spectra.ivar) is model.fit

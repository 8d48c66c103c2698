"""What is computed from a star's quartic, against its pixels one by one."""

from dataclasses import replace

import numpy as np
import pytest
import toy

from bayescannon.cannon.likelihood import StarLikelihood
from bayescannon.cannon.star_residuals import star_residuals
from bayescannon.cannon.training import train
from bayescannon.models.label_vector import label_vector, label_vector_jacobian
from bayescannon.reliability.spectrum_scores import BLOCK

N_PIXEL = 120


def model_with(n_hidden):
    """A model with a noise scale, two dead pixels, and hidden components if any."""
    model = train(toy.toy_reference(120, n_pixel=N_PIXEL))
    scatter = model.scatter.copy()
    scatter[[7, 64]] = np.inf
    rng = np.random.default_rng(1)
    loadings = 0.01 * rng.normal(size=(N_PIXEL, n_hidden)) if n_hidden else None
    return replace(
        model, fit=replace(model.fit, scatter=scatter), kappa=rng.uniform(0.7, 1.3, N_PIXEL), loadings=loadings
    )


def slow_residual(model, flux, ivar, scaled):
    """Residual outside of the tangent space and reduced chi2 of one star, by dense least squares over the pixels."""
    noise = np.where(np.isfinite(model.scatter), ivar / model.noise_scale**2, 0.0)
    root = np.sqrt(noise / (1 + np.where(noise > 0, model.scatter, 0.0) ** 2 * noise))
    outside = flux - model.theta @ label_vector(scaled)
    if model.loadings is not None:
        n_hidden = model.loadings.shape[1]
        # h ~ Normal(0, 1) is an observation of 0 with an error of 1
        design = np.concatenate([root[:, None] * model.loadings, np.eye(n_hidden)])
        hidden = np.linalg.lstsq(design, np.concatenate([root * outside, np.zeros(n_hidden)]), rcond=None)[0]
        outside = outside - model.loadings @ hidden
    chi2 = np.sum((root * outside) ** 2) / ((root > 0).sum() - len(scaled))
    tangent = model.theta @ label_vector_jacobian(scaled)
    amplitude = np.linalg.lstsq(root[:, None] * tangent, root * outside, rcond=None)[0]
    return outside - tangent @ amplitude, noise, chi2


@pytest.mark.parametrize("n_hidden", [0, 2])
def test_residuals_from_the_quartic_are_those_of_the_pixels(n_hidden):
    model = model_with(n_hidden)
    labels = toy.toy_labels(6, seed=4)
    spectra = toy.toy_spectra(labels, n_pixel=N_PIXEL, seed=4)
    spectra.ivar[1, 32:64] = 0  # a block without live pixels
    spectra.ivar[2, 3:] = 0  # as many live pixels as labels
    scaled = model.scaler.to_scaled(labels) + 0.02
    scaled[5, 1] = np.nan
    found = star_residuals(StarLikelihood.of(model, spectra), scaled)
    edges = np.arange(0, N_PIXEL, BLOCK)
    for n in (0, 1, 3, 4):
        outside, noise, chi2 = slow_residual(model, spectra.flux[n], spectra.ivar[n], scaled[n])
        assert found.reduced_chi2[n] == pytest.approx(chi2, rel=1e-5)
        assert found.log_snr[n] == pytest.approx(np.log(np.median(np.sqrt(noise[noise > 0]))), rel=1e-12)
        for b, first in enumerate(edges):
            own = noise[first : first + BLOCK]
            if own.sum() == 0:
                assert np.isinf(found.variance[n, b])
                continue
            assert found.variance[n, b] == pytest.approx(1 / own.sum())
            mean = (own * outside[first : first + BLOCK]).sum() / own.sum()
            assert found.residual[n, b] == pytest.approx(mean, abs=1e-8)
    assert np.isinf(found.variance[1, 1])
    assert np.isnan(found.reduced_chi2[[2, 5]]).all()
    assert np.isnan(found.log_snr[[2, 5]]).all()
    assert np.isnan(found.residual[5]).all()

"""Sandwich errors: the true scatter under correlated and under wrong noise, the formal one under right noise."""

from dataclasses import replace

import numpy as np
import pytest
import toy
from expect import expect_between

from bayescannon.cannon.labelling import formal_errors, label_spectra
from bayescannon.cannon.training import train
from bayescannon.data.flags import ErrorStatus
from bayescannon.data.spectra import Spectra
from bayescannon.models.label_vector import label_vector, label_vector_jacobian
from bayescannon.stars.hidden import integrate_hidden
from bayescannon.stars.quartic import chi2_derivatives, compress
from bayescannon.uncertainty.sandwich import sandwich_covariance

N_PIXEL = 480


@pytest.fixture(scope="module")
def model():
    return train(toy.toy_reference(300, n_pixel=N_PIXEL, sigma=0.003))


def stars(model, noise, sigma, seed=1):
    """Spectra of one label vector, as the model says, with the noise given (star, pixel)."""
    labels = np.tile(model.scaler.pivot + 0.5 * model.scaler.scale, (len(noise), 1))
    ids = np.array([f"{seed}-{n}" for n in range(len(noise))])
    ivar = np.full(noise.shape, 1 / sigma**2)
    ivar[np.random.default_rng(seed).random(ivar.shape) < 0.02] = 0
    flux = np.where(ivar > 0, model.predict(labels) + noise, 5.0)
    return Spectra(model.wavelength, flux, ivar, ids)


def errors(covariance):
    return np.sqrt(np.diagonal(covariance, axis1=1, axis2=2))


def correlated(rng, n_star, n_pixel, rho):
    """AR(1) noise of unit variance."""
    noise = rng.normal(size=(n_star, n_pixel))
    for p in range(1, n_pixel):
        noise[:, p] = rho * noise[:, p - 1] + np.sqrt(1 - rho**2) * noise[:, p]
    return noise


def compare(model, noise, sigma, block):
    """Median over stars of sandwich and of formal errors, as fractions of the scatter seen; by label."""
    spectra = stars(model, noise, sigma)
    estimates = label_spectra(model, spectra)
    covariance, status = sandwich_covariance(model, spectra, block=block, estimates=estimates)
    assert (status == ErrorStatus.GIVEN).all()
    scatter = estimates["labels"].to_numpy().std(axis=0)
    return np.sqrt((errors(covariance) ** 2).mean(axis=0)) / scatter, formal_errors(estimates).mean(axis=0) / scatter


def test_right_noise_gives_the_formal_errors(model):
    rng = np.random.default_rng(5)
    noise = np.hypot(0.01, model.scatter) * rng.normal(size=(800, N_PIXEL))
    for block in (1, 8, 40):
        sandwich, formal = compare(model, noise, 0.01, block)
        for k in range(3):
            expect_between(sandwich[k] / formal[k], 0.97, 1.03, what=f"sandwich / formal, blocks of {block}")


def smooth_model(model):
    """The model with coefficients that a line spread has smoothed, as neighbouring pixels of spectra are."""
    kernel = np.exp(-0.5 * (np.arange(-8, 9) / 2.5) ** 2)
    theta = np.apply_along_axis(lambda column: np.convolve(column, kernel / 2, mode="same"), 0, model.theta)
    theta[:, 0] = 0.9
    return replace(model, fit=replace(model.fit, theta=theta))


def test_correlated_noise_of_the_reported_variance(model):
    smooth = smooth_model(model)
    rng = np.random.default_rng(6)
    noise = np.hypot(0.01, model.scatter) * correlated(rng, 800, N_PIXEL, 0.6)
    sandwich, formal = compare(smooth, noise, 0.01, 24)
    for k in range(3):
        expect_between(sandwich[k], 0.9, 1.07, what="sandwich / scatter, correlated noise")
        expect_between(formal[k], 0.4, 0.75, what="formal / scatter, correlated noise")


def test_wrong_variances(model):
    rng = np.random.default_rng(7)
    noise = 0.01 * rng.normal(size=(800, N_PIXEL)) * np.linspace(0.5, 2.5, N_PIXEL)
    sandwich, formal = compare(model, noise, 0.01, 8)
    for k in range(3):
        expect_between(sandwich[k], 0.93, 1.07, what="sandwich / scatter, wrong variances")
        expect_between(formal[k], 0.4, 0.8, what="formal / scatter, wrong variances")


def test_the_sums_are_those_of_a_loop(model):
    rng = np.random.default_rng(8)
    loadings = 0.01 * rng.normal(size=(N_PIXEL, 2))
    hidden = replace(model, loadings=loadings)
    spectra = stars(model, 0.01 * rng.normal(size=(3, N_PIXEL)) + rng.normal(size=(3, 2)) @ loadings.T, 0.01)
    estimates = label_spectra(hidden, spectra)
    covariance, _ = sandwich_covariance(hidden, spectra, block=50, estimates=estimates)
    for n in range(3):
        x = model.scaler.to_scaled(estimates["labels"].to_numpy()[n])
        w = spectra.ivar[n] / (1 + model.scatter**2 * spectra.ivar[n])
        j = model.theta @ label_vector_jacobian(x)
        h = np.linalg.solve(
            loadings.T * w @ loadings + np.eye(2), loadings.T * w @ (spectra.flux[n] - model.theta @ label_vector(x))
        )
        r = spectra.flux[n] - model.theta @ label_vector(x) - loadings @ h
        share = np.linalg.solve(loadings.T * w @ loadings + np.eye(2), loadings.T * w @ j)
        jt = j - loadings @ share
        z = np.concatenate([j, loadings], axis=1)
        q = np.linalg.inv((z.T * w) @ z + np.diag([0, 0, 0, 1, 1]))
        spread = np.diag(1 / np.where(w > 0, w, 1.0)) - z @ q @ z.T
        meat, expected = np.zeros((3, 3)), np.zeros((3, 3))
        for first in range(0, N_PIXEL, 50):
            b = slice(first, first + 50)
            s = (w * r)[b] @ jt[b]
            meat += np.outer(s, s)
            wj = w[b, None] * jt[b]
            expected += wj.T @ spread[b, b] @ wj
        prior = share.T @ share
        gauss = (jt.T * w) @ jt + prior
        correction = np.trace(np.linalg.solve(gauss, gauss - prior)) / np.trace(np.linalg.solve(gauss, expected))
        both = np.concatenate([model.theta, loadings], axis=1)
        quartic = compress(both, model.scatter, spectra.flux[n : n + 1], spectra.ivar[n : n + 1])
        bread = np.linalg.inv(chi2_derivatives(integrate_hidden(quartic, 2)[0], x[None]).gauss_newton[0] / 2)
        slow = bread @ (correction * meat + prior) @ bread * np.outer(model.scaler.scale, model.scaler.scale)
        # products of pixels are in single precision
        np.testing.assert_allclose(covariance[n], slow, rtol=1e-5)


def test_hidden_components_do_not_spoil_it(model):
    rng = np.random.default_rng(9)
    loadings = 0.02 * rng.normal(size=(N_PIXEL, 2))
    noise = np.hypot(0.01, model.scatter) * rng.normal(size=(800, N_PIXEL)) + rng.normal(size=(800, 2)) @ loadings.T
    sandwich, formal = compare(replace(model, loadings=loadings), noise, 0.01, 24)
    for k in range(3):
        expect_between(sandwich[k], 0.93, 1.07, what="sandwich / scatter, hidden components")
        expect_between(formal[k], 0.93, 1.07, what="formal / scatter, hidden components")


def test_bad_stars_are_rows_with_a_status(model):
    spectra = stars(model, 0.01 * np.random.default_rng(1).normal(size=(4, N_PIXEL)), 0.01)
    ivar = spectra.ivar.copy()
    ivar[0] = 0
    ivar[1, 30:] = 0
    covariance, status = sandwich_covariance(model, replace(spectra, ivar=ivar))
    assert status.tolist() == [ErrorStatus.NO_FIT, ErrorStatus.FEW_BLOCKS, ErrorStatus.GIVEN, ErrorStatus.GIVEN]
    assert np.isnan(covariance[:2]).all()
    assert np.isfinite(covariance[2:]).all()
    with pytest.raises(ValueError, match="at least 1 pixel"):
        sandwich_covariance(model, spectra, block=0)

"""Labelling with hidden components against generalised least squares with the dense covariance of the pixels."""

import dataclasses

import numpy as np
import pytest
import toy
from latent_survey import survey
from scipy.optimize import minimize

from bayescannon.cannon.labelling import label_spectra
from bayescannon.cannon.likelihood import star_quartic
from bayescannon.cannon.training import train
from bayescannon.models.label_vector import label_vector, label_vector_jacobian
from bayescannon.models.star_labels import label_model
from bayescannon.pixels.fit import fit_pixels
from bayescannon.stars.hidden import first_loadings, integrate_hidden
from bayescannon.stars.quartic import compress, pseudo_observations


@pytest.fixture(scope="module")
def model():
    """A model with three hidden components, a noise scale that differs from pixel to pixel, and a dead pixel."""
    trained = train(toy.toy_reference(120, n_pixel=60))
    rng = np.random.default_rng(3)
    scatter = trained.scatter.copy()
    scatter[7] = np.inf
    return dataclasses.replace(
        trained,
        fit=dataclasses.replace(trained.fit, scatter=scatter),
        kappa=np.exp(rng.normal(0, 0.2, 60)),
        loadings=0.02 * rng.normal(size=(60, 3)),
    )


@pytest.fixture(scope="module")
def spectra(model):
    drawn = toy.toy_spectra(toy.toy_labels(8, seed=4), n_pixel=60, seed=4)
    hidden = np.random.default_rng(5).normal(size=(8, 3))
    return dataclasses.replace(drawn, flux=drawn.flux + hidden @ model.loadings.T)


def dense_covariance(model, ivar):
    """diag(kappa^2 sigma^2 + s^2) + H H^T of a star's live pixels, and which they are."""
    live = (ivar > 0) & np.isfinite(model.scatter)
    loadings = model.loadings[live]
    return np.diag(model.kappa[live] ** 2 / ivar[live] + model.scatter[live] ** 2) + loadings @ loadings.T, live


def test_labels_are_those_of_dense_generalised_least_squares(model, spectra):
    estimates = label_spectra(model, spectra)
    scaled = model.scaler.to_scaled(estimates["labels"].to_numpy())
    for n in range(len(spectra)):
        covariance, live = dense_covariance(model, spectra.ivar[n])
        inverse = np.linalg.inv(covariance)

        def residual(labels, n=n, live=live):
            return spectra.flux[n, live] - model.theta[live] @ label_vector(labels[None])[0]

        def chi2(labels, inverse=inverse, residual=residual):
            return residual(labels) @ inverse @ residual(labels)

        best = minimize(chi2, np.zeros(3), method="BFGS", options={"gtol": 1e-8})
        np.testing.assert_allclose(scaled[n], best.x, atol=1e-5)
        assert float(estimates["chi2"][n]) == pytest.approx(best.fun, rel=1e-8)
        assert float(estimates["reduced_chi2"][n]) == pytest.approx(best.fun / (live.sum() - 3), rel=1e-8)
        jacobian = model.theta[live] @ label_vector_jacobian(scaled[[n]])[0]
        formal = model.scaler.covariance_from_scaled(np.linalg.inv(jacobian.T @ inverse @ jacobian))
        np.testing.assert_allclose(estimates["formal_covariance"][n], formal, rtol=1e-6)


def test_the_pymc_label_model_has_the_dense_likelihood(model, spectra):
    root, y = pseudo_observations(star_quartic(model, spectra))
    covariance, live = dense_covariance(model, spectra.ivar[2])
    logp = label_model(root[2], y[2], label_names=toy.NAMES).compile_logp(jacobian=False, mode="FAST_COMPILE")
    points = np.random.default_rng(6).normal(size=(5, 3))
    residual = spectra.flux[2, live] - label_vector(points) @ model.theta[live].T
    chi2 = np.einsum("nl,nl->n", residual, np.linalg.solve(covariance, residual.T).T)
    values = np.array([logp({"labels": point}) for point in points])
    np.testing.assert_allclose(-2 * np.diff(values), np.diff(chi2), rtol=1e-8)


def test_formal_errors_are_larger_than_without_the_components(model, spectra):
    with_them, without = (
        label_spectra(one, spectra)["formal_covariance"].to_numpy()
        for one in (model, dataclasses.replace(model, loadings=None))
    )
    ratio = np.diagonal(with_them, axis1=1, axis2=2) / np.diagonal(without, axis1=1, axis2=2)
    assert np.median(ratio) > 1.05


def test_hidden_components_integrate_out_of_the_quartic():
    rng = np.random.default_rng(4)
    theta, loadings = 0.03 * rng.normal(size=(50, 6)), 0.02 * rng.normal(size=(50, 2))
    _, _, _, flux, ivar = survey(5, 50)
    scatter = np.full(50, 0.004)
    quartic, posterior, log_determinant = integrate_hidden(
        compress(np.concatenate([theta, loadings], axis=1), scatter, flux, ivar), 2
    )
    at = rng.normal(size=(5, 2))
    u = label_vector(at)
    u[:, 0] = 0
    for n in range(5):
        live = ivar[n] > 0
        variance = np.diag(scatter[live] ** 2 + 1 / ivar[n, live])
        total = variance + loadings[live] @ loadings[live].T
        residual = flux[n, live] - label_vector(at[n]) @ theta[live].T
        expected = residual @ np.linalg.solve(total, residual)
        found = quartic.c[n] - 2 * quartic.b[n] @ u[n] + u[n] @ quartic.a[n] @ u[n]
        assert found == pytest.approx(expected, rel=1e-9)
        determinants = np.linalg.slogdet(total)[1] - np.linalg.slogdet(variance)[1]
        assert log_determinant[n] == pytest.approx(determinants, rel=1e-9)
        centre = posterior.covariance[n] @ (loadings[live].T @ np.linalg.solve(variance, residual))
        np.testing.assert_allclose(posterior.map[n] @ label_vector(at[n]), centre, rtol=1e-8)


def test_first_loadings_span_the_hidden_components():
    truth, _, _, flux, ivar = survey(n_star=400, n_pixel=60, n_hidden=2, hidden=0.03, sigma=0.005)
    fit = fit_pixels(label_vector(truth), flux, ivar)
    found = first_loadings(label_vector(truth), fit.theta, fit.scatter, flux, ivar, 2)
    assert found.shape == (60, 2)
    explained = found @ found.T
    residual = np.where(ivar > 0, flux - label_vector(truth) @ fit.theta.T, 0)
    total = residual.T @ residual / 400
    assert np.trace(explained) > 0.7 * np.trace(total)
    again = first_loadings(label_vector(truth), fit.theta, fit.scatter, flux, ivar, 2)
    np.testing.assert_array_equal(found, again)

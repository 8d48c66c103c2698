"""The quartic against the pixels: value, derivatives, optimum, and the PyMC label model."""

import numpy as np
import pytest
import slow_cannon

from bayescannon.models.label_vector import label_vector, label_vector_jacobian
from bayescannon.models.star_labels import label_model
from bayescannon.stars.quartic import chi2_derivatives, compress, minimise, pseudo_observations

LABELS = ("teff", "logg", "fe_h", "alpha_m", "a_k")


def trained_model(n_label, n_pixel=300, seed=0):
    """Coefficients of a size that real spectra have: curvature about a fifth of the slopes."""
    rng = np.random.default_rng(seed)
    n_term = len(slow_cannon.vector(np.zeros(n_label)))
    theta = 0.02 * rng.normal(size=(n_pixel, n_term))
    theta[:, 1 + n_label :] *= 0.2
    theta[:, 0] = 0.9
    scatter = np.where(rng.random(n_pixel) < 0.5, 0.0, 0.01)
    scatter[5] = np.inf
    theta[5] = 0
    return theta, scatter


def observed(theta, n_star, n_label, seed=1):
    rng = np.random.default_rng(seed)
    labels = rng.normal(size=(n_star, n_label)).clip(-2, 2)
    sigma = 0.02 * np.exp(rng.normal(0, 0.3, size=(n_star, len(theta))))
    flux = label_vector(labels) @ theta.T + sigma * rng.normal(size=sigma.shape)
    ivar = 1 / sigma**2
    ivar[rng.random(ivar.shape) < 0.1] = 0
    return labels, flux, ivar


def chi2_on_the_pixels(theta, scatter, flux, ivar, labels):
    total = 0.0
    for p in range(len(theta)):
        if ivar[p] > 0 and np.isfinite(scatter[p]):
            total += (flux[p] - theta[p] @ slow_cannon.vector(labels)) ** 2 / (scatter[p] ** 2 + 1 / ivar[p])
    return total


@pytest.mark.parametrize("n_label", [1, 2, 3, 4, 5])
def test_value_and_derivatives_are_those_of_the_pixels(n_label):
    theta, scatter = trained_model(n_label)
    _, flux, ivar = observed(theta, 4, n_label)
    quartic = compress(theta, scatter, flux, ivar)
    at = np.random.default_rng(3).normal(size=(4, n_label))
    result = chi2_derivatives(quartic, at)
    live = np.isfinite(scatter)
    for n in range(4):
        expected = chi2_on_the_pixels(theta, scatter, flux[n], ivar[n], at[n])
        assert result.chi2[n] == pytest.approx(expected, rel=1e-10)
        weight = ivar[n, live] / (1 + scatter[live] ** 2 * ivar[n, live])
        jacobian = theta[live] @ label_vector_jacobian(at[n])
        residual = flux[n, live] - theta[live] @ slow_cannon.vector(at[n])
        np.testing.assert_allclose(result.gradient[n], -2 * jacobian.T @ (weight * residual), rtol=1e-8)
        np.testing.assert_allclose(result.gauss_newton[n], 2 * jacobian.T @ (weight[:, None] * jacobian), rtol=1e-9)
        step = 1e-5
        for k in range(n_label):
            shifted = np.repeat(at[n][None], 2, axis=0) + step * np.array([[1], [-1]]) * (np.arange(n_label) == k)
            up, down = chi2_derivatives(compress(theta, scatter, flux[[n, n]], ivar[[n, n]]), shifted).gradient
            np.testing.assert_allclose(
                result.hessian[n, k], (up - down) / (2 * step), rtol=1e-5, atol=1e-4 * abs(result.hessian[n]).max()
            )


def test_optimum_is_never_worse_than_curve_fit_from_the_same_starts():
    theta, scatter = trained_model(5)
    truth, flux, ivar = observed(theta, 25, 5)
    starts = np.random.default_rng(9).normal(size=(7, 5)).clip(-2, 2)
    quartic = compress(theta, scatter, flux, ivar)
    optima = minimise(quartic, starts)
    best = optima.chi2.argmin(axis=1)
    for n in range(len(truth)):
        labels, chi2, covariance = slow_cannon.label_star(theta, scatter, flux[n], ivar[n], starts)
        assert optima.converged[n, best[n]]
        assert optima.chi2[n, best[n]] <= chi2 + 1e-6
        error = np.sqrt(np.diag(covariance))
        np.testing.assert_allclose((optima.labels[n, best[n]] - labels) / error, 0, atol=1e-4)
        found = optima.labels[n, best[n]][None]
        gauss = chi2_derivatives(compress(theta, scatter, flux[[n]], ivar[[n]]), found).gauss_newton[0]
        np.testing.assert_allclose(np.linalg.inv(gauss / 2), covariance, rtol=1e-3, atol=1e-4 * error.max() ** 2)


def test_a_star_does_not_depend_on_its_neighbours_or_on_workers():
    theta, scatter = trained_model(3)
    _, flux, ivar = observed(theta, 40, 3)
    starts = np.random.default_rng(9).normal(size=(7, 3))
    together = minimise(compress(theta, scatter, flux, ivar, workers=2), starts, workers=2)
    alone = minimise(compress(theta, scatter, flux[[7]], ivar[[7]], workers=1), starts, workers=1)
    np.testing.assert_allclose(together.labels[7], alone.labels[0], atol=1e-9)


def test_pymc_label_model_has_this_likelihood():
    theta, scatter = trained_model(5)
    _, flux, ivar = observed(theta, 1, 5)
    quartic = compress(theta, scatter, flux, ivar)
    root, y = pseudo_observations(quartic)
    assert root.shape == (1, 21, 21)
    model = label_model(root[0], y[0], label_names=LABELS)
    logp = model.compile_logp(jacobian=False, mode="FAST_COMPILE")
    gradient = model.compile_dlogp(jacobian=False, mode="FAST_COMPILE")
    points = np.random.default_rng(2).normal(size=(6, 5))
    values = np.array([logp({"labels": point}) for point in points])
    chi2 = np.array([chi2_derivatives(quartic, point[None]).chi2[0] for point in points])
    np.testing.assert_allclose(-2 * (values - values[0]), chi2 - chi2[0], atol=1e-6)
    optimum = minimise(quartic, points)
    best = optimum.chi2[0].argmin()
    at = optimum.labels[0, best]
    error = np.sqrt(np.diag(np.linalg.inv(chi2_derivatives(quartic, at[None]).hessian[0] / 2)))
    assert np.abs(gradient({"labels": at}) * error).max() < 1e-5


def test_a_star_with_fewer_pixels_than_terms_has_rows_of_zeros():
    theta, scatter = trained_model(2, n_pixel=40)
    _, flux, ivar = observed(theta, 1, 2)
    ivar[0, 10:] = 0
    ivar[0, :8] = 0
    quartic = compress(theta, scatter, flux, ivar)
    root, y = pseudo_observations(quartic)
    assert np.isfinite(root).all()
    assert np.isfinite(y).all()
    assert (np.abs(root[0]).max(axis=1) == 0).sum() >= 4
    with pytest.raises(ValueError, match="2 labels need"):
        label_model(root[0][:3], y[0], label_names=("teff", "logg"))


def test_labels_that_do_not_go_with_the_quartic_are_refused():
    theta, scatter = trained_model(2)
    _, flux, ivar = observed(theta, 2, 2)
    with pytest.raises(ValueError, match="each of 2 stars, and 6 terms"):
        chi2_derivatives(compress(theta, scatter, flux, ivar), np.zeros((2, 3)))


def test_a_star_without_live_pixels_does_not_break_the_others():
    theta, scatter = trained_model(3)
    _, flux, ivar = observed(theta, 3, 3)
    ivar[1] = 0
    optima = minimise(compress(theta, scatter, flux, ivar), np.zeros((2, 3)))
    assert optima.converged[[0, 2]].all()
    assert not optima.converged[1].any()
    assert (optima.labels[1] == 0).all()

"""Hidden components of stars with exact labels: against the dense covariance, PyMC's logp and the general solver."""

import numpy as np
import pytest
from latent_survey import NAMES, survey
from pixel_fits import fit_latent
from scipy.stats import multivariate_normal

from bayescannon.models.label_vector import label_vector
from bayescannon.models.latent_labels import latent_label_model
from bayescannon.models.reported_stars import ReportedStars
from bayescannon.pixels.fit import fit_pixels
from bayescannon.pixels.hidden_step import infer_hidden
from bayescannon.pixels.label_population import LabelPopulation
from bayescannon.pixels.latent_label_step import infer_latent


def setting(n_hidden=2):
    truth, _, _, flux, ivar = survey(n_label=2, n_hidden=2, hidden=0.01)
    fit = fit_pixels(label_vector(truth), flux, ivar)
    loadings = 0.01 * np.random.default_rng(0).normal(size=(flux.shape[1], n_hidden))
    data = ReportedStars(truth, np.full_like(truth, 1e-8), flux, ivar)
    return data, fit, np.concatenate([fit.theta, loadings], axis=1), loadings


def test_the_likelihood_is_that_of_the_dense_covariance():
    data, fit, coefficients, loadings = setting()
    latent = infer_hidden(coefficients, fit.scatter, data)
    for n in range(8):
        live = data.ivar[n] > 0
        variance = fit.scatter[live] ** 2 + 1 / data.ivar[n, live]
        dense = np.diag(variance) + loadings[live] @ loadings[live].T
        mean = fit.theta[live] @ label_vector(data.observed[n])
        exact = multivariate_normal(mean, dense).logpdf(data.flux[n, live])
        constant = -0.5 * np.log(2 * np.pi * variance).sum()
        assert latent.log_likelihood[n] + constant == pytest.approx(exact, abs=1e-8)


def test_it_is_the_limit_of_small_label_errors():
    data, fit, coefficients, _ = setting()
    latent = infer_hidden(coefficients, fit.scatter, data)
    population = LabelPopulation.of_reported(data.observed, data.variance)
    general = infer_latent(coefficients, fit.scatter, data, population, data.observed[:, None])
    np.testing.assert_allclose(latent.hidden, general.hidden, atol=1e-4)
    np.testing.assert_allclose(latent.products, general.products, atol=1e-3)


def test_rounds_rise_to_a_stationary_point_of_the_pymc_model():
    data, _, _, _ = setting()
    observed, flux, ivar = data.observed, data.flux, data.ivar
    found = fit_latent(observed, np.zeros_like(observed), flux, ivar, n_hidden=2, tolerance=1e-9, max_rounds=400)
    assert (np.diff(found.trace) >= 0).all()
    np.testing.assert_array_equal(found.labels, observed)
    # the gradient of the marginal likelihood is that of the joint one averaged over the hidden components: with a
    # point of either sign for each component, since it is of degree two in them
    coefficients = np.concatenate([found.pixels.theta, found.loadings], axis=1)
    latent = infer_hidden(coefficients, found.pixels.scatter, data)
    model = latent_label_model(
        data, label_names=NAMES[:2], n_hidden=2, boundary=True,
        population=(found.population.mean, found.population.covariance),
    )  # fmt: skip
    gradient = model.compile_dlogp(jacobian=False, mode="FAST_COMPILE")
    names = [value.name for value in model.continuous_value_vars]
    point = {"labels": observed, "theta": found.pixels.theta, "scatter": found.pixels.scatter,
             "loadings": found.loadings, "hidden": latent.hidden}  # fmt: skip
    sizes = np.cumsum([point[name].size for name in names])[:-1]
    root = np.linalg.cholesky(latent.joint_covariance[:, 2:, 2:])
    average = dict.fromkeys(names, 0.0)
    steps = np.sqrt(2.0) * np.concatenate([np.eye(2), -np.eye(2)])
    for step in steps:
        values = gradient({**point, "hidden": latent.hidden + root @ step})
        for name, part in zip(names, np.split(values, sizes), strict=True):
            average[name] = average[name] + part / len(steps)
    error = np.sqrt(np.diagonal(found.pixels.covariance, axis1=1, axis2=2))
    assert np.abs(average["theta"].reshape(error.shape) * error).max() < 0.02
    assert np.abs(average["scatter"] * found.pixels.scatter).max() < 0.02
    weak = 0.01 * np.median(error[:, 1])
    assert np.abs(average["loadings"]).max() * weak < 0.01

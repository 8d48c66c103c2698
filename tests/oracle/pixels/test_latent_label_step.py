"""Latent labels given everything else against quadrature, refits and the PyMC model."""

import numpy as np
import pytest
from latent_survey import NAMES, nodes, survey

from bayescannon.models.label_vector import label_vector
from bayescannon.models.latent_labels import latent_label_model
from bayescannon.pixels.fit import fit_pixels
from bayescannon.pixels.label_population import LabelPopulation
from bayescannon.pixels.latent_label_step import ReportedStars, infer_latent
from bayescannon.stars.hidden import integrate_hidden
from bayescannon.stars.quartic import compress


def test_marginal_objective_is_that_of_quadrature():
    truth, observed, variance, flux, ivar = survey(n_label=2, error=0.3)
    fit = fit_pixels(label_vector(truth), flux, ivar)
    population = LabelPopulation.of_reported(observed, variance)
    latent = infer_latent(fit.theta, fit.scatter, ReportedStars(observed, variance, flux, ivar), population,
                          observed[:, None])  # fmt: skip
    grid, weight = nodes(2, 31)
    own = np.linalg.inv(population.covariance)
    for n in range(10):
        x = latent.mean[n] + grid @ np.linalg.cholesky(latent.covariance[n]).T
        residual = flux[n] - label_vector(x) @ fit.theta.T
        w = ivar[n] / (1 + fit.scatter**2 * ivar[n])
        logs = -0.5 * (w * residual**2).sum(axis=1)
        logs -= 0.5 * ((observed[n] - x) ** 2 / variance[n] + np.log(2 * np.pi * variance[n])).sum(axis=1)
        away = x - population.mean
        logs -= 0.5 * (np.einsum("qi,ij,qj->q", away, own, away) - np.linalg.slogdet(own / (2 * np.pi))[1])
        # importance weights against the Gaussian of the nodes
        logs += 0.5 * (grid**2).sum(axis=1) + 0.5 * np.linalg.slogdet(2 * np.pi * latent.covariance[n])[1]
        exact = np.log(weight @ np.exp(logs - logs.max())) + logs.max()
        assert latent.log_likelihood[n] == pytest.approx(exact, abs=0.01)


def test_logp_of_the_pymc_model_is_the_folded_quartic():
    _, observed, variance, flux, ivar = survey(n_label=2, n_hidden=2, hidden=0.01)
    rng = np.random.default_rng(0)
    fit = fit_pixels(label_vector(observed), flux, ivar)
    loadings = 0.01 * rng.normal(size=(40, 2))
    coefficients = np.concatenate([fit.theta, loadings], axis=1)
    population = LabelPopulation.of_reported(observed, variance)
    model = latent_label_model(
        ReportedStars(observed, variance, flux, ivar), label_names=NAMES[:2], boundary=True, n_hidden=2,
        population=(population.mean, population.covariance),
    )  # fmt: skip
    logp = model.compile_logp(jacobian=False, mode="FAST_COMPILE")
    quartic, hidden, _ = integrate_hidden(compress(coefficients, fit.scatter, flux, ivar), 2)
    mean, precision, _ = population.given_reported(observed, variance)
    values, expected = [], []
    for _ in range(4):
        x = rng.normal(size=observed.shape)
        v = label_vector(x)
        # at the best hidden components the joint density is the integrated one, but for a constant
        h = np.einsum("nht,nt->nh", hidden.map, v)
        v[:, 0] = 0
        chi2 = quartic.c - 2 * (quartic.b * v).sum(axis=1) + np.einsum("ni,nij,nj->n", v, quartic.a, v)
        chi2 += np.einsum("ni,nij,nj->n", x - mean, precision, x - mean)
        expected.append(-0.5 * chi2.sum())
        values.append(logp({"labels": x, "theta": fit.theta, "scatter": fit.scatter, "hidden": h,
                            "loadings": loadings}))  # fmt: skip
    np.testing.assert_allclose(np.diff(values), np.diff(expected), rtol=1e-8)

"""Labels and nuisances that settled against the maximum of the full PyMC model by a slow optimiser."""

import numpy as np
import pytest
from nuisance_stars import NuisanceStars
from scipy.optimize import minimize

from bayescannon.models.label_vector import label_vector
from bayescannon.models.nuisance_labels import nuisance_label_model
from bayescannon.models.nuisances import Nuisances
from bayescannon.stars.nuisance_rounds import settle
from bayescannon.stars.optimum import find_labels

NAMES = ["teff", "logg"]


def slow_maximum(spectra, stars, n, nuisances):
    """The labels and amplitudes of the largest posterior, by BFGS from the truth."""
    stated = nuisance_label_model(
        spectra.response, stars.scatter, stars.flux[n], stars.ivar[n], nuisances=nuisances, label_names=NAMES
    )
    logp = stated.compile_logp([stated["flux"]], jacobian=False, mode="FAST_COMPILE")
    slope = stated.compile_dlogp(stated.free_RVs, jacobian=False, mode="FAST_COMPILE")

    def point(x):
        return {"labels": x[:2], "amplitudes": x[2:] - spectra.offset}

    def value(x):
        return -logp(point(x)) + 0.5 * np.sum(x[2:] ** 2)

    def gradient(x):
        # the compiled slope has the prior of the amplitudes beyond the node's
        return -slope(point(x)) + np.concatenate([np.zeros(2), spectra.offset])

    start = np.concatenate([stars.labels[n], spectra.offset])
    return minimize(value, start, jac=gradient, method="BFGS", options={"gtol": 1e-4}).x


@pytest.mark.parametrize(
    ("velocity", "line_spread", "nuisances", "largest"),
    [
        (20.0, 0.0, Nuisances(velocity=20), 0.05),
        (20.0, 800.0, Nuisances(velocity=20, line_spread=40), 0.05),
        (-40.0, 4000.0, Nuisances(velocity=20, line_spread=60, continuum=0.01, continuum_order=1), 0.1),
    ],
)
def test_settled_labels_are_the_maximum_of_the_full_model(velocity, line_spread, nuisances, largest):
    stars = NuisanceStars(velocity, line_spread, n_star=4)
    model = stars.model(nuisances, dtype=np.float32)
    fit = settle(model, stars.flux, stars.ivar, np.zeros((1, 2)))
    assert fit.settled.all()
    found = find_labels(fit.quartic, np.zeros((1, 2)))
    amplitudes = np.einsum("nht,nt->nh", fit.posterior.map, label_vector(found.scaled))
    for n in range(4):
        best = slow_maximum(model.at(tuple(fit.nodes[n].tolist())), stars, n, nuisances)
        off = found.scaled[n] - best[:2]
        assert np.sqrt(off @ np.linalg.solve(found.covariance[n], off)) < largest
        # so far from the start the posterior of an amplitude is as narrow as its error
        error = np.sqrt(np.diagonal(fit.posterior.covariance[n]))
        assert (np.abs(amplitudes[n] - best[2:]) < 0.15 * error).all()
    speed = nuisances.in_units(amplitudes, "velocity")
    np.testing.assert_allclose(speed, velocity, atol=5.0)


def test_nodes_make_large_errors_harmless():
    """At 60 km/s, nearly a pixel, a polynomial around rest would be wrong by many formal errors."""
    stars = NuisanceStars(60.0, n_star=6, sigma=0.003)
    model = stars.model(Nuisances(velocity=30))
    fit = settle(model, stars.flux, stars.ivar, np.zeros((1, 2)))
    assert fit.settled.all()
    assert (fit.nodes[:, 0] == 4).all()
    found = find_labels(fit.quartic, np.zeros((1, 2)))
    assert (np.abs(found.scaled - stars.labels) < 5 * found.formal).all()


def test_no_stars_give_empty_fits():
    stars = NuisanceStars(0.0, n_star=0)
    model = stars.model(Nuisances(velocity=5))
    fit = settle(model, stars.flux, stars.ivar, np.zeros((1, 2)))
    assert fit.quartic.a.shape == (0, 6, 6)
    assert fit.settled.shape == (0,)


def test_stars_that_the_model_does_not_describe_are_not_settled_and_do_no_harm():
    stars = NuisanceStars(0.0, n_star=6)
    model = stars.model(Nuisances(velocity=20, line_spread=40), dtype=np.float32)
    flux, ivar = stars.flux.copy(), stars.ivar.copy()
    rng = np.random.default_rng(3)
    flux[0] = 1 + 0.5 * rng.normal(size=flux.shape[1])
    ivar[0] = 1e8
    ivar[1] = 0.0
    ivar[2, 4:] = 0.0
    fit = settle(model, flux, ivar, np.zeros((1, 2)))
    assert np.isfinite(fit.quartic.a).all()
    assert np.isfinite(fit.quartic.b).all()
    alone = settle(model, flux[3:], ivar[3:], np.zeros((1, 2)))
    np.testing.assert_allclose(fit.quartic.b[3:], alone.quartic.b, rtol=1e-5)
    assert fit.settled[3:].all()

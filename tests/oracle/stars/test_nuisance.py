"""The linearised likelihood with nuisances against PyMC, and against the dense covariance of the pixels."""

import numpy as np
import pytest
from nuisance_stars import NuisanceStars

from bayescannon.models.label_vector import label_vector
from bayescannon.models.nuisance_labels import nuisance_label_model
from bayescannon.models.nuisances import Nuisances
from bayescannon.models.pixel_weights import pixel_weights
from bayescannon.models.star_labels import label_model
from bayescannon.stars.hidden import integrate_hidden
from bayescannon.stars.nuisance import REST, linearise
from bayescannon.stars.quartic import compress, pseudo_observations

NAMES = ["teff", "logg"]
KINDS = {
    "velocity": Nuisances(velocity=20),
    "line spread": Nuisances(line_spread=40),
    "all": Nuisances(velocity=20, line_spread=40, continuum=0.02, continuum_order=2),
}


def chi2(quartic, vectors):
    """chi2 of each star at vectors w, whose first element, 1, the quartic does not use."""
    w = vectors.copy()
    w[:, 0] = 0.0
    return quartic.c - 2 * np.einsum("ni,ni->n", quartic.b, w) + np.einsum("ni,nij,nj->n", w, quartic.a, w)


def linearised(stars, model, node, labels, hidden):
    spectra = model.at(node)
    columns = np.concatenate([spectra.response.theta, spectra.loadings], axis=1)
    curvature = compress(columns, stars.scatter, stars.flux, stars.ivar).a
    weight = pixel_weights(stars.scatter, stars.ivar)
    curvature = spectra.curvature(curvature, weight, labels)
    return linearise(spectra, curvature, stars.flux, weight, labels, hidden)


@pytest.mark.parametrize("node", [REST, (2, 1)])
@pytest.mark.parametrize("nuisances", KINDS.values(), ids=KINDS)
def test_value_and_gradient_are_those_of_the_pymc_model(nuisances, node):
    stars = NuisanceStars(15.0, 500.0, n_star=3)
    model = stars.model(nuisances)
    node = (node[0] * (nuisances.velocity > 0), node[1] * (nuisances.line_spread > 0))
    rng = np.random.default_rng(2)
    labels, hidden = stars.labels + 0.1 * rng.normal(size=(3, 2)), rng.normal(size=(3, len(nuisances.names)))
    whole = linearised(stars, model, node, labels, hidden)
    spectra = model.at(node)
    values, gradients = [], []
    for n in range(3):
        stated = nuisance_label_model(
            spectra.response, stars.scatter, stars.flux[n], stars.ivar[n], nuisances=nuisances, label_names=NAMES
        )
        # the node's response is of amplitudes beyond the node's; the prior is of the whole amplitude
        point = {"labels": labels[n], "amplitudes": hidden[n] - spectra.offset}
        variables = [stated["flux"]]
        logp = stated.compile_logp(variables, jacobian=False, mode="FAST_COMPILE")
        slope = stated.compile_dlogp(stated.free_RVs, jacobian=False, mode="FAST_COMPILE")
        values.append(-2 * logp(point))
        own = -2 * slope(point)
        own[2:] += -2 * (hidden[n] - spectra.offset)
        gradients.append(own)
    at = np.concatenate([label_vector(labels), hidden], axis=1)
    np.testing.assert_allclose(np.diff(chi2(whole, at)), np.diff(values - _constant(stars)), rtol=1e-8)
    for n in range(3):
        for k in range(at.shape[1] - 4):
            step = np.zeros((3, 2 + len(nuisances.names)))
            step[n, k] = 1e-4
            ahead, behind = (
                np.concatenate([label_vector(labels + sign * step[:, :2]), hidden + sign * step[:, 2:]], axis=1)
                for sign in (1, -1)
            )
            found = (chi2(whole, ahead) - chi2(whole, behind))[n] / 2e-4
            assert found == pytest.approx(gradients[n][k], rel=1e-5, abs=1e-4)


def _constant(stars):
    """-2 ln of the normalisations of each star's pixels."""
    weight = pixel_weights(stars.scatter, stars.ivar)
    return np.where(weight > 0, np.log(2 * np.pi) - np.log(np.where(weight > 0, weight, 1.0)), 0.0).sum(axis=1)


@pytest.mark.parametrize("nuisances", KINDS.values(), ids=KINDS)
def test_the_marginal_is_that_of_the_dense_covariance(nuisances):
    stars = NuisanceStars(15.0, 500.0, n_star=3)
    loadings = 0.02 * np.random.default_rng(5).normal(size=(300, 2))
    model = stars.model(nuisances, loadings=loadings)
    n_more = len(nuisances.names)
    whole = linearised(stars, model, REST, stars.labels, np.zeros((3, 2 + n_more)))
    left, posterior, log_determinant = integrate_hidden(whole, 2 + n_more)
    directions = model.at(REST).directions(stars.labels).swapaxes(0, 1)
    weight = pixel_weights(stars.scatter, stars.ivar)
    points = stars.labels + 0.2 * np.random.default_rng(3).normal(size=(4, 3, 2))
    for n in range(3):
        live = weight[n] > 0
        effects = np.concatenate([loadings[live], directions[n][:, live].T], axis=1)
        total = np.diag(1 / weight[n, live]) + effects @ effects.T
        for point in points:
            residual = stars.flux[n, live] - stars.theta[live] @ label_vector(point[n])
            expected = residual @ np.linalg.solve(total, residual)
            assert chi2(left, label_vector(point))[n] == pytest.approx(expected, rel=1e-8)
        determinants = np.linalg.slogdet(total)[1] + np.log(weight[n, live]).sum()
        assert log_determinant[n] == pytest.approx(determinants, rel=1e-8)

    # the label model with the amplitudes as variables, at their mean given the labels
    root, y = pseudo_observations(whole)
    stated = label_model(root[1], y[1], label_names=NAMES, n_hidden=2 + n_more)
    logp = stated.compile_logp(jacobian=False, mode="FAST_COMPILE")
    found = [-2 * logp({"labels": point[1], "hidden": posterior.map[1] @ label_vector(point[1])}) for point in points]
    expected = [chi2(left, label_vector(point))[1] for point in points]
    np.testing.assert_allclose(np.diff(found), np.diff(expected), rtol=1e-7)

"""A prior as the exact solvers take it against its PyMC statement, and optima under priors against scipy."""

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
from scipy.optimize import minimize

from bayescannon.data.labels import LabelError, LabelScaler
from bayescannon.models.label_priors import BoxLabels, CoverageLabels, FlatLabels, MixtureLabels
from bayescannon.models.label_vector import label_vector
from bayescannon.models.star_labels import label_model
from bayescannon.numerics.label_density import LabelDensity
from bayescannon.stars.quartic import chi2_derivatives, compress, minimise, pseudo_observations

NAMES = ("teff", "logg", "fe_h")
SCALER = LabelScaler(NAMES, np.array([4700.0, 2.4, -0.2]), np.array([250.0, 0.5, 0.2]))
RNG = np.random.default_rng(4)


def covariances(n, k):
    root = RNG.normal(size=(n, k, k))
    scale = SCALER.scale[:k]
    return (root @ root.transpose(0, 2, 1) + 0.5 * np.eye(k)) * np.outer(scale, scale)


def centres(n, k):
    return SCALER.pivot[:k] + SCALER.scale[:k] * RNG.normal(size=(n, k))


PRIORS = {
    "flat": FlatLabels(),
    "box": BoxLabels(NAMES, SCALER.pivot - 0.8 * SCALER.scale, SCALER.pivot + 0.5 * SCALER.scale),
    "box of one": BoxLabels(("logg",), np.array([2.1]), np.array([2.6])),
    "gaussian": MixtureLabels.gaussian(NAMES, centres(1, 3)[0], covariances(1, 3)[0]),
    "gaussian of two": MixtureLabels.gaussian(NAMES[:2], centres(1, 2)[0], covariances(1, 2)[0]),
    "mixture": MixtureLabels(NAMES, np.array([0.2, 0.5, 0.3]), centres(3, 3), covariances(3, 3)),
    "coverage": CoverageLabels(NAMES, np.array([20.0, 3.0]), centres(2, 3), 0.1 * covariances(2, 3), 2.9),
    "coverage of two": CoverageLabels(NAMES[:2], np.array([20.0, 3.0]), centres(2, 2), 0.1 * covariances(2, 2), 2.9),
}


def stars(n_star=5, n_pixel=60, sigma=0.3):
    """Quartics of noisy stars, so that priors matter."""
    rng = np.random.default_rng(1)
    theta = 0.1 * rng.normal(size=(n_pixel, 10))
    theta[:, 4:] *= 0.3
    labels = rng.normal(size=(n_star, 3))
    flux = label_vector(labels) @ theta.T + sigma * rng.normal(size=(n_star, n_pixel))
    return compress(theta, np.zeros(n_pixel), flux, np.full(flux.shape, sigma**-2))


@pytest.mark.parametrize("name", PRIORS)
def test_the_density_is_the_pymc_statement(name):
    prior = PRIORS[name]
    quartic = stars()
    root, y = pseudo_observations(quartic)
    model = label_model(root[0], y[0], label_names=NAMES, prior=prior, scaler=SCALER)
    value = model.rvs_to_values[model["labels"]]
    transform = model.rvs_to_transforms[model["labels"]]
    logp = model.compile_logp(jacobian=False, mode="FAST_COMPILE")
    points = RNG.uniform(-0.4, 0.35, size=(6, 3))
    density = prior.density(SCALER)
    fast = -0.5 * chi2_derivatives(quartic.select(np.zeros(6, dtype=int)), points, density=density).chi2
    to_value = (lambda x: x) if transform is None else lambda x: transform.forward(x, *value_parameters(model)).eval()
    statement = np.array([logp({value.name: to_value(point)}) for point in points])
    np.testing.assert_allclose(statement - statement[0], fast - fast[0], atol=1e-8)
    alone = chi2_derivatives(quartic.select(np.zeros(6, dtype=int)), points).chi2
    np.testing.assert_allclose(fast, -0.5 * alone + density.log_density(points), atol=1e-10)


def value_parameters(model):
    return model["labels"].owner.inputs


@pytest.mark.parametrize("name", PRIORS)
def test_log_density_of_many_points_is_the_same_statement(name):
    prior = PRIORS[name]
    points = RNG.uniform(-0.4, 0.35, size=(4, 3))
    x = pt.matrix("x", shape=(None, 3))
    symbolic = pm.compile([x], prior.log_density(x, SCALER), mode="FAST_COMPILE")(points)
    fast = prior.density(SCALER).log_density(points)
    np.testing.assert_allclose(symbolic - symbolic[0], fast - fast[0], atol=1e-9)


@pytest.mark.parametrize("name", PRIORS)
def test_derivatives_are_those_of_finite_differences(name):
    density = PRIORS[name].density(SCALER)
    quartic = stars()
    x = RNG.uniform(-0.4, 0.35, size=(5, 3))
    at, step = chi2_derivatives(quartic, x, density=density), 1e-5
    for k in range(3):
        shift = step * np.eye(3)[k]
        above, below = (chi2_derivatives(quartic, x + sign * shift, density=density) for sign in (1, -1))
        np.testing.assert_allclose((above.chi2 - below.chi2) / (2 * step), at.gradient[:, k], rtol=1e-6, atol=1e-5)
        difference = (above.gradient - below.gradient) / (2 * step)
        np.testing.assert_allclose(difference, at.hessian[:, k], rtol=1e-6, atol=1e-4)
    # the damped steps need a matrix that is never indefinite
    assert (np.linalg.eigvalsh(at.gauss_newton)[:, 0] > 0).all()


@pytest.mark.parametrize("name", PRIORS)
def test_optimum_is_never_worse_than_scipys(name):
    density = PRIORS[name].density(SCALER)
    quartic = stars(n_star=5, sigma=0.6)
    starts = np.random.default_rng(2).normal(size=(7, 3))
    optima = minimise(quartic, starts, density=density)
    best = optima.chi2.min(axis=1)
    assert optima.converged.mean() > 0.98
    walls = list(zip(density.lower, density.upper, strict=True))
    for n in range(5):
        one = quartic.select([n])

        def objective(x, one=one):
            found = chi2_derivatives(one, np.clip(x, density.lower, density.upper)[None], density=density)
            return found.chi2[0], found.gradient[0]

        peers = [
            minimize(objective, np.clip(x, density.lower, density.upper), jac=True, method="L-BFGS-B", bounds=walls).fun
            for x in starts
        ]
        assert best[n] <= min(peers) + 1e-6
        inside = optima.labels[n, optima.chi2[n].argmin()]
        assert (inside >= density.lower).all()
        assert (inside <= density.upper).all()


def test_a_prior_of_a_label_that_the_model_lacks_is_refused():
    prior = MixtureLabels.gaussian(("teff", "a_k"), np.array([4700.0, 0.1]), np.diag([1e4, 0.01]))
    with pytest.raises(LabelError, match=r"labels of a prior must be among .* got 'a_k'"):
        prior.density(SCALER)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: BoxLabels(("teff",), np.array([5000.0]), np.array([4000.0])), "lower < upper"),
        (lambda: BoxLabels(("teff",), np.array([np.nan]), np.array([4000.0])), "finite"),
        (lambda: BoxLabels(("height",), np.array([1.0]), np.array([2.0])), "unknown label name 'height'"),
        (lambda: MixtureLabels(("teff",), np.array([0.4]), np.ones((1, 1)), np.ones((1, 1, 1))), "sum to 1"),
        (lambda: MixtureLabels(("teff",), np.ones(1), np.ones((1, 1)), -np.ones((1, 1, 1))), "positive definite"),
        (lambda: CoverageLabels(("teff",), np.ones(1), np.ones((1, 1)), np.ones((1, 1, 1)), 0.0), "positive"),
        (lambda: LabelDensity.box(np.ones(2), np.zeros(2)), "lower < upper"),
    ],
)
def test_priors_that_make_no_sense_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()

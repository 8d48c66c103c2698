"""Priors of labels: the PyMC statement against the density that exact solvers take."""

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
from label_prior_cases import NAMES, PRIORS, RNG, SCALER, stars

from bayescannon.data.labels import LabelError
from bayescannon.models.label_priors import BoxLabels, CoverageLabels, MixtureLabels
from bayescannon.models.star_labels import label_model
from bayescannon.numerics.errors import InputTypeError
from bayescannon.numerics.label_density import LabelDensity
from bayescannon.stars.quartic import chi2_derivatives, pseudo_observations


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


def test_lists_are_converted_and_priors_shown_in_one_line():
    box = BoxLabels(["teff", "logg"], [4000, 1], [5000, 3])
    assert box.names == ("teff", "logg")
    assert box.lower.dtype == np.float64
    assert repr(box) == "<BoxLabels: box teff 4000 to 5000, logg 1 to 3>"
    mixture = MixtureLabels(["teff"], [0.5, 0.5], [[4500], [5000]], [[[1e4]], [[1e4]]])
    assert repr(mixture) == "<MixtureLabels: mixture of 2 Gaussians of teff>"
    assert repr(CoverageLabels(["teff"], [9], [[4500]], [[[1e4]]], 5)) == "<CoverageLabels: coverage of teff>"
    with pytest.raises(InputTypeError, match="lower of a prior of teff holds text; expected numbers"):
        BoxLabels(("teff",), ["low"], ["high"])
    with pytest.raises(InputTypeError, match="cut must be a number; got '5'"):
        CoverageLabels(("teff",), [9], [[1]], [[[1]]], "5")

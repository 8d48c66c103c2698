"""The model of one star's labels, and of several at once, against densities written out."""

import numpy as np
import pytest
from scipy import stats

from bayescannon.data.labels import LabelScaler
from bayescannon.models.label_priors import BoxLabels, FlatLabels, MixtureLabels
from bayescannon.models.label_vector import label_vector
from bayescannon.models.star_labels import label_chunk_model, label_model
from bayescannon.numerics.errors import InputError

NAMES = ("teff", "logg")
SCALER = LabelScaler(NAMES, np.array([4700.0, 2.4]), np.array([250.0, 0.5]))
GAUSSIAN = MixtureLabels.gaussian(NAMES, np.array([4800.0, 2.5]), np.array([[2e4, 10.0], [10.0, 0.1]]))
BOX = BoxLabels(NAMES, np.array([4000.0, 1.0]), np.array([5500.0, 3.5]))


def modes(n_star, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n_star, 6, 6)), rng.normal(size=(n_star, 6))


def slow_log_density(root, y, scaled, prior):
    """T observations of unit variance, and the prior in the labels' units."""
    value = stats.norm.logpdf(y, root @ label_vector(scaled), 1).sum()
    labels = SCALER.from_scaled(scaled)
    if prior is GAUSSIAN:
        value += stats.multivariate_normal(prior.mean[0], prior.covariance[0]).logpdf(labels)
    return value


@pytest.mark.parametrize("prior", [None, FlatLabels(), GAUSSIAN], ids=["none", "flat", "gaussian"])
def test_one_star_has_modes_of_unit_variance_and_its_prior(prior):
    root, y = modes(1)
    model = label_model(root[0], y[0], label_names=NAMES, prior=prior, scaler=SCALER)
    assert model.named_vars_to_dims["labels"] == ("stellar_label",)
    assert list(model.coords["term"]) == ["1", "teff", "logg", "teff^2", "teff*logg", "logg^2"]
    logp = model.compile_logp(jacobian=False, mode="FAST_COMPILE")
    points = np.random.default_rng(1).normal(size=(4, 2))
    found = [logp({"labels": point}) for point in points]
    expected = [slow_log_density(root[0], y[0], point, prior) for point in points]
    np.testing.assert_allclose(np.diff(found), np.diff(expected), rtol=1e-8)


def test_one_compiled_model_serves_every_star():
    roots, ys = modes(2)
    model = label_model(roots[0], ys[0], label_names=NAMES)
    logp = model.compile_logp(jacobian=False, mode="FAST_COMPILE")
    at = {"labels": np.array([0.3, -0.2])}
    first = logp(at)
    model.set_data("R", roots[1])
    model.set_data("y_observed", ys[1])
    own = label_model(roots[1], ys[1], label_names=NAMES).compile_logp(jacobian=False, mode="FAST_COMPILE")
    assert logp(at) == pytest.approx(own(at), rel=1e-12)
    assert logp(at) != first


@pytest.mark.parametrize("prior", [FlatLabels(), GAUSSIAN], ids=["flat", "gaussian"])
def test_a_chunk_is_its_stars_in_moved_coordinates(prior):
    roots, ys = modes(3)
    rng = np.random.default_rng(2)
    centre, spread = rng.normal(size=(3, 2)), 0.3 * rng.normal(size=(3, 2, 2))
    model = label_chunk_model(roots, ys, centre, spread, prior=prior, scaler=SCALER)
    logp = model.compile_logp(jacobian=False, mode="FAST_COMPILE")
    found, expected = [], []
    for _ in range(3):
        z = rng.normal(size=(3, 2))
        labels = centre + np.einsum("nij,nj->ni", spread, z)
        found.append(logp({"z": z}))
        expected.append(sum(slow_log_density(roots[n], ys[n], labels[n], prior) for n in range(3)))
    np.testing.assert_allclose(np.diff(found), np.diff(expected), rtol=1e-8)


def test_a_box_is_sampled_within_its_walls():
    roots, ys = modes(3)
    model = label_chunk_model(roots, ys, np.zeros((3, 2)), np.zeros((3, 2, 2)), prior=BOX, scaler=SCALER)
    assert [value.name for value in model.value_vars] == ["labels_interval__"]
    far = np.full((3, 2), 50.0)
    back = model.rvs_to_transforms[model["labels"]].backward(far, *model["labels"].owner.inputs).eval()
    assert (SCALER.from_scaled(back) <= BOX.upper + 1e-9).all()
    logp = model.compile_logp(jacobian=False, mode="FAST_COMPILE")
    lower, upper = SCALER.to_scaled(np.stack([BOX.lower, BOX.upper]))
    scaled = np.random.default_rng(3).uniform(lower, upper, size=(2, 3, 2))
    found = [logp({"labels_interval__": np.log((one - lower) / (upper - one))}) for one in scaled]
    expected = [sum(slow_log_density(roots[n], ys[n], one[n], BOX) for n in range(3)) for one in scaled]
    np.testing.assert_allclose(np.diff(found), np.diff(expected), rtol=1e-8)


def test_shapes_that_do_not_go_together_are_refused():
    root, y = modes(1)
    with pytest.raises(InputError, match=r"3 labels need R of shape \(10, 10\) and y of shape \(10,\)"):
        label_model(root[0], y[0], label_names=(*NAMES, "fe_h"))

"""Labels of stars with outliers: stationary points of the PyMC density, and the sparse rounds against plain ones."""

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest

from bayescannon.models.coefficient_priors import FLAT_SCALE
from bayescannon.models.label_vector import label_vector, n_terms
from bayescannon.models.outliers import MixtureOutliers
from bayescannon.models.pixel_weights import equivalent_ivar, pixel_weights
from bayescannon.numerics.outlier_mixture import OutlierShare
from bayescannon.stars.hidden import integrate_hidden
from bayescannon.stars.optimum import find_labels
from bayescannon.stars.outlier_rounds import StarPixels, remaining_weight, settle_outliers
from bayescannon.stars.quartic import compress

K, N_PIXEL, N_STAR = 3, 250, 25
SHARE = OutlierShare(0.01, 15.0)
START = np.zeros((1, K))


def hit_stars(n_hidden, *, share=0.02, seed=3):
    """Pixels of stars with hits, a dead pixel of the model and dead data; the hits, and the labels."""
    rng = np.random.default_rng(seed)
    n_term = n_terms(K)
    theta = 0.05 * rng.normal(size=(N_PIXEL, n_term))
    theta[:, 1 + K :] *= 0.2
    theta[:, 0] = 0.9
    columns = np.concatenate([theta, 0.02 * rng.normal(size=(N_PIXEL, n_hidden))], axis=1)
    scatter = np.abs(0.004 * rng.normal(size=N_PIXEL))
    labels = rng.normal(size=(N_STAR, K)).clip(-2, 2)
    vectors = np.concatenate([label_vector(labels), rng.normal(size=(N_STAR, n_hidden))], axis=1)
    flux = vectors @ columns.T + np.hypot(scatter, 0.01) * rng.normal(size=(N_STAR, N_PIXEL))
    scatter[5] = np.inf
    ivar = np.full(flux.shape, 1e4)
    ivar[rng.random(flux.shape) < 0.02] = 0.0
    hit = (rng.random(flux.shape) < share) & (ivar > 0) & np.isfinite(scatter)
    flux[hit] += 0.01 * rng.uniform(8, 50, hit.sum())
    fluxes = label_vector(labels) @ theta.T
    return StarPixels(columns, n_term, scatter, flux, ivar, np.stack([fluxes.min(0), fluxes.max(0)])), hit, labels


def star_model(pixels):
    """The density of one star's labels and hidden components, all pixels written out."""
    dead = ~np.isfinite(pixels.scatter)
    scatter = np.where(dead, FLAT_SCALE, pixels.scatter)
    with pm.Model(coords={"star": [0], "pixel": range(N_PIXEL)}) as model:
        flux = pm.Data("flux_observed", pixels.flux[:1], dims=("star", "pixel"))
        sigma = pm.Data("sigma", np.full((1, N_PIXEL), 0.01), dims=("star", "pixel"))
        labels = pm.Flat("labels", shape=K)
        vector = label_vector(labels, pt)
        if pixels.n_hidden:
            vector = pt.concatenate([vector, pm.Normal("hidden", 0.0, 1.0, shape=pixels.n_hidden)])
        live = (sigma < FLAT_SCALE) & ~dead[None]
        deviation = pt.sqrt(scatter**2 + sigma**2)
        MixtureOutliers(SHARE.share, SHARE.scale).declare_flux(
            (vector @ pixels.columns.T)[None], deviation, live, flux, boundary=True
        )
    return model


@pytest.mark.parametrize("n_hidden", [0, 2])
def test_gradient_of_the_density_vanishes(n_hidden):
    pixels, _, _ = hit_stars(n_hidden)
    fit = settle_outliers(pixels, SHARE, START)
    found = find_labels(fit.quartic, START)
    model = star_model(pixels)
    slope = model.compile_dlogp(jacobian=False, mode="FAST_COMPILE")
    for n in range(N_STAR):
        sigma = np.where(pixels.ivar[n] > 0, 0.01, FLAT_SCALE)[None]
        with model:
            pm.set_data({"flux_observed": pixels.flux[n : n + 1], "sigma": sigma})
        point = {"labels": found.scaled[n]}
        if n_hidden:
            point["hidden"] = fit.hidden.map[n] @ label_vector(found.scaled[n])
        gradient = slope(point)
        assert np.abs(gradient[:K] * found.formal[n]).max() < 0.02
        if n_hidden:
            error = np.sqrt(np.diagonal(fit.hidden.covariance[n]))
            assert np.abs(gradient[K:] * error).max() < 0.02


@pytest.mark.parametrize("n_hidden", [0, 2])
def test_quartics_are_those_of_the_weights_that_are_left(n_hidden):
    pixels, _, _ = hit_stars(n_hidden)
    fit = settle_outliers(pixels, SHARE, START)
    whole = compress(pixels.columns, pixels.scatter, pixels.flux, fit.ivar)
    for name in ("a", "b", "c"):
        np.testing.assert_allclose(getattr(fit.whole, name), getattr(whole, name), rtol=1e-7, atol=1e-5)
    expected = whole if n_hidden == 0 else integrate_hidden(whole, n_hidden)[0]
    for name in ("a", "b", "c"):
        np.testing.assert_allclose(getattr(fit.quartic, name), getattr(expected, name), rtol=1e-6, atol=1e-4)


def test_weights_are_those_of_the_residuals():
    pixels, _, _ = hit_stars(0)
    fit = settle_outliers(pixels, SHARE, START)
    off = pixels.flux - label_vector(find_labels(fit.quartic, START).scaled) @ pixels.columns.T
    expected = SHARE.weights(np.sqrt(pixel_weights(pixels.scatter, pixels.ivar)) * off)
    left = remaining_weight(pixels.scatter, pixels.ivar, fit.ivar)
    live = (pixels.ivar > 0) & np.isfinite(pixels.scatter)
    np.testing.assert_allclose(left[live], expected[live], atol=0.03)
    assert (left[~live] == 1).all()
    np.testing.assert_array_equal(fit.outlying, (left < 0.5).sum(axis=1))


def test_hits_are_found_and_labels_are_those_without_them():
    pixels, hit, labels = hit_stars(0)
    fit = settle_outliers(pixels, SHARE, START)
    robust = find_labels(fit.quartic, START)
    known = find_labels(compress(pixels.columns, pixels.scatter, pixels.flux, np.where(hit, 0.0, pixels.ivar)), START)
    plain = find_labels(compress(pixels.columns, pixels.scatter, pixels.flux, pixels.ivar), START)
    assert (remaining_weight(pixels.scatter, pixels.ivar, fit.ivar)[hit] < 0.5).mean() > 0.95
    assert np.abs((robust.scaled - known.scaled) / known.formal).max() < 0.7
    assert np.sqrt((((robust.scaled - labels) / robust.formal) ** 2).mean()) < 1.3
    assert np.sqrt((((plain.scaled - labels) / plain.formal) ** 2).mean()) > 2.5


def test_a_hit_has_no_influence_however_strong():
    pixels, _, _ = hit_stars(0, share=0.0)
    before = find_labels(settle_outliers(pixels, SHARE, START).quartic, START)
    for strength in (0.5, 50.0, 5e3):
        pixels.flux[:, 40] += strength
        after = find_labels(settle_outliers(pixels, SHARE, START).quartic, START)
        pixels.flux[:, 40] -= strength
        assert np.abs((after.scaled - before.scaled) / before.formal).max() < 0.5


def test_clean_stars_keep_their_labels():
    pixels, _, _ = hit_stars(0, share=0.0)
    few = OutlierShare(1e-5, 10.0)
    fit = settle_outliers(pixels, few, START)
    plain = find_labels(compress(pixels.columns, pixels.scatter, pixels.flux, pixels.ivar), START)
    assert np.abs((find_labels(fit.quartic, START).scaled - plain.scaled) / plain.formal).max() < 0.1
    assert fit.outlying.sum() == 0


def test_no_stars_and_dead_stars_are_no_error():
    pixels, _, _ = hit_stars(0)
    none = StarPixels(pixels.columns, pixels.n_term, pixels.scatter, pixels.flux[:0], pixels.ivar[:0])
    assert len(settle_outliers(none, SHARE, START).quartic) == 0
    dead = StarPixels(pixels.columns, pixels.n_term, pixels.scatter, pixels.flux, np.zeros_like(pixels.ivar))
    assert settle_outliers(dead, SHARE, START).outlying.sum() == 0


def test_equivalent_ivar_leaves_the_share_of_the_weight():
    scatter, ivar = np.array([0.0, 0.02, 0.005]), np.array([[1e3, 1e4, 0.0]])
    share = np.array([[0.3, 0.01, 0.5]])
    found = pixel_weights(scatter, equivalent_ivar(scatter, ivar, share))
    np.testing.assert_allclose(found, share * pixel_weights(scatter, ivar), rtol=1e-12)

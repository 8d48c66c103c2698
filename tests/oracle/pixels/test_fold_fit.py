"""Coefficients without the stars of a fold against fits to the other stars."""

import numpy as np
import pytest

from bayescannon.models.label_vector import label_vector
from bayescannon.pixels.block import LabelMoments
from bayescannon.pixels.fit import fit_pixels
from bayescannon.pixels.fold_fit import fit_without_folds
from bayescannon.pixels.prior import PixelPrior
from bayescannon.pixels.solver import Solver


@pytest.mark.parametrize("kind", ["flat", "normal", "censored"])
def test_the_sums_without_a_fold_give_the_fit_to_the_other_stars(kind):
    rng = np.random.default_rng(3)
    n_star, n_pixel = 400, 130
    vectors = label_vector(rng.normal(size=(n_star, 2)).clip(-2.5, 2.5))
    theta = 0.03 * rng.normal(size=(n_pixel, 6)) + np.eye(1, 6)
    flux = (vectors @ theta.T + 0.01 * rng.normal(size=(n_star, n_pixel))).astype(np.float32)
    ivar = np.where(rng.random(flux.shape) < 0.05, 0.0, 2e4).astype(np.float32)
    ivar[:, 9] = 0
    ivar[20:, 11] = 0
    fold = rng.integers(0, 3, n_star)
    ivar[:20, 11] = np.where(fold[:20] == 1, 2e4, 0)  # only stars of one fold
    precision = np.zeros((n_pixel, 6))
    if kind != "flat":
        precision[:, 3:] = 1e4
    if kind == "censored":
        precision[::2, 5] = np.inf
    prior = PixelPrior(np.full(precision.shape, 0.001), precision)
    scatter = fit_pixels(vectors, flux, ivar, prior=prior).scatter
    moments = LabelMoments.known(vectors)
    for k, part in enumerate(fit_without_folds(moments, flux, ivar, fold, scatter, prior=prior, workers=1)):
        others = fold != k
        want = fit_pixels(
            vectors[others], flux[others], ivar[others], prior=prior, start=scatter, solver=Solver(scatter="fixed")
        )
        live = part.live
        assert not live[9]
        assert live.sum() >= n_pixel - 2
        assert part.n_live[live].tolist() == want.n_live[live].tolist()
        np.testing.assert_allclose(part.covariance[live], want.covariance[live], rtol=1e-4, atol=1e-10)
        error = np.sqrt(np.diagonal(want.covariance[live], axis1=1, axis2=2))
        off = np.divide(part.theta[live] - want.theta[live], error, out=np.zeros_like(error), where=error > 0)
        assert np.abs(off).max() < 1e-3
        assert (part.theta[~live] == 0).all()
        assert (part.theta[precision == np.inf] == 0).all()

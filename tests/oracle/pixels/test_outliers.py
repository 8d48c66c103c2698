"""Residuals of reference stars, their factors and objectives, against NumPy."""

import numpy as np
import pytest

from bayescannon.models.label_vector import label_vector
from bayescannon.numerics.outlier_mixture import N_BINS, OutlierShare, residual_bin
from bayescannon.pixels.block import LabelMoments
from bayescannon.pixels.fit import fit_pixels
from bayescannon.pixels.flux_precision import FluxPrecision
from bayescannon.pixels.outliers import ReferenceResiduals

SHARE = OutlierShare(0.01, 12.0)


@pytest.fixture(scope="module")
def fitted():
    """A fit of stars with hits, dead data, a dead pixel and multiplicities; z of every flux, NaN where dead."""
    rng = np.random.default_rng(4)
    vectors = label_vector(rng.normal(size=(300, 2)))
    flux = 1 + 0.05 * vectors @ rng.normal(size=(6, 5)) + 0.02 * rng.normal(size=(300, 5))
    ivar = rng.uniform(1e3, 4e3, size=flux.shape)
    flux[::50] += 0.6
    ivar[rng.random(ivar.shape) < 0.05] = 0.0
    ivar[:, 3] = 0.0
    moments = LabelMoments.known(vectors, multiplicity=rng.integers(0, 3, 300).astype(float))
    kappa = np.array([1.0, 0.8, 1.2, 1.0, 1.0])
    fit = fit_pixels(moments, flux, ivar, kappa=kappa)
    variance = fit.scatter**2 + kappa**2 / np.where(ivar > 0, ivar, np.nan)
    z = np.where(np.isfinite(variance), (flux - vectors @ fit.theta.T) / np.sqrt(variance), np.nan)
    return ReferenceResiduals(moments, flux, ivar), fit, kappa, z


def test_counts_are_those_of_the_residuals(fitted):
    residuals, fit, kappa, z = fitted
    expected = np.zeros(N_BINS)
    for n, p in zip(*np.nonzero(np.isfinite(z)), strict=True):
        expected[residual_bin(abs(z[n, p]))] += residuals.moments.counts[n]
    np.testing.assert_allclose(residuals.counts(fit, kappa), expected)


def test_factors_are_the_weights_of_the_mixture(fitted):
    residuals, fit, kappa, z = fitted
    factors = residuals.factors(fit, kappa, SHARE)
    live = np.isfinite(z)
    np.testing.assert_allclose(factors[live], SHARE.weights(z[live]), rtol=1e-5, atol=1e-7)
    assert (factors[~live] == 1).all()


def test_objective_of_the_mixture_takes_the_place_of_that_of_least_squares(fitted):
    residuals, fit, kappa, z = fitted
    factors = residuals.factors(fit, kappa, SHARE)
    again = fit_pixels(
        residuals.moments, residuals.flux, residuals.ivar, kappa=FluxPrecision(kappa, factors), start=fit.scatter
    )
    found = residuals.with_outliers(again, kappa, SHARE, factors).objective
    live = np.isfinite(z)
    variance = again.scatter**2 + kappa**2 / np.where(live, residuals.ivar, 1.0)
    off = (residuals.flux - residuals.moments.mean @ again.theta.T) / np.sqrt(variance)
    term = np.where(live, SHARE.minus_log_density(np.where(live, off, 0.0)) + 0.5 * np.log(variance), 0.0)
    expected = residuals.moments.counts @ term
    np.testing.assert_allclose(found[again.live], expected[again.live], rtol=1e-9)
    assert found[3] == 0


def test_moves_are_the_steps_of_the_coefficients_in_their_errors(fitted):
    residuals, fit, kappa, _ = fitted
    some = np.array([0, 2, 4])
    change = (residuals.factors(fit, kappa, SHARE) - 1.0)[:, some]
    part = residuals.select(some)
    chosen = type(fit)(**{name: getattr(fit, name)[some] for name in fit.__dataclass_fields__})
    found = part.moves(chosen, kappa[some], change)
    again = fit_pixels(
        part.moments, part.flux, part.ivar, kappa=FluxPrecision(kappa[some], 1.0 + 0.01 * change), start=chosen.scatter
    )
    held = np.einsum(
        "pi,pij,pj->p", again.theta - chosen.theta, np.linalg.inv(chosen.covariance), again.theta - chosen.theta
    )
    np.testing.assert_allclose(np.sqrt(held), 0.01 * found, rtol=0.1)

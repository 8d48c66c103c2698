"""Scatters from a sample of the stars and few passes over all, against the exact search in double precision."""

import numpy as np
import pytest

from bayescannon.models.label_vector import label_vector
from bayescannon.numerics.errors import InputError
from bayescannon.pixels.block import LabelMoments
from bayescannon.pixels.fit import PixelFit, fit_pixels
from bayescannon.pixels.pixel_status import PixelStatus
from bayescannon.pixels.prior import PixelPrior, ScatterDensity
from bayescannon.pixels.solver import Solver

N_STAR, N_PIXEL = 1500, 80
DOUBLE = Solver(double=True, tolerance=1e-9)


@pytest.fixture(scope="module")
def survey():
    """A third of the pixels without scatter, a third with errors near the truth, some dead, some nearly dead."""
    rng = np.random.default_rng(15)
    x = rng.normal(size=(N_STAR, 2)).clip(-2.5, 2.5)
    x[:, 1] = 0.95 * x[:, 0] + 0.3 * x[:, 1]
    vectors = label_vector(x)
    theta = np.eye(1, 6) + 0.03 * rng.normal(size=(N_PIXEL, 6))
    scatter = np.where(np.arange(N_PIXEL) % 3, rng.uniform(0.001, 0.03, N_PIXEL), 0.0)
    sigma = 0.01 * np.exp(rng.normal(0, 0.6, size=(N_STAR, 1))) * np.ones(N_PIXEL)
    flux = vectors @ theta.T + np.hypot(scatter, sigma) * rng.normal(size=sigma.shape)
    ivar = np.where(rng.random(sigma.shape) < 0.05, 0.0, sigma**-2.0 / np.where(np.arange(N_PIXEL) % 2, 1.0, 3.0))
    ivar[:, 7] = 0
    ivar[20:, 11] = 0
    ivar[3:, 13] = 0
    return vectors, flux.astype(np.float32), ivar.astype(np.float32)


def compare(got: PixelFit, want: PixelFit, *, least=1e-3) -> None:
    """The optimum is within a thousandth of a formal error, and both are where they should be."""
    assert got.status.tolist() == want.status.tolist()
    assert got.n_live.tolist() == want.n_live.tolist()
    live = want.live
    assert ((got.scatter == 0) == (want.scatter == 0)).all()
    error = np.sqrt(np.diagonal(want.covariance[live], axis1=1, axis2=2))
    moved = np.divide((got.theta - want.theta)[live], error, out=np.zeros(error.shape), where=error > 0)
    assert np.abs(moved).max() < least
    formal = np.sqrt(2 / np.maximum(want.slope, 1e-300))
    inside = live & (want.scatter > 0)
    assert np.abs((got.scatter[inside] ** 2 - want.scatter[inside] ** 2) / formal[inside]).max(initial=0) < least
    np.testing.assert_allclose(got.objective, want.objective, atol=2e-3)
    np.testing.assert_allclose(
        np.diagonal(got.covariance, axis1=1, axis2=2), np.diagonal(want.covariance, axis1=1, axis2=2), rtol=5e-3
    )


PRIORS = {
    "flat": PixelPrior.flat(N_PIXEL, 6),
    "log-normal": PixelPrior(*(np.zeros((N_PIXEL, 6)),) * 2, ScatterDensity.LOG_NORMAL, (-4.5, 0.5)),
    "half-normal": PixelPrior(*(np.zeros((N_PIXEL, 6)),) * 2, ScatterDensity.HALF_NORMAL, (0.01, 0.0)),
    "normal": PixelPrior(np.zeros((N_PIXEL, 6)), np.where(np.arange(6) > 2, 1e4, np.zeros((N_PIXEL, 6)))),
}


@pytest.mark.parametrize("name", PRIORS)
def test_the_optimum_is_that_in_double_precision(survey, name):
    given = {"prior": PRIORS[name], "kappa": 0.9}
    fast, exact = fit_pixels(*survey, **given), fit_pixels(*survey, **given, solver=DOUBLE)
    compare(fast, exact)
    assert exact.status[[7, 13]].tolist() == [PixelStatus.DEAD] * 2
    assert (exact.scatter[exact.live] > 0).sum() > 20
    assert fast.n_passes[fast.live].mean() < 0.6 * exact.n_passes[exact.live].mean()


def test_few_passes_are_enough_from_nearby(survey):
    vectors, flux, ivar = survey
    counts = np.random.default_rng(3).poisson(1, N_STAR).astype(float)
    moments = LabelMoments.known(vectors, multiplicity=counts)
    start = fit_pixels(vectors, flux, ivar).scatter
    fast = fit_pixels(moments, flux, ivar, start=start)
    compare(fast, fit_pixels(moments, flux, ivar, start=start, solver=DOUBLE))
    assert fast.n_passes[fast.live].mean() < 2.5


def test_marginal_scatters(survey):
    compare(fit_pixels(*survey, marginal=True), fit_pixels(*survey, marginal=True, solver=DOUBLE), least=2e-3)


def test_an_optimum_behind_zero_is_found_by_all_stars():
    # a few precise stars fit without scatter, many others do not; none of the precise ones may be in the sample
    rng = np.random.default_rng(2)
    vectors = label_vector(rng.normal(size=(1000, 1)).clip(-2.5, 2.5))
    precise = np.isin(np.arange(1000) % 50, (1, 2))[:, None]
    sigma = np.where(precise, 1e-4, 0.05) * np.ones((1000, 6))
    noise = np.where(precise, 1e-5, 0.2) * rng.normal(size=sigma.shape)
    flux = (vectors @ [[1.0], [0.1], [0.02]] + noise).astype(np.float32)
    ivar = (sigma**-2.0).astype(np.float32)
    fast, exact = fit_pixels(vectors, flux, ivar), fit_pixels(vectors, flux, ivar, solver=DOUBLE)
    assert (exact.scatter > 0.1).all()
    np.testing.assert_allclose(fast.scatter, exact.scatter, rtol=1e-4)


def test_the_result_does_not_depend_on_workers_or_the_order_of_memory(survey):
    vectors, flux, ivar = survey
    one = fit_pixels(vectors, flux, ivar, solver=Solver(workers=1, block=16))
    two = fit_pixels(vectors, np.asfortranarray(flux), np.asfortranarray(ivar), solver=Solver(workers=2, block=16))
    for name in ("theta", "scatter", "covariance", "objective"):
        np.testing.assert_array_equal(getattr(two, name), getattr(one, name))


def test_double_precision_data_and_few_stars_are_summed_in_double(survey):
    vectors, flux, ivar = survey
    double = fit_pixels(vectors, flux.astype(float), ivar.astype(float))
    np.testing.assert_array_equal(double.theta, fit_pixels(vectors, flux, ivar, solver=Solver(double=True)).theta)
    few = fit_pixels(vectors[:400], flux[:400], ivar[:400])
    exact = fit_pixels(vectors[:400], flux[:400], ivar[:400], solver=Solver(double=True))
    np.testing.assert_array_equal(few.theta, exact.theta)


@pytest.mark.parametrize(("where", "value"), [(0, np.nan), (1, -1.0), (1, 1e20)])
def test_bad_values_are_refused(survey, where, value):
    vectors, *data = (x.copy() for x in survey)
    data[where][3, 3] = value
    with pytest.raises(InputError, match=r"flux and ivar must be finite|inverse variance"):
        fit_pixels(vectors, *data)

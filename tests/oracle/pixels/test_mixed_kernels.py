"""Sums over a tile of stars in single precision against NumPy in double."""

import numpy as np
import pytest

from bayescannon.pixels.mixed_kernels import log_variance_tile, look_at_tile, pack_tile, residual_tile, weigh_tile

NONE = np.empty((0, 0), dtype=np.float32)


@pytest.fixture
def tile():
    rng = np.random.default_rng(3)
    flux = (1 + 0.05 * rng.normal(size=(37, 21))).astype(np.float32)
    ivar = np.where(rng.random(flux.shape) < 0.2, 0, 10 ** rng.uniform(1, 6, flux.shape)).astype(np.float32)
    excess = (0.05 * rng.normal(size=flux.shape)).astype(np.float32)
    scale, s2 = (rng.uniform(0.5, 2, 21) * k for k in (1, 1e-4))
    factors = rng.uniform(0.1, 1, flux.shape).astype(np.float32)
    return flux, excess, ivar, scale.astype(np.float32), s2.astype(np.float32), factors


def weights(ivar, scale, s2):
    """1 / (s^2 + sigma^2) in double precision."""
    v = ivar.astype(float) * scale
    return v / (1 + s2.astype(float) * v)


@pytest.mark.parametrize("factored", [False, True])
@pytest.mark.parametrize("count", [1.0, 2.5])
def test_sums_over_the_stars(tile, factored, count):
    flux, excess, ivar, scale, s2, factors = tile
    w, u = weights(ivar, scale, s2), factors.astype(float) if factored else 1.0
    r = flux.astype(float) - 1 - excess
    counts = np.full(37, count, dtype=np.float32)
    filled, sums, noise = np.empty((3, *flux.shape), dtype=np.float32), np.zeros((5, 21)), np.stack([scale, s2])
    given = factors if factored else NONE
    residual_tile(flux, excess, ivar, noise, given, counts, filled, sums)
    wr, w2r, squared = filled
    expected = [(count * x).sum(axis=0) for x in (w, w**2, u * w**2 * r**2, u * w**3 * r**2, u * w * r**2)]
    np.testing.assert_allclose(sums, expected, rtol=3e-6)
    np.testing.assert_allclose(wr, u * w * r, rtol=1e-6, atol=1e-3)
    np.testing.assert_allclose(w2r, u * w**2 * r, rtol=1e-6, atol=1e-3 * w.max())
    np.testing.assert_allclose(squared, u * w**2, rtol=1e-6)
    weight, weighted = np.empty_like(flux), np.empty_like(flux)
    weigh_tile(flux, ivar, noise, given, weight, weighted)
    np.testing.assert_allclose(weight, u * w, rtol=1e-6)
    np.testing.assert_allclose(weighted, u * w * (flux.astype(float) - 1), rtol=1e-6, atol=1e-3)


@pytest.mark.parametrize("count", [0, 1, 3, 40, 0.5])
def test_logarithms_of_the_variance(tile, count):
    _, _, ivar, scale, s2, _ = tile
    counts = np.where(np.arange(37) % 2, count, 1).astype(np.float32)
    total = np.zeros(21)
    log_variance_tile(ivar, scale, s2, counts, total)
    expected = (counts[:, None] * np.log1p(s2.astype(float) * ivar * scale)).sum(axis=0)
    np.testing.assert_allclose(total, expected, rtol=1e-5)


@pytest.mark.parametrize("count", [1.0, 1.5])
def test_live_stars_their_logarithms_and_extremes(tile, count):
    flux, _, ivar, *_ = tile
    counts = np.full(37, count, dtype=np.float32)
    n_live, logs, extremes = np.zeros(21), np.zeros(21), np.zeros((3, 21), dtype=np.float32)
    look_at_tile(flux, ivar, counts, n_live, logs, extremes)
    np.testing.assert_allclose(n_live, count * (ivar > 0).sum(axis=0))
    np.testing.assert_allclose(logs, -count * np.log(np.where(ivar > 0, ivar, 1).astype(float)).sum(axis=0), rtol=1e-9)
    np.testing.assert_array_equal(extremes[1], ivar.max(axis=0))
    assert (extremes[2] == 0).all()
    flux[5, 3], ivar[2, 1] = np.nan, -1
    look_at_tile(flux, ivar, counts, n_live, logs, extremes)
    assert np.isnan(extremes[2, 3])
    assert extremes[0, 1] == -1


def test_products_are_packed_by_rows_of_the_upper_triangle():
    vectors = np.array([[1, 2, 3]], dtype=np.float32)
    products = np.empty((1, 6), dtype=np.float32)
    pack_tile(vectors, 10 * vectors, products)
    assert products.tolist() == [[10, 20, 30, 40, 60, 90]]

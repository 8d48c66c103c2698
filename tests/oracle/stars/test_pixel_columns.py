"""Products in single precision, and which stars need double precision."""

import numpy as np
import pytest

from bayescannon.models.label_vector import label_vector, n_terms
from bayescannon.stars import quartic as module
from bayescannon.stars.optimum import find_labels
from bayescannon.stars.pixel_columns import PixelColumns
from bayescannon.stars.quartic import compress, compress_pixels

N_PIXEL = 2000


def survey(n_label, snr, *, n_star=60, n_hidden=0, seed=0):
    """Stars of one S/N per pixel, and the columns of the model that describes them."""
    rng = np.random.default_rng(seed)
    theta = 0.02 * rng.normal(size=(N_PIXEL, n_terms(n_label)))
    theta[:, 0], theta[:, 1 + n_label :] = 0.9, 0.2 * theta[:, 1 + n_label :]
    loadings = 0.003 * rng.normal(size=(N_PIXEL, n_hidden))
    labels = rng.normal(size=(n_star, n_label))
    flux = label_vector(labels) @ theta.T + rng.normal(size=(n_star, n_hidden)) @ loadings.T
    flux += rng.normal(size=flux.shape) / snr
    ivar = np.full(flux.shape, float(snr) ** 2)
    ivar[rng.random(flux.shape) < 0.05] = 0.0
    columns = np.concatenate([theta, loadings], axis=1)
    return columns, flux.astype(np.float32), ivar.astype(np.float32)


@pytest.mark.parametrize(("n_label", "snr"), [(3, 5), (3, 100), (5, 5), (5, 50), (5, 3000)])
def test_labels_are_those_of_double_precision(n_label, snr):
    theta, flux, ivar = survey(n_label, snr)
    pixels = PixelColumns.of(theta, np.full(N_PIXEL, 1e-4))
    starts = np.zeros((1, n_label))
    exact = find_labels(compress_pixels(pixels, flux, ivar), starts)
    mixed = find_labels(compress_pixels(pixels, flux, ivar, n_label=n_label), starts)
    moved = mixed.scaled - exact.scaled
    shift = np.sqrt(np.einsum("ni,nij,nj->n", moved, np.linalg.inv(exact.covariance), moved))
    assert shift.max() < 1e-3
    np.testing.assert_allclose(mixed.chi2, exact.chi2, rtol=1e-4)


def test_the_sums_are_those_over_pixels():
    theta, flux, ivar = survey(3, 50, n_star=3)
    scatter = np.full(N_PIXEL, 0.004)
    scatter[:7], theta[:7] = np.inf, np.nan
    found = compress(theta, scatter, flux, ivar)
    live = np.isfinite(scatter) & (ivar > 0)
    weight = np.where(live, 1 / (np.where(live, scatter, 1) ** 2 + 1 / np.where(live, ivar, 1)), 0.0)
    offset = np.where(live, flux - np.nan_to_num(theta[:, 0]), 0.0)
    clean = np.nan_to_num(theta)
    np.testing.assert_allclose(found.a, np.einsum("np,pi,pj->nij", weight, clean, clean), rtol=1e-6, atol=1e-3)
    np.testing.assert_allclose(found.b, (weight * offset) @ clean, rtol=1e-6, atol=1e-3)
    np.testing.assert_allclose(found.c, (weight * offset**2).sum(axis=1), rtol=1e-6)
    assert found.n_live.tolist() == live.sum(axis=1).tolist()
    single = compress(theta, scatter, flux, ivar, single=True)
    np.testing.assert_allclose(single.a, found.a, rtol=1e-4, atol=1e-3 * found.a.max())


def in_double(theta, scatter, flux, ivar, n_label):
    """Which stars have the sums of double precision."""
    pixels = PixelColumns.of(theta, scatter)
    mixed, exact = compress_pixels(pixels, flux, ivar, n_label=n_label), compress_pixels(pixels, flux, ivar)
    return (mixed.b == exact.b).all(axis=1)


def test_stars_that_need_it_have_sums_of_double_precision(monkeypatch):
    theta, flux, ivar = survey(3, 50, n_star=8)
    scatter = np.full(N_PIXEL, 0.004)
    ivar[1, 60:], ivar[2] = 0.0, 0.0
    flux[3] += np.where(np.arange(N_PIXEL) % 2, 30, -30).astype(np.float32)
    # the star without pixels has sums of zero in either
    assert in_double(theta, scatter, flux, ivar, 3).tolist() == [False, True, True, True] + [False] * 4
    # two labels with all but the same derivatives
    theta[:, 2] = theta[:, 1] * (1 + 1e-3 * np.arange(N_PIXEL) / N_PIXEL)
    assert in_double(theta, scatter, flux, ivar, 3).all()
    monkeypatch.setattr(module, "need_double", lambda *args: args[-1].fill(False))
    assert not in_double(theta, scatter, flux, ivar, 3)[[0, 1, 3]].any()


def test_hidden_components_count_in_what_is_left_of_a_label():
    theta, flux, ivar = survey(3, 100, n_star=4, n_hidden=2)
    scatter = np.full(N_PIXEL, 0.001)
    assert not in_double(theta, scatter, flux, ivar, 3).any()
    # a component as a label, so wide that its prior says nothing
    theta[:, -1] = 1e3 * theta[:, 1]
    assert in_double(theta, scatter, flux, ivar, 3).all()

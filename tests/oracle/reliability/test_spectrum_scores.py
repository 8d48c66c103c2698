"""Residuals outside the tangent space against dense projectors, and novelty against what was put in."""

import numpy as np
import pytest

from bayescannon.models.label_vector import label_vector, label_vector_jacobian
from bayescannon.reliability.spectrum_scores import NoveltyReference, Residuals, block_residuals
from bayescannon.stars.quartic import compress


def residuals_of(theta, scatter, flux, ivar, scaled):
    """Block averages of the residuals at scaled labels, NaN for a star without labels."""
    at = np.nan_to_num(scaled)
    vectors = np.where(np.isfinite(scaled).all(axis=1)[:, None], label_vector(at), np.nan)
    live = np.isfinite(scatter)
    theta, own = np.where(live[:, None], theta, 0.0), np.where(live, ivar, 0.0)
    quartic = compress(theta, scatter, flux, ivar)
    return block_residuals(theta, flux, own, quartic, vectors, label_vector_jacobian(at), block=32)


def test_residuals_are_outside_of_the_tangent_space():
    rng = np.random.default_rng(6)
    theta, scatter = rng.normal(size=(100, 6)), np.full(100, 0.01)
    scatter[7] = np.inf
    scaled = rng.normal(size=(3, 2))
    scaled[2] = np.nan
    ivar = rng.uniform(50, 100, (3, 100))
    ivar[0, 64:96] = 0
    noise = 0.05 * rng.normal(size=(3, 100))
    flux = label_vector(np.nan_to_num(scaled)) @ theta.T + noise
    found = residuals_of(theta, scatter, flux, ivar, scaled)
    assert found.residual.shape == (3, 4)
    assert np.isinf(found.variance[0, 2])
    assert np.isnan(found.residual[2]).all()
    live = np.isfinite(scatter)
    for n in range(2):
        weight = np.where(live, ivar[n] / (1 + 1e-4 * ivar[n]), 0)
        tangent = theta @ label_vector_jacobian(scaled)[n]
        root = np.sqrt(weight)[:, None]
        projector = np.eye(100) - (tangent @ np.linalg.solve((root * tangent).T @ (root * tangent), tangent.T)) * weight
        outside = projector @ noise[n]
        for b, part in enumerate([slice(0, 32), slice(32, 64), slice(64, 96), slice(96, 100)]):
            w = np.where(live, ivar[n], 0)[part]
            if w.sum() > 0:
                assert found.residual[n, b] == pytest.approx((w * outside[part]).sum() / w.sum(), abs=1e-12)
                assert found.variance[n, b] == pytest.approx(1 / w.sum())
        assert found.reduced_chi2[n] == pytest.approx((weight * noise[n] ** 2).sum() / ((weight > 0).sum() - 2))
    # a shift within the tangent space changes nothing
    shifted = flux.copy()
    shifted[1] += 0.1 * theta @ label_vector_jacobian(scaled)[1][:, 0]
    again = residuals_of(theta, scatter, shifted, ivar, scaled)
    np.testing.assert_allclose(again.residual[1], found.residual[1], atol=1e-12)


def test_intrinsic_variance_of_blocks_is_found():
    rng = np.random.default_rng(7)
    theta, n_star = np.zeros((640, 3)), 400
    ivar = rng.uniform(1e3, 1e5, (n_star, 1)) * np.ones(640)
    common = 0.003 * rng.normal(size=(n_star, 20)).repeat(32, axis=1)
    flux = common + rng.normal(size=ivar.shape) / np.sqrt(ivar)
    residuals = residuals_of(theta, np.zeros(640), flux, ivar, np.zeros((n_star, 1)))
    reference = NoveltyReference.fit(residuals)
    assert np.sqrt(reference.intrinsic).mean() == pytest.approx(0.003, rel=0.05)
    # no trend is left along S/N
    scores = reference.scores(residuals)
    assert np.abs(np.corrcoef(residuals.log_snr, scores.T)[0, 1:]).max() < 0.1


def test_few_fitted_stars_are_refused():
    rng = np.random.default_rng(1)
    theta, flux = rng.normal(size=(40, 3)), rng.normal(size=(12, 40))
    ivar = np.ones_like(flux)
    NoveltyReference.fit(residuals_of(theta, np.ones(40), flux, ivar, np.zeros((12, 1))))
    # a spectrum without more live pixels than labels has no residual
    ivar[:3, 1:] = 0
    with pytest.raises(ValueError, match="at least 10 fitted reference stars; got 9"):
        NoveltyReference.fit(residuals_of(theta, np.ones(40), flux, ivar, np.zeros((12, 1))))


def test_parts_of_residuals_are_joined_in_order_and_selected():
    rng = np.random.default_rng(2)
    whole = Residuals(rng.normal(size=(7, 3)), rng.random((7, 3)), rng.random(7), rng.random(7))
    joined = Residuals.join([whole.select(np.array([5, 6])), whole.select(np.arange(5))])
    for name in ("residual", "variance", "reduced_chi2", "log_snr"):
        np.testing.assert_array_equal(getattr(joined, name), getattr(whole, name)[[5, 6, 0, 1, 2, 3, 4]])


def test_scores_are_the_logs_of_reduced_chi2_and_mean_square_above_their_trends():
    """By a loop over stars and blocks; S/N beyond the reference's is taken for its end."""
    rng = np.random.default_rng(3)
    reference = NoveltyReference(np.array([0.1, 0.4, 0.2]), rng.normal(size=(2, 3)), np.array([2.0, 4.0]), 8)
    stars = Residuals(rng.normal(size=(4, 3)), rng.random((4, 3)), rng.random(4), np.array([1.0, 3.0, 9.0, np.nan]))
    stars.variance[1, 2] = np.inf
    scores = reference.scores(stars)
    for n in range(3):
        blocks = [k for k in range(3) if np.isfinite(stars.variance[n, k])]
        square = np.mean([stars.residual[n, k] ** 2 / (stars.variance[n, k] + reference.intrinsic[k]) for k in blocks])
        x = min(max(stars.log_snr[n], 2.0), 4.0)
        for row, raw in enumerate((np.log(stars.reduced_chi2[n]), np.log(square))):
            c = reference.trend[row]
            assert scores[n, row] == pytest.approx(raw - c[0] - c[1] * x - c[2] * x**2, rel=1e-12)
    assert np.isnan(scores[3]).all()


def test_a_few_strange_reference_stars_do_not_bend_the_trend():
    rng = np.random.default_rng(4)
    log_snr = rng.uniform(2.0, 5.0, 300)
    stars = Residuals(
        0.1 * rng.normal(size=(300, 20)),
        np.full((300, 20), 0.01),
        np.exp(0.5 * log_snr + 0.05 * rng.normal(size=300)),
        log_snr,
    )
    clean = NoveltyReference.fit(stars)
    strange = stars.reduced_chi2 * np.where(np.arange(300) < 15, 50.0, 1.0)
    spoilt = NoveltyReference.fit(Residuals(stars.residual, stars.variance, strange, log_snr))
    at = np.linspace(2.2, 4.8, 9)[:, None] ** np.arange(3)
    np.testing.assert_allclose(at @ clean.trend[0], 0.5 * at[:, 1], atol=0.02)
    np.testing.assert_allclose(at @ spoilt.trend[0], 0.5 * at[:, 1], atol=0.04)

"""Distances, hulls, densities and p-values against loops and linear programs."""

import numpy as np
import pytest
import toy
import xarray as xr
from linear_hull import inside_hull
from scipy.stats import gaussian_kde

from bayescannon.data.label_distance import distance_scales, label_distance, select_by_distance
from bayescannon.data.labels import LabelError, LabelScaler
from bayescannon.models.label_vector import label_vector, label_vector_jacobian
from bayescannon.numerics.hull import fixed_directions, hull_margin
from bayescannon.numerics.neighbours import mean_distance
from bayescannon.numerics.p_values import empirical_p_value, is_unusual
from bayescannon.reliability.label_scores import LABEL_SCORES, SCORES, CoverageReference, label_scores
from bayescannon.reliability.spectrum_scores import NoveltyReference, block_residuals
from bayescannon.stars.quartic import compress

FIVE = ("teff", "logg", "fe_h", "alpha_m", "a_k")


def test_label_distance_is_that_of_loops():
    labels, reference = toy.toy_labels(40, FIVE, seed=1), toy.toy_labels(60, FIVE, seed=2)
    labels[3, 1] = np.nan
    labels[4, 4] = np.nan  # A_K does not count
    for root in (False, True):
        expected = []
        for star in labels:
            d = [
                sum((star[k] - other[k]) ** 2 / scale**2 for k, scale in enumerate((100.0, 0.20, 0.10)))
                for other in reference
            ]
            expected.append(np.mean(sorted(np.sqrt(d) if root else d)[:10]))
        expected[3] = np.nan
        found = label_distance(labels, reference, FIVE, root=root)
        np.testing.assert_allclose(found, expected, rtol=1e-12)
    one = label_distance(labels, reference, FIVE, scales={"a_k": 0.1}, neighbours=1)
    np.testing.assert_allclose(one[0], np.min((labels[0, 4] - reference[:, 4]) ** 2) / 0.01)


def test_cut_in_distance_is_a_named_selection():
    keep, tally = select_by_distance(np.array([0.1, 2.5, 3.0, np.nan, 2.4]))
    assert keep.tolist() == [True, False, False, False, True]
    assert [(row.step, row.removed, row.remaining) for row in tally] == [
        ("no label distance: a label is missing", 1, 4),
        ("distance cut 2.5", 2, 2),
    ]
    assert [row.removed for row in select_by_distance(np.array([0.1, 9.0]))[1]] == [1]


def test_leave_one_out_neighbours_with_duplicates():
    points = np.repeat(np.random.default_rng(0).normal(size=(8, 2)), 3, axis=0)
    found = mean_distance(points, points, neighbours=4, leave_one_out=True)
    for n, point in enumerate(points):
        others = ((np.delete(points, n, axis=0) - point) ** 2).sum(axis=1)
        assert found[n] == pytest.approx(np.sort(others)[:4].mean())


@pytest.mark.parametrize("n_label", [1, 2, 3, 5])
def test_support_functions_agree_with_the_linear_program(n_label):
    rng = np.random.default_rng(n_label)
    reference, points = rng.normal(size=(150, n_label)), 1.6 * rng.normal(size=(120, n_label))
    margin = hull_margin(points, reference, fixed_directions(n_label), workers=1)
    inside = inside_hull(points, reference)
    assert 5 < inside.sum() < 115
    assert (margin[inside] <= 1e-9).all()  # never outside by mistake
    missed = ~inside & (margin <= 0)
    assert missed.mean() <= {1: 0, 2: 0.01, 3: 0.05, 5: 0.08}[n_label]
    # vertices, centre, and outside along an axis
    assert inside_hull(reference[:5], reference).all()
    assert hull_margin(reference.mean(axis=0)[None], reference, fixed_directions(n_label))[0] < 0


def test_leave_one_out_margin_is_that_of_the_other_points():
    rng = np.random.default_rng(3)
    reference, points, directions = rng.normal(size=(1100, 3)), rng.normal(size=(1100, 3)), fixed_directions(3, 200)
    found = hull_margin(points, reference, directions, leave_one_out=True)
    for n in [0, 5, 1023, 1024, 1099, *np.argsort(reference[:, 0])[-2:]]:
        other = hull_margin(points[[n]], np.delete(reference, n, axis=0), directions)
        assert found[n] == pytest.approx(other[0], abs=1e-12)


def test_label_scores_are_those_of_scipy_and_loops():
    rng = np.random.default_rng(4)
    reference = rng.normal(size=(90, 3)) @ np.array([[1, 0.8, 0.1], [0, 0.5, 0.2], [0, 0, 0.4]])
    points = 2 * reference[rng.permutation(90)][:30]
    points[7, 2] = np.nan
    scores = dict(zip(LABEL_SCORES, label_scores(points, reference).T, strict=True))
    assert np.isnan(np.array(list(scores.values()))[:, 7]).all()
    good = np.flatnonzero(np.isfinite(points).all(axis=1))
    covariance = np.cov(reference.T)
    off = points[good] - reference.mean(axis=0)
    np.testing.assert_allclose(
        scores["mahalanobis"][good] ** 2, np.einsum("ni,ij,nj->n", off, np.linalg.inv(covariance), off)
    )
    density = gaussian_kde(reference.T).logpdf(points[good].T)
    np.testing.assert_allclose(np.diff(scores["density"][good]), -np.diff(density), rtol=1e-6)
    box = np.maximum(points[good] - reference.max(axis=0), reference.min(axis=0) - points[good]).max(axis=1)
    np.testing.assert_allclose(scores["range"][good], box)
    assert (scores["hull"][good] >= scores["range"][good]).all()


def test_leave_one_out_scores_are_scores_against_the_others():
    rng = np.random.default_rng(5)
    reference = rng.normal(size=(40, 2))
    points = reference + 0.1 * rng.normal(size=(40, 2))
    scores = label_scores(points, reference, leave_one_out=True)
    for n in range(0, 40, 7):
        others = label_scores(points[[n]], np.delete(reference, n, axis=0))[0]
        # the kernels keep the width of the whole set
        np.testing.assert_allclose(scores[n, :-1], others[:-1], rtol=1e-9)
        assert scores[n, -1] == pytest.approx(others[-1], abs=0.7)


def test_empirical_p_values_by_counting():
    reference = np.array([1.0, 2.0, 2.0, np.nan, 5.0])
    found = empirical_p_value(np.array([0.0, 2.0, 2.1, 5.0, 6.0, np.nan]), reference)
    np.testing.assert_allclose(found, [1.0, 4 / 5, 2 / 5, 2 / 5, 1 / 5, np.nan])
    assert np.isnan(empirical_p_value(np.zeros(2), np.full(3, np.nan))).all()
    # thirty stars can not show one per cent: beyond all of them is what is left
    assert is_unusual(np.array([1 / 31, 2 / 31, np.nan]), 0.01, 30).tolist() == [True, False, False]
    assert is_unusual(np.array([0.01, 0.0101]), 0.01, 1000).tolist() == [True, False]


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


def coverage_reference(n_star=30, names=("teff", "logg")):
    rng = np.random.default_rng(8)
    labels = toy.toy_labels(n_star, names)
    scaler = LabelScaler.fit(labels, names)
    novelty = NoveltyReference(rng.random(5), rng.normal(size=(2, 3)), np.array([1.0, 4.0]), 24)
    return CoverageReference(scaler, scaler.to_scaled(labels), rng.normal(size=(n_star, len(SCORES))), novelty, "abc")


def test_the_reference_goes_through_xarray(tmp_path):
    reference = coverage_reference()
    path = tmp_path / "coverage.nc"
    reference.to_xarray().to_netcdf(path, engine="h5netcdf")
    with xr.open_dataset(path, engine="h5netcdf") as opened:
        again = CoverageReference.from_xarray(opened.load())
    for name in ("labels", "scores"):
        np.testing.assert_array_equal(getattr(again, name), getattr(reference, name))
    assert again.scaler.names == reference.scaler.names
    assert again.model_hash == "abc"
    assert again.novelty.block == 24
    np.testing.assert_array_equal(again.novelty.trend, reference.novelty.trend)
    np.testing.assert_array_equal(again.novelty.intrinsic, reference.novelty.intrinsic)
    with pytest.raises(ValueError, match="a coverage reference must have the scores"):
        CoverageReference.from_xarray(xr.Dataset())


@pytest.mark.parametrize("names", [("teff",), ("teff", "logg", "fe_h")])
def test_duplicated_and_collinear_reference_labels_are_defined(names):
    labels = np.repeat(toy.toy_labels(15, names), 2, axis=0)
    reference = (labels - labels.mean(axis=0)) / labels.std(axis=0)
    if len(names) > 1:
        reference[:, 1] = 2 * reference[:, 0]  # log g says nothing that Teff does not
    scores = label_scores(reference, reference, leave_one_out=True)
    assert np.isfinite(scores).all()
    far = label_scores(reference[:1] + 10, reference)
    assert (far > scores.max(axis=0)).all()


def test_wrong_calls_are_refused():
    labels = toy.toy_labels(30)
    with pytest.raises(ValueError, match="number of reference stars, 9; got 10"):
        label_distance(labels, labels[:9], toy.NAMES)
    with pytest.raises(LabelError, match="reference labels must be finite"):
        label_distance(labels, np.full_like(labels, np.nan), toy.NAMES)
    with pytest.raises(LabelError, match="needs one of the labels teff, logg, fe_h; got"):
        distance_scales(["a_k"])
    with pytest.raises(LabelError, match=r"labels that count in the distance must be among .* got 'a_k'"):
        distance_scales(toy.NAMES, {"a_k": 1.0})
    with pytest.raises(LabelError, match="scale of teff in the distance must be positive"):
        distance_scales(toy.NAMES, {"teff": 0.0})
    with pytest.raises(LabelError, match="given twice"):
        distance_scales(["teff", "teff"])
    with pytest.raises(ValueError, match="at least 10 reference stars; got 9"):
        label_scores(labels, labels[:9])
    with pytest.raises(ValueError, match="cut in label distance must be positive"):
        select_by_distance(np.ones(3), cut=0)
    with pytest.raises(ValueError, match="at least 10 fitted"):
        NoveltyReference.fit(
            residuals_of(np.ones((4, 3)), np.ones(4), np.ones((9, 4)), np.ones((9, 4)), labels[:9, :1])
        )

"""Scores of labels against SciPy and loops, and the reference that they are compared with."""

import numpy as np
import pytest
import toy
import xarray as xr
from expect import expect_fraction
from scipy.stats import gaussian_kde

from bayescannon.data.labels import LabelScaler
from bayescannon.reliability.label_scores import (
    COVERAGE_SCORES,
    LABEL_SCORES,
    SCORES,
    CoverageReference,
    coverage_stars,
    label_scores,
)
from bayescannon.reliability.spectrum_scores import NoveltyReference


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


def test_few_reference_stars_and_unknown_scores_are_refused():
    labels = toy.toy_labels(30)
    with pytest.raises(ValueError, match="at least 10 reference stars; got 9"):
        label_scores(labels, labels[:9])
    with pytest.raises(ValueError, match=r"scores of labels must be among range, hull, .*; got 'chi2'"):
        label_scores(labels, labels, ["chi2"])


def scored_reference(labels, points):
    """A coverage reference of scaled labels and held-out points; it has no spectra."""
    scores = np.full((len(labels), len(SCORES)), np.nan)
    scores[:, : len(LABEL_SCORES)] = label_scores(points, labels, leave_one_out=True, workers=1)
    names = toy.NAMES[: labels.shape[1]]
    return CoverageReference(LabelScaler(names, np.zeros(len(names)), np.ones(len(names))), labels, scores)


def test_range_and_whitened_distance_share_the_false_alarms():
    """Stars like the reference are outside at the wanted rate, with one p-value for both scores."""
    rng = np.random.default_rng(2)
    root = np.array([[1, 0.8, 0.1], [0, 0.5, 0.2], [0, 0, 0.4]])
    p_values = []
    for _ in range(25):
        labels, new = rng.normal(size=(169, 3)) @ root, rng.normal(size=(2000, 3)) @ root
        reference = scored_reference(labels, labels + 0.1 * rng.normal(size=labels.shape))
        new += 0.1 * rng.normal(size=new.shape)
        p_values.append(reference.coverage_p_value(label_scores(new, labels, COVERAGE_SCORES, workers=1)))
    p_values = np.concatenate(p_values)
    for rate in (0.01, 0.03, 0.1):
        expect_fraction(p_values <= rate, len(p_values), 0.6 * rate, 1.3 * rate, what=f"p_coverage <= {rate}")


def test_stars_inside_the_box_and_outside_of_the_correlation_are_found():
    rng = np.random.default_rng(3)
    labels = rng.normal(size=(300, 1)) * np.ones(2) + 0.1 * rng.normal(size=(300, 2))
    reference = scored_reference(labels, labels + 0.02 * rng.normal(size=labels.shape))
    across = np.array([[1.5, -1.5], [-1.5, 1.5]])
    scores = label_scores(across, labels, COVERAGE_SCORES)
    assert (scores[:, 0] < 0).all()
    assert (reference.coverage_p_value(scores) < 0.001).all()


def test_a_few_outlying_reference_stars_do_not_make_the_coverage():
    labels = np.random.default_rng(4).normal(size=(170, 3))
    assert coverage_stars(labels).all()
    labels[[5, 9]] = [[30, -20, 5], [-15, 40, 0]]
    assert np.flatnonzero(~coverage_stars(labels)).tolist() == [5, 9]
    # nine stars are too few to tell, and what is left must be enough
    assert coverage_stars(labels[:9]).all()
    assert coverage_stars(labels[:11]).all()


def test_p_values_say_how_small_they_can_be():
    reference = coverage_reference(169)
    assert reference.describe_p_values() == (
        "p-values against 169 held-out reference stars, below 0.0059 extrapolated by a generalised Pareto tail, none "
        "below 5.9e-06"
    )
    assert 0 < reference.p_values(np.full((1, len(SCORES)), 1e9)).min() < reference.smallest_p_value
    without = CoverageReference(reference.scaler, reference.labels, np.full_like(reference.scores, np.nan))
    assert without.describe_p_values().endswith("as none has scores")
    assert np.isnan(without.coverage_p_value(np.zeros((2, 2)))).all()

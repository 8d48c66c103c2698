import numpy as np
import pytest

from bayescannon.data.labels import KNOWN_LABELS, LabelError, LabelScaler, labels_from_names
from bayescannon.models.label_vector import label_vector, label_vector_jacobian, n_terms, term_names


def test_the_label_vector_of_five_labels_has_21_terms_in_the_papers_order():
    assert n_terms(5) == 21
    labels = np.array([2.0, 3.0, 5.0])
    np.testing.assert_array_equal(label_vector(labels), [1, 2, 3, 5, 4, 6, 10, 9, 15, 25])
    assert term_names(("a", "b")) == ["1", "a", "b", "a^2", "a*b", "b^2"]


@pytest.mark.parametrize("n_label", [1, 2, 5])
def test_jacobian_is_the_derivative(n_label):
    x = np.random.default_rng(0).normal(size=(3, n_label))
    jacobian = label_vector_jacobian(x)
    assert jacobian.shape == (3, n_terms(n_label), n_label)
    for k in range(n_label):
        step = 1e-6 * (np.arange(n_label) == k)
        slope = (label_vector(x + step) - label_vector(x - step)) / 2e-6
        np.testing.assert_allclose(jacobian[..., k], slope, atol=1e-8)


def test_scaler_takes_median_and_central_width():
    values = np.linspace(0, 100, 1001)[:, None]
    scaler = LabelScaler.fit(values, ["teff"])
    assert scaler.pivot[0] == pytest.approx(50)
    assert scaler.scale[0] == pytest.approx(95 / 4)
    np.testing.assert_allclose(scaler.from_scaled(scaler.to_scaled(values)), values)
    assert scaler.covariance_from_scaled(np.eye(1))[0, 0] == pytest.approx((95 / 4) ** 2)


@pytest.mark.parametrize(
    ("values", "names", "message"),
    [
        (np.ones((50, 1)), ["teff"], "'teff' is constant over the 50"),
        (np.full((50, 1), np.nan), ["teff"], "must be finite"),
        (np.ones((50, 2)), ["teff"], r"shape \(star, 1\)"),
        (np.ones((50, 1)), ["tef"], "unknown label name 'tef'; known labels are teff, logg"),
        (np.ones((50, 2)), ["teff", "teff"], "given twice"),
        (np.ones((50, 0)), [], "no label names"),
    ],
)
def test_labels_that_cannot_be_scaled_are_refused(values, names, message):
    with pytest.raises(LabelError, match=message):
        LabelScaler.fit(values, names)


def test_the_papers_numbers_are_in_one_place():
    teff, alpha = labels_from_names(["teff", "alpha_m"])
    assert (teff.published.bias, teff.published.scatter) == (-3.44, 68.8)
    assert alpha.published.scatter == 0.0391
    assert KNOWN_LABELS["a_k"].published.survey_error is None
    assert "K" in teff.axis_text()

import numpy as np
import pytest

from bayescannon.data.labels import KNOWN_LABELS, Label, LabelError, LabelScaler, labels_from_names
from bayescannon.numerics.errors import InputTypeError


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


@pytest.mark.parametrize("position", range(4))
def test_the_texts_of_a_label_are_texts(position):
    texts = ["mine", "m", "dex", "of one's own"]
    texts[position] = None
    with pytest.raises(InputTypeError, match="of a label must be text; got None"):
        Label(*texts)

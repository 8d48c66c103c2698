"""What the page computes spectra from are the model's own numbers."""

import base64
import json
import zlib

import numpy as np
import pytest
import toy

from bayescannon.app.report.explorer_models import feature_data, model_data, plain_symbol
from bayescannon.cannon.training import train
from bayescannon.data.labels import KNOWN_LABELS, Label
from bayescannon.models.label_vector import label_vector, term_pairs


@pytest.fixture(scope="module")
def model():
    return train(toy.toy_reference(80, n_pixel=60))


def array(packed):
    return np.frombuffer(zlib.decompress(base64.b64decode(packed["data"]))).reshape(packed["shape"])


def test_the_page_has_what_a_spectrum_needs_to_the_last_digit(model):
    data = json.loads(json.dumps(model_data("giants", model)))
    labels = np.array([4700.0, 2.2, -0.3])
    scaled = (labels - data["pivot"]) / data["scale"]
    first, second = data["pairs"]
    vector = np.concatenate([[1], scaled, scaled[first] * scaled[second]])
    np.testing.assert_array_equal(vector, label_vector(model.scaler.to_scaled(labels)))
    np.testing.assert_array_equal(array(data["theta"]) @ vector, model.predict(labels))
    np.testing.assert_array_equal(array(data["scatter"]), model.scatter)
    np.testing.assert_array_equal(array(data["kappa"]), model.noise_scale)
    np.testing.assert_array_equal(array(data["wavelength"]), model.wavelength)
    assert data["pairs"] == [list(map(int, one)) for one in term_pairs(3)]
    assert "loadings" not in data


def test_labels_have_ranges_and_the_median_of_the_reference_set(model):
    label = model_data("giants", model)["labels"][0]
    assert label["name"], label["unit"] == ("teff", "K")
    assert label["low"] < label["median"] < label["high"]
    assert label["median"] == np.median(model.reference_labels[:, 0])


def test_every_known_symbol_becomes_plain_text():
    for label in [*KNOWN_LABELS.values(), Label("ba_fe", "dex"), Label("x", r"$\log v_{\rm micro}$", "dex")]:
        assert not set("${}\\") & set(plain_symbol(label)), label


def test_features_are_those_of_the_grid():
    names = [feature["name"] for feature in feature_data(np.linspace(5100, 5300, 200))]
    assert "Mg b" in names
    assert "H alpha" not in names

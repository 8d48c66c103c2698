"""The result of information: which features are named, and the arrays with named dims."""

import numpy as np
import pytest

from bayescannon.cannon.information_result import (
    BlockInformation,
    ExpectedErrors,
    FeatureInformation,
    LabelInformation,
)
from bayescannon.data.labels import LabelError, labels_from_names

WAVELENGTH = np.linspace(6200.0, 6700.0, 501)


def feature(name, kind, n_pixels, lost):
    return FeatureInformation(name, kind, n_pixels, np.array([lost / 2]), np.array([lost]))


def made(features, calibrated=None):
    errors = np.ones((2, 1))
    return LabelInformation(
        wavelength=WAVELENGTH,
        labels=labels_from_names(["a_k"]),
        at=np.array([0.1]),
        snr=50.0,
        known=np.full((501, 1), 2.0),
        marginal=np.full((501, 1), 1.0),
        prior=np.array([3.0]),
        blocks=(BlockInformation(6200.0, 6700.0, np.array([1.0])),),
        features=tuple(features),
        expected=ExpectedErrors(np.array([10.0, 20.0]), errors, errors, calibrated),
    )


def test_a_narrow_feature_stands_for_a_wide_one_of_which_it_is_most():
    wide, narrow = feature("O2 6276", "telluric", 44, 0.18), feature("DIB 6283", "interstellar", 12, 0.16)
    other = feature("H alpha", "line", 24, 0.17)
    assert [one.name for one in made([wide, narrow, other]).strongest("a_k")] == ["H alpha", "DIB 6283"]
    little = feature("DIB 6283", "interstellar", 12, 0.05)
    assert [one.name for one in made([wide, little, other]).strongest("a_k")] == ["O2 6276", "H alpha", "DIB 6283"]
    assert [one.name for one in made([wide, little, other]).strongest("a_k", 1)] == ["O2 6276"]
    assert made([feature("H alpha", "line", 24, np.nan)]).strongest("a_k") == ()
    with pytest.raises(LabelError, match="the model has the labels a_k; got 'teff'"):
        made([]).strongest("teff")


def test_errors_are_those_of_the_sums():
    found = made([])
    np.testing.assert_allclose([found.error[0] ** -2, found.error_known[0] ** -2], [504.0, 1002.0])


@pytest.mark.parametrize("calibrated", [None, np.full((2, 1), 2.0)])
def test_the_dataset_holds_everything(calibrated):
    found = made([feature("H alpha", "line", 24, 0.2)], calibrated).to_dataset()
    assert found["marginal"].dims == ("wavelength", "stellar_label")
    assert float(found["feature_lost"].sel(feature="H alpha", stellar_label="a_k")) == 0.2
    assert ("expected_calibrated" in found) == (calibrated is not None)
    assert found.attrs["star_snr"] == 50.0
    assert "feature_lost" not in made([]).to_dataset()

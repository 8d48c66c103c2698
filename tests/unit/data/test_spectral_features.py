"""Named features: their wavelengths against another list, their names, and which of several covers a wavelength."""

import numpy as np
import pytest

from bayescannon.data.preset import ARM_JOIN, SKY_LINES
from bayescannon.data.spectral_features import (
    INTERSTELLAR_BANDS,
    FeatureKind,
    features_at,
    features_within,
    known_features,
    named_feature,
)

GRID = 10 ** (np.log10(3905) + 1e-4 * np.arange(3626))


# vacuum wavelengths of SDSS's table of lines (classic.sdss.org/dr6/algorithms/linestable.html)
@pytest.mark.parametrize(
    ("name", "vacuum"),
    [
        ("Ca II K", [3934.78]),
        ("Ca II H", [3969.59]),
        ("H delta", [4102.89]),
        ("H gamma", [4341.68]),
        ("H beta", [4862.68]),
        ("H alpha", [6564.61]),
        ("Ca II triplet", [8500.36, 8544.44, 8664.52]),
    ],
)
def test_lines_are_those_of_sdss(name, vacuum):
    np.testing.assert_allclose(named_feature(name).centres, vacuum, atol=0.02)


def test_names_are_unique_and_ascii_and_spans_are_in_order():
    features = known_features()
    assert len({feature.name for feature in features}) == len(features)
    for feature in features:
        assert feature.name.isascii()
        assert feature.symbol
        assert all(low < high for low, high in feature.spans)
        assert all(feature.covers(np.array([centre]))[0] for centre in feature.centres)
    assert [feature.spans[0][0] for feature in features] == sorted(feature.spans[0][0] for feature in features)


def test_every_kind_is_on_the_grid_of_the_paper():
    found = features_within(GRID)
    assert {feature.kind for feature in found} == set(FeatureKind)
    assert "CN 3883" not in {feature.name for feature in found}
    assert {f"sky {line:.0f}" for line in SKY_LINES} <= {feature.name for feature in found}
    assert named_feature("arm join").spans == (ARM_JOIN,)
    assert features_within(np.array([4790.0, 4800.0])) == ()


def test_diffuse_bands_are_named_after_their_air_wavelengths():
    for band in INTERSTELLAR_BANDS:
        assert 1.0 < band.wavelength - band.air < 3.0
        assert named_feature(f"DIB {band.air:.0f}").covers(np.array([band.wavelength]))[0]


def test_the_narrowest_feature_is_first():
    assert [feature.name for feature in features_at(5892.0)][:1] == ["Na D"]
    assert [feature.name for feature in features_at(6285.0)] == ["DIB 6283", "O2 6276"]
    assert features_at(4800.0) == ()

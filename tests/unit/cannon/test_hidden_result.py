"""The atlas as sentences and as arrays with named dims."""

import numpy as np
import pytest

from bayescannon.cannon.hidden_result import (
    ComponentPeak,
    FeatureShare,
    HiddenAtlas,
    HiddenComponent,
    LabelCost,
    Resemblance,
)

PEAKS = (
    ComponentPeak(5893.0, 0.02, ("Na D", "arm join")),
    ComponentPeak(5894.5, 0.01, ("Na D",)),
    ComponentPeak(6434.0, 0.02, (), spike=True),
    ComponentPeak(6000.0, 0.01, ()),
)


def component(number, smooth_share):
    return HiddenComponent(
        number=number,
        share=0.6,
        share_of_scatter=0.3,
        smooth_share=smooth_share,
        features=(FeatureShare("arm join", "instrument", 0.5, 0.46), FeatureShare("Na D", "line", 0.01, 0.009)),
        peaks=PEAKS,
        resembles=(Resemblance("velocity", -0.84), Resemblance("teff", 0.1)),
        costs=(LabelCost("teff", 0.2),),
    )


@pytest.fixture
def atlas():
    wavelength = np.linspace(5800.0, 6500.0, 71)
    return HiddenAtlas(wavelength, np.ones((71, 2)), (component(1, 0.9), component(2, 0.1)))


def test_a_component_in_a_sentence(atlas):
    first, second = atlas.describe().split("\n")
    assert first == (
        "component 1: 60 % of the variance, continuum; in arm join 50 %; peaks at Na D, one pixel at 6434; "
        "resembles velocity -0.84, teff +0.10"
    )
    assert "component 2: 60 % of the variance, lines" in second


def test_names(atlas):
    one = atlas.components[0]
    assert [peak.name for peak in one.peaks] == ["Na D", "Na D", "one pixel at 6434", ""]
    assert one.named_peaks(1) == ("Na D",)
    # the excess in Na D is not notable
    assert one.notable() == ("arm join 50 %",)


def test_the_dataset_has_the_numbers_by_name(atlas):
    found = atlas.to_dataset()
    assert found["loadings"].dims == ("wavelength", "component")
    assert set(found["resemblance"].to_numpy()) == {"teff", "velocity"}
    assert float(found["feature_excess"].sel(component=2, feature="arm join")) == 0.46
    assert float(found["correlation"].sel(component=1, resemblance="velocity")) == -0.84
    assert float(found["cost"].sel(component=1, stellar_label="teff")) == 0.2

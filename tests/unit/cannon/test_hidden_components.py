"""The atlas of hidden components: rotations, shares, and components that are known changes of the spectrum."""

from dataclasses import replace

import numpy as np
import pytest

import bayescannon as bc
from bayescannon.cannon.fisher_information import label_information
from bayescannon.cannon.hidden_components import hidden_atlas
from bayescannon.cannon.reference import ReferenceSet
from bayescannon.data.spectra import Spectra
from bayescannon.data.spectral_features import named_feature
from bayescannon.numerics.errors import InputError

WAVELENGTH = 10 ** (np.log10(5000) + 1e-4 * np.arange(900))


def lines(centres, width=3.0):
    return sum(np.exp(-0.5 * ((WAVELENGTH - centre) / width) ** 2) for centre in centres)


@pytest.fixture(scope="module")
def model():
    """A spectrum with lines, one label that deepens some of them."""
    rng = np.random.default_rng(0)
    labels = rng.normal([4800.0], [250.0], size=(60, 1))
    flux = 1 - 0.3 * lines([5050, 5150, 5270, 5500, 5700]) - 0.05 * (labels - 4800) / 250 * lines([5270, 5500])
    spectra = Spectra(
        WAVELENGTH,
        flux + 0.002 * rng.normal(size=flux.shape),
        np.full(flux.shape, 1 / 0.002**2),
        np.array([f"s{n}" for n in range(60)]),
    )
    return bc.train(ReferenceSet(spectra, labels, np.full(labels.shape, np.nan), ("teff",)))


def having(model, *columns):
    return replace(model, loadings=np.column_stack(columns))


def test_components_are_on_the_principal_axes_whatever_their_rotation(model):
    first, second = 0.03 * lines([5175.0]), 0.01 * lines([5893.0])
    angle = 0.7
    turned = having(
        model, np.cos(angle) * first + np.sin(angle) * second, np.cos(angle) * second - np.sin(angle) * first
    )
    atlas = hidden_atlas(turned)
    np.testing.assert_allclose(atlas.loadings[:, 0], first, atol=1e-4)
    np.testing.assert_allclose(atlas.loadings[:, 1], second, atol=1e-4)
    np.testing.assert_allclose(atlas.loadings @ atlas.loadings.T, turned.loadings @ turned.loadings.T, atol=1e-12)
    assert [one.number for one in atlas.components] == [1, 2]
    np.testing.assert_allclose(sum(one.share for one in atlas.components), 1.0)
    assert atlas.components[0].share > 0.85
    assert atlas.components[0].peaks[0].amplitude > 0


def test_lines_are_named(model):
    atlas = hidden_atlas(having(model, 0.03 * lines(named_feature("Mg b").centres, 1.5)))
    (component,) = atlas.components
    assert component.features[0].feature == "Mg b"
    assert component.features[0].share > 0.9
    assert component.peaks[0].features[0] == "Mg b"
    assert component.kind == "lines"
    assert component.notable()[0] == "Mg b 100 %"
    assert "Mg b" in atlas.describe()


def test_a_broad_bump_is_continuum_and_is_the_join_of_the_arms(model):
    (component,) = hidden_atlas(having(model, -0.03 * lines([5900.0], 40.0))).components
    assert component.kind == "continuum"
    assert component.smooth_share > 0.9
    assert component.features[0].feature == "arm join"
    assert component.peaks[0].features[0] == "arm join"


def test_the_same_everywhere_is_no_feature_in_particular(model):
    (component,) = hidden_atlas(having(model, np.full(900, 0.01))).components
    assert component.notable() == ()
    assert "no feature in particular" in component.describe()
    assert component.smooth_share == pytest.approx(1.0)


def test_velocity_line_spread_and_labels_are_recognised(model):
    step = np.log(WAVELENGTH[1] / WAVELENGTH[0])
    mean = model.predict([4800.0])
    slope = np.gradient(mean, step)
    for change, name, sign in (
        (-1e-4 * slope, "velocity", 1),
        (1e-8 * np.gradient(slope, step), "line_spread", 1),
        (0.3 * model.theta[:, 1], "teff", 1),
    ):
        (component,) = hidden_atlas(having(model, change)).components
        assert component.resembles[0].name == name
        # the sign of a component is that of its largest peak
        assert abs(component.resembles[0].correlation) > 0.9, sign


def test_dead_pixels_are_blank_and_do_not_count(model):
    scatter = model.scatter.copy()
    scatter[:100] = np.inf
    dead = replace(model, fit=replace(model.fit, scatter=scatter))
    loading = 0.02 * lines([5020.0, 5700.0])
    atlas = hidden_atlas(having(dead, loading))
    assert np.isnan(atlas.loadings[:100]).all()
    assert all(peak.wavelength > WAVELENGTH[100] for peak in atlas.components[0].peaks)


def test_a_component_costs_the_label_that_it_resembles(model):
    like, unlike = 2.0 * model.theta[:, 1], 0.02 * lines([5900.0], 10.0)
    atlas = hidden_atlas(having(model, like, unlike))
    costs = {one.resembles[0].name: one.costs[0] for one in atlas.components}
    assert costs["teff"].label == "teff"
    assert costs["teff"].share > 0.9
    other = next(one for one in atlas.components if one.resembles[0].name != "teff" or one.costs[0].share < 0.5)
    assert other.costs[0].share < 0.1
    loading = 0.02 * lines([5270.0])
    (one,) = hidden_atlas(having(model, loading), snr=80).components
    formal = label_information(having(model, loading), snr=80)
    alone = label_information(model, snr=80)
    assert one.costs[0].share == pytest.approx(1 - (alone.error[0] / formal.error[0]) ** 2, rel=1e-6)
    with pytest.raises(InputError, match="snr must be"):
        hidden_atlas(having(model, loading), snr=0)


def test_a_spike_is_no_line(model):
    spike = np.where(np.arange(900) == 500, 0.02, 0.0) + 0.01 * lines([5893.0], 1.5)
    (component,) = hidden_atlas(having(model, spike)).components
    assert set(component.named_peaks(2)) == {f"one pixel at {WAVELENGTH[500]:.0f}", "Na D"}


def test_the_strongest_line_does_not_decide_what_stands_out(model):
    """A weak line where there is nothing else is named, beside a broad range of large values."""
    loading = 0.05 * lines([5080.0], 40.0) * np.cos(WAVELENGTH) + 0.004 * lines([5893.0], 1.5)
    (component,) = hidden_atlas(having(model, loading)).components
    assert component.named_peaks(1) == ("Na D",)


def test_share_of_scatter(model):
    loading = 0.02 * lines([5700.0])
    (component,) = hidden_atlas(having(model, loading)).components
    power, scatter = (loading**2).sum(), (model.scatter**2).sum()
    assert component.share_of_scatter == pytest.approx(power / (power + scatter))


def test_a_component_that_is_nothing(model):
    atlas = hidden_atlas(having(model, 0.02 * lines([5700.0]), np.zeros(900)))
    assert atlas.components[1].share == 0
    assert atlas.components[1].peaks == ()
    assert atlas.describe().count("\n") == 1


def test_a_model_without_is_refused(model):
    with pytest.raises(InputError, match=r"no hidden components \(theta flat, .*\); train with"):
        hidden_atlas(model)
    with pytest.raises(InputError, match="no hidden components"):
        hidden_atlas(replace(model, loadings=np.zeros((900, 0))))

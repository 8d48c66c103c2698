"""Coefficients against wavelength: their scale, dead pixels left blank, and marks only where there is a grid."""

from pathlib import Path

import numpy as np
import pytest
from drawing import SUBSETS, limits_hold, require_drawable

from bayescannon.data.labels import labels_from_names
from bayescannon.data.spectral_features import INTERSTELLAR_BANDS
from bayescannon.figures import plot_coefficients
from bayescannon.models.label_vector import n_terms

WAVELENGTH = 10 ** (np.log10(3905) + 1e-3 * np.arange(363))


@pytest.mark.parametrize("names", SUBSETS)
def test_coefficients(rng: np.random.Generator, tmp_path: Path, names: tuple[str, ...]) -> None:
    labels = labels_from_names(names)
    theta = rng.normal(0, 0.02, size=(len(WAVELENGTH), n_terms(len(names))))
    scatter = rng.uniform(0.002, 0.01, len(WAVELENGTH))
    dead = slice(200, 220)
    scatter[dead], theta[dead] = np.inf, 0
    scale = rng.uniform(0.1, 2.0, len(names))
    figure = plot_coefficients(WAVELENGTH, theta, scatter, labels, scale=scale)
    assert len(figure.axes) == len(names) + 1
    for k, label in enumerate(labels):
        ax = figure.axes[k]
        curve = np.asarray(ax.lines[1].get_ydata())
        want = theta[:, 1 + k] / scale[k] * label.published.plot_scale
        want[dead] = np.nan
        np.testing.assert_allclose(curve, want, rtol=1e-12)
        assert limits_hold(ax.get_ylim(), curve)
        assert ax.get_ylabel() == f"{label.symbol}\n[flux / {label.published.plot_scale:g} {label.unit}]"
        band_names = [text.get_text() for text in ax.texts if text.get_text().isdigit()]
        assert band_names == ([f"{band.air:.0f}" for band in INTERSTELLAR_BANDS] if label.name == "a_k" else [])
    bottom = figure.axes[-1]
    assert np.isnan(bottom.lines[0].get_ydata()[dead]).all()
    assert bottom.get_ylabel() == "scatter\n[flux]"
    assert "wavelength [" in bottom.get_xlabel()
    assert limits_hold(bottom.get_xlim(), WAVELENGTH)
    assert limits_hold(bottom.get_ylim(), scatter)
    assert "Mg b" in [text.get_text() for text in figure.axes[0].texts]
    require_drawable(figure, tmp_path)


def test_coefficients_mark_only_what_the_grid_covers(rng: np.random.Generator, tmp_path: Path) -> None:
    wavelength = np.linspace(6000, 6400, 50)
    theta = rng.normal(size=(50, 3))
    labels = labels_from_names(["a_k"])
    figure = plot_coefficients(wavelength, theta, np.full(50, 0.01), labels, scale=[0.1])
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert texts == ["6203", "6283", "interstellar bands"]
    require_drawable(figure, tmp_path)
    figure = plot_coefficients(wavelength[:10], theta[:10], np.full(10, np.inf), labels, scale=[0.1])
    assert not figure.axes[0].texts
    require_drawable(figure, tmp_path)


def test_coefficients_refuse_shapes_that_do_not_go_together() -> None:
    labels = labels_from_names(("teff", "logg"))
    with pytest.raises(ValueError, match=r"theta must have shape \(pixel, term\) = \(5, 6\)"):
        plot_coefficients(np.arange(5.0), np.zeros((5, 3)), np.ones(5), labels, scale=[1, 1])
    with pytest.raises(ValueError, match=r"scale must have one value per label for the 2 labels \(teff, logg\)"):
        plot_coefficients(np.arange(5.0), np.zeros((5, 6)), np.ones(5), labels, scale=[1])
    with pytest.raises(ValueError, match="at least one label"):
        plot_coefficients(np.arange(5.0), np.zeros((5, 1)), np.ones(5), (), scale=[])

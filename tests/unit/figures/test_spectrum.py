"""A spectrum with its model: dead pixels blank, residuals below."""

from pathlib import Path

import numpy as np
import pytest
from drawing import limits_hold, require_drawable
from matplotlib.figure import Figure

from bayescannon.figures import plot_spectrum

WAVELENGTH = 10 ** (np.log10(3905) + 1e-3 * np.arange(363))


def test_spectrum(rng: np.random.Generator, tmp_path: Path) -> None:
    model = 1 - 0.5 * np.exp(-0.5 * ((WAVELENGTH - 5890) / 15) ** 2)
    ivar = rng.uniform(900, 2500, len(WAVELENGTH))
    flux = model + rng.normal(size=len(WAVELENGTH)) / np.sqrt(ivar)
    ivar[100:110], flux[100:110] = 0, 50.0
    upper, lower = plot_spectrum(WAVELENGTH, flux, ivar, model)
    data = np.asarray(upper.lines[0].get_ydata())
    assert np.isnan(data[100:110]).all()
    assert np.isfinite(data[:100]).all()
    assert upper.get_ylim()[1] < 3
    assert limits_hold(upper.get_ylim(), np.concatenate([data, model]))
    assert limits_hold(lower.get_ylim(), data - model)
    assert upper.get_ylabel() == "normalised flux"
    assert lower.get_ylabel().endswith("[flux]")
    assert "wavelength [" in lower.get_xlabel()
    assert [text.get_text() for text in upper.get_legend().get_texts()] == [r"$\pm 1\sigma$", "data", "model"]
    require_drawable(upper.figure, tmp_path)
    pair = tuple(Figure().subplots(2, 1))
    assert plot_spectrum(WAVELENGTH, flux, np.zeros_like(ivar), model, pair) == pair
    require_drawable(pair[0].figure, tmp_path)
    with pytest.raises(ValueError, match="one value per pixel"):
        plot_spectrum(WAVELENGTH, flux, ivar, model[:-1])


def test_outliers_are_marked() -> None:
    model = np.ones(len(WAVELENGTH))
    shares, flux = np.ones(len(WAVELENGTH)), model.copy()
    shares[[7, 40]], flux[[7, 40]] = [0.0, 0.4], 1.5
    upper, _ = plot_spectrum(WAVELENGTH, flux, np.full(len(WAVELENGTH), 1e4), model, shares=shares)
    assert [text.get_text() for text in upper.get_legend().get_texts()][-1] == "outliers"
    np.testing.assert_array_equal(upper.lines[-1].get_xdata(), WAVELENGTH[[7, 40]])
    with pytest.raises(ValueError, match="shares"):
        plot_spectrum(WAVELENGTH, flux, np.ones_like(flux), model, shares=shares[:-1])

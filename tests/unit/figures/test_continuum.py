"""A spectrum and its continuum (figure 2)."""

import numpy as np
import pytest
from drawing import require_drawable

from bayescannon.figures import plot_continuum
from bayescannon.numerics.errors import InputError


def test_the_lower_panel_is_the_quotient(tmp_path):
    wavelength = np.linspace(4000, 5000, 200)
    continuum = 100 + 0.05 * (wavelength - 4500)
    flux = continuum * (1 - 0.4 * (np.abs(wavelength - 4300) < 8))
    flux[7], continuum[9] = np.nan, np.nan
    upper, lower = plot_continuum(wavelength, flux, continuum, unit="counts")
    assert [line.get_label() for line in upper.lines] == ["spectrum", "running Gaussian mean"]
    quotient = lower.lines[-1].get_ydata()
    np.testing.assert_allclose(quotient[:5], 1.0)
    assert np.nanmin(quotient) == pytest.approx(0.6)
    assert np.isnan(quotient[[7, 9]]).all()
    assert upper.get_ylabel() == "flux [counts]"
    require_drawable(upper.figure, tmp_path)


def test_arrays_must_fit_together():
    with pytest.raises(InputError, match="one value per pixel"):
        plot_continuum([1.0, 2.0], [1.0], [1.0, 1.0])

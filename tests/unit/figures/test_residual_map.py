"""The residual map: rows are stars in the order of a label, or means of those next to each other."""

import numpy as np
import pytest
from drawing import require_drawable

from bayescannon.data.labels import KNOWN_LABELS
from bayescannon.figures import plot_residual_map
from bayescannon.numerics.errors import InputError

WAVELENGTH = np.linspace(4800, 5200, 30)
TEFF = KNOWN_LABELS["teff"]


def test_stars_are_in_the_order_of_the_label(tmp_path):
    values = np.array([5000.0, 4000.0, np.nan, 4500.0])
    residuals = np.outer([3.0, 1.0, 9.0, 2.0], np.ones(30))
    residuals[1, 5] = np.nan
    ax = plot_residual_map(WAVELENGTH, residuals, values, label=TEFF)
    image = np.asarray(ax.collections[0].get_array().filled(np.nan))
    np.testing.assert_array_equal(image[:, 0], [1, 2, 3])
    assert np.isnan(image[0, 5])
    require_drawable(ax.figure, tmp_path)


def test_more_stars_than_rows_are_averaged():
    values = np.arange(1000.0)
    ax = plot_residual_map(WAVELENGTH, np.outer(values, np.ones(30)), values, label=TEFF, rows=10)
    image = np.asarray(ax.collections[0].get_array())
    np.testing.assert_allclose(image[:, 3], 49.5 + 100 * np.arange(10))


def test_wrong_calls_say_what_is_wrong():
    with pytest.raises(InputError, match="a row per star and a column per pixel"):
        plot_residual_map(WAVELENGTH, np.zeros((3, 29)), np.zeros(3), label=TEFF)
    with pytest.raises(InputError, match="no star has a value of teff"):
        plot_residual_map(WAVELENGTH, np.zeros((1, 30)), [np.nan], label=TEFF)

import astropy.units as u
import numpy as np
import pytest

from bayescannon.models.nuisances import Nuisances, ResponseSpectra
from bayescannon.numerics.errors import InputError, InputTypeError

ALL = Nuisances(velocity=20, line_spread=40, continuum=0.01, continuum_order=2)


def test_texts_and_quantities_are_speeds():
    assert Nuisances("5km/s", 3000 * u.m / u.s) == Nuisances(5.0, 3.0)
    assert not Nuisances()
    assert Nuisances().describe() == "none"
    assert ALL.names == ("velocity", "line_spread", "continuum_0", "continuum_1", "continuum_2")
    assert ALL.describe() == "velocity 20 km/s, line spread 40 km/s, continuum 0.01 to order 2"


@pytest.mark.parametrize(
    ("choices", "error", "said"),
    [
        ({"velocity": "-1km/s"}, InputError, "velocity prior must be finite and not negative"),
        ({"line_spread": "4 A"}, InputError, "line-spread prior is in A"),
        ({"continuum": -0.1}, InputError, "continuum prior must not be negative"),
        ({"continuum": "0.1"}, InputTypeError, "continuum prior must be a number"),
        ({"continuum": 0.1, "continuum_order": -1}, InputError, "continuum_order must be at least 0"),
    ],
)
def test_widths_that_make_no_sense_are_refused(choices, error, said):
    with pytest.raises(error, match=said):
        Nuisances(**choices)


def test_factors_are_those_of_the_expansion():
    first, second, continuum = ALL.factors(np.array([[1.0, -1.0, 2.0, 0.0, 1.0]]))
    delta = 20 / 299792.458
    assert first[0] == pytest.approx(-delta)
    assert second[0] == pytest.approx(delta**2 / 2 - 0.5 * (40 / 299792.458) ** 2)
    np.testing.assert_allclose(continuum, [[0.02, 0.0, 0.01]])
    only_spread = Nuisances(line_spread=40).factors(np.array([2.0]))
    assert only_spread[0] == 0
    assert only_spread[1] == pytest.approx((40 / 299792.458) ** 2)


def test_amplitudes_and_units_are_inverse():
    amplitudes = ALL.amplitudes(10 / 299792.458, 0.5 * 800 / 299792.458**2)
    np.testing.assert_allclose(amplitudes, [0.5, 0.5, 0, 0, 0])
    assert ALL.in_units(amplitudes, "velocity") == pytest.approx(10)
    assert ALL.in_units(amplitudes, "line_spread") == pytest.approx(800)
    assert np.isnan(Nuisances(velocity=5).in_units(np.ones((3, 1)), "line_spread")).all()


def test_the_flux_of_a_redshifted_star_follows_its_lines():
    """Lines that are redshifted against the training are at longer wavelengths, and so is the flux of the model."""
    grid = np.exp(8.5 + 2.3e-4 * np.arange(60))
    x = np.log(grid) - 8.5 - 30 * 2.3e-4
    width = 6e-4
    profile = -0.5 * np.exp(-0.5 * (x / width) ** 2)
    theta = np.stack([1 + profile, 0 * x, 0 * x], axis=1)
    first = np.stack([-x / width**2 * profile, 0 * x, 0 * x], axis=1)
    second = np.stack([(x**2 / width**4 - width**-2) * profile, 0 * x, 0 * x], axis=1)
    nuisances = Nuisances(velocity=20)
    response = ResponseSpectra.of(grid, (theta, first, second), nuisances)
    flux = response.flux(np.array([[1.0, 0.0, 0.0]]), np.array([[1.0]]), nuisances)[0]
    expected = 1 - 0.5 * np.exp(-0.5 * ((x - 20 / 299792.458) / width) ** 2)
    assert np.abs(flux - expected).max() < 2e-4
    assert response.continuum.shape == (60, 0)

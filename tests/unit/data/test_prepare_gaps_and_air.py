"""Spectra of two arms, in air, and normalised already."""

import numpy as np
import pytest

from bayescannon.data.air import to_air
from bayescannon.data.continuum import normalise
from bayescannon.data.prepare import prepare_spectra, resample
from bayescannon.data.preset import NONE
from bayescannon.data.raw_spectrum import RawSpectrum
from bayescannon.data.spectra import SpectrumError
from bayescannon.numerics.errors import InputTypeError

BLUE, RED = np.arange(4950.0, 5350, 0.12), np.arange(6300.0, 6800, 0.15)
ARMS = np.concatenate([BLUE, RED])
GRID = "4960:5340:0.2,6310:6790:0.2"


def two_arms(name="a", **changes):
    values = {"wavelength": ARMS, "flux": np.full(len(ARMS), 100.0), "ivar": np.ones(len(ARMS)), "redshift": 0.0}
    return RawSpectrum(name, **(values | changes))


@pytest.mark.parametrize("variance", ["interpolate", "propagate"])
def test_nothing_is_interpolated_over_the_gap_between_arms(variance):
    grid = np.arange(4940.0, 6810.0)
    flux, ivar = resample(ARMS, np.ones(len(ARMS)), np.ones(len(ARMS)), grid, variance)
    inside = ((grid >= BLUE[0]) & (grid <= BLUE[-1])) | ((grid >= RED[0]) & (grid <= RED[-1]))
    np.testing.assert_array_equal(ivar > 0, inside)
    assert (flux[~inside] == 0).all()


def test_a_grid_point_on_the_edge_of_a_gap_is_live():
    flux, ivar = resample(ARMS, ARMS, np.ones(len(ARMS)), np.array([BLUE[-1], 5900.0, RED[0]]))
    assert flux.tolist() == [BLUE[-1], 0, RED[0]]
    assert ivar.tolist() == [1, 0, 1]


def test_arms_of_different_flux_scale_are_normalised_by_themselves():
    # the arms end 20 A apart, well within the running mean
    grid = np.concatenate([np.arange(5000.0, 5300), np.arange(5320.0, 5600)])
    blue = grid < 5310
    flux = np.where(blue, 1.0, 1000.0)[None]
    normalised, ivar = normalise(flux, np.ones_like(flux), grid)
    np.testing.assert_allclose(normalised, 1, rtol=1e-12)
    np.testing.assert_allclose(ivar, flux**2, rtol=1e-12)


def test_both_arms_are_prepared_on_a_grid_with_a_gap():
    spectra = prepare_spectra([two_arms()], grid=GRID)
    assert (spectra.ivar > 0).all()
    np.testing.assert_allclose(spectra.flux, 1, rtol=1e-6)


def test_a_spectrum_whose_gap_holds_the_grid_is_refused():
    with pytest.raises(SpectrumError, match=r"off the grid.*reaches 0 pixels.*chosen with --grid"):
        prepare_spectra([two_arms()], grid="5500:6200:1")
    with pytest.raises(SpectrumError, match=r"off the grid.*; the file lacks the red arm"):
        prepare_spectra(
            [RawSpectrum("a", BLUE, BLUE, BLUE, redshift=0, meta={"missing": "the red arm"})], grid="6310:6790:1"
        )


def test_wavelengths_in_air_are_converted():
    line = 1 - 0.5 * np.exp(-0.5 * ((BLUE - 5150) / 1.0) ** 2)
    noise = np.full(len(BLUE), 1e4)
    vacuum = RawSpectrum("a", BLUE, line, noise, redshift=1e-4)
    air = RawSpectrum("b", to_air(BLUE), line, noise, redshift=1e-4, air=True)
    taken_for_vacuum = RawSpectrum("c", to_air(BLUE), line, noise, redshift=1e-4)
    spectra = prepare_spectra([vacuum, air, taken_for_vacuum], grid="4960:5340:0.2")
    np.testing.assert_allclose(spectra.flux[1], spectra.flux[0], rtol=0, atol=1e-6)
    assert np.abs(spectra.flux[2] - spectra.flux[0]).max() > 0.2
    assert spectra.attrs["n_air"] == 1
    assert air.air is True
    assert vacuum.air is None


@pytest.mark.parametrize("air", ["yes", 2, [True]])
def test_air_is_true_or_false(air):
    with pytest.raises(InputTypeError, match="air must be True or False"):
        two_arms(air=air)


def test_the_preset_none_keeps_the_continuum():
    flux = 1 - 0.3 * np.exp(-0.5 * ((ARMS - 6563) / 5.0) ** 2) + 1e-5 * (ARMS - 6000)
    grid = ARMS[::2]
    spectra = prepare_spectra([two_arms(flux=flux)], "none", grid)
    np.testing.assert_allclose(spectra.flux[0], flux[::2], rtol=1e-6)
    np.testing.assert_allclose(spectra.ivar[0], 1, rtol=1e-6)
    assert spectra.attrs["preset"] == NONE.name == "none"


def test_the_preset_none_refuses_spectra_that_are_not_normalised():
    good = two_arms("good", flux=np.ones(len(ARMS)))
    spectra = prepare_spectra([good, two_arms("counts")], "none", GRID, leave_out=True)
    assert spectra.id.tolist() == ["good"]
    (left,) = spectra.attrs["left_out"]
    assert left.startswith("counts: not normalised: ")
    assert "got 100" in left


def test_a_dead_spectrum_without_normalisation_is_refused_by_its_own_reason():
    with pytest.raises(SpectrumError, match="no good pixel"):
        prepare_spectra([two_arms(ivar=np.zeros(len(ARMS)))], "none", GRID)

import astropy.units as u
import numpy as np
import pytest

from bayescannon.data.raw_spectrum import ALL_BITS, RawSpectrum, SpectrumError
from bayescannon.numerics.errors import InputError, InputTypeError

GRID = np.array([5000.0, 5001.0, 5003.0])
FLUX, IVAR = np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0, 6.0])


def raw(**changes):
    return RawSpectrum(**({"id": "star-1", "wavelength": GRID, "flux": FLUX, "ivar": IVAR} | changes))


def test_a_descending_spectrum_is_turned_round_as_a_whole():
    turned = raw(wavelength=GRID[::-1], flux=FLUX[::-1], ivar=IVAR[::-1], mask=np.array([0, 0, 7]))
    np.testing.assert_array_equal(turned.wavelength, GRID)
    np.testing.assert_array_equal(turned.flux, FLUX)
    np.testing.assert_array_equal(turned.ivar, IVAR)
    assert turned.mask.tolist() == [7, 0, 0]
    # the mask of an array turns with it
    masked = raw(wavelength=GRID[::-1], flux=np.ma.array(FLUX[::-1], mask=[1, 0, 0]), ivar=IVAR[::-1])
    assert masked.ivar.tolist() == [4, 5, 0]


def test_values_stay_as_delivered():
    delivered = raw(flux=[np.nan, -1, np.inf], ivar=[-1, np.nan, np.inf])
    np.testing.assert_array_equal(delivered.flux, [np.nan, -1, np.inf])
    np.testing.assert_array_equal(delivered.ivar, [-1, np.nan, np.inf])


@pytest.mark.parametrize(
    ("mask", "bits", "ivar"),
    [
        (None, [0, 0, 0], [4, 5, 6]),
        (np.ma.nomask, [0, 0, 0], [4, 5, 6]),
        ([0, 1, 2], [0, 1, 2], [4, 5, 6]),
        (np.array([0, 1, 2], dtype=">u2"), [0, 1, 2], [4, 5, 6]),
        (np.array([0, 1 << 33, 1 << 40]), [0, ALL_BITS, ALL_BITS], [4, 5, 6]),
        (np.array([0.0, 2.0, np.nan]), [0, 2, ALL_BITS], [4, 5, 6]),
        ([False, True, False], [0, ALL_BITS, 0], [4, 0, 6]),
        (np.ma.array([False, False, True], mask=[1, 0, 0]), [ALL_BITS, 0, ALL_BITS], [0, 5, 0]),
    ],
)
def test_masks_of_bits_and_of_booleans(mask, bits, ivar):
    spectrum = raw(mask=mask)
    assert spectrum.mask.dtype == np.uint32
    assert spectrum.mask.tolist() == bits
    assert spectrum.ivar.tolist() == ivar


@pytest.mark.parametrize("mask", ["x", ["good", "bad", "good"]])
def test_a_mask_of_text_is_refused(mask):
    with pytest.raises(InputTypeError, match=r"mask holds .*; expected whole numbers, which are bits, or booleans"):
        raw(mask=mask)


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"flux": [1, 2]}, InputError, r"flux must have the shape of wavelength, \(3,\); got \(2,\)"),
        ({"ivar": np.ones(4)}, InputError, "ivar must have the shape"),
        ({"mask": [0]}, InputError, "mask must have the shape"),
        ({"mask": [True]}, InputError, "mask must have the shape"),
        ({"flux": np.ones((2, 3))}, InputError, "one RawSpectrum per star"),
        ({"wavelength": np.ones((2, 3))}, SpectrumError, r"shape \(pixel,\), one grid for all"),
        ({"wavelength": []}, SpectrumError, r"shape \(pixel,\)"),
        (
            {"wavelength": [5000, 5002, 5001]},
            SpectrumError,
            r"5000, 5002, 5001\. Sort the pixels.*swapped",
        ),
        ({"wavelength": [5000, 5000, 5001]}, SpectrumError, "strictly ascending"),
        ({"wavelength": [5000, np.nan, 5001]}, SpectrumError, "not in 1 of 3 pixels"),
        ({"wavelength": np.ma.array(GRID, mask=[0, 1, 0])}, SpectrumError, "masked in 1 pixels"),
        ({"id": ["a", "b", "c"]}, InputTypeError, r"id must be one name; got \['a', 'b', 'c'\]"),
        ({"id": None}, InputError, "is missing"),
        ({"id": 4.6e18}, InputError, "cannot hold every digit"),
        ({"redshift": "0.1"}, InputTypeError, "redshift holds text"),
        ({"redshift": [0.1, 0.2]}, InputTypeError, "redshift must be one number"),
        ({"flux": [12, 13, 14] * u.mag}, InputError, "flux must be linear; got flux in mag, which is a logarithm"),
        ({"flux": [12, 13, 14] * u.ABmag}, InputError, "flux must be linear; got flux in mag.AB."),
        ({"flux": [1, 2, 3] * u.dB}, InputError, "flux must be linear"),
        ({"mask": [0, 0.5, 1]}, InputTypeError, "mask must hold whole numbers, which are bits; got 0.5"),
        ({"mask": [0, -1, 1]}, InputError, "not negative; got -1"),
        ({"mask": [0.0, -1.0, 1.0]}, InputError, "not negative; got -1"),
        ({"meta": [1]}, InputTypeError, "meta must map names to texts; got a list"),
    ],
)
def test_wrong_calls_say_what_came(changes, error, words):
    with pytest.raises(error, match=words):
        raw(**changes)


def test_names_of_any_kind():
    assert [raw(id=name).id for name in ("a", b"a", np.str_("a"), 12, np.int64(12))] == ["a", "a", "a", "12", "12"]


def test_what_is_unknown_is_nan():
    spectrum = raw(ra=None, snr=np.ma.masked, dec=10 * u.arcmin)
    assert np.isnan([spectrum.redshift, spectrum.ra, spectrum.snr]).all()
    assert spectrum.dec == pytest.approx(1 / 6)


def test_comparing_two_spectra_is_no_comparison_of_arrays():
    one = raw()
    assert one == one
    assert one != raw()
    assert raw(meta=None).meta == {}


def test_repr_is_one_line():
    assert repr(raw(redshift=1e-4)) == (
        "<RawSpectrum star-1: 3 pixels from 5000.00 to 5003.00 A, 3 of them good; redshift 0.0001>"
    )
    assert "<td>a&lt;b&gt;</td>" in raw(id="a<b>")._repr_html_()
    assert len(raw()) == 3

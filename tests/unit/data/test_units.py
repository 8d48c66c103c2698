import astropy.units as u
import numpy as np
import pytest
import xarray as xr
from astropy.table import Column

from bayescannon.data.label_table import LabelTable
from bayescannon.data.labels import KNOWN_LABELS
from bayescannon.data.spectra import RawSpectrum, Spectra
from bayescannon.data.units import UnitError, as_unit, label_unit, to_unit

GRID = np.array([5000.0, 5001.0])
ONES = np.ones((1, 2))


@pytest.mark.parametrize(
    ("label", "given", "want"),
    [
        ("teff", 4.8 * u.kK, 4800),
        ("teff", 4800 * u.K, 4800),
        ("teff", 4800 * u.dimensionless_unscaled, 4800),
        ("logg", 2.5 * u.dex, 2.5),
        ("logg", 2.5 * u.dex(u.cm / u.s**2), 2.5),
        ("logg", 0.5 * u.dex(u.m / u.s**2), 2.5),
        ("fe_h", -0.5 * u.dex, -0.5),
        ("fe_h", -0.5 * u.dex(u.Unit("Sun", parse_strict="silent")), -0.5),
        ("a_k", 0.2 * u.mag, 0.2),
        ("a_k", 200 * u.Unit("mmag"), 0.2),
        ("vsini", 3000 * u.m / u.s, 3),
        ("vmicro", 3.2 * u.dex(u.m / u.s), 0.2),
        ("mass", 1 * u.Msun, 1),
        ("log_age", 9 * u.dex(u.yr), 9),
    ],
)
def test_labels_with_a_unit_that_converts(label, given, want):
    values = np.atleast_1d(given.value)
    kinds = [values * given.unit if not isinstance(given.unit, u.FunctionUnitBase) else u.Quantity([given], subok=True)]
    kinds += [Column(values, unit=given.unit), xr.DataArray(values, attrs={"units": given.unit})]
    for kind in kinds:
        table = LabelTable.from_arrays(["a"], **{label: kind})
        assert table.labels[label] == pytest.approx([want])


@pytest.mark.parametrize("unit", ["[Sun]", "log(cgs)", "-", "dex(---)"])
def test_the_many_spellings_of_a_logarithm(unit):
    assert to_unit(np.array([0.1]), unit, "dex", "fe_h") == [0.1]
    assert to_unit(np.array([0.1]), u.Unit(unit, parse_strict="silent"), "dex(cm/s2)", "logg") == [0.1]


@pytest.mark.parametrize(
    ("label", "unit", "words"),
    [
        ("teff", "mag", "teff is in mag, which does not convert to K; give teff in K"),
        ("teff", "degK", "teff is in degK, which is not a known unit"),
        ("teff", "dex", "does not convert to K"),
        ("teff", "eV", "does not convert to K"),
        ("logg", "m/s2", "logg is in m / s2, which does not convert to dex"),
        ("logg", "mag", "does not convert"),
        ("fe_h", "K", "does not convert to dex"),
        ("fe_h", "mag", "does not convert to dex"),
        ("a_k", "dex", "a_k is in dex, which does not convert to mag"),
        ("log_age", "Gyr", "does not convert to dex"),
    ],
)
def test_labels_with_a_unit_that_does_not_convert(label, unit, words):
    with pytest.raises(UnitError, match=words):
        LabelTable.from_arrays(["a"], **{label: Column([1.0], unit=unit)})


def test_errors_have_no_zero_point():
    table = LabelTable.from_arrays(["a"], logg=Column([2.5], unit="dex(m/s2)"), e_logg=Column([0.1], unit="dex"))
    assert (table.labels["logg"], table.errors["logg"]) == ([4.5], [0.1])
    assert LabelTable.from_arrays(["a"], teff=[4.8] * u.kK, e_teff=[0.1] * u.kK).errors["teff"] == pytest.approx([100])


def test_units_of_labels_are_units():
    for label in KNOWN_LABELS.values():
        assert to_unit(np.array([1.0]), label_unit(label), label_unit(label), label.name) == [1.0]


@pytest.mark.parametrize(
    ("ra", "want"), [([1.0] * u.hourangle, 15), ([60] * u.arcmin, 1), ([np.pi] * u.rad, 180), ([7.0], 7)]
)
def test_positions_in_any_angle(ra, want):
    assert LabelTable.from_arrays(["a"], teff=[1], ra=ra).ra == pytest.approx([want])
    assert Spectra(GRID, ONES, ONES, ["a"], {"ra": ra}).columns["ra"] == pytest.approx([want])
    assert RawSpectrum("a", GRID, ONES[0], ONES[0], ra=ra[0]).ra == pytest.approx(want)


@pytest.mark.parametrize("unit", ["nm", "micron", "AA", "m"])
def test_wavelengths_in_any_unit_of_length(unit):
    wavelength = (GRID * u.AA).to(unit)
    for kind in (
        wavelength,
        Column(wavelength.value, unit=unit),
        xr.DataArray(wavelength.value, attrs={"units": unit}),
    ):
        np.testing.assert_allclose(Spectra(kind, ONES, ONES, ["a"]).wavelength, GRID, rtol=1e-14)
        np.testing.assert_allclose(RawSpectrum("a", kind, ONES[0], ONES[0]).wavelength, GRID, rtol=1e-14)


@pytest.mark.parametrize("wavelength", [GRID * u.Hz, GRID * u.km / u.s, GRID * u.eV])
def test_wavelengths_that_are_none_are_refused_by_name(wavelength):
    for make in (
        lambda: Spectra(wavelength, ONES, ONES, ["a"]),
        lambda: RawSpectrum("a", wavelength, ONES[0], ONES[0]),
    ):
        with pytest.raises(UnitError, match=r"wavelength is in .* does not convert to Angstrom"):
            make()


@pytest.mark.parametrize(
    "flux", [ONES * u.Jy, ONES * u.adu, ONES * u.Unit("erg / (s cm2 AA)"), Column(ONES, unit="ct")]
)
def test_normalised_flux_has_no_unit(flux):
    with pytest.raises(UnitError, match=r"flux is in .*normalised flux has no unit.*RawSpectrum"):
        Spectra(GRID, flux, ONES, ["a"])


def test_inverse_variance_of_normalised_flux_has_no_unit():
    with pytest.raises(UnitError, match="ivar is in 1 / Jy2"):
        Spectra(GRID, ONES, ONES / u.Jy**2, ["a"])


def test_raw_flux_has_any_unit_and_ivar_its_inverse_square():
    raw = RawSpectrum("a", GRID, [1, 2] * u.Jy, [4, 9] / u.mJy**2)
    np.testing.assert_allclose(raw.ivar, [4e6, 9e6])
    assert RawSpectrum("a", GRID, [1, 2] * u.Jy, [4, 9]).ivar.tolist() == [4, 9]
    with pytest.raises(UnitError, match=r"ivar is in Jy.*ivar is 1 / error\*\*2"):
        RawSpectrum("a", GRID, [1, 2] * u.Jy, [4, 9] * u.Jy)
    with pytest.raises(UnitError, match="ivar is in 1 / Jy2"):
        RawSpectrum("a", GRID, [1, 2], [4, 9] / u.Jy**2)


def test_a_redshift_may_be_a_velocity():
    assert RawSpectrum("a", GRID, ONES[0], ONES[0], redshift=30 * u.km / u.s).redshift == pytest.approx(30 / 299792.458)
    assert RawSpectrum("a", GRID, ONES[0], ONES[0], redshift=1e-4 * u.dimensionless_unscaled).redshift == 1e-4
    with pytest.raises(UnitError, match="redshift is in K"):
        RawSpectrum("a", GRID, ONES[0], ONES[0], redshift=30 * u.K)


@pytest.mark.parametrize(("text", "want"), [("Angstroms", "Angstrom"), ("ANGSTROM", "Angstrom"), ("microns", "um")])
def test_spellings_of_units_of_wavelength(text, want):
    assert str(as_unit(text)) == want

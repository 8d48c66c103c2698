import astropy.units as u
import numpy as np
import pytest
from astropy.nddata import InverseVariance, StdDevUncertainty, UnknownUncertainty, VarianceUncertainty
from lamost_files import lamost_bytes, smooth_spectrum

from bayescannon.data.prepare import prepare_spectra
from bayescannon.io import libraries
from bayescannon.io import specutils as module
from bayescannon.io.inputs import as_spectra
from bayescannon.io.lamost import parse_lamost
from bayescannon.io.specutils import LOADER, from_specutils, register_specutils, stack_specutils, to_specutils
from bayescannon.numerics.errors import BayesCannonError, InputError


@pytest.fixture(scope="module")
def spectrum_class():
    specutils = pytest.importorskip("specutils")
    register_specutils()
    register_specutils()
    return specutils.Spectrum


@pytest.mark.parametrize("layout", ["image", "table", "image of pipeline 2.6"])
@pytest.mark.parametrize("zipped", [False, True])
def test_specutils_reads_lamost_files_by_content(tmp_path, spectrum_class, layout, zipped):
    path = tmp_path / ("spec-1.fits.gz" if zipped else "spec-1.fits")
    rows = smooth_spectrum()
    rows[1, :2], rows[1, 2] = 0, np.nan
    path.write_bytes(lamost_bytes(layout, rows, zipped=zipped))
    for spectrum in (spectrum_class.read(path), spectrum_class.read(path, format=LOADER)):
        np.testing.assert_array_equal(spectrum.flux.value, rows[0])
        np.testing.assert_allclose(spectrum.spectral_axis.to_value("Angstrom"), rows[2], rtol=1e-7)
        assert spectrum.uncertainty.uncertainty_type == "ivar"
        np.testing.assert_array_equal(spectrum.uncertainty.array, rows[1])
        assert spectrum.mask[:4].tolist() == [True, True, True, False]
        assert float(spectrum.redshift) == pytest.approx(1e-4)
        assert spectrum.meta["id"] == "spec-1"
        assert spectrum.meta["snr"] == 40.0


def test_an_open_file_is_read(tmp_path, spectrum_class):
    path = tmp_path / "spec-1.fits"
    path.write_bytes(lamost_bytes())
    with path.open("rb") as file:
        assert spectrum_class.read(file, format=LOADER).meta["id"] == "spec-1"


def test_only_lamost_files_are_recognised(tmp_path):
    path = tmp_path / "spec-1.fits"
    for data, want in [(lamost_bytes(), True), (lamost_bytes(TELESCOP="SDSS 2.5-M"), False), (b"text", False)]:
        path.write_bytes(data)
        assert module._identify("read", str(path), None) is want
        assert module._identify("write", str(path), None) is False


def test_a_prepared_star_as_a_specutils_spectrum(spectrum_class):
    raws = [parse_lamost(lamost_bytes(rows=smooth_spectrum(seed=i)), f"spec-{i}") for i in range(2)]
    raws[1].ivar[2000] = 0
    spectra = prepare_spectra(raws)
    spectrum = to_specutils(spectra, 1)
    assert isinstance(spectrum, spectrum_class)
    np.testing.assert_array_equal(spectrum.flux.value, spectra.flux[1])
    np.testing.assert_array_equal(spectrum.spectral_axis.to_value("Angstrom"), spectra.wavelength)
    np.testing.assert_array_equal(spectrum.uncertainty.array, spectra.ivar[1])
    assert spectrum.mask.sum() == 2
    assert spectrum.meta["id"] == "spec-1"
    assert spectrum.meta["redshift"] == 1e-4


WAVELENGTH = np.arange(5000.0, 5050.0)
FLUX = np.linspace(1, 2, 50)
ERROR = np.linspace(0.1, 0.2, 50)


def observed(spectrum_class, *, unit=u.Jy, axis=u.AA, uncertainty=None, name="star-1", **options):
    meta = {"id": name, "ra": 10.0, "snr": 40, "class": "STAR"} | options.pop("meta", {})
    return spectrum_class(
        flux=options.pop("flux", FLUX) * unit,
        spectral_axis=(WAVELENGTH * u.AA).to(axis),
        uncertainty=StdDevUncertainty(ERROR) if uncertainty is None else uncertainty,
        meta=meta,
        **options,
    )


@pytest.mark.parametrize("axis", [u.AA, u.nm, u.micron])
@pytest.mark.parametrize(
    "uncertainty",
    [
        StdDevUncertainty(ERROR),
        StdDevUncertainty(1e3 * ERROR, unit=u.mJy),
        VarianceUncertainty(ERROR**2),
        VarianceUncertainty(1e6 * ERROR**2, unit=u.mJy**2),
        InverseVariance(ERROR**-2),
        InverseVariance(1e-6 * ERROR**-2, unit=u.mJy**-2),
    ],
)
def test_every_uncertainty_and_axis_gives_the_same_spectrum(spectrum_class, axis, uncertainty):
    (raw,) = from_specutils(observed(spectrum_class, axis=axis, uncertainty=uncertainty, redshift=1e-4))
    np.testing.assert_allclose(raw.wavelength, WAVELENGTH, rtol=1e-13)
    np.testing.assert_array_equal(raw.flux, FLUX)
    np.testing.assert_allclose(raw.ivar, ERROR**-2, rtol=1e-12)
    assert (raw.id, raw.redshift, raw.ra, raw.snr, raw.meta) == (
        "star-1",
        pytest.approx(1e-4),
        10,
        40,
        {"class": "STAR"},
    )
    assert np.isnan(raw.dec)


def test_a_mask_and_an_error_of_zero_are_dead_pixels(spectrum_class):
    mask, error = np.arange(50) == 3, np.where(np.arange(50) == 5, 0, ERROR)
    (raw,) = from_specutils(observed(spectrum_class, mask=mask, uncertainty=StdDevUncertainty(error)))
    assert np.flatnonzero(raw.ivar == 0).tolist() == [3, 5]
    assert np.isfinite(raw.ivar).all()


def test_lists_collections_and_rows_are_many_stars(spectrum_class):
    from specutils import SpectrumCollection, SpectrumList

    good = np.zeros(50, dtype=bool)
    many = [observed(spectrum_class, name=f"star-{i}", flux=FLUX + i, mask=good) for i in range(3)]
    rows = observed(
        spectrum_class, flux=np.stack([FLUX + i for i in range(3)]), uncertainty=StdDevUncertainty([ERROR] * 3)
    )
    collection = SpectrumCollection.from_spectra(many)
    for given, ids in ((many, None), (SpectrumList(many), None), (rows, list("abc")), (collection, list("abc"))):
        raws = from_specutils(given, ids=ids)
        assert [raw.id for raw in raws] == (ids or ["star-0", "star-1", "star-2"])
        for i, raw in enumerate(raws):
            np.testing.assert_array_equal(raw.flux, FLUX + i)
            np.testing.assert_allclose(raw.ivar, ERROR**-2)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"uncertainty": UnknownUncertainty(ERROR)}, "StdDevUncertainty.* that of star-1 is of type 'unknown'"),
        ({"meta": {"id": None}}, r"spectrum 0 has none in meta\['id'\]\. Give the names of all 1 with ids="),
    ],
)
def test_spectra_that_lack_something(spectrum_class, change, words):
    with pytest.raises(InputError, match=words):
        from_specutils([observed(spectrum_class, **change)])


def test_a_spectrum_without_uncertainty_is_refused(spectrum_class):
    plain = spectrum_class(flux=FLUX * u.Jy, spectral_axis=WAVELENGTH * u.AA, meta={"id": "star-1"})
    with pytest.raises(InputError, match="every spectrum needs an uncertainty; star-1 has none"):
        from_specutils(plain)
    with pytest.raises(BayesCannonError, match="expected a Spectrum of specutils, or several; got a numpy ndarray"):
        from_specutils(np.ones(3))
    with pytest.raises(InputError, match=r"one name per spectrum \(1\); got 2"):
        from_specutils(plain, ids=["a", "b"])


def test_prepared_from_specutils_is_prepared_from_the_file(tmp_path, spectrum_class):
    (tmp_path / "spec-1.fits").write_bytes(lamost_bytes())
    spectrum = spectrum_class.read(tmp_path / "spec-1.fits", format=LOADER)
    here = prepare_spectra(from_specutils(spectrum))
    there = prepare_spectra([parse_lamost(lamost_bytes(), "spec-1")])
    np.testing.assert_array_equal(here.flux, there.flux)
    np.testing.assert_array_equal(here.ivar, there.ivar)
    with pytest.raises(BayesCannonError, match=r"specutils Spectrum; bayescannon.io.specutils.from_specutils"):
        prepare_spectra([spectrum])


@pytest.mark.usefixtures("spectrum_class")
def test_stacking_undoes_to_specutils():
    spectra = prepare_spectra([parse_lamost(lamost_bytes(rows=smooth_spectrum(seed=i)), f"spec-{i}") for i in range(2)])
    many = [to_specutils(spectra, star) for star in range(2)]
    for back in (stack_specutils(many), as_spectra(many)):
        np.testing.assert_array_equal(back.flux, spectra.flux)
        np.testing.assert_array_equal(back.ivar, spectra.ivar)
        np.testing.assert_array_equal(back.wavelength, spectra.wavelength)
        assert back.id.tolist() == spectra.id.tolist()
        for name, values in back.columns.items():
            np.testing.assert_array_equal(values, spectra.columns[name])
    one = as_spectra(many[0])
    assert one.flux.shape == (1, 3626)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, r"normalised flux must have no unit; got flux in Jy.*prepare_spectra\(from_specutils"),
        ({"unit": u.one, "redshift": 1e-4}, "spectra must be at rest; star-1 has the redshift 0.0001"),
    ],
)
def test_only_normalised_spectra_at_rest_are_stacked(spectrum_class, options, words):
    with pytest.raises(InputError, match=words):
        stack_specutils([observed(spectrum_class, **options)])


def test_spectra_on_other_grids_are_not_stacked(spectrum_class):
    short = observed(spectrum_class, unit=u.one, name="b")[:40]
    with pytest.raises(InputError, match=r"a is on the grid of 50 pixels .* but b on the grid of 40"):
        stack_specutils([observed(spectrum_class, unit=u.one, name="a"), short])


def test_without_specutils_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setattr(libraries, "find_spec", lambda _: None)
    spectra = prepare_spectra([parse_lamost(lamost_bytes(), "a")])
    for call in (register_specutils, lambda: to_specutils(spectra, 0)):
        with pytest.raises(ImportError, match=r"bayescannon\[specutils\]"):
            call()


def test_the_redshift_is_unknown_unless_it_is_given(spectrum_class):
    two = [observed(spectrum_class, name="a"), observed(spectrum_class, name="b", redshift=1e-4)]
    assert np.isnan(from_specutils(two)[0].redshift)
    assert from_specutils(two)[1].redshift == pytest.approx(1e-4)
    assert [raw.redshift for raw in from_specutils(two, redshift=0)] == [0, 0]
    moving = from_specutils(two, redshift=[30, 60] * u.km / u.s)
    assert [raw.redshift for raw in moving] == pytest.approx([30 / 299792.458, 60 / 299792.458])
    assert from_specutils(two, redshift=30 * u.km / u.s)[1].redshift == pytest.approx(30 / 299792.458)
    with pytest.raises(InputError, match=r"one number, or one per spectrum \(2\); got 3"):
        from_specutils(two, redshift=[0, 0, 0])
    with pytest.raises(InputError, match=r"no redshift: none is given.* give redshift=0 for a spectrum at rest"):
        prepare_spectra(from_specutils(two[0]))


def test_magnitudes_are_no_flux(spectrum_class):
    with pytest.raises(InputError, match="flux must be linear; got flux in mag"):
        from_specutils(observed(spectrum_class, unit=u.mag))


def test_stars_by_row_by_name_and_all_of_them(spectrum_class):
    from specutils import SpectrumList

    spectra = prepare_spectra([parse_lamost(lamost_bytes(rows=smooth_spectrum(seed=i)), f"spec-{i}") for i in range(3)])
    everything = to_specutils(spectra)
    assert isinstance(everything, SpectrumList)
    assert [one.meta["id"] for one in everything] == ["spec-0", "spec-1", "spec-2"]
    for star in (1, "spec-1", np.int64(-2)):
        one = to_specutils(spectra, star)
        assert isinstance(one, spectrum_class)
        np.testing.assert_array_equal(one.flux.value, spectra.flux[1])
    np.testing.assert_array_equal(stack_specutils(everything).flux, spectra.flux)
    for star, words in (
        (3, "a row below 3; got 3"),
        ("x", "no star 'x' among the 3"),
        (1.0, "a row or an id; got a float"),
    ):
        with pytest.raises(BayesCannonError, match=words):
            to_specutils(spectra, star)


@pytest.mark.parametrize(
    ("meta", "given", "air"),
    [
        ({}, None, None), ({}, True, True), ({"header": {"VACUUM": False}}, None, True),
        ({"header": {"CTYPE1": "WAVE"}}, None, False), ({"header": {"VACUUM": False}}, False, False),
        ({"vacuum": False}, None, True),
    ],
)  # fmt: skip
def test_air_is_what_is_given_or_the_header_says(spectrum_class, meta, given, air):
    (raw,) = from_specutils(observed(spectrum_class, meta=meta), redshift=0, air=given)
    assert raw.air is air


@pytest.mark.parametrize("vacuum", [True, False])
def test_the_loader_of_lamost_files_keeps_the_medium(tmp_path, spectrum_class, vacuum):
    path = tmp_path / "spec-1.fits"
    path.write_bytes(lamost_bytes(VACUUM=vacuum))
    (raw,) = from_specutils(spectrum_class.read(path, format=LOADER))
    assert raw.air is (not vacuum)

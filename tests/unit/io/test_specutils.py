import numpy as np
import pytest
from lamost_files import lamost_bytes, smooth_spectrum

from bayescannon.data.prepare import prepare_spectra
from bayescannon.io import specutils as module
from bayescannon.io.lamost import parse_lamost
from bayescannon.io.specutils import LOADER, register_specutils, to_specutils


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


def test_without_specutils_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda _: None)
    spectra = prepare_spectra([parse_lamost(lamost_bytes(), "a")])
    for call in (register_specutils, lambda: to_specutils(spectra, 0)):
        with pytest.raises(ImportError, match=r"bayescannon\[specutils\]"):
            call()

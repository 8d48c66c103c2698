import numpy as np
import pytest
from astropy.io import fits
from lamost_files import lamost_bytes

from bayescannon.data.raw_spectrum import SpectrumError
from bayescannon.io import libraries
from bayescannon.io.readers.registry import find_reader
from bayescannon.io.readers.specutils import formats_of, read, reader_of_format
from bayescannon.numerics.errors import BayesCannonError, MissingLibraryError

pytest.importorskip("specutils")
LOGLAM = np.log10(np.arange(4000.0, 4200))


def sdss_spectrum(path, vacuum=True):
    """A spectrum in the layout of SDSS-III: a table with flux, loglam and ivar."""
    header = fits.PrimaryHDU()
    header.header.update(
        {"TELESCOP": "SDSS 2.5-M", "FIBERID": 1, "PLUG_RA": 10.0, "PLUG_DEC": -1.0, "RA": 99.0, "VERS2D": "v5_7_0"}
    )
    header.header["VACUUM"] = vacuum
    columns = [
        fits.Column("flux", "E", array=np.full(200, 5.0)),
        fits.Column("loglam", "E", array=LOGLAM),
        fits.Column("ivar", "E", array=np.full(200, 4.0)),
        fits.Column("and_mask", "J", array=np.arange(200) == 3),
    ]
    fits.HDUList([header, fits.BinTableHDU.from_columns(columns)]).writeto(path)
    return path


def test_a_spectrum_of_sdss(tmp_path):
    path = sdss_spectrum(tmp_path / "spec-1.fits")
    assert formats_of(path) == ["SDSS-III/IV spec"]
    for result in (read(path), find_reader("specutils:SDSS-III/IV spec").read(path)):
        (raw,) = result.spectra
        assert raw.id == "spec-1"
        np.testing.assert_allclose(raw.wavelength, 10**LOGLAM, rtol=1e-6)
        assert (raw.flux == 5).all()
        assert np.flatnonzero(raw.ivar == 0).tolist() == [3]
        assert (raw.ra, raw.dec, raw.air) == (10, -1, False)
        assert np.isnan(raw.redshift)
        assert result.notes["files read by specutils as SDSS-III/IV spec"] == 1


def test_air_of_the_header(tmp_path):
    (raw,) = read(sdss_spectrum(tmp_path / "spec-1.fits", vacuum=False)).spectra
    assert raw.air is True


def test_what_specutils_cannot_read_is_refused(tmp_path):
    (tmp_path / "a.fits").write_bytes(b"text")
    with pytest.raises(SpectrumError, match=r"no format: .*specutils:FORMAT"):
        read(tmp_path / "a.fits")
    with pytest.raises(SpectrumError, match="unreadable: specutils cannot read it as nonsense"):
        reader_of_format("nonsense").read(tmp_path / "a.fits")
    with pytest.raises(SpectrumError, match="no such file"):
        read(tmp_path / "nothing.fits")


def test_a_table_without_uncertainty(tmp_path):
    (tmp_path / "spec-1.fits").write_bytes(lamost_bytes("table"))
    with pytest.raises(BayesCannonError, match=r"no uncertainty|unreadable|no format|several formats"):
        read(tmp_path / "spec-1.fits", format="tabular-fits")


def made(start, rows=(), **meta):
    """A Spectrum with an uncertainty, of one star or of rows."""
    import astropy.units as u
    from astropy.nddata import StdDevUncertainty
    from specutils import Spectrum

    shape = (*rows, 50)
    return Spectrum(
        flux=np.full(shape, start) * u.Jy, spectral_axis=np.arange(start, start + 50.0) * u.AA,
        uncertainty=StdDevUncertainty(np.ones(shape)), meta=meta,
    )  # fmt: skip


@pytest.fixture
def loads(tmp_path, monkeypatch):
    """A file that specutils loads as the spectra given."""
    from specutils import Spectrum, SpectrumList

    path = sdss_spectrum(tmp_path / "spec-1.fits")

    def load(*spectra):
        monkeypatch.setattr(Spectrum, "read", lambda *_, **__: SpectrumList(spectra))
        return path

    return load


def test_parts_and_versions_of_a_star_are_refused(loads):
    with pytest.raises(SpectrumError, match="several spectra: the file has 2 of different wavelengths"):
        read(loads(made(4000), made(6000)))
    with pytest.raises(SpectrumError, match="several spectra: the file has 2 of no names"):
        read(loads(made(4000), made(4000)))
    assert [raw.id for raw in read(loads(made(4000, id="a"), made(4000, id="b"))).spectra] == ["a", "b"]
    assert [raw.id for raw in read(loads(made(4000, (3,)))).spectra] == ["spec-1-0", "spec-1-1", "spec-1-2"]


def test_of_several_stages_of_a_reduction_the_reduced_is_taken(loads):
    result = read(loads(made(4000, purpose="unreduced"), made(4000, purpose="reduced"), made(5000, purpose="sky")))
    (raw,) = result.spectra
    assert raw.wavelength[0] == 4000
    assert result.notes["spectra that are not reduced left out"] == 2


def test_arms_of_many_stars_are_joined(loads):
    from astropy.table import Table

    fibres = Table({"TARGETID": [39627, 39628], "TARGET_RA": [10.0, 11.0], "TARGET_DEC": [-1.0, -2.0]})
    arms = [made(4040, (2,), band="r"), made(4000, (2,), band="b", fibermap=fibres), made(4200, (2,), band="z")]
    result = read(loads(*arms))
    assert [raw.id for raw in result.spectra] == ["39627", "39628"]
    raw = result.spectra[1]
    assert (raw.ra, raw.dec) == (11, -2)
    np.testing.assert_array_equal(raw.wavelength, np.r_[4000:4045, 4045:4090, 4200:4250])
    assert raw.flux[[44, 45, -1]].tolist() == [4000, 4040, 4200]
    assert result.notes["spectra joined of the arms r, b, z"] == 2


def test_without_specutils_the_message_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(libraries, "find_spec", lambda _: None)
    with pytest.raises(MissingLibraryError, match=r"pip install 'bayescannon\[specutils\]'"):
        read(tmp_path / "a.fits")

"""Files of several surveys, of many stars, in air, with several names, and readers of users."""

import shutil

import numpy as np
import pytest
from lamost_files import lamost_bytes, smooth_spectrum
from survey_files import BLUE, FULL, RED, ap_star, aspcap_star, mwm_star, primary, vectors, write

import bayescannon as bc
from bayescannon.data.air import to_air
from bayescannon.io import preparation as module
from bayescannon.io.preparation import prepare_files
from bayescannon.io.prepare_report import PrepareError
from bayescannon.io.readers import registry
from bayescannon.io.readers.reader import Reader
from bayescannon.io.store import load_spectra, open_store
from bayescannon.numerics.errors import BayesCannonWarning, InputError

N_STAR, N_PIXEL = 11, 300
WAVELENGTH = np.arange(5000.0, 5000 + N_PIXEL)


@pytest.fixture
def many(tmp_path):
    """A file of eleven stars at rest, the fourth without a good pixel and two with one name."""
    rng = np.random.default_rng(1)
    flux = rng.normal(100, 1, (N_STAR, N_PIXEL))
    ivar = np.ones((N_STAR, N_PIXEL))
    ivar[3] = 0
    ids = np.array([f"star-{k}" for k in range(N_STAR)])
    ids[9] = "star-1"
    path = tmp_path / "many.npz"
    np.savez(path, wavelength=WAVELENGTH, flux=flux, ivar=ivar, id=ids, redshift=np.zeros(N_STAR))
    return path


@pytest.mark.parametrize("workers", [1, 2])
def test_a_file_of_many_stars_is_read_in_parts(many, tmp_path, workers, monkeypatch):
    whole = prepare_files(many, tmp_path / "a.zarr", grid="5010:5290:1", workers=1)
    monkeypatch.setattr(module, "FILE_CHUNK", 2)
    monkeypatch.setattr(module, "CHUNKS_PER_WORKER", 2)
    seen = []
    parts = prepare_files(
        many, tmp_path / "b.zarr", grid="5010:5290:1", workers=workers, progress=lambda *done: seen.append(done)
    )
    for report in (whole, parts):
        assert (report.n_files, report.n_stars, report.n_found, report.reader) == (1, 9, 11, "arrays")
        assert [place for place, _ in report.refused] == ["many.npz[3]", "many.npz[9]"]
        assert report.tally() == {"no good pixel": 1, "duplicate id": 1}
        assert "was read from many.npz[1]" in report.refused[1][1]
    one, other = load_spectra(whole.store), load_spectra(parts.store)
    np.testing.assert_array_equal(one.flux, other.flux)
    np.testing.assert_array_equal(one.id, other.id)
    assert one.attrs == other.attrs
    assert seen[-1] == (1, 1)


def test_files_of_several_surveys_are_split_in_words(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for k in range(2):
        (folder / f"spec-{k}.fits").write_bytes(lamost_bytes("table", VACUUM=True))
    write(folder / "med-1.fits", primary(), vectors(BLUE, "COADD_B"), vectors(RED, "COADD_R"))
    report = prepare_files(folder, tmp_path / "s.zarr", workers=1)
    assert (report.n_files, report.n_stars) == (3, 2)
    assert report.tally() == {"other reader": 1}
    assert "1 files of other readers refused: 1 lamost-mrs" in report.lines()
    other = prepare_files(folder, tmp_path / "m.zarr", workers=1, reader="lamost-mrs")
    assert (other.n_stars, other.tally()) == (1, {"low resolution": 2})
    spectra = load_spectra(other.store)
    assert (spectra.ivar > 0).mean() > 0.99
    assert spectra.wavelength[[0, -1]] == pytest.approx([4960, 6791], abs=1)


def test_apogee_files_are_prepared_on_the_grid_of_the_chips(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    ap_star(folder / "apStar-1.fits")
    aspcap_star(folder / "aspcapStar-2.fits")
    mwm_star(folder / "mwmStar-3.fits", ("apo25m", "lco25m"))
    report = prepare_files(folder, tmp_path / "s.zarr", workers=1)
    spectra = load_spectra(report.store)
    assert report.reader == "apogee"
    assert spectra.id.tolist() == ["apStar-1", "aspcapStar-2", "mwmStar-3-apo25m", "mwmStar-3-lco25m"]
    assert len(spectra.wavelength) == 7514
    np.testing.assert_allclose(spectra.flux[spectra.ivar > 0], 1, rtol=1e-5)
    assert report.n_files == 3
    assert "4 spectra are at rest in their files: redshift 0" in report.lines()
    assert spectra.columns["gaia_id"].tolist()[2] == "3216486443742786048"


def air_and_vacuum(folder, n=4):
    for k in range(n):
        rows = smooth_spectrum(k)
        (folder / f"v-{k}.fits").write_bytes(lamost_bytes("table", rows, VACUUM=True))
        rows[2] = to_air(rows[2].astype(np.float64))
        (folder / f"a-{k}.fits").write_bytes(lamost_bytes("table", rows, VACUUM=False))


def test_air_wavelengths_are_converted_and_counted(tmp_path):
    (tmp_path / "in").mkdir()
    air_and_vacuum(tmp_path / "in")
    report = prepare_files(tmp_path / "in", tmp_path / "s.zarr", workers=1)
    assert report.n_air == 4
    assert "4 of 8 spectra had air wavelengths, converted to vacuum" in report.lines()
    spectra = load_spectra(report.store)
    # the wavelengths of the files are single precision, 2e-4 A
    np.testing.assert_allclose(spectra.flux[:4], spectra.flux[4:], atol=2e-4)
    with open_store(report.store) as dataset:
        assert dataset.attrs["n_air"] == 4
        assert dataset.attrs["reader"] == "lamost-lrs"
    taken = prepare_files(tmp_path / "in", tmp_path / "v.zarr", workers=1, air="vacuum")
    assert taken.n_air == 0
    assert "4 spectra say that they are in air and were taken for vacuum (--air vacuum)" in taken.lines()
    assert np.abs(load_spectra(taken.store).flux[:4] - load_spectra(taken.store).flux[4:]).max() > 0.01
    assert prepare_files(tmp_path / "in", tmp_path / "x.zarr", workers=1, air=True).n_air == 8


def test_a_file_with_two_names_is_said(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.fits").write_bytes(lamost_bytes())
    (tmp_path / "in" / "b.fits").symlink_to("a.fits")
    (tmp_path / "in" / "list.txt").write_text("a.fits\na.fits\nb.fits\n")
    for source in (tmp_path / "in", tmp_path / "in" / "list.txt"):
        report = prepare_files(source, tmp_path / "s.zarr", workers=1, overwrite=True)
        assert report.refused == (("b.fits", "same file: it is a.fits, by a link or another path"),)
        assert report.n_stars == 1
    assert "1 paths listed more than once" in report.lines()


def read_text(path):
    """Read columns of a text: what a user writes."""
    wavelength, flux, error = np.loadtxt(path, unpack=True)
    return bc.RawSpectrum(path.stem, wavelength, flux, error**-2, redshift=0)


def is_text(head, path):  # noqa: ARG001
    return head.startswith(b"# my survey")


@pytest.fixture
def texts(tmp_path):
    folder = tmp_path / "texts"
    folder.mkdir()
    for k in range(3):
        rows = np.column_stack([WAVELENGTH, np.full(N_PIXEL, 5.0 + k), np.ones(N_PIXEL)])
        np.savetxt(folder / f"star-{k}.dat", rows, header="my survey", comments="# ")
    return folder


@pytest.mark.parametrize("by_name", [True, False])
def test_a_reader_of_a_user(texts, tmp_path, monkeypatch, by_name):
    mine = Reader("mine", read_text, "texts", (".dat",), grid="5010:5290:1")
    monkeypatch.setattr(registry, "_registered", {})
    if by_name:
        bc.register_reader(mine)
    report = prepare_files(texts, tmp_path / "s.zarr", workers=1, reader="mine" if by_name else mine)
    spectra = load_spectra(report.store)
    assert (report.reader, spectra.id.tolist()) == ("mine", ["star-0", "star-1", "star-2"])
    assert len(spectra.wavelength) == 281
    # one file of the reader's endings is a spectrum, although it is a text
    single = prepare_files(texts / "star-0.dat", tmp_path / "t.zarr", workers=1, reader=mine)
    assert single.n_stars == 1


def test_a_registered_reader_recognises_its_files(texts, tmp_path, monkeypatch):
    mine = Reader("mine", read_text, "texts", (".dat",), is_text, "5010:5290:1")
    monkeypatch.setattr(registry, "_registered", {"mine": mine})
    assert prepare_files(texts, tmp_path / "s.zarr", workers=1).reader == "mine"


def test_a_reader_that_cannot_travel_is_used_in_one_process(texts, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "FILE_CHUNK", 1)
    monkeypatch.setattr(module, "CHUNKS_PER_WORKER", 1)
    local = Reader("local", lambda path: read_text(path), endings=(".dat",), grid="5010:5290:1")
    with pytest.warns(BayesCannonWarning, match="the reader local cannot be given to other processes, so one"):
        report = prepare_files(texts, tmp_path / "s.zarr", workers=2, reader=local)
    assert report.n_stars == 3


def test_what_another_process_can_import():
    assert module._is_importable("bayescannon.io.readers.arrays")
    assert module._is_importable("functools")
    assert not module._is_importable("module_of_a_notebook")


def test_spectra_normalised_already(tmp_path):
    line = 1 - 0.4 * np.exp(-0.5 * ((WAVELENGTH - 5150) / 2) ** 2)
    arrays = {"wavelength": WAVELENGTH, "flux": line, "error": np.full(N_PIXEL, 0.01)}
    np.savez(tmp_path / "a.npz", **arrays)
    report = prepare_files(
        tmp_path / "a.npz", tmp_path / "s.zarr", preset="none", grid=WAVELENGTH[5:-5], redshift=0, workers=1
    )
    spectra = load_spectra(report.store)
    np.testing.assert_allclose(spectra.flux[0], line[5:-5], rtol=1e-6)
    np.testing.assert_allclose(spectra.ivar[0], 1e4, rtol=1e-6)
    assert spectra.attrs["preset"] == "none"
    np.savez(tmp_path / "b.npz", **arrays | {"flux": 100 * line})
    with pytest.raises(PrepareError, match=r"1 not normalised.*expects a median flux between 0\.4 and 1\.6; got 100"):
        prepare_files(tmp_path / "b.npz", tmp_path / "t.zarr", preset="none", grid=WAVELENGTH, redshift=0, workers=1)


def test_the_grid_of_another_store(many, tmp_path):
    first = prepare_files(many, tmp_path / "a.zarr", grid="5010:5290:2", workers=1)
    second = prepare_files(many, tmp_path / "b.zarr", grid=first.store, workers=1)
    np.testing.assert_array_equal(load_spectra(second.store).flux, load_spectra(first.store).flux)


def test_spectra_of_another_range_name_the_option(many, tmp_path):
    with pytest.raises(PrepareError, match=r"off the grid.*chosen with --grid"):
        prepare_files(many, tmp_path / "a.zarr", workers=1)


def test_wrong_options(many, tmp_path):
    out = tmp_path / "s.zarr"
    for options, words in (
        ({"reader": "x"}, "there is no reader 'x'; the readers are auto"),
        ({"air": "yes"}, "air must be one of auto, air, vacuum"),
        ({"redshift": 2}, r"redshift must be z = v/c.*or a table of them; got 2"),
        ({"grid": "1:2"}, "a grid must be start:stop:step"),
    ):
        with pytest.raises(InputError, match=words):
            prepare_files(many, out, workers=1, **options)
    with pytest.raises(TypeError, match="unexpected keyword argument 'readers'"):
        prepare_files(many, out, workers=1, readers="auto")
    assert not list(tmp_path.glob("*s.*zarr"))


def test_no_reader_recognises_anything(tmp_path):
    (tmp_path / "a.fits").write_bytes(b"text")
    with pytest.raises(PrepareError, match=r"1 not FITS.*No reader recognises.*--reader chooses one of lamost-lrs"):
        prepare_files(tmp_path, tmp_path / "s.zarr", workers=1)


def test_a_store_is_not_prepared_again(many, tmp_path):
    first = prepare_files(many, tmp_path / "a.zarr", grid="5010:5290:2", workers=1)
    with pytest.raises(PrepareError, match="prepared already"):
        prepare_files(first.store, tmp_path / "b.zarr", workers=1)
    shutil.rmtree(first.store)


def test_full_tables_of_lamost_still_go_on_the_papers_grid(tmp_path):
    write(tmp_path / "spec-1.fits", primary(SNRG=50.0), vectors(FULL, "COADD"))
    report = prepare_files(tmp_path / "spec-1.fits", tmp_path / "s.zarr", workers=1)
    assert len(load_spectra(report.store).wavelength) == 3626

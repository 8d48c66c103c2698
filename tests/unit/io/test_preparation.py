import gzip
import os
import shutil
import subprocess
import sys
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from lamost_files import lamost_bytes, sdss_bytes, smooth_spectrum

from bayescannon.data.prepare import lamost_grid, prepare_spectra
from bayescannon.data.preset import MASKED, PAPER
from bayescannon.data.spectra import GridError, RawSpectrum, require_same_grid
from bayescannon.io import lamost
from bayescannon.io import preparation as module
from bayescannon.io.lamost import read_lamost
from bayescannon.io.preparation import prepare_files
from bayescannon.io.prepare_report import PrepareError, PrepareReport, write_refused
from bayescannon.io.readers.reader import FITS_ENDINGS
from bayescannon.io.source_files import find_files
from bayescannon.io.store import load_spectra, open_store
from bayescannon.numerics.errors import InputTypeError


@pytest.fixture
def small_chunks(monkeypatch):
    """Chunks of four files, so that a few files are a stream."""
    monkeypatch.setattr(module, "FILE_CHUNK", 4)


@pytest.fixture
def folder(tmp_path):
    """Ten good spectra in all layouts and sub-folders, and one of every kind of bad file."""
    root = tmp_path / "spectra"
    (root / "sub").mkdir(parents=True)
    layouts = ("image", "table", "image of pipeline 2.6")
    for i in range(10):
        data = lamost_bytes(layouts[i % 3], smooth_spectrum(seed=i), zipped=i % 2 == 0, SNRG=10.0 + i)
        ending = ".fits.gz" if i % 2 == 0 else ".fit"
        (root / ("sub" if i % 4 else "") / f"spec-{i}{ending}").write_bytes(data)
    bad = {
        "bad-galaxy.fits": lamost_bytes(CLASS="GALAXY", Z=None),
        "bad-gzip.fits.gz": lamost_bytes(zipped=True)[:-500],
        "bad-ivar.fits": lamost_bytes(rows=smooth_spectrum() * [[1], [0], [1], [1], [1]]),
        "bad-order.fits": lamost_bytes(rows=smooth_spectrum()[:, ::-1]),
        "bad-quasar.fits": lamost_bytes(Z=2.5),
        "bad-sdss.fits": sdss_bytes(),
        "bad-short.fits": lamost_bytes(rows=smooth_spectrum(n_pixel=900)),
        "bad-text.fits": b"not a spectrum",
        "z/spec-3.fits": lamost_bytes(),
    }
    (root / "z").mkdir()
    for name, data in bad.items():
        (root / name).write_bytes(data)
    (root / "bad-link.fits").symlink_to("nowhere")
    (root / "readme.txt").write_text("no spectrum, and not named like one")
    return root


KINDS = {
    "bad-galaxy.fits": "no redshift",
    "bad-gzip.fits.gz": "truncated",
    "bad-ivar.fits": "no good pixel",
    "bad-link.fits": "no such file",
    "bad-order.fits": "bad wavelength",
    "bad-quasar.fits": "off the grid",
    "bad-sdss.fits": "not LAMOST",
    "bad-short.fits": "off the grid",
    "bad-text.fits": "not FITS",
    "z/spec-3.fits": "duplicate id",
}


@pytest.mark.usefixtures("small_chunks")
def test_good_files_are_stored_and_bad_ones_are_rows(folder, tmp_path):
    seen = []
    report = prepare_files(
        folder, tmp_path / "s.zarr", workers=1, progress=lambda done, total: seen.append((done, total))
    )
    assert {file: reason.partition(": ")[0] for file, reason in report.refused} == KINDS
    assert list(KINDS) == [file for file, _ in report.refused]
    assert (report.n_files, report.n_stars) == (20, 10)
    assert report.tally()["off the grid"] == 2
    assert dict(report.refused)["z/spec-3.fits"] == "duplicate id: spec-3 was read from sub/spec-3.fit"
    assert seen == [(4, 20), (8, 20), (12, 20), (16, 20), (20, 20)]
    spectra = load_spectra(report.store)
    # sorted by path
    assert spectra.id.tolist() == [f"spec-{i}" for i in (0, 4, 8, 1, 2, 3, 5, 6, 7, 9)]
    files = sorted(path for path in folder.rglob("spec-*") if path.parent.name != "z")
    want = prepare_spectra([read_lamost(path) for path in sorted(files, key=lambda p: "sub" in p.parts)])
    np.testing.assert_array_equal(spectra.id, want.id)
    np.testing.assert_allclose(spectra.flux, want.flux, rtol=1e-6)
    np.testing.assert_allclose(spectra.ivar, want.ivar, rtol=1e-6)
    np.testing.assert_array_equal(spectra.columns["snr"], want.columns["snr"])
    # what was refused is not lost, and the store says how it was made
    with open_store(report.store) as dataset:
        stored = zip(dataset["refused_file"].values, dataset["refused_reason"].values, strict=True)
        assert tuple(stored) == report.refused
        assert dataset.attrs["preset"] == "paper"
        assert dataset.attrs["variance"] == "interpolate"
        assert dataset.attrs["data_release"] == "LAMOST DR7"
        assert (dataset.attrs["n_files"], dataset.attrs["n_refused"]) == (20, 10)
        assert dataset.attrs["bayescannon_version"]


@pytest.mark.long
@pytest.mark.usefixtures("small_chunks")
def test_the_store_does_not_depend_on_the_number_of_workers(folder, tmp_path):
    one = prepare_files(folder, tmp_path / "1.zarr", workers=1, preset=MASKED)
    two = prepare_files(folder, tmp_path / "2.zarr", workers=2, preset=MASKED)
    assert one.refused == two.refused
    a, b = load_spectra(one.store), load_spectra(two.store)
    for name in ("id", "flux", "ivar"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
    assert a.attrs == b.attrs
    assert a.attrs["preset"] == "masked"


def test_list_file_sequence_and_single_file_name_the_same_spectra(folder, tmp_path):
    (folder / "list.txt").write_text("# two spectra\nspec-0.fits.gz\n\n  sub/spec-1.fit  \nspec-0.fits.gz\n")
    from_list = prepare_files(folder / "list.txt", tmp_path / "a.zarr", workers=1)
    from_paths = prepare_files(
        [folder / "sub" / "spec-1.fit", str(folder / "spec-0.fits.gz")], tmp_path / "b.zarr", workers=1
    )
    for report in (from_list, from_paths):
        assert load_spectra(report.store).id.tolist() == ["spec-0", "spec-1"]
        assert report.refused == ()
    single = prepare_files(folder / "spec-0.fits.gz", tmp_path / "c.zarr", workers=1)
    assert load_spectra(single.store).id.tolist() == ["spec-0"]


def test_a_listed_file_that_is_missing_is_a_row(folder, tmp_path):
    (folder / "list.txt").write_text("spec-0.fits.gz\nspec-99.fits\n")
    report = prepare_files(folder / "list.txt", tmp_path / "s.zarr", workers=1)
    assert report.n_stars == 1
    assert report.refused[0][0] == "spec-99.fits"
    assert report.refused[0][1].startswith("no such file")


@pytest.mark.parametrize("chunk", [1, 100])
def test_of_two_files_with_one_id_the_first_good_one_is_kept(tmp_path, monkeypatch, chunk):
    monkeypatch.setattr(module, "FILE_CHUNK", chunk)
    for name, cards in {"a": {"Z": None}, "b": {"SNRG": 2.0}, "c": {"SNRG": 3.0}}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "spec-1.fits").write_bytes(lamost_bytes(**cards))
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "spec-1.fits.gz").write_bytes(gzip.compress(lamost_bytes()))
    report = prepare_files(tmp_path, tmp_path / "s.zarr", workers=1)
    assert load_spectra(report.store).columns["snr"].tolist() == [2.0]
    assert [(file, reason.partition(":")[0]) for file, reason in report.refused] == [
        ("a/spec-1.fits", "no redshift"),
        ("c/spec-1.fits", "duplicate id"),
        ("d/spec-1.fits.gz", "duplicate id"),
    ]


def test_nothing_to_prepare(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(PrepareError, match=r"no spectra in .*empty.*\.fits\.gz"):
        prepare_files(tmp_path / "empty", tmp_path / "s.zarr")
    with pytest.raises(PrepareError, match="does not exist"):
        prepare_files(tmp_path / "nothing", tmp_path / "s.zarr")
    with pytest.raises(PrepareError, match="no spectra in"):
        prepare_files([], tmp_path / "s.zarr")
    (tmp_path / "binary.dat").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PrepareError, match="neither a FITS file nor a text file"):
        find_files(tmp_path / "binary.dat", FITS_ENDINGS)
    with pytest.raises(ValueError, match="workers"):
        prepare_files([], tmp_path / "s.zarr", workers=0)
    assert not list(tmp_path.glob("*s.*zarr"))


def test_all_files_refused_is_an_error_with_the_tally(tmp_path):
    for name in ("a", "b"):
        (tmp_path / f"{name}.fits").write_bytes(b"no spectrum")
    (tmp_path / "c.fits").write_bytes(lamost_bytes(Z=None))
    with pytest.raises(PrepareError, match=r"none of the 3 files.*2 not FITS, 1 no redshift.*a\.fits") as caught:
        prepare_files(tmp_path, tmp_path / "s.zarr", workers=1)
    assert [file for file, _ in caught.value.refused] == ["a.fits", "b.fits", "c.fits"]
    assert not list(tmp_path.glob("*s.*zarr"))


def test_an_output_that_exists_is_refused_before_any_work(folder, tmp_path):
    prepare_files(folder, tmp_path / "s.zarr", workers=1)
    with pytest.raises(FileExistsError, match="--overwrite"):
        prepare_files(folder, tmp_path / "s.zarr", workers=1, progress=lambda *_: pytest.fail("worked"))
    report = prepare_files(folder / "spec-0.fits.gz", tmp_path / "s.zarr", workers=1, overwrite=True)
    assert load_spectra(report.store).id.tolist() == ["spec-0"]


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("workers", [1, 2])
def test_an_interrupted_prepare_leaves_no_store(folder, tmp_path, workers):
    def interrupt(done, _):
        if done >= 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare_files(folder, tmp_path / "s.zarr", workers=workers, progress=interrupt)
    assert not list(tmp_path.glob("*s.*zarr"))


UNGUARDED = """
import sys
from bayescannon.io import lamost
from bayescannon.io import preparation as module
module.FILE_CHUNK = 4
module.prepare_files(sys.argv[1], sys.argv[2], workers=2)
"""


@pytest.mark.long
def test_a_script_without_a_main_guard_is_told_what_to_do(folder, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(UNGUARDED)
    done = subprocess.run(
        [sys.executable, script, folder, tmp_path / "s.zarr"],
        check=False, timeout=120, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert "WorkerError: " in done.stderr
    assert "Put the call under \"if __name__ == '__main__':\", use one worker" in done.stderr
    assert not list(tmp_path.glob("*s.*zarr"))


def test_a_store_on_another_grid_is_told_from_the_papers(folder, tmp_path):
    report = prepare_files(
        folder, tmp_path / "s.zarr", workers=1, grid=lamost_grid()[::2], preset=replace(PAPER, width=60.0)
    )
    spectra = load_spectra(report.store)
    assert spectra.attrs["preset"] == "paper (changed)"
    with pytest.raises(GridError, match=r"3626 pixels.*1813 pixels"):
        require_same_grid(spectra.wavelength, lamost_grid(), got_from=str(report.store), want_from="the model")


def test_no_file_ends_a_run(tmp_path, monkeypatch):
    """Names that are no text, archives that unpack without end, headers without measure, pipes, files that vanish."""
    monkeypatch.setattr(lamost, "UNPACKED_SPECTRUM", 1_000_000)
    folder = tmp_path / "in"
    folder.mkdir()
    good = lamost_bytes()
    card = f"NAXIS1  = {10**20:>20}".ljust(80).encode()
    at = good.index(b"NAXIS1  ")
    files = {
        b"bomb.fits.gz": gzip.compress(good[:2880] + bytes(20_000_000), 1),
        b"good.fits": good,
        b"huge.fits": good[:at] + card + good[at + 80 :],
        b"large.fits": bytes(1_000_001),
        b"st\xff\x1b[2Jr.fits": lamost_bytes(SNRG=7.0),
        b"broken\xff.fits": b"none",
        b"vanished.fits": good,
    }
    for name, data in files.items():
        (folder / os.fsdecode(name)).write_bytes(data)
    os.mkfifo(folder / "pipe.fits")
    (folder / "link.fits").symlink_to("nowhere")
    real = module.choose_reader

    def choose(*given):
        chosen = real(*given)
        (folder / "vanished.fits").unlink()
        return chosen

    monkeypatch.setattr(module, "choose_reader", choose)
    tracemalloc.start()
    report = prepare_files(folder, tmp_path / "s.zarr", workers=1)
    assert tracemalloc.get_traced_memory()[1] < 30_000_000
    tracemalloc.stop()
    assert {file: reason.partition(":")[0] for file, reason in report.refused} == {
        "bomb.fits.gz": "too large", "broken\\udcff.fits": "not FITS", "huge.fits": "too large",
        "large.fits": "too large", "link.fits": "no such file", "pipe.fits": "not a file",
        "vanished.fits": "no such file",
    }  # fmt: skip
    names = load_spectra(report.store).id.tolist()
    assert names == ["good", "st\\udcff\\x1b[2Jr"]
    write_refused(report.refused, tmp_path / "refused.csv")
    assert "broken\\udcff.fits" in (tmp_path / "refused.csv").read_text()


@pytest.mark.real_data
def test_every_real_folder_is_prepared(survey_data, tmp_path):
    report = prepare_files(survey_data / "lamost", tmp_path / "s.zarr", workers=2)
    # the three SDSS files only: names of all others differ
    assert report.tally() == {"not LAMOST": 3}
    assert all(file.startswith("not_lamost/") for file, _ in report.refused)
    assert (report.n_files, report.n_stars) == (288, 285)
    spectra = load_spectra(report.store)
    assert set(spectra.columns["class"]) == {"STAR", "GALAXY"}
    assert "LAMOST DR10" in spectra.attrs["data_release"]
    new, old = (load_spectra(report.store, [f"spec-55859-F5902_sp01-001{end}"]) for end in ("", "_dr7"))
    np.testing.assert_array_equal(new.flux, old.flux)
    np.testing.assert_array_equal(new.ivar, old.ivar)


@pytest.mark.real_data
def test_a_damaged_copy_among_real_files_is_a_row(survey_data, tmp_path):
    paths = sorted((survey_data / "lamost" / "dr7").iterdir())
    for path in paths:
        shutil.copyfile(path, tmp_path / path.name)
    (tmp_path / paths[3].name).write_bytes(paths[3].read_bytes()[:60_000])
    report = prepare_files(tmp_path, tmp_path / "s.zarr", workers=1)
    assert report.n_stars == 11
    assert report.refused[0][0] == paths[3].name
    assert report.refused[0][1].startswith("truncated")


def test_a_table_is_no_list_of_paths(tmp_path):
    path = tmp_path / "lasp.csv"
    path.write_text("id,teff\nspec-1,4800\n")
    with pytest.raises(PrepareError, match=r"none of the 2 lines of .*lasp\.csv is the path"):
        find_files(path, FITS_ENDINGS)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (None, "takes a folder, a file or a list of files; got a NoneType"),
        ([1], "got an int"),
        ([RawSpectrum("a", [5000, 5001], [1, 1], [1, 1])], r"got a bayescannon RawSpectrum\. prepare_spectra takes"),
        (RawSpectrum("a", [5000, 5001], [1, 1], [1, 1]), r"got a bayescannon RawSpectrum\. prepare_spectra takes"),
    ],
)
def test_what_is_no_path_of_files_is_refused(source, words, tmp_path):
    with pytest.raises(InputTypeError, match=words):
        prepare_files(source, tmp_path / "s.zarr")


def test_the_report_is_shown_in_one_line(tmp_path):
    report = PrepareReport(tmp_path / "s.zarr", 3, 2, (("a.fits", "not FITS: text"),), PAPER)
    assert repr(report) == f"<PrepareReport of {tmp_path / 's.zarr'}: 2 stars of 3 files; refused: 1 not FITS>"
    assert repr(replace(report, refused=())).endswith("2 stars of 3 files>")


@pytest.mark.parametrize("workers", ["2", None, 1.5, True])
def test_workers_are_a_whole_number(workers, tmp_path):
    with pytest.raises(InputTypeError, match="workers must be a whole number from 1 up"):
        prepare_files(tmp_path, tmp_path / "s.zarr", workers=workers)

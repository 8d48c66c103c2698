import numpy as np
import pytest

import bayescannon as bc
from bayescannon.data.preset import PAPER
from bayescannon.io.prepare_chunk import FAST, SAYS_NEITHER, FilePart, Work, prepare_chunk
from bayescannon.io.readers.reader import Reader, ReadResult

WAVELENGTH = np.arange(4990.0, 5110)
GRID = np.arange(5000.0, 5100)


def raw(name, **changes):
    values = {"redshift": 0.0} | changes
    return bc.RawSpectrum(name, WAVELENGTH, np.full(120, 10.0), np.ones(120), **values)


def prepared(files, tmp_path, **work):
    """Prepare "files", each of which is what the reader returns or raises."""

    def read(path):
        found = files[path.name]
        if isinstance(found, Exception):
            raise found
        return found

    return prepare_chunk([FilePart(name) for name in files], Work(tmp_path, Reader("mine", read), PAPER, GRID, **work))


def test_one_file_of_one_star_and_one_of_three(tmp_path):
    chunk = prepared({"a.x": raw("a"), "b.x": [raw("b"), raw("a"), raw("c", redshift=np.nan)]}, tmp_path)
    assert chunk.spectra.id.tolist() == ["a", "b"]
    assert chunk.places == ["a.x", "b.x[0]"]
    assert [place for place, _ in chunk.refused] == ["b.x[1]", "b.x[2]"]
    assert [reason.partition(":")[0] for _, reason in chunk.refused] == ["duplicate id", "no redshift"]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (FileNotFoundError("x"), "no such file"),
        (PermissionError(13, "Permission denied"), "unreadable: the reader mine failed: PermissionError"),
        (KeyError("flux"), "unreadable: the reader mine failed: KeyError: 'flux'"),
        (bc.BayesCannonError("kind: detail"), "kind: detail"),
    ],
)
def test_whatever_a_reader_raises_is_the_reason_of_its_file(tmp_path, error, words):
    chunk = prepared({"a.x": error, "b.x": raw("b"), "c.x": 3}, tmp_path)
    assert chunk.spectra.id.tolist() == ["b"]
    reasons = dict(chunk.refused)
    assert reasons["a.x"].startswith(words)
    assert "must return a RawSpectrum" in reasons["c.x"]


def test_the_medium_of_wavelengths_is_that_of_the_files_unless_the_run_says_another(tmp_path):
    files = {"a.x": [raw("a", air=True), raw("b", air=False), raw("c")]}
    chunk = prepared(files, tmp_path)
    assert (chunk.n_air, chunk.notes[SAYS_NEITHER]) == (1, 1)
    chunk = prepared(files, tmp_path, air="air")
    assert chunk.n_air == 3
    assert chunk.notes["spectra say that they are in vacuum and were taken for air (--air air)"] == 1
    chunk = prepared(files, tmp_path, air="vacuum")
    assert (chunk.n_air, chunk.notes[SAYS_NEITHER]) == (0, 0)
    assert chunk.notes["spectra say that they are in air and were taken for vacuum (--air vacuum)"] == 1


def test_a_redshift_for_spectra_without_one(tmp_path):
    chunk = prepared({"a.x": [raw("a", redshift=np.nan), raw("b", redshift=1e-4)]}, tmp_path, redshift=0.0)
    assert chunk.spectra.columns["redshift"].tolist() == [0, 1e-4]
    assert chunk.notes["spectra without redshift: 0 was taken (--redshift)"] == 1


def test_stars_that_a_reader_refuses_are_rows_and_notes_of_a_file_are_counted_once(tmp_path):
    def rows(path, start, stop):  # noqa: ARG001
        found = [raw(f"s{k}") for k in range(start, stop) if k != 2]
        refused = [("2", "bad values: x")] if start <= 2 < stop else []
        return ReadResult(found, refused, {"files noted": 1, "stars noted": len(found)}, [0, 1] if start == 0 else [3])

    reader = Reader("mine", rows, count=lambda path: 4, read_rows=rows)
    parts = [FilePart("a.x", 0, 2, False), FilePart("a.x", 2, 4)]
    chunk = prepare_chunk(parts, Work(tmp_path, reader, PAPER, GRID))
    assert chunk.places == ["a.x[0]", "a.x[1]", "a.x[3]"]
    assert chunk.refused == [("a.x[2]", "bad values: x")]
    assert (chunk.notes["files noted"], chunk.notes["stars noted"]) == (1, 3)


def test_a_file_without_spectra_is_refused(tmp_path):
    chunk = prepared({"a.x": [], "b.x": raw("b")}, tmp_path)
    assert chunk.refused == [("a.x", "no spectrum: the file holds none")]


def test_what_stands_for_a_missing_redshift_gets_that_of_the_run(tmp_path):
    stars = [raw("a", redshift=-9999.0), raw("b", redshift=1e-4), raw("c", redshift=25.0)]
    chunk = prepared({"a.x": stars}, tmp_path, redshift=2e-4)
    assert chunk.spectra.columns["redshift"].tolist() == [2e-4, 1e-4]
    assert [place for place, _ in chunk.refused] == ["a.x[2]"]


def test_redshifts_by_name_are_found_as_named_and_without_folders(tmp_path):
    table = {"dr2/a.fits": 1e-4, "2MASS/J1": 2e-4}
    chunk = prepared({"a.x": [raw("a"), raw("2MASS/J1"), raw("c")]}, tmp_path, redshift=table)
    assert chunk.spectra.columns["redshift"].tolist() == [1e-4, 2e-4, 0]
    assert chunk.notes["spectra without a redshift in the table (--redshift): that of the file was taken"] == 1


def test_a_redshift_that_no_star_has_is_said(tmp_path):
    chunk = prepared({"a.x": [raw("a", redshift=0.006), raw("b", redshift=-1e-3)]}, tmp_path)
    assert chunk.notes[FAST] == 1

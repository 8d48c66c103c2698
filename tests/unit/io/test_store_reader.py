"""Rows are compared with the manifest that was read when the store was opened."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from stored_spectra import assert_same, some_spectra

from bayescannon.io import size_limits, store_layout
from bayescannon.io.store import open_reader
from bayescannon.io.store_layout import StoreError
from bayescannon.io.store_place import LocalPlace
from bayescannon.io.store_writer import save_spectra
from bayescannon.numerics.errors import InputError


@pytest.fixture
def stored(tmp_path):
    spectra = some_spectra(1300)
    return spectra, save_spectra(spectra, tmp_path / "s.zarr")


def test_any_rows(stored):
    spectra, path = stored
    reader = open_reader(path)
    for rows in (slice(3, 4), slice(100, 1290), slice(1024, 1300), np.array([], dtype=int), np.array([0, 5, 1299])):
        assert_same(reader.spectra(rows), spectra.select(rows))
    rng = np.random.default_rng(0)
    rows = np.sort(rng.permutation(1300)[:400])
    assert_same(reader.spectra(rows), spectra.select(rows))


def test_a_few_rows_read_a_few_bytes(stored, monkeypatch):
    _, path = stored
    seen = []
    read = LocalPlace.read

    def counting(self, name, start, length):
        data = read(self, name, start, length)
        seen.append((name, len(data)))
        return data

    reader = open_reader(path)
    monkeypatch.setattr(LocalPlace, "read", counting)
    reader.values("flux", np.array([3, 5]))
    assert {name for name, _ in seen} == {"flux/c.0.0"}
    assert sum(size for _, size in seen) < (path / "flux" / "c.0.0").stat().st_size / 6


def test_columns_span_files(tmp_path, monkeypatch):
    monkeypatch.setattr(store_layout, "COLUMN_CHUNK", 1024)
    monkeypatch.setattr("bayescannon.io.store_builder.COLUMN_CHUNK", 1024)
    spectra = some_spectra(2500)
    path = save_spectra(spectra, tmp_path / "s.zarr")
    assert len(list(path.glob("class/c.*"))) == 3
    reader = open_reader(path)
    assert_same(reader.spectra(slice(1000, 2100)), spectra.select(slice(1000, 2100)))
    rows = np.array([1, 1023, 1024, 2499])
    np.testing.assert_array_equal(reader.values("class", rows), spectra.columns["class"][rows])


def test_a_reader_travels_to_other_processes(stored, monkeypatch, tmp_path):
    spectra, path = stored
    monkeypatch.chdir(path.parent)
    reader = pickle.loads(pickle.dumps(open_reader(Path(path.name))))
    monkeypatch.chdir(tmp_path.parent)
    assert_same(reader.spectra(slice(0, 7)), spectra.select(slice(0, 7)))


@pytest.mark.parametrize("change", [lambda data: data[:-1], lambda data: data + b"\0", lambda data: data[:10]])
@pytest.mark.parametrize("rows", [slice(None), slice(0, 1)])
def test_a_file_of_another_size_is_an_error(stored, change, rows):
    _, path = stored
    file = path / "ivar" / "c.0.0"
    file.write_bytes(change(file.read_bytes()))
    with pytest.raises(StoreError, match=r"ivar/c\.0\.0, ivar of stars 0 to 1023, is damaged: it must have \d+ bytes"):
        open_reader(path).values("ivar", rows)


def test_a_file_that_is_a_folder_is_an_error(stored):
    _, path = stored
    (path / "snr" / "c.0").unlink()
    (path / "snr" / "c.0").mkdir()
    with pytest.raises(StoreError, match=r"snr/c\.0, .* (cannot be read|is damaged)"):
        open_reader(path).values("snr")


def test_more_than_memory_is_refused_before(stored, monkeypatch):
    monkeypatch.setattr(size_limits, "memory_of_machine", lambda: 100_000)
    reader = open_reader(stored[1])
    with pytest.raises(InputError, match=r"1300 spectra of .* need \d+\.\d KiB of memory"):
        reader.spectra(slice(None))
    assert len(reader.spectra(slice(0, 128))) == 128

"""A preparation that was ended or killed goes on where it was, and gives the store of one that was not, to the byte."""

import json
import os
import shutil
import warnings

import numpy as np
import pytest
from stored_spectra import GRID, some_spectra, store_bytes

from bayescannon.io import preparation as module
from bayescannon.io.preparation import prepare_files
from bayescannon.io.prepare_report import PrepareError
from bayescannon.io.store import load_spectra, store_id
from bayescannon.io.store_check import check_store
from bayescannon.numerics.errors import BayesCannonWarning
from tests.helpers.kills import failures, kill_everywhere

N_STAR = 1500


def _write_stars(path, spectra):
    np.savez(
        path, wavelength=spectra.wavelength, flux=spectra.flux, ivar=spectra.ivar * 1e4, id=spectra.id,
        redshift=np.zeros(len(spectra)),
    )  # fmt: skip


@pytest.fixture(scope="module")
def stars(tmp_path_factory):
    """Files of 1 to 4 tasks, the second with ids of the first; the first shard ends in the fifth task, within it."""
    folder = tmp_path_factory.mktemp("stars")
    spectra = some_spectra(N_STAR)
    _write_stars(folder / "a.npz", spectra.select(slice(0, 500)))
    _write_stars(folder / "b.npz", spectra.select(slice(300, 1100)))
    _write_stars(folder / "c.npz", spectra.select(slice(1100, N_STAR)))
    (folder / "d.npz").write_bytes(b"PK\x03\x04 no archive")
    return folder


@pytest.fixture(scope="module")
def whole(stars, tmp_path_factory):
    report = prepare(stars, tmp_path_factory.mktemp("whole") / "s.zarr")
    assert report.n_stars == N_STAR
    assert report.tally() == {"duplicate id": 200, "damaged npz": 1}
    return report


def prepare(source, store, **options):
    return prepare_files(source, store, preset="none", grid=GRID, **{"workers": 1, "reader": "arrays"} | options)


def _interrupted(stars, store, at, monkeypatch, **options):
    """Interrupt a preparation before its task `at`; return which tasks were done."""
    with monkeypatch.context() as patched:
        done = []
        real = module.prepare_chunk

        def counting(parts, work):
            if len(done) == at:
                raise KeyboardInterrupt
            done.append(parts)
            return real(parts, work)

        patched.setattr(module, "prepare_chunk", counting)
        try:
            return done, prepare(stars, store, **options)
        except KeyboardInterrupt:
            return done, None


def _work(store):
    return store.with_name(".s.zarr.work")


def _check(report, store, whole):
    assert store_bytes(store) == store_bytes(whole.store)
    assert report.refused == whole.refused
    assert report.notes == whole.notes
    assert (report.n_stars, report.n_found) == (whole.n_stars, whole.n_found)
    assert repr(report.noise) == repr(whole.noise)
    assert list(store.parent.iterdir()) == [store]
    assert check_store(store) == []


@pytest.mark.parametrize("at", [5, pytest.param(7, marks=pytest.mark.long)])
def test_it_goes_on_and_gives_the_same_store(stars, whole, tmp_path, monkeypatch, at):
    store = tmp_path / "s.zarr"
    first, report = _interrupted(stars, store, at, monkeypatch)
    assert report is None
    assert not store.exists()
    second, report = _interrupted(stars, store, -1, monkeypatch)
    _check(report, store, whole)
    # of nine tasks the one in which the shard ended is done again, and those after it
    assert (len(first), len(second)) == (at, 5)


@pytest.mark.long
def test_interrupted_twice(stars, whole, tmp_path, monkeypatch):
    store = tmp_path / "s.zarr"
    _interrupted(stars, store, 6, monkeypatch)
    # the task in which the first shard ended, and the next ones
    done, _ = _interrupted(stars, store, 3, monkeypatch)
    assert (done[0][0].name, done[0][0].start) == ("b.npz", 512)
    _check(prepare(stars, store), store, whole)


@pytest.mark.long
def test_two_workers_and_one_give_the_same_store(stars, whole, tmp_path, monkeypatch):
    store = tmp_path / "s.zarr"
    _interrupted(stars, store, 7, monkeypatch)
    monkeypatch.setattr(module, "CHUNKS_PER_WORKER", 2)
    _check(prepare(stars, store, workers=2), store, whole)


def test_an_interrupted_run_without_a_shard_leaves_nothing(stars, tmp_path, monkeypatch):
    _interrupted(stars, tmp_path / "s.zarr", 2, monkeypatch)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.long
@pytest.mark.parametrize("damage", ["flip", "delete", "truncate", "record", "note"])
def test_a_finished_shard_that_was_damaged_is_made_again(stars, whole, tmp_path, monkeypatch, damage):
    store = tmp_path / "s.zarr"
    _interrupted(stars, store, 8, monkeypatch)
    work = _work(store)
    shard = work / "store.zarr" / "ivar" / "c.0.0"
    data = bytearray(shard.read_bytes())
    if damage == "flip":
        data[1000] ^= 1
        shard.write_bytes(data)
    elif damage == "truncate":
        shard.write_bytes(data[:-1])
    elif damage == "delete":
        shard.unlink()
    elif damage == "record":
        (work / "shard-0000000.npz").write_bytes(b"none")
    else:
        (work / "shard-0000000.note").write_text("{}")
    done, report = _interrupted(stars, store, -1, monkeypatch)
    _check(report, store, whole)
    assert len(done) == 9


@pytest.mark.long
def test_other_choices_or_other_files_start_anew(stars, whole, tmp_path, monkeypatch):
    copy = shutil.copytree(stars, tmp_path / "stars")
    folder = tmp_path / "out"
    folder.mkdir()
    store = folder / "s.zarr"
    _interrupted(copy, store, 6, monkeypatch)
    os.utime(copy / "c.npz", ns=(1, 1))
    with pytest.warns(BayesCannonWarning, match="of another command, or with other inputs, left finished parts"):
        done, report = _interrupted(copy, store, -1, monkeypatch)
    _check(report, store, whole)
    assert len(done) == 9


@pytest.mark.long
def test_the_old_store_stays_until_the_new_one_is_whole(stars, whole, tmp_path, monkeypatch):
    store = tmp_path / "s.zarr"
    prepare(stars / "c.npz", store)
    known = store_id(store)
    _interrupted(stars, store, 7, monkeypatch, overwrite=True)
    assert store_id(store) == known
    assert len(load_spectra(store)) == 400
    _check(prepare(stars, store, overwrite=True), store, whole)


def test_a_full_disk_keeps_what_is_finished(stars, whole, tmp_path, monkeypatch):
    store = tmp_path / "s.zarr"
    real = module.PrepareRun.finish

    def full(self, *given):
        def write(*_):
            raise OSError(28, os.strerror(28))

        self.builder._write = write
        real(self, *given)

    with monkeypatch.context() as patched:
        patched.setattr(module.PrepareRun, "finish", full)
        with pytest.raises(OSError, match=r"could not be written: no space left on device\. Make room"):
            prepare(stars, store)
    assert not store.exists()
    done, report = _interrupted(stars, store, -1, monkeypatch)
    _check(report, store, whole)
    assert len(done) == 5


def test_a_run_killed_when_its_store_was_in_place_does_nothing_again(stars, whole, tmp_path, monkeypatch):
    store = tmp_path / "s.zarr"

    class Killed(BaseException):
        pass

    def finish(_):
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(module.WorkFolder, "finish", finish)
        with pytest.raises(Killed):
            prepare(stars, store)
    assert store.exists()
    done, report = _interrupted(stars, store, -1, monkeypatch, overwrite=True)
    assert done == []
    assert store_bytes(store) == store_bytes(whole.store)
    assert (report.n_stars, report.refused) == (whole.n_stars, whole.refused)
    assert list(tmp_path.iterdir()) == [store]


@pytest.mark.long
def test_files_that_give_other_stars_than_before_are_an_error(stars, whole, tmp_path, monkeypatch):
    store = tmp_path / "s.zarr"
    _interrupted(stars, store, 8, monkeypatch)
    real = module.prepare_chunk

    def other(parts, work):
        chunk = real(parts, work)
        chunk.spectra.id[:] = np.char.add(chunk.spectra.id.astype("U8"), "x")
        return chunk

    with monkeypatch.context() as patched:
        patched.setattr(module, "prepare_chunk", other)
        with pytest.raises(PrepareError, match="hold other stars than before the command was interrupted"):
            prepare(stars, store)
    _check(prepare(stars, store), store, whole)


@pytest.fixture(scope="module")
def before(stars, tmp_path_factory):
    folder = tmp_path_factory.mktemp("kills") / "before"
    shutil.copytree(stars, folder / "stars")
    np.save(folder / "grid.npy", GRID)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        prepare(stars / "c.npz", folder / "old.zarr")
    return folder


def _command(out):
    return [
        "prepare", "stars", "--out", out, "--workers", "1", "--reader", "arrays", "--preset", "none", "--grid",
        "grid.npy", *(["--overwrite"] if out == "old.zarr" else []),
    ]  # fmt: skip


@pytest.mark.long
def test_a_command_killed_at_some_operations(before, tmp_path):
    outcomes = kill_everywhere(_command("old.zarr"), before, tmp_path, operations=3)
    assert all(one.killed for one in outcomes)
    assert failures(outcomes) == []


@pytest.mark.soak
@pytest.mark.parametrize("out", ["new.zarr", "old.zarr"])
def test_a_command_killed_at_any_operation(before, tmp_path, out):
    outcomes = kill_everywhere(_command(out), before, tmp_path)
    assert len(outcomes) > 100
    assert all(one.killed for one in outcomes)
    assert failures(outcomes) == []


def test_the_journal_holds_no_pickles(stars, tmp_path, monkeypatch):
    store = tmp_path / "s.zarr"
    _interrupted(stars, store, 8, monkeypatch)
    for path in _work(store).glob("*.npz"):
        with np.load(path, allow_pickle=False) as arrays:
            assert all(arrays[name].dtype.kind in "Uf" for name in arrays.files)
    note = json.loads((_work(store) / "shard-0000000.note").read_text())
    assert set(note["note"]) == {"files", "tally", "next_task", "skip"}


def test_a_disk_without_room_is_found_before_the_work(stars, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "least_stored", lambda n_star, n_pixel: 10**18 * n_star * n_pixel)
    monkeypatch.setattr(module, "prepare_chunk", lambda *_: pytest.fail("worked"))
    with pytest.raises(OSError, match=r"s\.zarr needs about .* left\. Make room"):
        prepare(stars, tmp_path / "s.zarr")
    assert list(tmp_path.iterdir()) == []

"""Stars are added to a store by a new generation of it, which appears whole or not at all."""

import shutil

import numpy as np
import pytest
from first_format_store import write_first_format
from stored_spectra import GRID, some_spectra, store_bytes

from bayescannon.data.spectra import GridError
from bayescannon.io import preparation as module
from bayescannon.io.outputs import OutputExistsError
from bayescannon.io.preparation import prepare_files
from bayescannon.io.prepare_report import PrepareError
from bayescannon.io.store import StoreError, load_spectra, open_store, store_id
from bayescannon.io.store_check import check_store
from bayescannon.numerics.errors import InputError, InputTypeError
from tests.helpers.kills import failures, kill_everywhere


def _write_stars(path, spectra):
    np.savez(
        path, wavelength=spectra.wavelength, flux=spectra.flux, ivar=spectra.ivar * 1e4, id=spectra.id,
        redshift=np.zeros(len(spectra)),
    )  # fmt: skip


def prepare(source, store, **options):
    return prepare_files(source, store, **{"workers": 1, "reader": "arrays", "preset": "none", "grid": GRID} | options)


@pytest.fixture(scope="module")
def stars(tmp_path_factory):
    folder = tmp_path_factory.mktemp("append")
    spectra = some_spectra(1800)
    _write_stars(folder / "old.npz", spectra.select(slice(0, 1200)))
    _write_stars(folder / "new.npz", spectra.select(slice(1100, 1800)))
    _write_stars(folder / "all.npz", spectra)
    prepare(folder / "old.npz", folder / "s.zarr")
    prepare(folder / "all.npz", folder / "all.zarr")
    return folder


@pytest.fixture
def store(stars, tmp_path):
    return shutil.copytree(stars / "s.zarr", tmp_path / "s.zarr")


def _check(stars, store, report):
    got, want = load_spectra(store), load_spectra(stars / "all.zarr")
    for name in ("id", "flux", "ivar"):
        np.testing.assert_array_equal(getattr(got, name), getattr(want, name))
    for name, values in want.columns.items():
        np.testing.assert_array_equal(got.columns[name], values)
    assert (report.n_stars, len(report.refused)) == (1800, 100)
    assert check_store(store) == []
    assert list(store.parent.iterdir()) == [store]


def test_new_stars_follow_the_old_ones(stars, store):
    known = store_id(store)
    shard = (store / "flux" / "c.0.0").stat().st_ino
    report = prepare(stars / "new.npz", store, append=True)
    _check(stars, store, report)
    assert report.n_found == 700
    assert report.refused[0] == ("new.npz[0]", "duplicate id: spec-1100 is in the store already")
    assert store_id(store) != known
    # a full shard is not written again
    assert (store / "flux" / "c.0.0").stat().st_ino == shard
    assert [path.name for path in sorted(store.glob("flux/c.*"))] == ["c.0.0", "c.1.0"]
    with open_store(store) as dataset:
        assert dataset.attrs["appended_to"] == known
        assert dataset.attrs["n_files"] == 2
        assert dataset.attrs["reader"] == "arrays"
        assert dataset.sizes["refusal"] == 100
    again = store_id(store)
    with pytest.raises(PrepareError, match=r"none of the 1 files could be prepared \(700 duplicate id\).*already"):
        prepare(stars / "new.npz", store, append=True)
    assert store_id(store) == again
    assert list(store.parent.iterdir()) == [store]


def test_files_are_copied_where_links_are_not_possible(stars, store, monkeypatch):
    def refuse(*_):
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr("os.link", refuse)
    _check(stars, store, prepare(stars / "new.npz", store, append=True))


def _interrupted(stars, store, at, monkeypatch):
    done = []
    real = module.prepare_chunk

    def counting(parts, work):
        if len(done) == at:
            raise KeyboardInterrupt
        done.append(parts)
        return real(parts, work)

    with monkeypatch.context() as patched:
        patched.setattr(module, "prepare_chunk", counting)
        with pytest.raises(KeyboardInterrupt):
            prepare(stars / "new.npz", store, append=True)


def test_the_old_store_stays_whole_and_the_work_goes_on(stars, store, monkeypatch):
    before = store_bytes(store)
    for at in (0, 2):
        _interrupted(stars, store, at, monkeypatch)
        assert store_bytes(store) == before
        # no further shard was full, and links to the first are not kept
        assert list(store.parent.iterdir()) == [store]
    _check(stars, store, prepare(stars / "new.npz", store, append=True))


def test_a_run_killed_when_it_was_in_place_does_not_add_again(stars, store, monkeypatch):
    class Killed(BaseException):
        pass

    def finish(_):
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(module.WorkFolder, "finish", finish)
        with pytest.raises(Killed):
            prepare(stars / "new.npz", store, append=True)
    known = store_id(store)
    _check(stars, store, prepare(stars / "new.npz", store, append=True))
    assert store_id(store) == known


@pytest.mark.parametrize(
    ("options", "error", "why"),
    [
        ({"grid": GRID[:-1]}, GridError, "60 pixels"),
        ({"preset": "masked"}, InputError, "with the preset that it was made with: .*none.*masked"),
        ({"overwrite": True}, InputError, "added to a store .* or it is replaced .* got both"),
        ({"append": "yes"}, InputTypeError, "append must be True or False"),
    ],
)
def test_what_does_not_go_together_is_refused(stars, store, options, error, why):
    before = store_bytes(store)
    with pytest.raises(error, match=why):
        prepare(stars / "new.npz", store, **{"append": True} | options)
    assert store_bytes(store) == before


def test_there_must_be_a_store_of_this_format(stars, tmp_path):
    with pytest.raises(StoreError, match="there is no store at"):
        prepare(stars / "new.npz", tmp_path / "no.zarr", append=True)
    write_first_format(some_spectra(5), tmp_path / "one.zarr")
    with pytest.raises(StoreError, match=r"a version before 0\.7.*save_spectra"):
        prepare(stars / "new.npz", tmp_path / "one.zarr", append=True)
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputExistsError, match="not a store"):
        prepare(stars / "new.npz", tmp_path / "folder", append=True)


def test_a_lost_shard_of_the_old_store_is_named(stars, store):
    (store / "ivar" / "c.0.0").unlink()
    with pytest.raises(StoreError, match=r"ivar/c\.0\.0 is missing"):
        prepare(stars / "new.npz", store, append=True)


@pytest.fixture(scope="module")
def before(stars, tmp_path_factory):
    folder = tmp_path_factory.mktemp("kills") / "before"
    folder.mkdir()
    shutil.copy(stars / "new.npz", folder)
    shutil.copytree(stars / "s.zarr", folder / "s.zarr")
    np.save(folder / "grid.npy", GRID)
    return folder


COMMAND = [
    "prepare", "new.npz", "--out", "s.zarr", "--append", "--workers", "1", "--reader", "arrays", "--preset", "none",
    "--grid", "grid.npy",
]  # fmt: skip


@pytest.mark.long
def test_a_command_killed_at_some_operations(before, tmp_path):
    outcomes = kill_everywhere(COMMAND, before, tmp_path, operations=3)
    assert failures(outcomes) == []


@pytest.mark.soak
def test_a_command_killed_at_any_operation(before, tmp_path):
    outcomes = kill_everywhere(COMMAND, before, tmp_path)
    assert all(one.killed for one in outcomes)
    assert failures(outcomes) == []

"""An entry comes back if all its files are whole; otherwise it and those after it are not there."""

import numpy as np
import pytest
from stored_spectra import GRID, some_spectra

from bayescannon.data.noise_check import StarNoise
from bayescannon.io.prepare_journal import Entry, PrepareJournal, digest_of
from bayescannon.io.prepare_tally import PrepareTally
from bayescannon.io.store_builder import StoreBuilder
from bayescannon.io.work_folder import Parts


@pytest.fixture
def journal(tmp_path):
    journal = PrepareJournal(Parts(tmp_path))
    builder = StoreBuilder(journal.write, GRID, "s")
    for shard in builder.append(some_spectra(3 * 1024)):
        places = np.array([f"f{row}" for row in range(1024)])
        noise = [StarNoise(float(shard.number), ((1.0, 2.0),) * 4, 3)]
        tally = PrepareTally([(f"bad-{shard.number}", "not FITS: é\udcff")], noise=noise)
        journal.record(Entry(shard, places, tally, shard.number + 1, 7))
    return journal


def test_entries_come_back(journal):
    entries = list(PrepareJournal(journal._parts).entries())
    spectra = some_spectra(3 * 1024)
    assert [one.shard.number for one in entries] == [0, 1, 2]
    np.testing.assert_array_equal(entries[1].shard.columns["star"], spectra.id[1024:2048])
    np.testing.assert_array_equal(entries[1].shard.columns["class"], spectra.columns["class"][1024:2048])
    assert entries[2].tally.refused == [("bad-2", "not FITS: é\udcff")]
    assert entries[2].tally.noise == [StarNoise(2.0, ((1.0, 2.0),) * 4, 3)]
    assert (entries[2].next_task, entries[2].skip) == (3, 7)
    assert journal.star(1030, 1024) == ("spec-1030", "f6")


@pytest.mark.parametrize("name", ["store.zarr/flux/c.1.0", "shard-0000001.npz", "shard-0000001.note"])
def test_entries_end_before_what_is_not_whole(journal, name):
    path = journal._parts.folder / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert [one.shard.number for one in journal.entries()] == [0]


def test_a_result_comes_back(journal):
    assert journal.result() is None
    journal.record_result("abc", 9, PrepareTally(n_done=4))
    assert journal.result() == ("abc", 9, PrepareTally(n_done=4))


def test_everything_is_forgotten(journal):
    journal.start_anew()
    assert list(journal._parts.folder.iterdir()) == []


def test_a_digest_tells_values_apart():
    assert digest_of(np.arange(3.0)) == digest_of(np.arange(3.0)) != digest_of(np.arange(4.0))
    assert digest_of("a\udcff", None) != digest_of("a", None)

"""Whatever happens to the files of a store, spectra that are read are those that were written."""

import json
import shutil
import tracemalloc

import numpy as np
import pytest
from first_format_store import write_first_format
from store_damage import KINDS, damage
from stored_spectra import GRID, assert_same, some_spectra, store_bytes

from bayescannon.io.store import StoreError, iterate_spectra, load_spectra, open_store
from bayescannon.io.store_builder import StoreBuilder, _Block, concatenate
from bayescannon.io.store_check import check_store
from bayescannon.io.store_writer import save_spectra, write_file


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    spectra = some_spectra(2200)
    return spectra, save_spectra(spectra, tmp_path_factory.mktemp("check") / "s.zarr")


@pytest.fixture
def copy(stored, tmp_path):
    return shutil.copytree(stored[1], tmp_path / "s.zarr")


def test_a_whole_store_has_no_faults(stored):
    seen = []
    assert check_store(stored[1], progress=lambda done, total: seen.append((done, total))) == []
    assert seen[-1] == (11, 11)


def test_where_no_store_is(tmp_path):
    with pytest.raises(StoreError, match="there is no store at"):
        check_store(tmp_path / "s.zarr")
    with pytest.raises(StoreError, match="is not a store"):
        check_store(tmp_path)


def test_every_fault_is_listed(copy):
    (copy / "flux" / "c.1.0").unlink()
    data = bytearray((copy / "ivar" / "c.0.0").read_bytes())
    index = np.frombuffer(bytes(data[-132:-4]), dtype="<u8").reshape(8, 2)
    data[int(index[3, 0]) + 20] ^= 1
    data[int(index[6, 0] + index[6, 1]) - 1] ^= 1
    (copy / "ivar" / "c.0.0").write_bytes(data)
    (copy / "snr" / "c.0").write_bytes(b"short")
    (copy / "class" / "zarr.json").write_text("{")
    (copy / "star" / "zarr.json").unlink()
    (copy / "flux" / "c.3.0").write_bytes(b"")
    (copy / "notes\x1b.txt").write_text("mine")
    size = (copy / "snr" / "c.0").stat().st_size
    assert check_store(copy) == [
        "the file flux/c.1.0, flux of stars 1024 to 2047, is missing",
        "the file ivar/c.0.0, ivar of stars 0 to 1023, is damaged in stars 384 to 511: its checksum is wrong",
        "the file ivar/c.0.0, ivar of stars 0 to 1023, is damaged in stars 768 to 895: its own checksum, which other "
        "readers of zarr compare, is wrong",
        f"the file snr/c.0, snr of stars 0 to 2199, has {size} bytes instead of 17604",
        "the file star/zarr.json is missing; bayescannon does not need it, zarr may",
        "the file class/zarr.json is damaged; bayescannon does not need it, zarr may",
        "the file flux/c.3.0 is not one of the store",
        r"the file notes\x1b.txt is not one of the store",
    ]


def test_damaged_metadata_are_one_fault(copy):
    root = json.loads((copy / "zarr.json").read_text())
    root["attributes"]["preset"] = "other"
    (copy / "zarr.json").write_text(json.dumps(root))
    (fault,) = check_store(copy)
    assert "zarr.json was changed after the store was written" in fault
    (copy / "zarr.json").unlink()
    (fault,) = check_store(copy)
    assert "zarr.json is missing" in fault


def test_bad_pixels_are_found(tmp_path):
    """As another program may write them, with checksums that are right."""
    spectra = some_spectra(300)
    spectra.flux[5, 3] = np.nan
    spectra.ivar[200, :2] = -1
    spectra.ivar[299, 0] = np.inf
    builder = StoreBuilder(lambda name, data: write_file(tmp_path / "s.zarr", name, data), GRID, "s")
    builder._pending.append(_Block(spectra, {}))
    builder._require_types({"star": spectra.id, **spectra.columns})
    builder.n_star = 300
    builder.finish()
    assert check_store(tmp_path / "s.zarr") == [
        "flux is not finite in 1 pixels of 1 stars, the first in row 5",
        "ivar is negative in 2 pixels of 1 stars, the first in row 200",
        "ivar is not finite in 1 pixels of 1 stars, the first in row 299",
        "ivar is above 1e+13 in 1 pixels of 1 stars, the first in row 299",
    ]


def test_ids_that_are_repeated_are_found(tmp_path):
    builder = StoreBuilder(lambda name, data: write_file(tmp_path / "s.zarr", name, data), GRID, "s")
    for _ in range(2):
        builder.append(some_spectra(1024))
    builder.finish()
    assert check_store(tmp_path / "s.zarr") == ["1024 ids occur more than once"]


def test_a_store_of_format_1_is_read(tmp_path):
    path = write_first_format(some_spectra(1100), tmp_path / "s.zarr")
    assert check_store(path) == []
    (path / "flux" / "c" / "1" / "0").write_bytes(b"\xff" * 99)
    (fault,) = check_store(path)
    assert "files of it are damaged" in fault
    (path / "flux" / "c" / "1" / "0").unlink()
    (fault,) = check_store(path)
    assert "flux/c/1/0" in fault


def test_checking_takes_bounded_memory(tmp_path):
    peaks = []
    for n_star in (9 * 1024, 17 * 1024):
        path = save_spectra(some_spectra(n_star), tmp_path / f"{n_star}.zarr")
        check_store(path)
        tracemalloc.start()
        assert check_store(path) == []
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # a mark of 8 bytes a star, and what sorts them; pixels would have 480
    assert peaks[1] - peaks[0] < 40 * 8 * 1024


def _survives(stored, path, seed):
    """Damage a store; what is then read is what was written, or a StoreError, and then the check finds a fault."""
    spectra, original = stored
    what = damage(path, seed)
    changed = store_bytes(path) != store_bytes(original)
    refusals = []
    for read in (
        load_spectra,
        lambda store: concatenate(list(iterate_spectra(store, 256))),
        lambda store: load_spectra(store, ["spec-0003", "spec-1500", "spec-2199"]),
        lambda store: open_store(store)["flux"].to_numpy(),
    ):
        try:
            got = read(path)
        except StoreError as error:
            refusals.append(str(error))
            continue
        if isinstance(got, np.ndarray):
            np.testing.assert_array_equal(got, spectra.flux, err_msg=what)
        else:
            assert_same(got, spectra if len(got) > 3 else spectra.select([3, 1500, 2199]))
    assert all(str(path) in text and "\x1b" not in text for text in refusals), what
    faults = check_store(path) if path.exists() else []
    assert faults or not (changed or refusals), what
    return what.partition(" ")[0], bool(refusals)


@pytest.mark.parametrize("seed", range(20))
def test_no_damage_is_read_as_spectra(stored, copy, seed):
    kind, _ = _survives(stored, copy, seed)
    assert kind == KINDS[seed % len(KINDS)]


@pytest.mark.soak
@pytest.mark.parametrize("batch", range(20))
def test_no_damage_of_thousands_is_read_as_spectra(stored, tmp_path, batch):
    refused = 0
    for seed in range(1000 + 100 * batch, 1100 + 100 * batch):
        path = shutil.copytree(stored[1], tmp_path / f"{seed}.zarr")
        refused += _survives(stored, path, seed)[1]
        shutil.rmtree(path)
    # most damages are to what is read
    assert refused > 50

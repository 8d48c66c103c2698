"""Scratch files without names, and views of them."""

import mmap
import shutil
from pathlib import Path

import numpy as np
import pytest

from bayescannon.numerics.errors import InputError
from bayescannon.numerics.mapped import ScratchFile, release


def test_rows_and_columns_are_read_back(tmp_path):
    file = ScratchFile(5, 3, tmp_path)
    values = np.arange(15, dtype=np.float32).reshape(5, 3)
    file.write_rows(2, values[2:])
    file.write_rows(0, values[:2])
    array = file.array()
    np.testing.assert_array_equal(array, values)
    assert array.flags.f_contiguous
    file.write_column(1, np.full(5, 7, dtype=np.float32))
    assert (array[:, 1] == 7).all()


def test_the_file_has_no_name(tmp_path):
    file = ScratchFile(5, 3, tmp_path)
    array = file.array()
    assert list(tmp_path.iterdir()) == []
    del file
    assert array.sum() == 0


def test_a_file_that_does_not_fit_is_refused_before_it_is_made(tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=10**9))
    with pytest.raises(InputError, match=r"a scratch file of 40\.0 GB must fit into .* 1\.0 GB free; set TMPDIR"):
        ScratchFile(10**7, 1000, tmp_path)


@pytest.mark.skipif(not hasattr(mmap, "MADV_DONTNEED"), reason="the system has no such advice")
def test_released_views_are_read_again(tmp_path):
    file = ScratchFile(5000, 8, tmp_path)
    values = np.random.default_rng(0).normal(size=(5000, 8)).astype(np.float32)
    file.write_rows(0, values)
    array = file.array()
    for view in (array, array[:, 2:5], array[10:, 7:], array[::7, 3:], array.T[1]):
        total = float(view.sum())
        release(view)
        assert float(view.sum()) == total
    np.testing.assert_array_equal(array, values)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system does not tell what is resident")
def test_released_pages_are_not_resident(tmp_path):
    def resident():
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith("RssFile"))

    file = ScratchFile(100_000, 40, tmp_path)
    file.write_rows(0, np.ones((100_000, 40), dtype=np.float32))
    array = file.array()
    before = resident()
    assert array.sum(dtype=np.float64) == 4e6
    read = resident()
    release(array[:, :20])
    half = resident()
    release(array)
    assert read - before > 15e6
    assert read - half > 7e6
    assert resident() - before < 1e6


def test_other_arrays_are_left_alone():
    array = np.ones((3, 4))
    release(array)
    release(array[:, :0])
    assert array.sum() == 12

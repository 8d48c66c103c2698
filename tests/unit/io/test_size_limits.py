"""Headers may declare anything: what is allocated is bounded by what the file can hold."""

import gzip
import os
import tracemalloc

import pytest

from bayescannon.io.size_limits import (
    FREE,
    GZIP_FAULTS,
    RATIO,
    SizeLimitError,
    memory_of_machine,
    read_limited,
    require_held,
    require_memory,
    size_text,
    unpack_gzip,
)


def test_what_a_file_can_hold_is_believed():
    require_held(FREE, 0, "x")
    require_held(FREE + RATIO * 1000, 1000, "x")
    for declared in (FREE + RATIO * 1000 + 1, 10**40, -1):
        with pytest.raises(SizeLimitError, match=r"^too large: flux of a\.nc declares .* and 1000 bytes cannot hold"):
            require_held(declared, 1000, "flux of a.nc")


def test_no_real_compression_reaches_the_limit():
    zeros = bytes(1 << 22)
    assert len(zeros) / len(gzip.compress(zeros, 9)) < RATIO


@pytest.mark.parametrize("by_path", [True, False])
def test_a_bomb_is_unpacked_up_to_the_limit_only(tmp_path, by_path):
    bomb = gzip.compress(bytes(50 << 20))
    assert len(bomb) < 60_000
    path = tmp_path / "bomb.gz"
    path.write_bytes(bomb)
    tracemalloc.start()
    with pytest.raises(SizeLimitError, match=r"too large: a\.gz unpacks to more than 4\.0 MiB; .* gunzip"):
        unpack_gzip(path if by_path else bomb, 4 << 20, "a.gz")
    assert tracemalloc.get_traced_memory()[1] < 12 << 20
    tracemalloc.stop()


def test_gzip_of_several_streams_comes_whole_and_cut_data_are_faults():
    two = gzip.compress(b"one ") + gzip.compress(b"two")
    assert unpack_gzip(two, 7, "x") == b"one two"
    with pytest.raises(SizeLimitError):
        unpack_gzip(two, 6, "x")
    for bad in (two[:-3], b"\x1f\x8b" + os.urandom(30)):
        with pytest.raises(GZIP_FAULTS):
            unpack_gzip(bad, 1000, "x")


def test_a_file_is_read_up_to_the_limit(tmp_path):
    path = tmp_path / "list.txt"
    path.write_bytes(b"12345")
    assert read_limited(path, 5, "a list") == b"12345"
    with pytest.raises(SizeLimitError, match=r"list\.txt has more than 4 bytes; expected a list"):
        read_limited(path, 4, "a list")
    # a device has no size, and no end
    with pytest.raises(SizeLimitError, match="/dev/zero has more than 1000 bytes"):
        read_limited(type(path)("/dev/zero"), 1000, "a list")


def test_sizes_are_shown_as_people_read_them():
    assert [size_text(size) for size in (1023, 1 << 20, 3 << 39, 1 << 60)] == [
        "1023 bytes", "1.0 MiB", "1.5 TiB", "1.0e+06 TiB",
    ]  # fmt: skip


def test_memory_is_that_of_the_machine(monkeypatch):
    assert memory_of_machine() > 2**28
    monkeypatch.setattr(os, "sysconf", lambda _: 1024)
    assert memory_of_machine() == 2**20
    require_memory(2**20, "all")
    with pytest.raises(SizeLimitError, match=r"all need 1\.0 MiB of memory, and this machine has 1\.0 MiB"):
        require_memory(2**20 + 1, "all")

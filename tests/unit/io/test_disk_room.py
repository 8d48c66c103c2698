import shutil
from collections import namedtuple

import pytest

from bayescannon.io.disk_room import DiskRoomError, require_room


def test_a_store_needs_room(tmp_path, monkeypatch):
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10_000_000))
    require_room(tmp_path / "s.zarr", 500, 3626)
    with pytest.raises(DiskRoomError, match=r"1,000 spectra .* about 16\.6 MiB of disk, and .* 9\.5 MiB"):
        require_room(tmp_path / "s.zarr", 1000, 3626)

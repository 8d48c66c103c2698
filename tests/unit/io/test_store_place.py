import pytest

from bayescannon.io import store_place
from bayescannon.io.store_layout import StoreError
from bayescannon.io.store_place import LocalPlace, read_root


def test_files_by_name(tmp_path):
    (tmp_path / "flux").mkdir()
    (tmp_path / "flux" / "c.0.0").write_bytes(b"0123456789")
    place = LocalPlace(tmp_path)
    assert place.size("flux/c.0.0") == 10
    assert place.read("flux/c.0.0", 2, 3) == b"234"
    assert place.read("flux/c.0.0", 8, 30) == b"89"
    assert list(place.names()) == ["flux/c.0.0"]
    with pytest.raises(FileNotFoundError):
        place.read("ivar", 0, 1)


def test_a_stamp_changes_when_the_store_is_replaced(tmp_path):
    place = LocalPlace(tmp_path)
    assert place.root_stamp() is None
    (tmp_path / "zarr.json").write_text("{}")
    first = place.root_stamp()
    assert place.root_stamp() == first
    (tmp_path / "new").write_text("{}")
    (tmp_path / "new").rename(tmp_path / "zarr.json")
    assert place.root_stamp() != first


def test_root_metadata_that_are_none(tmp_path, monkeypatch):
    place = LocalPlace(tmp_path)
    assert read_root(place) == {}
    assert read_root(LocalPlace(tmp_path / "zarr.json")) == {}
    (tmp_path / "zarr.json").write_text("[1]")
    assert read_root(place) == {}
    monkeypatch.setattr(store_place, "_LARGEST_ROOT", 2)
    with pytest.raises(StoreError, match="has 3 bytes, and metadata of a store at most 2"):
        read_root(place)
    monkeypatch.undo()
    (tmp_path / "zarr.json").unlink()
    (tmp_path / "zarr.json").mkdir()
    with pytest.raises(StoreError, match=r"zarr\.json cannot be read"):
        read_root(place)

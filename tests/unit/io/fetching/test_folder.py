"""A folder of fetched files: fetched once, checked later, failures in a table, and an end where all fail alike."""

import json

import pytest
from archive import LOGIN, gz_bytes

from bayescannon.io.fetching.addresses import RemoteFile
from bayescannon.io.fetching.folder import MOST_ALIKE, MOST_MISSING, RECORD, fetch_files, read_record


@pytest.fixture
def files(served):
    for k in range(8):
        served.files[f"/{k}"] = gz_bytes(k)
    return [RemoteFile(f"{served.url}/{k}", f"{k}.fits.gz") for k in range(8)]


def test_a_second_call_asks_for_nothing(served, files, client, tmp_path):
    first = fetch_files(files, tmp_path / "new", client)
    assert (len(first.fetched), first.cached, first.failed) == (8, (), ())
    assert first.size == sum(len(gz_bytes(k)) for k in range(8))
    served.seen.clear()
    again = fetch_files(files, tmp_path / "new", client)
    assert (again.fetched, len(again.cached)) == ((), 8)
    assert served.seen == []


def test_what_was_damaged_is_fetched_again(served, files, client, tmp_path):
    fetch_files(files, tmp_path, client)
    (tmp_path / "3.fits.gz").write_bytes(gz_bytes(99))
    (tmp_path / "5.fits.gz").unlink()
    served.seen.clear()
    assert fetch_files(files, tmp_path, client).fetched == ("3.fits.gz", "5.fits.gz")
    assert served.paths() == ["/3", "/5"]


def test_files_that_the_record_does_not_have_are_fetched(files, client, tmp_path):
    (tmp_path / "2.fits.gz").write_bytes(gz_bytes(77))
    (tmp_path / RECORD).write_text("{broken", encoding="utf-8")
    found = fetch_files(files, tmp_path, client)
    assert found.cached == ()
    assert (tmp_path / "2.fits.gz").read_bytes() == gz_bytes(2)
    assert set(read_record(tmp_path)) == {file.name for file in files}


def test_the_same_name_of_another_release_is_another_file(served, client, tmp_path):
    served.files |= {"/dr11/1": gz_bytes(11), "/dr10/1": gz_bytes(10)}
    for release, number in (("dr11", 11), ("dr10", 10), ("dr10", 10)):
        found = fetch_files([RemoteFile(f"{served.url}/{release}/1", "1.fits.gz")], tmp_path, client)
        assert (tmp_path / "1.fits.gz").read_bytes() == gz_bytes(number)
    assert found.cached == ("1.fits.gz",)


def test_a_failure_is_a_row_and_the_others_are_fetched(served, files, client, tmp_path):
    del served.files["/1"], served.files["/6"]
    found = fetch_files(files, tmp_path, client)
    assert [name for name, _ in found.failed] == ["1.fits.gz", "6.fits.gz"]
    assert (len(found.fetched), found.left) == (6, 0)
    assert "2 failed, the first: " in found.describe()
    served.files["/1"] = gz_bytes(1)
    assert fetch_files(files, tmp_path, client).fetched == ("1.fits.gz",)


def test_it_ends_where_all_fail_alike(served, files, client, tmp_path):
    for k in range(8):
        served.trouble[f"/{k}"] = [LOGIN]
    found = fetch_files(files, tmp_path, client)
    assert (len(found.failed), found.left) == (MOST_ALIKE, 8 - MOST_ALIKE)
    assert "not tried" in found.describe()


def test_some_missing_files_do_not_end_it_and_many_do(served, files, client, tmp_path):
    served.files.clear()
    assert len(fetch_files(files, tmp_path, client).failed) == 8
    many = [RemoteFile(f"{served.url}/gone/{k}", f"{k}.fits.gz") for k in range(MOST_MISSING + 9)]
    found = fetch_files(many, tmp_path, client)
    assert (len(found.failed), found.left) == (MOST_MISSING, 9)


def test_missing_files_between_others_do_not_hide_that_those_fail_alike(served, files, client, tmp_path):
    for k in (0, 2, 4, 5, 6):
        served.trouble[f"/{k}"] = [LOGIN]
    for k in (1, 3):
        del served.files[f"/{k}"]
    assert fetch_files(files, tmp_path, client).left == 1


def test_of_one_file_the_bytes_are_reported(files, client, tmp_path):
    told = []
    fetch_files(files[:1], tmp_path, client, report=lambda done, total: told.append((done, total)))
    assert told[-2] == (len(gz_bytes(0)), len(gz_bytes(0)))


def test_an_interrupt_keeps_the_record(files, client, tmp_path, monkeypatch):
    whole = client.fetch
    done = []

    def fetch(file, folder, **_):
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append(file.name)
        return whole(file, folder)

    monkeypatch.setattr(client, "fetch", fetch)
    with pytest.raises(KeyboardInterrupt):
        fetch_files(files, tmp_path, client)
    assert sorted(json.loads((tmp_path / RECORD).read_text(encoding="utf-8"))["files"]) == done
    monkeypatch.setattr(client, "fetch", whole)
    assert len(fetch_files(files, tmp_path, client).fetched) == 5

"""A client against a server that misbehaves: what is resumed, tried again, refused, and never told."""

import json

import pytest
from archive import LOGIN, archive, fits_bytes, gz_bytes

from bayescannon.io.fetching.addresses import RemoteFile
from bayescannon.io.fetching.client import Client, FetchError
from bayescannon.numerics.errors import BayesCannonWarning

CONTENT = fits_bytes()


@pytest.fixture
def file(served):
    served.files["/a.fits"] = CONTENT
    return RemoteFile(served.url + "/a.fits?token=SECRET", "a.fits")


def _ranges(served):
    return [headers.get("Range") for method, _, headers in served.seen if method == "GET"]


def test_a_file_is_fetched_and_nothing_else_is_left(served, file, client, tmp_path):
    found = client.fetch(file, tmp_path)
    assert (tmp_path / "a.fits").read_bytes() == CONTENT
    assert [path.name for path in tmp_path.iterdir()] == ["a.fits"]
    assert found.size == len(CONTENT)
    assert served.seen[0][2]["User-Agent"].startswith("bayescannon/")
    assert client.size_of(file) == len(CONTENT)


@pytest.mark.parametrize("name", ["whole", "gzipped"])
def test_a_cut_download_goes_on_where_it_was(served, client, tmp_path, name):
    body = gz_bytes() if name == "gzipped" else CONTENT
    served.files["/a"] = body
    served.trouble["/a"] = [("cut", 5000), ("cut", 3000)]
    client.fetch(RemoteFile(served.url + "/a", "a.fits"), tmp_path)
    assert (tmp_path / "a.fits").read_bytes() == body
    assert _ranges(served) == [None, "bytes=5000-", "bytes=8000-"]


def test_a_later_process_goes_on_too(served, file, waits, tmp_path):
    served.trouble["/a.fits"] = [("cut", 4000)] * 2
    with pytest.raises(FetchError, match="the connection ended before the whole file came"):
        Client(rate=1000, tries=2, sleep=waits.append).fetch(file, tmp_path)
    kept = tmp_path / ".a.fits.part"
    assert kept.stat().st_size == 8000
    assert "SECRET" not in (tmp_path / ".a.fits.part.json").read_text(encoding="utf-8")
    Client(rate=1000, sleep=waits.append).fetch(file, tmp_path)
    assert (tmp_path / "a.fits").read_bytes() == CONTENT
    assert _ranges(served)[-1] == "bytes=8000-"


def test_a_file_that_changed_meanwhile_is_fetched_anew(served, file, waits, tmp_path):
    served.trouble["/a.fits"] = [("cut", 4000)]
    with pytest.raises(FetchError):
        Client(rate=1000, tries=1, sleep=waits.append).fetch(file, tmp_path)
    served.files["/a.fits"] = fits_bytes(seed=9)
    Client(rate=1000, sleep=waits.append).fetch(file, tmp_path)
    assert (tmp_path / "a.fits").read_bytes() == fits_bytes(seed=9)


@pytest.mark.parametrize("missing", ["ranges", "etags"])
def test_servers_without_ranges_or_versions_send_it_whole(served, file, client, tmp_path, missing):
    setattr(served, missing, False)
    served.trouble["/a.fits"] = [("cut", 4000)]
    client.fetch(file, tmp_path)
    assert (tmp_path / "a.fits").read_bytes() == CONTENT


def test_what_is_kept_of_a_longer_file_is_forgotten(file, client, tmp_path):
    etag = client.fetch(file, tmp_path).version
    (tmp_path / ".a.fits.part").write_bytes(CONTENT + b"more")
    note = {"url": file.shown, "version": etag}
    (tmp_path / ".a.fits.part.json").write_text(json.dumps(note), encoding="utf-8")
    client.fetch(file, tmp_path)
    assert (tmp_path / "a.fits").read_bytes() == CONTENT


def test_faults_of_the_server_are_tried_again_and_retry_after_is_kept(served, file, client, waits, tmp_path):
    served.trouble["/a.fits"] = [503, (429, {"Retry-After": "7"}), 500]
    client.fetch(file, tmp_path)
    assert (tmp_path / "a.fits").read_bytes() == CONTENT
    assert 7 in waits


@pytest.mark.parametrize(
    ("trouble", "said", "kind"),
    [
        ([404], "answered 404; there is no such file", "status 404"),
        ([403], "a token may be needed", "status 403"),
        ([401], "a token is needed", "status 401"),
        ([500] * 9, "answered 500; the server has a fault", "status 500"),
        ([(429, {"Retry-After": "1"})] * 9, "answered 429; too many requests", "status 429"),
        ([LOGIN], "a web page in place of the file, perhaps to log in", "content"),
        ([b""], "the server sent nothing", "content"),
        ([b"hello"], "something else than a FITS file", "content"),
        ([CONTENT[:-100]], "it is cut", "content"),
        ([gz_bytes()[:-100]], "it is cut or damaged", "content"),
        ([("move", "ftp://elsewhere/a")], "moved to something else than http", "redirect"),
        ([("move", "/a.fits")] * 9, "moved again and again", "redirect"),
    ],
)
def test_what_cannot_be_used_is_a_sentence_without_the_token(served, file, client, tmp_path, trouble, said, kind):
    served.trouble["/a.fits"] = trouble
    with pytest.raises(FetchError, match=said) as error:
        client.fetch(file, tmp_path)
    assert error.value.kind == kind
    assert "SECRET" not in str(error.value)
    assert not (tmp_path / "a.fits").exists()


def test_redirects_are_followed_and_the_token_stays(served, file, client, tmp_path):
    served.files["/b.fits"] = CONTENT
    served.trouble["/a.fits"] = [("move", "/b.fits")]
    client.fetch(file, tmp_path)
    assert served.seen[-1][1] == "/b.fits"


def test_without_a_network_it_says_so(client, tmp_path):
    with pytest.raises(FetchError, match="is there a network") as error:
        client.fetch(RemoteFile("http://127.0.0.1:9/a?token=SECRET", "a"), tmp_path)
    assert error.value.kind == "network"
    assert "SECRET" not in str(error.value)


def test_requests_keep_the_rate(served, file):
    slept = []
    client = Client(rate=0.5, sleep=slept.append)
    client.size_of(file)
    client.size_of(file)
    assert len(slept) == 1
    assert 1.5 < slept[0] <= 2
    assert served.paths("HEAD") == ["/a.fits"] * 2


def test_the_token_does_not_go_to_another_host(served, file, client, tmp_path):
    with archive() as other:
        other.files["/b.fits"] = CONTENT
        served.trouble["/a.fits"] = [("move", f"{other.url}/b.fits?token=SECRET&x=1")]
        client.fetch(file, tmp_path)
        assert [path for _, path, _ in other.seen] == ["/b.fits?x=1"]


def test_a_download_that_is_complete_is_not_fetched_again(served, file, client, tmp_path):
    etag = client.fetch(file, tmp_path).version
    (tmp_path / "a.fits").rename(tmp_path / ".a.fits.part")
    note = {"url": file.shown, "version": etag}
    (tmp_path / ".a.fits.part.json").write_text(json.dumps(note), encoding="utf-8")
    served.seen.clear()
    client.fetch(file, tmp_path)
    assert (tmp_path / "a.fits").read_bytes() == CONTENT
    assert _ranges(served) == [f"bytes={len(CONTENT)}-"]


def test_a_long_wait_is_said_and_not_waited_to_its_end(served, file, client, waits, tmp_path):
    served.trouble["/a.fits"] = [(429, {"Retry-After": "86400"})]
    with pytest.warns(BayesCannonWarning, match=r"asks to wait \d+ s; it is asked again after 600"):
        client.fetch(file, tmp_path)
    assert max(waits) == 600

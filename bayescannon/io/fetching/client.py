"""
A polite client of archives: few requests, repeated with patience, that go on where a download was interrupted.

urllib3 makes the requests and knows Retry-After; it is the extra ``[survey]``. Resuming, and what counts as the file,
are ours: an interrupted download is kept as ``.NAME.part`` with what tells the file's versions apart (ETag,
Last-Modified), and is continued by a range request only if the server still has that version.
"""

import contextlib
import hashlib
import json
import os
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

from bayescannon import __version__
from bayescannon.io.fetching.addresses import TOKEN, RemoteFile
from bayescannon.io.fetching.content import fault_of
from bayescannon.io.libraries import require_library
from bayescannon.io.outputs import put_in_place, saying_why
from bayescannon.numerics.errors import BayesCannonError, BayesCannonWarning

# requests per second, and tries of one request
REQUESTS_PER_SECOND, TRIES = 2.0, 5
USER_AGENT = f"bayescannon/{__version__} (fetch)"
_TIMEOUT = 60.0
_CHUNK = 1 << 18
_REDIRECTS = 5
# seconds of waiting that are said, and that are waited at most
_WORTH_SAYING, _LONGEST = 20.0, 600.0
# answers that are worth another try: too many requests, and faults of the server
_PASSING = (429, 500, 502, 503, 504)
_MEANING = {
    401: "a token is needed (--token-file)",
    403: "access is refused; a token may be needed (--token-file), or the one given has expired",
    404: "there is no such file; look at the release and the id",
    429: "too many requests; wait, or ask for fewer per second (--rate)",
}


class FetchError(BayesCannonError):
    """
    A file that was not fetched.

    Attributes
    ----------
    kind : str
        A word for what happened: ``"network"``, ``"status 404"``, ``"content"``, ...
    """

    def __init__(self, message: str, kind: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True)
class Fetched:
    """A file that is there: its size, its SHA-256, its version on the server, and the path of its address."""

    size: int
    sha256: str
    version: str
    path: str


class Client:
    """
    Fetches files one after the other.

    Parameters
    ----------
    rate : float
        Requests per second at most.
    tries : int
        Of each request, with longer and longer waits, or as long as the server says.
    sleep : callable
        Waits so many seconds.
    """

    def __init__(
        self, *, rate: float = REQUESTS_PER_SECOND, tries: int = TRIES, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        require_library("urllib3", "survey")
        import urllib3  # an extra

        class Patience(urllib3.Retry):
            """Tries again as the server says, but does not wait longer than it is worth."""

            def get_retry_after(self, response: Any) -> float | None:
                seconds = super().get_retry_after(response)
                if seconds is not None and seconds > _WORTH_SAYING:
                    warnings.warn(
                        f"the server asks to wait {seconds:.0f} s" + ("" if seconds <= _LONGEST else
                        f"; it is asked again after {_LONGEST:.0f}"), BayesCannonWarning, stacklevel=2,
                    )  # fmt: skip
                return None if seconds is None else min(seconds, _LONGEST)

        self._urllib3, self._sleep, self._interval = urllib3, sleep, 1 / rate
        self._retry = Patience(
            total=tries - 1, redirect=0, backoff_factor=0.5, status_forcelist=_PASSING, raise_on_status=False,
            raise_on_redirect=False, respect_retry_after_header=True,
        )  # fmt: skip
        self._pool = urllib3.PoolManager(headers={"User-Agent": USER_AGENT}, timeout=_TIMEOUT)
        self._tries, self._last = tries, 0.0

    def size_of(self, file: RemoteFile) -> int | None:
        """Return the size of a file as the server states it; None if it does not."""
        with self._answer("HEAD", file, {}) as answer:
            stated = answer.headers.get("Content-Length")
        return int(stated) if stated and stated.isdigit() else None

    def fetch(self, file: RemoteFile, folder: Path, *, report: Callable[[int, int], None] | None = None) -> Fetched:
        """
        Fetch a file into a folder, going on where an earlier try ended.

        Parameters
        ----------
        file : RemoteFile
        folder : Path
        report : callable, optional
            Called with (bytes that are there, bytes of the file or 0 if unknown).

        Raises
        ------
        FetchError
            It was not fetched; the message says why, without the token of its address.
        OutputWriteError
            It cannot be written.
        """
        part = folder / f".{file.name}.part"
        for attempt in range(1, self._tries + 1):
            try:
                version = self._download(file, part, report)
                break
            except self._urllib3.exceptions.HTTPError as error:
                # the connection ended in the middle: what is there is kept
                if attempt == self._tries:
                    raise FetchError(f"{file.shown}: {_reason(error)}", "network") from None
                self._sleep(self._interval * 2**attempt)
        fault = fault_of(part, file.kind)
        if fault:
            _forget(part)
            raise FetchError(f"{file.shown}: {fault}", "content")
        fetched = Fetched(part.stat().st_size, file_sha256(part), version, file.path)
        with saying_why(folder / file.name):
            put_in_place(part, folder / file.name)
        _note(part).unlink(missing_ok=True)
        return fetched

    def _download(self, file: RemoteFile, part: Path, report: Callable[[int, int], None] | None) -> str:
        """Fill the partial file up; return what tells the version of the file."""
        there, kept = _kept(part, file)
        headers = {"Range": f"bytes={there}-", "If-Range": kept} if there else {}
        with self._answer("GET", file, headers) as answer:
            if answer.status == 416:
                if answer.headers.get("Content-Range") == f"bytes */{there}":
                    # all of it is there
                    return kept
                # what is kept is no beginning of the file
                _forget(part)
                raise self._urllib3.exceptions.HTTPError("the server refuses to continue the file")
            resumed = answer.status == 206 and answer.headers.get("Content-Range", "").startswith(f"bytes {there}-")
            if there and not resumed:
                there = 0
            stated = answer.headers.get("Content-Length")
            total = there + int(stated) if stated and stated.isdigit() else 0
            # a weak ETag says nothing about bytes
            etag = answer.headers.get("ETag", "")
            version: str = etag if etag and not etag.startswith("W/") else answer.headers.get("Last-Modified", "")
            with saying_why(part):
                note = {"url": file.shown, "version": version}
                _note(part).write_text(json.dumps(note), encoding="utf-8")
                with part.open("ab" if there else "wb") as out:
                    # what is there at once, so that a cut connection loses nothing of it
                    while chunk := answer.read1(_CHUNK, decode_content=False):
                        out.write(chunk)
                        there += len(chunk)
                        if report is not None:
                            report(there, total)
                    out.flush()
                    os.fsync(out.fileno())
        if total and there != total:
            raise self._urllib3.exceptions.HTTPError(f"{there} of {total} bytes came")
        return version

    @contextlib.contextmanager
    def _answer(self, method: str, file: RemoteFile, headers: dict[str, str]) -> Iterator[Any]:
        """Give the answer to a request, after redirects; anything but a success is an error."""
        url = file.url
        for _ in range(_REDIRECTS):
            self._wait()
            try:
                answer = self._pool.request(
                    method, url, headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity", **headers},
                    redirect=False, retries=self._retry,
                    preload_content=False,
                )  # fmt: skip
            except self._urllib3.exceptions.MaxRetryError as error:
                raise FetchError(f"{file.shown}: {_reason(error.reason or error)}", "network") from None
            try:
                target = answer.get_redirect_location()
                if target:
                    url = _moved(url, str(target))
                    if urlsplit(url).scheme not in ("http", "https"):
                        raise FetchError(f"{file.shown}: it is moved to something else than http", "redirect")
                    continue
                if answer.status not in (200, 206, 416):
                    meaning = _MEANING.get(answer.status, "the server has a fault" if answer.status >= 500 else "")
                    text = f"{file.shown}: the server answered {answer.status}"
                    raise FetchError(f"{text}; {meaning}" if meaning else text, f"status {answer.status}")
                yield answer
                return
            finally:
                answer.close()
        raise FetchError(f"{file.shown}: it is moved again and again", "redirect")

    def _wait(self) -> None:
        left = self._last + self._interval - time.monotonic()
        if left > 0:
            self._sleep(left)
        self._last = time.monotonic()


def _moved(url: str, target: str) -> str:
    """Return where a redirect leads; a token in the address does not go to another host."""
    here, there = urlsplit(url), urlsplit(urljoin(url, target))
    if there.netloc == here.netloc:
        return there.geturl()
    query = [pair for pair in parse_qsl(there.query, keep_blank_values=True) if pair[0] != TOKEN]
    return there._replace(query=urlencode(query)).geturl()


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's contents."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _note(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _kept(part: Path, file: RemoteFile) -> tuple[int, str]:
    """Return how many bytes of a file are there, and of which version; 0 if it cannot be known."""
    try:
        note = json.loads(_note(part).read_text(encoding="utf-8"))
        size = part.stat().st_size
    except (OSError, ValueError):
        return 0, ""
    known = isinstance(note, dict) and note.get("url") == file.shown and isinstance(note.get("version"), str)
    return (size, note["version"]) if known and note["version"] else (0, "")


def _forget(part: Path) -> None:
    part.unlink(missing_ok=True)
    _note(part).unlink(missing_ok=True)


def _reason(error: BaseException) -> str:
    """Say why no answer came, in words without the address, which may hold a token."""
    name = type(error).__name__
    if name == "NameResolutionError":
        return "the host is not known; is there a network?"
    if name in ("NewConnectionError", "ConnectTimeoutError"):
        return "no connection; is there a network, and does the server run?"
    if name in ("ReadTimeoutError", "TimeoutError"):
        return f"no answer within {_TIMEOUT:g} s"
    if name == "ResponseError":
        return "the server answered with errors again and again"
    if name == "SSLError":
        return "the connection is not secure: its certificate cannot be verified"
    return "the connection ended before the whole file came"

"""Which text is a URL, and the store of files there: with obstore for object stores and the web, else with fsspec."""

import os
import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from bayescannon.io.libraries import require_library
from bayescannon.io.store_layout import ROOT

# a Path has one slash only of the two of a URL that it was made of
_URL = re.compile(r"([a-z][a-z0-9+.-]+):/+(.*)", re.IGNORECASE | re.DOTALL)
_LOCAL = ("file", "local")
# schemes that obstore reads by itself; for others fsspec is asked
_OBJECT_STORES = ("s3", "s3a", "gs", "az", "adl", "azure", "abfs", "abfss", "http", "https")


def url_of(given: Any) -> str | None:
    """
    Return a URL, None if `given` is no URL but a path of this machine, or neither.

    A Path that was made of a URL is one too, unless it exists.

    Examples
    --------
    >>> url_of(Path("s3://survey/dr11.zarr")), url_of("dr11.zarr"), url_of("file:///data/dr11.zarr")
    ('s3://survey/dr11.zarr', None, None)
    """
    if not isinstance(given, str | os.PathLike):
        return None
    match = _URL.fullmatch(os.fsdecode(given))
    if match is None or match[1].lower() in _LOCAL or (not isinstance(given, str) and Path(given).exists()):
        return None
    return f"{match[1].lower()}://{match[2].lstrip('/')}"


def local_path(given: str | os.PathLike[str]) -> Path:
    """
    Return a path of this machine, also of a ``file://`` URL.

    Examples
    --------
    >>> local_path("file:///data/dr11.zarr").as_posix(), local_path("dr11.zarr").as_posix()
    ('/data/dr11.zarr', 'dr11.zarr')
    """
    text = os.fsdecode(given)
    match = _URL.fullmatch(text)
    if match is not None and match[1].lower() in _LOCAL:
        return Path("/" + match[2].lstrip("/"))
    return Path(text)


class UrlPlace:
    """
    Files of a store at a URL, by their names relative to it; a file that is not there raises FileNotFoundError.

    Other faults are OSError. What travels to another process is the URL.

    Parameters
    ----------
    url : str
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        scheme = url.partition("://")[0]
        self._by_obstore = scheme in _OBJECT_STORES
        require_library("obstore" if self._by_obstore else "fsspec", "urls")

    def __reduce__(self) -> tuple[Any, ...]:
        return UrlPlace, (self.url,)

    @property
    def shown(self) -> str:
        """The place, for messages."""
        return self.url

    @cached_property
    def _files(self) -> "_ObstoreFiles | _FsspecFiles":
        with _Faults(self.url):
            return _ObstoreFiles(self.url) if self._by_obstore else _FsspecFiles(self.url)

    def size(self, name: str) -> int:
        """Return the size of a file in bytes."""
        with _Faults(name):
            return self._files.size(name)

    def read(self, name: str, start: int, length: int) -> bytes:
        """Return a part of a file; fewer bytes if it ends before."""
        with _Faults(name):
            return self._files.read(name, start, length) if length else b""

    def root_stamp(self) -> object:
        """Return what changes when the store is replaced, without reading it; None if it is not there."""
        try:
            with _Faults(ROOT):
                return self._files.stamp(ROOT)
        except OSError:
            return None

    def names(self) -> Iterator[str]:
        """Yield the names of all files."""
        with _Faults(self.url):
            yield from self._files.names()

    def write(self, name: str, data: bytes) -> None:
        """Write a file."""
        with _Faults(name):
            self._files.write(name, data)


class _Faults:
    """Turn what libraries raise about a file into OSError."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Exception) and not isinstance(error, OSError | ImportError):
            # the first line says what it is, further ones are for those who debug the library
            said = str(error).partition("\n")[0]
            raise OSError(f"{self._name}: {type(error).__name__}: {said}") from error


class _ObstoreFiles:
    def __init__(self, url: str) -> None:
        import obstore
        from obstore.store import from_url

        self._obstore = obstore
        self._store = from_url(url)

    def size(self, name: str) -> int:
        return int(self._obstore.head(self._store, name)["size"])

    def read(self, name: str, start: int, length: int) -> bytes:
        return bytes(self._obstore.get_range(self._store, name, start=start, length=length))

    def stamp(self, name: str) -> object:
        found = self._obstore.head(self._store, name)
        return found["e_tag"], found["size"], found["last_modified"], found["version"]

    def names(self) -> Iterator[str]:
        for batch in self._obstore.list(self._store):
            for one in batch:
                yield str(one["path"])

    def write(self, name: str, data: bytes) -> None:
        self._obstore.put(self._store, name, data)


class _FsspecFiles:
    def __init__(self, url: str) -> None:
        from fsspec.core import url_to_fs

        self._system, self._root = url_to_fs(url)

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _info(self, name: str) -> dict[str, Any]:
        # lists of folders that were kept may be of a store that was replaced
        self._system.invalidate_cache()
        found: dict[str, Any] = self._system.info(self._path(name))
        return found

    def size(self, name: str) -> int:
        return int(self._info(name)["size"])

    def read(self, name: str, start: int, length: int) -> bytes:
        return bytes(self._system.cat_file(self._path(name), start=start, end=start + length))

    def stamp(self, name: str) -> object:
        found = self._info(name)
        return tuple(str(found.get(key)) for key in ("size", "ETag", "etag", "mtime", "created", "LastModified"))

    def names(self) -> Iterator[str]:
        for path in self._system.find(self._root):
            yield str(path).removeprefix(f"{self._root}/")

    def write(self, name: str, data: bytes) -> None:
        path = self._path(name)
        self._system.makedirs(path.rpartition("/")[0], exist_ok=True)
        self._system.pipe_file(path, data)

"""Where a store lies: the files of a local folder, by their names relative to it."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from bayescannon.io.store_layout import ROOT, StoreError

# a manifest of 10^8 stars has 20 MB
_LARGEST_ROOT = 2**28


class StorePlace(Protocol):
    """Files of a store, by their names relative to it; a file that is not there raises FileNotFoundError."""

    @property
    def shown(self) -> str:
        """The place, for messages."""

    def size(self, name: str) -> int:
        """Return the size of a file in bytes."""

    def read(self, name: str, start: int, length: int) -> bytes:
        """Return a part of a file; fewer bytes if it ends before."""

    def root_stamp(self) -> object:
        """Return what changes when the store is replaced, without reading it; None if it is not there."""

    def names(self) -> Iterator[str]:
        """Yield the names of all files."""


class LocalPlace:
    """A folder of this machine."""

    def __init__(self, path: Path) -> None:
        self.given = path
        # absolute, as files may be read from another working folder
        self.root = path.absolute()

    @property
    def shown(self) -> str:
        """The place, for messages."""
        return str(self.given)

    def size(self, name: str) -> int:
        """Return the size of a file in bytes."""
        return (self.root / name).stat().st_size

    def read(self, name: str, start: int, length: int) -> bytes:
        """Return a part of a file; fewer bytes if it ends before."""
        with open(self.root / name, "rb", buffering=0) as file:  # noqa: PTH123, as Path.open costs more
            if start:
                file.seek(start)
            return file.read(length)

    def stamp(self, name: str) -> tuple[int, ...] | None:
        """Return what changes when a file or folder is replaced, without reading it; None if it is not there."""
        try:
            found = (self.root / name).stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns

    def root_stamp(self) -> object:
        """Return what changes when the store is replaced, without reading it; None if it is not there."""
        return self.stamp(ROOT)

    def names(self) -> Iterator[str]:
        """Yield the names of all files."""
        for folder, _, files in self.root.walk():
            for name in files:
                yield os.fspath((folder / name).relative_to(self.root))


def read_root(place: StorePlace) -> dict[str, Any]:
    """
    Return the root metadata of a store, empty if there are none.

    Raises
    ------
    StoreError
        They are damaged, or too large to be those of a store.
    """
    try:
        size = place.size(ROOT)
        if size > _LARGEST_ROOT:
            raise StoreError(
                f"{place.shown}: the file {ROOT} has {size:,} bytes, and metadata of a store at most {_LARGEST_ROOT:,}"
            )
        found = json.loads(place.read(ROOT, 0, size))
    except StoreError:
        raise
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise StoreError(f"{place.shown}: the file {ROOT} cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise StoreError(
            f"{place.shown}: the file {ROOT} is damaged: {error}. Restore it from a copy, or prepare the spectra again"
        ) from error
    return found if isinstance(found, dict) else {}

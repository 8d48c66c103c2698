"""A folder of fetched files: what of a list is there and whole, what is fetched, and what failed."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bayescannon.io.fetching.addresses import RemoteFile
from bayescannon.io.fetching.client import Client, Fetched, FetchError, file_sha256
from bayescannon.io.output_lock import locked
from bayescannon.io.outputs import real_path, replacing
from bayescannon.io.size_limits import TEXT_LIST, read_limited
from bayescannon.numerics.errors import BayesCannonError
from bayescannon.numerics.progress import Report

# what was fetched into a folder, with checksums
RECORD = "fetched.json"
_FORMAT = "bayescannon fetched 1"
# files after which the record is written again
_EVERY = 20
# failures of the same kind one after the other that end the work; files that do not exist say less of the next one
MOST_ALIKE, MOST_MISSING = 5, 50
_MISSING = "status 404"


@dataclass(frozen=True)
class FetchReport:
    """
    What became of a list of files.

    Attributes
    ----------
    folder : Path
    fetched, cached : tuple of str
        Names of files that were fetched, and that were there and whole.
    failed : tuple of (name, reason)
    left : int
        Files that were not tried, because too many failed alike.
    size : int
        Bytes that were fetched.
    """

    folder: Path
    fetched: tuple[str, ...]
    cached: tuple[str, ...]
    failed: tuple[tuple[str, str], ...]
    left: int
    size: int

    def describe(self) -> str:
        """Say it in a sentence."""
        said = [f"{len(self.fetched)} fetched ({size_text(self.size)})", f"{len(self.cached)} were there"]
        if self.failed:
            said.append(f"{len(self.failed)} failed, the first: {self.failed[0][1]}")
        if self.left:
            said.append(f"{self.left} not tried, as too many failed in the same way; the same command goes on")
        return "; ".join(said)


def fetch_files(
    files: Sequence[RemoteFile], folder: Path, client: Client, *, report: Report | None = None
) -> FetchReport:
    """
    Fetch files into a folder; those that are there and whole are not fetched again.

    Parameters
    ----------
    files : sequence of RemoteFile
    folder : Path
        Is made if need be. Its ``fetched.json`` holds the checksum of every file.
    client : Client
    report : callable, optional
        Called with (files done, files).

    Returns
    -------
    report : FetchReport

    Raises
    ------
    OutputBusyError
        Another process fetches into the folder.
    OutputWriteError
        A file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    fetched: list[str] = []
    cached: list[str] = []
    failed: list[tuple[str, str]] = []
    size, alike = 0, _Alike()
    with locked(real_path(folder)):
        record = read_record(folder)
        unwritten = 0
        try:
            for number, file in enumerate(files, start=1):
                if is_whole(folder, file, record):
                    cached.append(file.name)
                else:
                    try:
                        # of one file the bytes are counted
                        found = client.fetch(file, folder, report=report if len(files) == 1 else None)
                    except FetchError as error:
                        failed.append((file.name, str(error)))
                        if alike.too_many(error.kind):
                            return FetchReport(
                                folder, tuple(fetched), tuple(cached), tuple(failed), len(files) - number, size
                            )
                    else:
                        record[file.name] = found
                        fetched.append(file.name)
                        size += found.size
                        alike = _Alike()
                unwritten += 1
                if unwritten >= _EVERY:
                    _write_record(folder, record)
                    unwritten = 0
                if report is not None:
                    report(number, len(files))
        finally:
            _write_record(folder, record)
    return FetchReport(folder, tuple(fetched), tuple(cached), tuple(failed), 0, size)


class _Alike:
    """Counts failures that follow each other without a success."""

    def __init__(self) -> None:
        self._last, self._same, self._missing = "", 0, 0

    def too_many(self, kind: str) -> bool:
        """Count a failure, and tell whether the rest would fail alike."""
        if kind == _MISSING:
            self._missing += 1
            return self._missing >= MOST_MISSING
        self._same = self._same + 1 if kind == self._last else 1
        self._last = kind
        return self._same >= MOST_ALIKE


def is_whole(folder: Path, file: RemoteFile, record: dict[str, Fetched]) -> bool:
    """Tell whether a file was fetched before, from the same address (or a mirror of it), and is as it was then."""
    path, known = folder / file.name, record.get(file.name)
    if known is None or known.path != file.path or not path.is_file():
        return False
    return path.stat().st_size == known.size and file_sha256(path) == known.sha256


def read_record(folder: Path) -> dict[str, Fetched]:
    """Read what was fetched into a folder; nothing if the record is missing or damaged."""
    try:
        document: Any = json.loads(read_limited(folder / RECORD, TEXT_LIST, "a record of fetched files"))
        files: Mapping[str, Any] = document["files"] if document["format"] == _FORMAT else {}
        return {str(name): Fetched(int(one["bytes"]), str(one["sha256"]), str(one["version"]), str(one["path"]))
                for name, one in files.items()}  # fmt: skip
    except (OSError, BayesCannonError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _write_record(folder: Path, record: dict[str, Fetched]) -> None:
    files = {
        name: {"bytes": one.size, "sha256": one.sha256, "version": one.version, "path": one.path}
        for name, one in sorted(record.items())
    }
    with replacing(folder / RECORD, overwrite=True) as partial:
        partial.write_text(json.dumps({"format": _FORMAT, "files": files}, indent=1) + "\n", encoding="utf-8")


def size_text(size: float) -> str:
    """
    Return a number of bytes with a unit.

    Examples
    --------
    >>> size_text(512), size_text(3_400_000)
    ('512 B', '3.4 MB')
    """
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            break
        size /= 1000
    return f"{size:.0f} {unit}" if unit == "B" else f"{size:.3g} {unit}"

"""
Finished parts of a long run, in a hidden folder beside its output, so that the same command goes on after a kill.

A part is a file and a note, a JSON file that has the size and the CRC-32C of the part and is written after it. A part
without a note, or that is not what its note says, is not finished and is made again.
"""

import json
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from bayescannon.io.checksum import file_crc32c
from bayescannon.io.hidden_names import hidden_name
from bayescannon.io.output_lock import locked
from bayescannon.io.outputs import put_in_place, real_path, remove, saying_why, settle, sync_folder, temporary_name
from bayescannon.numerics.errors import BayesCannonWarning, InputError

# what a work folder is, and which command it belongs to
_DESCRIPTION = "work.json"
_FORMAT = "bayescannon work 1"
_KEY = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_NOTE = ".note"


@dataclass(frozen=True)
class Parts:
    """
    The parts in a folder; worker processes are given it and write parts of their own.

    Attributes
    ----------
    folder : Path
    """

    folder: Path

    def path(self, key: str, ending: str) -> Path:
        """Return the file of a part; `key` has small letters, digits, ``.``, ``_`` and ``-`` alone."""
        if not _KEY.fullmatch(key):
            raise InputError(f"the key of a part must have small letters, digits, '.', '_' and '-' alone; got {key!r}")
        return self.folder / f"{key}{ending}"

    def done(self, key: str) -> dict[str, Any] | None:
        """Return the note of a finished part, which is read and found whole; None if it is to be made."""
        recorded = _read_json(self.path(key, _NOTE))
        try:
            file = self.folder / recorded["file"]
            whole = file.stat().st_size == recorded["size"] and file_crc32c(file) == recorded["crc32c"]
            return dict(recorded["note"]) if whole else None
        except (OSError, KeyError, TypeError, ValueError):
            return None

    @contextmanager
    def writing(self, key: str, ending: str, note: Mapping[str, Any] | None = None) -> Iterator[Path]:
        """
        Provide a temporary name for the file of a part; at the end of the block it is a finished part.

        `note`, which JSON can hold, is read at the end of the block. If an exception ends the block, there is no part.
        """
        path = self.path(key, ending)
        partial = temporary_name(path)
        try:
            with saying_why(path):
                yield partial
                recorded = {
                    "file": path.name,
                    "size": partial.stat().st_size,
                    "crc32c": file_crc32c(partial),
                    "note": dict(note or {}),
                }
                # an older note would be that of another file
                self.path(key, _NOTE).unlink(missing_ok=True)
                put_in_place(partial, path)
                _write_json(recorded, self.path(key, _NOTE))
        finally:
            remove(partial)

    def drop(self, key: str, ending: str) -> None:
        """Remove a part."""
        self.path(key, _NOTE).unlink(missing_ok=True)
        self.path(key, ending).unlink(missing_ok=True)


class WorkFolder:
    """
    The parts of one run, kept until its output is in place.

    Use it in a ``with`` block, which holds the lock of the output; call :meth:`finish` when the output is in place. The
    folder of an earlier run with the same fingerprint is taken up, and that of another run is replaced, with a warning.

    Parameters
    ----------
    output : Path
        What the run writes; its folder exists.
    fingerprint : mapping
        What decides the contents of the parts: verb, version, choices, identity of every input. JSON can hold it.

    Attributes
    ----------
    parts : Parts
    n_adopted : int
        Parts of an earlier run that have a note.

    Raises
    ------
    OutputBusyError
        Another process writes the output.

    Examples
    --------
    >>> import tempfile
    >>> output = Path(tempfile.mkdtemp()) / "rows.csv"
    >>> with WorkFolder(output, {"verb": "label"}) as work:
    ...     with work.parts.writing("block-0", ".txt", {"stars": 3}) as path:
    ...         _ = path.write_text("rows")
    >>> with WorkFolder(output, {"verb": "label"}) as work:
    ...     work.n_adopted, work.parts.done("block-0"), work.parts.done("block-1")
    ...     work.finish()
    (1, {'stars': 3}, None)
    >>> list(output.parent.iterdir())
    []
    """

    def __init__(self, output: Path, fingerprint: Mapping[str, Any]) -> None:
        self._output = real_path(output)
        self._described = {"format": _FORMAT, "fingerprint": json.loads(json.dumps(fingerprint, sort_keys=True))}
        self.parts = Parts(work_folder_name(self._output))
        self.n_adopted = 0
        self._finished = False
        self._stack = ExitStack()

    def __enter__(self) -> "WorkFolder":
        self._finished = False
        with ExitStack() as stack, saying_why(self._output):
            stack.enter_context(locked(self._output))
            settle(self._output)
            folder = self.parts.folder
            found = _read_json(folder / _DESCRIPTION)
            if folder.exists() and found != self._described:
                if found and any(folder.glob(f"*{_NOTE}")):
                    warnings.warn(
                        f"an interrupted run of another command, or with other inputs, left finished parts for "
                        f"{self._output}; they are of no use for this one and are removed",
                        BayesCannonWarning,
                        stacklevel=2,
                    )
                remove(folder)
            if not folder.exists():
                folder.mkdir()
                _write_json(self._described, folder / _DESCRIPTION)
                sync_folder(folder.parent)
            # temporary names of workers that were killed
            for left in folder.glob(".*"):
                remove(left)
            self.n_adopted = sum(1 for _ in folder.glob(f"*{_NOTE}"))
            self._stack = stack.pop_all()
        return self

    def finish(self) -> None:
        """Let the folder be removed at the end of the block: the output is in place."""
        self._finished = True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        folder = self.parts.folder
        try:
            if self._finished or not any(one.name != _DESCRIPTION for one in folder.iterdir()):
                remove(folder)
        finally:
            self._stack.close()


def work_folder_name(output: Path) -> Path:
    """Return the hidden folder beside an output that has the parts of its run."""
    return hidden_name(output, "work")


def _read_json(path: Path) -> dict[str, Any]:
    """Read a mapping; empty if there is none that is whole."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _write_json(content: Mapping[str, Any], path: Path) -> None:
    partial = temporary_name(path)
    partial.write_text(json.dumps(content, sort_keys=True), encoding="utf-8")
    put_in_place(partial, path)

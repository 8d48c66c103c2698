"""Which steps of a run are finished, and with which inputs: a file beside its outputs, by which a run goes on."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bayescannon.io.checksum import file_crc32c
from bayescannon.io.outputs import replacing
from bayescannon.io.store import StoreError, store_id

_FORMAT = "bayescannon run 1"


class RunJournal:
    """
    The finished steps of a run, in the file ``run.json``.

    A step is finished if its inputs are those that it was done with, and its outputs are what it left.

    Parameters
    ----------
    path : Path

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> output = folder / "rows.csv"
    >>> journal = RunJournal(folder / "run.json")
    >>> journal.is_finished("label", {"seed": 1}, [output])
    False
    >>> _ = output.write_text("rows")
    >>> journal.finish("label", {"seed": 1}, [output])
    >>> again = RunJournal(folder / "run.json")
    >>> again.is_finished("label", {"seed": 1}, [output]), again.is_finished("label", {"seed": 2}, [output])
    (True, False)
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._steps = _read(path)

    @property
    def made(self) -> dict[str, dict[str, str]]:
        """What tells each output of the finished steps from another, by step and by the output's name."""
        return {name: {str(k): str(v) for k, v in found["outputs"].items()} for name, found in self._steps.items()}

    def is_finished(self, step: str, inputs: Mapping[str, Any], outputs: list[Path]) -> bool:
        """Tell whether a step was done with these inputs, and its outputs are there unchanged."""
        found = self._steps.get(step)
        return found is not None and found == {"inputs": digest(inputs), "outputs": _identities(outputs)}

    def is_recorded(self, step: str, outputs: list[Path]) -> bool:
        """Tell whether outputs are what a step of an earlier run left, whatever its inputs were."""
        found = self._steps.get(step, {})
        return found.get("outputs") == _identities(outputs)

    def finish(self, step: str, inputs: Mapping[str, Any], outputs: list[Path]) -> None:
        """Record that a step is done."""
        self._steps[step] = {"inputs": digest(inputs), "outputs": _identities(outputs)}
        with replacing(self.path, overwrite=True) as partial:
            text = json.dumps({"format": _FORMAT, "steps": self._steps}, indent=1, sort_keys=True)
            partial.write_text(text + "\n", encoding="utf-8")


def digest(inputs: Mapping[str, Any]) -> str:
    """Return the SHA-256 of inputs that JSON can hold."""
    return hashlib.sha256(json.dumps(inputs, sort_keys=True, default=str).encode()).hexdigest()


def file_digest(path: str | Path) -> str:
    """Return the SHA-256 of a file's contents."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _identities(outputs: list[Path]) -> dict[str, str]:
    """Return what tells each output from another, by its name; empty text for one that is not there."""
    return {path.name: _identity(path) for path in outputs}


def _identity(path: Path) -> str:
    if path.is_file():
        return f"{path.stat().st_size} bytes, CRC-32C {file_crc32c(path):08x}"
    try:
        return store_id(path)
    except (StoreError, OSError):
        files = sorted(one for one in path.glob("*") if one.is_file())
        return "; ".join(f"{one.name}: {_identity(one)}" for one in files)


def _read(path: Path) -> dict[str, dict[str, Any]]:
    """Read the steps; none if there is no journal, or if it is damaged: then every step is done again."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        steps = dict(found["steps"]) if found["format"] == _FORMAT else {}
        whole = all(isinstance(one, dict) and isinstance(one.get("outputs"), dict) for one in steps.values())
        return steps if whole else {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}

"""A place for what PyTensor compiles where the home folder is not writable; it cannot be imported without one."""

import atexit
import logging
import os
import shutil
import sys
import tempfile
from pathlib import Path

_log = logging.getLogger(__name__)
_FLAGS = "PYTENSOR_FLAGS"


def provide_compile_folder(home: Path | None = None) -> None:
    """
    Name a temporary folder in ``PYTENSOR_FLAGS`` if PyTensor's own, in the home folder, cannot be made.

    Call it before PyTensor is imported. Nothing is changed if PyTensor is imported already, or if the user has chosen a
    folder. The temporary folder is removed at the end of the process.

    Parameters
    ----------
    home : Path, optional
        The home folder; that of the user unless given.
    """
    flags = os.environ.get(_FLAGS, "")
    if "pytensor" in sys.modules or "compiledir" in flags or os.environ.get("PYTENSORRC"):
        return
    folder = _default(home)
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    if _writable(folder):
        return
    made = tempfile.mkdtemp(prefix="bayescannon-pytensor-")
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    os.environ[_FLAGS] = f"{flags},base_compiledir={made}".lstrip(",")
    _log.debug("%s is not writable; PyTensor compiles in %s. PYTENSOR_FLAGS chooses another folder", folder, made)


def _default(home: Path | None) -> Path:
    """Return the folder that PyTensor would take."""
    if home is not None:
        return home / ".pytensor"
    local = os.environ.get("LOCALAPPDATA") if sys.platform == "win32" else None
    return Path(local) / "PyTensor" if local else Path(os.path.expanduser("~")) / ".pytensor"  # noqa: PTH111


def _writable(folder: Path) -> bool:
    """Whether a file can be made in a folder; permissions alone do not tell on read-only file systems."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False

"""Whether everything that a verb writes can be written, told before the work: names, links, folders, inputs, room."""

import errno
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bayescannon.io.hidden_names import LONGEST_NAME
from bayescannon.io.outputs import (
    OutputExistsError,
    OutputFolderError,
    OutputWriteError,
    check_output_file,
    real_path,
    refuse_existing,
    require_writable,
)
from bayescannon.io.size_limits import size_text
from bayescannon.numerics.errors import InputError, MissingFileError

# bytes of a path that systems take
_LONGEST_PATH = 4095
# bytes that a file system needs beside what is written
_MARGIN = 1 << 20


class OutputNameError(InputError):
    """The path of an output that cannot be that of one, or that is also an input."""


@dataclass(frozen=True)
class Output:
    """
    Something that a verb writes.

    Attributes
    ----------
    path : Path
    flag : str
        What names it, for messages: ``--out``.
    is_folder : bool
        A folder that is replaced as a whole; its parents are made if need be.
    is_added_to : bool
        A folder that may exist, and to which files are added; its parents are made too.
    is_appended : bool
        A file that may exist, and to whose end is written.
    makes_parents : bool
        A file whose folder is made if need be.
    size : int
        Bytes that it will have at least; 0 if that is not known.
    """

    path: Path
    flag: str
    is_folder: bool = False
    is_added_to: bool = False
    is_appended: bool = False
    makes_parents: bool = False
    size: int = 0


def check_outputs(outputs: Sequence[Output], inputs: Sequence[Path] = (), *, overwrite: bool) -> None:
    """
    Raise an error unless every output can be written; nothing on the disk changes. Call it before the work.

    Parameters
    ----------
    outputs : sequence of Output
    inputs : sequence of Path
        Files and folders that are read; one that does not exist is refused when it is read.
    overwrite : bool
        Outputs that exist may be replaced; inputs never.

    Raises
    ------
    OutputNameError
        The name is empty, too long, of a loop of links, or begins with ~; or an output is also an input, another
        output, or in a store that is read.
    OutputExistsError, OutputFolderError, MissingFileError, OutputPermissionError
        As :func:`bayescannon.io.outputs.check_output_file`.
    OutputWriteError
        The disk has too little room.

    Examples
    --------
    >>> check_outputs([Output(Path("~/model.nc"), "--out")], overwrite=False)
    Traceback (most recent call last):
    bayescannon.io.output_check.OutputNameError: --out: ~/model.nc begins with '~', which only a shell replaces; ...
    """
    places: dict[str, Output] = {}
    for output in outputs:
        _check_name(output)
        _check_kind(output, overwrite=overwrite)
        place = os.path.realpath(output.path)
        if place in places:
            raise OutputNameError(
                f"{output.flag} and {places[place].flag} are the same, {output.path}; choose two names"
            )
        places[place] = output
    for output in outputs:
        for given in inputs:
            _require_apart(output, given)
    for folder in {_existing_folder(output.path) for output in outputs}:
        size = sum(output.size for output in outputs if _existing_folder(output.path) == folder)
        if size:
            require_room(folder / outputs[0].path.name, size)


def require_room(path: Path, size: int) -> None:
    """
    Raise an error unless the disk has room for an output; an older one that it replaces stays until it is complete.

    Parameters
    ----------
    path : Path
        The output.
    size : int
        Bytes that it will have.

    Raises
    ------
    OutputWriteError
        There is too little room.
    """
    folder = _existing_folder(path)
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        # some network file systems do not tell
        return
    if size + _MARGIN > free:
        raise OutputWriteError(
            f"{path} needs about {size_text(size)}, and {folder} has {size_text(free)} left. Make room, or choose "
            "another place"
        )


def _check_name(output: Output) -> None:
    """Raise an error if the path cannot be that of an output, whatever is on the disk."""
    path, flag = output.path, output.flag
    text = os.fspath(path)
    what = "folder" if output.is_folder or output.is_added_to else "file"
    if "\0" in text:
        raise OutputNameError(f"{flag}: the name {text!r} has a sign of number 0, which no file has; choose another")
    if not output.is_added_to and (path.name in ("", "..") or path == Path()):
        raise OutputNameError(f"{flag}: {text} is the name of no {what} that can be written; give one such as ./NAME")
    # also behind the folder of a configuration
    home = next((k for k, part in enumerate(path.parts) if part == "~" or (k == 0 and part.startswith("~"))), None)
    if home is not None and not os.path.lexists(Path(*path.parts[: home + 1])):
        raise OutputNameError(
            f"{flag}: {Path(*path.parts[home:])} begins with '~', which only a shell replaces; write the whole path"
        )
    longest = max((len(os.fsencode(part)) for part in path.parts), default=0)
    if longest > LONGEST_NAME or len(os.fsencode(path.absolute())) > _LONGEST_PATH:
        raise OutputNameError(
            f"{flag}: the name {text[:40]}... is too long ({longest} bytes, with its folder "
            f"{len(os.fsencode(path.absolute()))}); names may have {LONGEST_NAME} bytes, and paths {_LONGEST_PATH}"
        )
    try:
        path.stat()
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise OutputNameError(
                f"{flag}: {text} is a link in a loop of links; remove it, or choose another name"
            ) from None


def _check_kind(output: Output, *, overwrite: bool) -> None:
    """Raise an error if what is at the path cannot be replaced, or its folder not be written to."""
    path = output.path
    above = _existing_folder(path)
    if not above.is_dir():
        raise OutputFolderError(f"{above} is a file, and the folder of {path} is wanted there; choose another place")
    if not (output.is_folder or output.is_added_to):
        if output.makes_parents and not os.path.lexists(real_path(path).parent):
            require_writable(above)
        else:
            check_output_file(path, overwrite=overwrite or output.is_appended)
        return
    if path.exists() and not path.is_dir():
        raise OutputExistsError(path, "is not a folder, and one is to be written there; choose another name")
    if not output.is_added_to:
        refuse_existing(path, overwrite=overwrite)
    if not path.exists() and path.is_symlink() and not real_path(path).parent.is_dir():
        raise MissingFileError(
            f"the folder {real_path(path).parent}, which {path} points to, does not exist; make it first"
        )
    require_writable(path if output.is_added_to and path.is_dir() else above)


def _existing_folder(path: Path) -> Path:
    """Return the nearest folder above an output that exists; links are followed."""
    folder = Path(os.path.realpath(path)).parent
    while not os.path.lexists(folder) and folder != folder.parent:
        folder = folder.parent
    return folder


def _require_apart(output: Output, given: Path) -> None:
    """Raise an error if an output is also an input, holds one, or is in a store that is read."""
    written, read = Path(os.path.realpath(output.path)), Path(os.path.realpath(given))
    if not os.path.lexists(read):
        return
    same = written == read or _same_file(written, read)
    if same:
        raise OutputNameError(f"{output.flag}: {output.path} is also read, as {given}; choose another name")
    if not output.is_added_to and output.is_folder and written in read.parents:
        raise OutputNameError(
            f"{output.flag}: {given} is read, and lies in {output.path}, which would be replaced; choose another name"
        )
    # of folders only stores are harmed by files that do not belong to them
    if read in written.parents and (read / "zarr.json").exists():
        raise OutputNameError(
            f"{output.flag}: {output.path} lies in the store {given}, which is read; choose another place"
        )


def _same_file(one: Path, two: Path) -> bool:
    """Tell whether two paths are those of one file, by another name of it too."""
    try:
        return one.samefile(two)
    except OSError:
        return False

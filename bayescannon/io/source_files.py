"""The files of a preparation: of a folder, a list, or one by itself; each file once, whatever names it has."""

import codecs
import hashlib
import os
import stat
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayescannon.data.parts import a_kind
from bayescannon.data.spectra import RawSpectrum, Spectra
from bayescannon.io.lamost import FITS_MAGIC, GZIP_MAGIC
from bayescannon.io.prepare_report import PrepareError, Refusals
from bayescannon.io.readers.array_file import array_format
from bayescannon.io.size_limits import TEXT_LIST, read_limited
from bayescannon.numerics.errors import InputTypeError

# what opening may wait for, or reading may never end
_SPECIAL = {
    stat.S_IFIFO: "a pipe", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device", stat.S_IFSOCK: "a socket",
}  # fmt: skip


@dataclass(frozen=True)
class SourceFiles:
    """
    Files, sorted, each path once.

    Attributes
    ----------
    root : Path
        The folder that the names are relative to.
    names : tuple of str
    is_folder : bool
        They were found in a folder, by their endings, and not named.
    n_repeated : int
        Names that were given again.
    notes : mapping of text to int
        What of a folder was left out, and how often.
    """

    root: Path
    names: tuple[str, ...]
    is_folder: bool = False
    n_repeated: int = 0
    notes: Mapping[str, int] = field(default_factory=dict)


def find_files(
    source: str | Path | Sequence[str | Path], endings: tuple[str, ...], own_endings: tuple[str, ...] = ()
) -> SourceFiles:
    """
    List the files of a source, see :func:`bayescannon.io.preparation.prepare_files`.

    Parameters
    ----------
    source : str, Path or sequence of them
    endings : tuple of str
        Of the files that are taken from a folder.
    own_endings : tuple of str
        A file with one of these is a spectrum, even if it is a text; other texts are lists of files.

    Raises
    ------
    PrepareError
        The source does not exist, or holds no files.
    InputTypeError
        It is no path, and no sequence of paths.
    """
    path = _paths(source)
    is_folder, notes = False, Counter[str]()
    if isinstance(path, list):
        root, names = Path(), path
    elif path.is_dir() and array_format(b"", path):
        root, names = path.parent, [path.name]
    elif path.is_dir():
        is_folder, root = True, path
        names, notes = _in_folder(path, endings)
    elif path.is_file():
        root, names = path.parent, _names_in(path, own_endings)
    elif path.exists():
        raise PrepareError(f"{source} is neither a folder nor a file; expected a folder of spectra or a list of files")
    else:
        raise PrepareError(f"{source} does not exist; expected a folder of spectra or a list of files")
    if not names:
        raise PrepareError(f"no spectra in {source}; expected files ending in {', '.join(endings)}")
    # sorted in place, without a second container of millions of names
    names.sort()
    once = tuple(name for name, _ in groupby(names))
    return SourceFiles(root, once, is_folder, len(names) - len(once), notes)


def _in_folder(path: Path, endings: tuple[str, ...]) -> tuple[list[str], Counter[str]]:
    """Return the files of a folder and its sub-folders that have the endings, and how many others there are."""
    names: list[str] = []
    others: list[str] = []
    locked: list[OSError] = []
    for folder, folders, files in path.walk(on_error=locked.append):
        # a store of zarr is a folder; what is in it are no files of spectra
        stores = [name for name in folders if array_format(b"", folder / name)]
        folders[:] = [name for name in folders if name not in stores]
        inside = "" if folder == path else f"{folder.relative_to(path)}{os.sep}"
        for name in (*files, *stores):
            wanted = name.lower().endswith(endings)
            if wanted or not name.startswith("."):
                (names if wanted else others).append(inside + name)
    kinds = ", ".join(sorted({Path(name).suffix.lower() or "without ending" for name in others}))
    return names, Counter(
        {
            f"files ({kinds}) left out: spectra are looked for in files ending in {', '.join(endings)}": len(others),
            "folders left out that cannot be read": len(locked),
        }
    )


@dataclass(frozen=True)
class SourceSurvey:
    """
    What the file system says of the files of a source.

    Attributes
    ----------
    names : tuple of str
        The files to read, each once.
    refused : list of (file, reason)
        Further names of these files, and what is no file.
    digest : str
        Of the names, sizes and times of change of all.
    """

    names: tuple[str, ...]
    refused: Refusals
    digest: str


def survey_files(files: SourceFiles) -> SourceSurvey:
    """
    Look at all files without opening them: pipes, devices and further names of the same file are refused.

    Links to a file, and further names of it, are compared by the file system's number of the file; the name that is no
    link is kept. A name that leads nowhere stays: it is refused when it is read.
    """
    numbers = np.zeros((len(files.names), 2), dtype=np.uint64)
    refused: Refusals = []
    gone: set[str] = set()
    digest = hashlib.sha256()
    for i, name in enumerate(files.names):
        try:
            # a Path would intern every name for ever
            found = os.stat(os.path.join(files.root, name))  # noqa: PTH116, PTH118
        except (OSError, ValueError):
            digest.update(f"{name}\0missing\n".encode("utf-8", "surrogatepass"))
            continue
        digest.update(f"{name}\0{found.st_size} {found.st_mtime_ns}\n".encode("utf-8", "surrogatepass"))
        kind = _SPECIAL.get(stat.S_IFMT(found.st_mode))
        if kind:
            refused.append((name, f"not a file: it is {kind}, which may never end"))
            gone.add(name)
            continue
        # some file systems give no numbers
        if found.st_ino:
            numbers[i] = found.st_dev, found.st_ino
    same = _same_files(files, numbers)
    gone |= {name for name, _ in same}
    names = tuple(name for name in files.names if name not in gone) if gone else files.names
    return SourceSurvey(names, sorted([*refused, *same]), digest.hexdigest())


def _same_files(files: SourceFiles, numbers: NDArray[np.uint64]) -> Refusals:
    """Return the names that lead to a file that has another name too, with the reason."""
    # files of several disks may have the same number there, and are told apart below
    order = np.argsort(numbers[:, 1])
    ordered = numbers[order, 1]
    same = np.flatnonzero((ordered[1:] == ordered[:-1]) & (ordered[1:] > 0))
    several = np.unique(np.concatenate([order[same], order[same + 1]]))
    by_file: dict[tuple[int, ...], list[str]] = {}
    for i in several.tolist():
        by_file.setdefault(tuple(numbers[i].tolist()), []).append(files.names[i])
    refused = []
    for names in by_file.values():
        kept = min(names, key=lambda name: ((files.root / name).is_symlink(), name))
        refused += [(name, f"same file: it is {kept}, by a link or another path") for name in names if name != kept]
    return refused


def _paths(source: Any) -> Path | list[str]:
    """Return a source that is one path as a Path, and one of several as a list; raise an error if it is neither."""
    if isinstance(source, str | os.PathLike):
        return Path(os.fsdecode(source))
    others = [source]
    if isinstance(source, Iterable) and not isinstance(source, Spectra | RawSpectrum | bytes):
        given = list(source)
        others = [one for one in given if not isinstance(one, str | os.PathLike)]
        if not others:
            return [os.fsdecode(one) for one in given]
    hint = ". prepare_spectra takes RawSpectrum" if isinstance(others[0], RawSpectrum) else ""
    raise InputTypeError(f"prepare_files takes a folder, a file or a list of files; got {a_kind(others[0])}{hint}")


def _names_in(path: Path, own_endings: tuple[str, ...]) -> list[str]:
    """Return the paths in a list file, or the name of `path` if that is itself a spectrum."""
    try:
        with path.open("rb") as file:
            start = file.read(16)
        is_spectrum = start.startswith((GZIP_MAGIC, FITS_MAGIC)) or array_format(start, path)
        if is_spectrum or (own_endings and path.name.lower().endswith(own_endings)):
            return [path.name]
        content = read_limited(path, TEXT_LIST, "a text with one path per line")
    except OSError as error:
        raise PrepareError(f"{path} cannot be read: {error.strerror or error}") from error
    # a byte-order mark is no part of the first name; names of files may be bytes that are no text
    lines = content.removeprefix(codecs.BOM_UTF8).decode("utf-8", "surrogateescape").splitlines()
    names = [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]
    is_text = all(name.isprintable() for name in names[:100])
    if names and not any(_exists(path.parent / name) for name in names):
        if not is_text:
            raise PrepareError(f"{path} is neither a FITS file nor a text file with one path per line")
        raise PrepareError(
            f"none of the {len(names)} lines of {path} is the path of a file; the first is {names[0][:80]!r}. Give a "
            "folder of spectra, one spectrum, or a text file with one path per line"
        )
    return names


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False

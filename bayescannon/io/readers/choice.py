"""The reader of a run: the one that was named, or the one that recognises most of the files."""

import zlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from bayescannon.io.lamost import GZIP_MAGIC
from bayescannon.io.prepare_report import PrepareError
from bayescannon.io.readers.reader import Reader
from bayescannon.io.readers.registry import find_reader, known_readers
from bayescannon.io.source_files import SourceFiles

AUTO = "auto"
# bytes of a file, not compressed, by which it is recognised: six blocks of FITS, in which the header of LAMOST's files
# ends and that of their first extension begins
HEAD = 17_280


@dataclass(frozen=True)
class ReaderChoice:
    """
    The reader of a run.

    Attributes
    ----------
    reader : Reader
    named : bool
        It was named, and not found by content.
    others : mapping of file to str
        Files that it does not read, and the reason.
    left_out : tuple of str
        Files of a folder that no reader recognises and that have not the reader's endings.
    notes : mapping of text to int
        What was decided.
    recognised : int
        Files that the reader recognises.
    """

    reader: Reader
    named: bool = True
    others: dict[str, str] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    notes: dict[str, int] = field(default_factory=dict)
    recognised: int = 0


def endings_of(reader: str | Reader) -> tuple[str, ...]:
    """Return the endings of the files that a reader takes from a folder; of ``auto`` those of all readers."""
    if reader != AUTO:
        return find_reader(reader).endings
    return tuple(dict.fromkeys(ending for one in known_readers().values() for ending in one.endings))


def choose_reader(given: str | Reader, files: SourceFiles) -> ReaderChoice:
    """
    Return the reader of a run and the files that it leaves to others.

    Of files that several readers recognise, the reader that was registered last is taken, and that is noted.

    Raises
    ------
    PrepareError
        As many files are recognised by one reader as by another.
    InputError
        There is no reader of that name.
    """
    if given != AUTO:
        return ReaderChoice(find_reader(given))
    readers = list(known_readers().values())
    # the number of a file's reader from 1 up, 0 for none: a byte for each file
    by_file = bytearray(len(files.names))
    notes: Counter[str] = Counter()
    for i, name in enumerate(files.names):
        path = files.root / name
        head = file_head(path)
        found = [n for n, reader in enumerate(readers, start=1) if _recognises(reader, head, path, notes)]
        if found:
            by_file[i] = found[-1]
        if len(found) > 1:
            names = [readers[n - 1].name for n in found]
            notes[f"files that {' and '.join(names)} recognise: {names[-1]} was taken, registered last"] += 1
    counts = [(readers[n - 1].name, count) for n, count in Counter(by_file).most_common() if n]
    if len(counts) > 1 and counts[0][1] == counts[1][1]:
        raise PrepareError(f"the files are of several readers ({_listed(counts)}); choose one with --reader")
    chosen = find_reader(counts[0][0]) if counts else _by_ending(files, readers)
    if len(counts) > 1:
        notes[f"files of other readers refused: {_listed(counts[1:])}"] = sum(count for _, count in counts[1:])
    others = {
        name: f"other reader: it is recognised by {other}, and most files by {chosen.name}; --reader {other} reads it"
        for name, n in zip(files.names, by_file, strict=True)
        if n and (other := readers[n - 1].name) != chosen.name
    }
    left_out = tuple(
        name
        for name, n in zip(files.names, by_file, strict=True)
        if files.is_folder and not n and not name.lower().endswith(chosen.endings)
    )
    if left_out:
        kinds = ", ".join(sorted({Path(name).suffix for name in left_out}))
        notes[f"files ({kinds}) left out: no reader recognises spectra in them"] = len(left_out)
    return ReaderChoice(chosen, False, others, left_out, dict(notes), sum(map(bool, by_file)) - len(others))


def hint_of_other_readers(choice: ReaderChoice, files: SourceFiles) -> str:
    """Say which readers there are, if no reader recognised any file of a run, and what specutils would take."""
    if choice.named or choice.recognised:
        return ""
    said = f". No reader recognises a file, so {choice.reader.name} was tried; --reader chooses one of "
    said += ", ".join(known_readers())
    first = files.root / files.names[0]
    try:
        from bayescannon.io.readers.specutils import formats_of

        formats = formats_of(first) if first.is_file() else []
    except ImportError:
        return said
    return said + (f". specutils recognises the first as {', '.join(formats)}: --reader specutils" if formats else "")


def file_head(path: Path) -> bytes:
    """Return the first bytes of a file, decompressed; none if it cannot be read."""
    try:
        with path.open("rb") as file:
            start = file.read(HEAD)
        return zlib.decompressobj(wbits=31).decompress(start, HEAD) if start.startswith(GZIP_MAGIC) else start
    except (OSError, ValueError, zlib.error):
        return b""


def _recognises(reader: Reader, head: bytes, path: Path, notes: Counter[str]) -> bool:
    if not head and not path.is_dir():
        return False
    try:
        return bool(reader.recognises(head, path))
    except Exception as error:  # whatever the reader of another package does
        fault = f"{type(error).__name__}: {error}"
        notes[f"files that {reader.name} may recognise or not, as it fails on them: {fault}"] += 1
        return False


def _by_ending(files: SourceFiles, readers: list[Reader]) -> Reader:
    """Return the first reader whose endings most files have, or the first."""
    counts = [sum(name.lower().endswith(reader.endings) for name in files.names) for reader in readers]
    return readers[counts.index(max(counts))]


def _listed(counts: list[tuple[str, int]]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts)

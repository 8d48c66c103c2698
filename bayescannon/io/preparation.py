"""Prepare files of spectra into a store, in constant memory; a bad file is refused and does not stop the run."""

import multiprocessing
import pickle
import signal
import sys
import warnings
from collections import Counter, deque
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from pathlib import Path
from typing import Any, TypedDict, Unpack

import numpy as np
from threadpoolctl import threadpool_limits

from bayescannon.data.grid_choice import lamost_grid, parse_grid
from bayescannon.data.noise_check import NoiseFinding, StarNoise
from bayescannon.data.preset import PAPER, Preset, choose_preset, provenance
from bayescannon.io.grid_file import as_grid
from bayescannon.io.paths import as_path
from bayescannon.io.prepare_chunk import AIR_CHOICES, Chunk, FilePart, Work, prepare_chunk
from bayescannon.io.prepare_report import PrepareError, PrepareReport, Refusals, tally
from bayescannon.io.readers.choice import AUTO, choose_reader, endings_of, hint_of_other_readers
from bayescannon.io.readers.reader import Reader
from bayescannon.io.readers.registry import find_reader
from bayescannon.io.redshift_table import choose_redshift
from bayescannon.io.source_files import SourceFiles, find_files, same_files
from bayescannon.io.store_writer import StoreWriter
from bayescannon.numerics.errors import BayesCannonWarning, InputError
from bayescannon.numerics.progress import Progress, reporting
from bayescannon.numerics.typing import FloatArray
from bayescannon.numerics.whole_numbers import whole_number

# stars per task of a worker
FILE_CHUNK = 256
# tasks per worker, at least: starting a process takes about two seconds
CHUNKS_PER_WORKER = 4


class ReadingOptions(TypedDict, total=False):
    """How files are read: keywords of :func:`prepare_files`."""

    reader: str | Reader
    air: str | bool
    redshift: float | str | Path | Mapping[str, float] | None


def prepare_files(
    source: str | Path | Sequence[str | Path],
    store: str | Path,
    *,
    preset: Preset | str = PAPER,
    grid: FloatArray | str | Path | None = None,
    workers: int = 2,
    overwrite: bool = False,
    progress: Progress = None,
    **reading: Unpack[ReadingOptions],
) -> PrepareReport:
    """
    Read, prepare and store the spectra of many files.

    The stars are stored in the order of the sorted paths, whatever the number of workers. If several files have the
    same id, the first is kept and the others are refused; a file with several names is read once. Wavelengths in air
    are converted to vacuum.

    Parameters
    ----------
    source : str, Path or sequence of them
        A folder (searched for files with the reader's endings, including sub-folders), one file, a text file with one
        path per line relative to the folder of the text file ('#' begins a comment), or the paths.
    store : str or Path
        The store to write, usually named ``*.zarr``.
    preset : Preset or {"paper", "released", "masked", "none"}
        A name, or a changed copy of one of them; "none" is for spectra that are normalised already.
    grid : array of shape (pixel,), str or Path, optional
        Rest wavelengths in Angstrom, ascending; or a text or a file, see :func:`bayescannon.io.grid_file.as_grid`; by
        default the grid of the reader.
    workers : int
        Largest number of worker processes; with 1, or with few files, the work is done in this process.
    overwrite : bool
        Replace a store that exists.
    progress : callable, bool or None
        See :func:`bayescannon.numerics.progress.reporting`; a function is called with (files done, files).
    **reading
        ``reader``, a name or a :class:`~bayescannon.io.readers.reader.Reader`: by default "auto", the one that
        recognises most of the files; the files of others are refused with that reason. ``air``, "air" or "vacuum":
        what the wavelengths are, whatever files say; by default "auto", what they say, and vacuum if they say nothing.
        ``redshift``: a number is z = v/c of the spectra that have none, 0 for spectra at rest; a table (its path, or a
        mapping of names) has those of stars, instead of what files say, see
        :func:`bayescannon.io.redshift_table.read_redshifts`.

    Returns
    -------
    report : PrepareReport

    Raises
    ------
    PrepareError
        There are no files, all of them were refused, as many are of one reader as of another, or a worker process died.
    InputError
        There is no such reader, grid or preset.
    OutputExistsError
        The output exists, see :class:`bayescannon.io.store_writer.StoreWriter`.

    Examples
    --------
    Two simulated survey files, and one that is not FITS:

    >>> import tempfile
    >>> from bayescannon.io.store import load_spectra
    >>> from bayescannon.mock.survey import write_survey
    >>> folder = Path(tempfile.mkdtemp())
    >>> survey = write_survey(folder / "survey", 2, 0, seed=1)
    >>> _ = (survey / "spectra" / "broken.fits").write_text("no spectrum")
    >>> report = prepare_files(survey / "spectra", folder / "store.zarr", workers=1)
    >>> report.n_files, report.n_stars, report.tally(), report.reader
    (3, 2, {'not FITS': 1}, 'lamost-lrs')
    >>> load_spectra(report.store).columns["class"].tolist()
    ['STAR', 'STAR']
    """
    workers = whole_number(workers, "workers", least=1)
    store = as_path(store, "the store to write")
    preset = choose_preset(preset)
    given, air, redshift = _reading(reading)
    own = () if given == AUTO else find_reader(given).endings
    files = find_files(source, endings_of(given), own)
    choice = choose_reader(given, files)
    default = lamost_grid() if choice.reader.grid is None else parse_grid(choice.reader.grid)
    # absolute, as the workers may have another working folder
    work = Work(files.root.absolute(), choice.reader, preset, as_grid(grid, default), air, redshift)
    again = same_files(files)
    refused: Refusals = sorted([*choice.others.items(), *again])
    notes = Counter({**choice.notes, **files.notes, "paths listed more than once": files.n_repeated})
    skipped = {name for name, _ in refused} | set(choice.left_out)
    names = [name for name in files.names if name not in skipped]
    n_files = len(files.names) - len(choice.left_out)
    chunks = _tasks(names, files, choice.reader)
    workers = min(workers, -(-len(chunks) // CHUNKS_PER_WORKER))
    if workers > 1 and not _can_travel(choice.reader):
        workers = 1
    noise: list[StarNoise] = []
    first_of: dict[str, str] = {}
    releases: set[str] = set()
    n_done, n_air = n_files - len(names), 0
    with (
        StoreWriter(store, work.grid, overwrite=overwrite) as writer,
        closing(_prepared(chunks, work, workers)) as prepared,
        reporting(progress, "prepare") as report,
    ):
        for parts, chunk in zip(chunks, prepared, strict=True):
            fresh = np.ones(len(chunk.places), dtype=bool)
            bad = chunk.refused
            for i, (name, place) in enumerate(zip(chunk.spectra.id.tolist(), chunk.places, strict=True)):
                if first_of.setdefault(name, place) != place:
                    fresh[i] = False
                    bad.append((place, f"duplicate id: {name} was read from {first_of[name]}"))
            refused += bad
            notes.update(chunk.notes)
            n_air += chunk.n_air
            noise += chunk.noise
            releases |= set(chunk.spectra.columns["release"].tolist()) - {""}
            writer.append(chunk.spectra.select(fresh))
            n_done += sum(part.is_last for part in parts)
            report(n_done, n_files)
        refused.sort()
        if not first_of:
            raise _nothing_prepared(n_files, refused, hint_of_other_readers(choice, files))
        attrs = {"data_release": ", ".join(sorted(releases)), "n_files": n_files, "reader": choice.reader.name}
        writer.finish(provenance(preset) | attrs | {"n_air": n_air}, refused)
        finding = NoiseFinding(tuple(noise))
        finding.warn(f"the spectra of {source if isinstance(source, str | Path) else 'these files'}")
        return PrepareReport(
            writer.path, n_files, writer.n_star, tuple(refused), preset, choice.reader.name,
            writer.n_star + len(refused), n_air, {text: count for text, count in notes.items() if count},
            finding,
        )  # fmt: skip


def _reading(options: ReadingOptions) -> tuple[str | Reader, str, float | dict[str, float] | None]:
    """Return reader, medium of the wavelengths and redshift, checked."""
    unknown = set(options) - set(ReadingOptions.__annotations__)
    if unknown:
        raise TypeError(f"prepare_files() got an unexpected keyword argument {sorted(unknown)[0]!r}")
    air: Any = options.get("air", "auto")
    if isinstance(air, bool):
        air = "air" if air else "vacuum"
    if air not in AIR_CHOICES:
        raise InputError(f"air must be one of {', '.join(AIR_CHOICES)}, or True or False; got {air!r}")
    return options.get("reader", AUTO), air, choose_redshift(options.get("redshift"))


def _tasks(names: Sequence[str], files: SourceFiles, reader: Reader) -> list[list[FilePart]]:
    """Return the tasks of workers: some files of one star, or some rows of a file of many."""
    tasks: list[list[FilePart]] = []
    small: list[FilePart] = []
    for name in names:
        rows = _count(files.root / name, reader)
        if rows <= FILE_CHUNK:
            small.append(FilePart(name))
            if len(small) == FILE_CHUNK:
                tasks.append(small)
                small = []
            continue
        if small:
            tasks.append(small)
            small = []
        tasks += [
            [FilePart(name, start, min(start + FILE_CHUNK, rows), start + FILE_CHUNK >= rows)]
            for start in range(0, rows, FILE_CHUNK)
        ]
    return [*tasks, small] if small else tasks


def _count(path: Path, reader: Reader) -> int:
    """Return the number of stars in a file, 1 if the reader does not count them: it is read as a whole then."""
    if reader.count is None:
        return 1
    try:
        return int(reader.count(path))
    except Exception:  # it is refused with the reason when it is read
        return 1


def _can_travel(reader: Reader) -> bool:
    """Tell whether a reader can be given to another process; warn if not."""
    try:
        pickle.dumps(reader)
        functions = [reader.read, reader.recognises, reader.count, reader.read_rows]
        travels = all(_is_importable(getattr(one, "__module__", None) or "builtins") for one in functions)
    except Exception:  # pickle raises many kinds of exception
        travels = False
    if not travels:
        warnings.warn(
            f"the reader {reader.name} cannot be given to other processes, so one process does the work; define its "
            "functions in a module to use several",
            BayesCannonWarning,
            stacklevel=3,
        )
    return travels


def _is_importable(module: str) -> bool:
    """Tell whether another process can import a module; what a notebook or a prompt defines is in none."""
    if module == "__main__":
        return hasattr(sys.modules[module], "__file__")
    top = module.partition(".")[0]
    return any(finder.find_spec(top, None) is not None for finder in sys.meta_path)


def _nothing_prepared(n_files: int, refused: Refusals, hint: str) -> PrepareError:
    """Return the error for a run all of whose files were refused."""
    if not refused:
        return PrepareError(f"the {n_files} files hold no spectra{hint}")
    counts = tally(refused)
    kinds = ", ".join(f"{count} {kind}" for kind, count in counts.items())
    # an example of the most frequent kind
    file, reason = next(row for row in refused if row[1].partition(":")[0] == next(iter(counts)))
    return PrepareError(
        f"none of the {n_files} files could be prepared ({kinds}); the first, {file}: {reason}{hint}", refused
    )


def _prepared(chunks: list[list[FilePart]], work: Work, workers: int) -> Generator[Chunk]:
    """Yield the prepared chunks in order, with a bounded number of them in memory."""
    if workers <= 1:
        with threadpool_limits(1, user_api="blas"):
            for chunk in chunks:
                yield prepare_chunk(chunk, work)
        return
    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker)
    flying: deque[Future[Chunk]] = deque()
    try:
        for chunk in chunks:
            flying.append(pool.submit(prepare_chunk, chunk, work))
            if len(flying) > workers + 1:
                yield flying.popleft().result()
        while flying:
            yield flying.popleft().result()
    except BrokenProcessPool as error:
        raise PrepareError(
            "a worker process died, from lack of memory or because a script runs the call when it is imported. Put the "
            "call under \"if __name__ == '__main__':\", use workers=1, or give the machine more memory"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _start_worker() -> None:
    """Ignore interrupts, which the parent process handles, and use one BLAS thread, best for small products."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threadpool_limits(1, user_api="blas")

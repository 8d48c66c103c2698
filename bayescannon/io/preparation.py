"""Prepare files of spectra into a store, in constant memory; a bad file is refused and does not stop the run."""

import pickle
import sys
import warnings
from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import Any, TypedDict, Unpack, get_type_hints

from bayescannon.data.display import visible
from bayescannon.data.grid_choice import lamost_grid, parse_grid
from bayescannon.data.preset import PAPER, Preset, choose_preset, provenance
from bayescannon.data.star_log import log_refused
from bayescannon.io.grid_file import as_grid
from bayescannon.io.output_check import require_room
from bayescannon.io.paths import as_path
from bayescannon.io.prepare_chunk import AIR_CHOICES, Chunk, FilePart, Work, prepare_chunk
from bayescannon.io.prepare_journal import digest_of
from bayescannon.io.prepare_report import PrepareError, PrepareReport, Refusals, tally
from bayescannon.io.prepare_run import PrepareRun
from bayescannon.io.prepare_tally import PrepareTally
from bayescannon.io.prepare_target import PrepareTarget
from bayescannon.io.readers.choice import AUTO, choose_reader, endings_of, hint_of_other_readers
from bayescannon.io.readers.reader import Reader
from bayescannon.io.readers.registry import find_reader
from bayescannon.io.redshift_table import choose_redshift
from bayescannon.io.source_files import SourceFiles, find_files, survey_files
from bayescannon.io.store_layout import least_stored
from bayescannon.io.work_folder import WorkFolder
from bayescannon.numerics.errors import BayesCannonWarning, InputError
from bayescannon.numerics.executors import executor_of
from bayescannon.numerics.progress import Progress, reporting
from bayescannon.numerics.truth import truth
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


class PreparingOptions(ReadingOptions, total=False):
    """How files are read, and whether they are added to a store."""

    append: bool


def prepare_files(
    source: str | Path | Sequence[str | Path],
    store: str | Path,
    *,
    preset: Preset | str = PAPER,
    grid: FloatArray | str | Path | None = None,
    workers: int = 2,
    overwrite: bool = False,
    progress: Progress = None,
    **reading: Unpack[PreparingOptions],
) -> PrepareReport:
    """
    Read, prepare and store the spectra of many files.

    The stars are stored in the order of the sorted paths, whatever the number of workers. If several files have the
    same id, the first is kept and the others are refused; a file with several names is read once. Wavelengths in air
    are converted to vacuum. If the work is interrupted or killed, shards of 1,024 stars that are finished stay in a
    hidden folder beside the store, and the same call goes on there, with the same result to the byte.

    Parameters
    ----------
    source : str, Path or sequence of them
        A folder (searched for files with the reader's endings, including sub-folders), one file, a text file with one
        path per line relative to the folder of the text file ('#' begins a comment), or the paths.
    store : str or Path
        The store to write, usually named ``*.zarr``; or a URL at which none is, to which the finished store is copied
        from a hidden folder in the working folder (needs bayescannon[urls]).
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
        :func:`bayescannon.io.redshift_table.read_redshifts`. ``append``, True: add the stars to the store, which
        exists and has the same preset, grid and columns; ids that it has already are refused. The new generation of
        the store is made beside the old one, which stays whole until then, and has another id.

    Returns
    -------
    report : PrepareReport
        Its files and refusals are those of this call, its number of stars is that of the store.

    Raises
    ------
    PrepareError
        There are no files, all of them were refused, or as many are of one reader as of another.
    WorkerError
        Worker processes cannot be started, or die of the same files.
    OutputWriteError
        The disk has no room for the store. If it is filled up by the work, shards that are finished are kept.
    OutputBusyError
        Another process writes the store.
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
    # before the files are looked for
    as_path(store, "the store to write")
    preset = choose_preset(preset)
    given, air, redshift, append = _reading(reading)
    found = _found(source, given)
    survey = survey_files(found)
    files = replace(found, names=survey.names)
    choice = choose_reader(given, files)
    default = lamost_grid() if choice.reader.grid is None else parse_grid(choice.reader.grid)
    # absolute, as the workers may have another working folder
    work = Work(files.root.absolute(), choice.reader, preset, as_grid(grid, default), air, redshift)
    skipped = set(choice.others) | set(choice.left_out)
    source_of = SourceFiles(files.root, tuple(name for name in files.names if name not in skipped))
    start = PrepareTally(
        sorted([*choice.others.items(), *survey.refused]),
        Counter({**choice.notes, **files.notes, "paths listed more than once": files.n_repeated}),
        n_done=len(survey.refused) + len(choice.others),
    )
    n_files = len(found.names) - len(choice.left_out)
    target = PrepareTarget(store, overwrite=overwrite, append=append)
    old = target.old(preset, work.grid)
    fingerprint = {
        "verb": "prepare", "append": old and old.fingerprint(), "preset": provenance(preset), "air": air,
        "reader": choice.reader.name, "grid": digest_of(work.grid), "redshift": digest_of(redshift),
        "files": survey.digest, "chunk": FILE_CHUNK,
    }  # fmt: skip
    with (
        WorkFolder(target.folder, fingerprint) as folder,
        PrepareRun(folder.parts, work.grid, start, str(target.path), old) as run,
        reporting(progress, "prepare") as report,
    ):
        if not run.finished(target.written()):
            target.check()
            run.go_on()
            require_room(target.folder, least_stored(run.left(len(source_of.names)), len(work.grid)))
            tasks = islice(_tasks(source_of, choice.reader), run.next_task, None)
            with closing(_prepared(tasks, work, workers)) as prepared:
                for chunk in prepared:
                    run.add(chunk)
                    report(run.tally.n_done, n_files)
        refused = sorted((visible(file, keep=""), visible(reason, keep="")) for file, reason in run.tally.refused)
        log_refused("prepare", refused)
        is_done = bool(run.n_finished) or (target.was_begun and not run.n_new)
        if not run.n_new and not is_done:
            raise _nothing_prepared(n_files, refused, hint_of_other_readers(choice, files))
        if not is_done:
            attrs = {
                "data_release": ", ".join(sorted(run.tally.releases)), "n_files": n_files,
                "reader": choice.reader.name, "n_air": run.tally.n_air,
            }  # fmt: skip
            run.finish(provenance(preset) | attrs, refused)
            run.put(target)
        folder.finish()
    finding = run.noise.finding()
    finding.warn(f"the spectra of {source if isinstance(source, str | Path) else 'these files'}")
    return PrepareReport(
        target.path, n_files, run.n_star, tuple(refused), preset, choice.reader.name,
        run.n_new + len(refused), run.tally.n_air, {text: count for text, count in run.tally.notes.items() if count},
        finding,
    )  # fmt: skip


def digest_of_source(source: str | Path | Sequence[str | Path], reader: str | Reader = AUTO) -> str:
    """
    Return a digest of the names, sizes and times of change of the files that :func:`prepare_files` would read.

    Raises
    ------
    PrepareError, InputError
        As :func:`prepare_files`.
    """
    return survey_files(_found(source, reader)).digest


def _found(source: str | Path | Sequence[str | Path], reader: str | Reader) -> SourceFiles:
    own = () if reader == AUTO else find_reader(reader).endings
    return find_files(source, endings_of(reader), own)


def _reading(options: PreparingOptions) -> tuple[str | Reader, str, float | dict[str, float] | None, bool]:
    """Return reader, medium of the wavelengths, redshift and whether stars are added to a store, checked."""
    unknown = set(options) - set(get_type_hints(PreparingOptions))
    if unknown:
        raise TypeError(f"prepare_files() got an unexpected keyword argument {sorted(unknown)[0]!r}")
    air: Any = options.get("air", "auto")
    if isinstance(air, bool):
        air = "air" if air else "vacuum"
    if air not in AIR_CHOICES:
        raise InputError(f"air must be one of {', '.join(AIR_CHOICES)}, or True or False; got {air!r}")
    append = truth(options.get("append", False), "append")
    return options.get("reader", AUTO), air, choose_redshift(options.get("redshift")), append


def _tasks(files: SourceFiles, reader: Reader) -> Iterator[list[FilePart]]:
    """Yield the tasks of workers: some files of one star, or some rows of a file of many."""
    small: list[FilePart] = []
    for name in files.names:
        rows = _count(files.root / name, reader)
        if rows <= FILE_CHUNK:
            small.append(FilePart(name))
            if len(small) == FILE_CHUNK:
                yield small
                small = []
            continue
        if small:
            yield small
            small = []
        for start in range(0, rows, FILE_CHUNK):
            yield [FilePart(name, start, min(start + FILE_CHUNK, rows), start + FILE_CHUNK >= rows)]
    if small:
        yield small


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


def _prepared(tasks: Iterator[list[FilePart]], work: Work, workers: int) -> Generator[Chunk]:
    """Yield the prepared chunks in order, with a bounded number of them in memory."""
    # as many as decide on the number of workers
    first = list(islice(tasks, CHUNKS_PER_WORKER * workers))
    workers = min(workers, -(-len(first) // CHUNKS_PER_WORKER))
    if workers > 1 and not _can_travel(work.reader):
        workers = 1
    with executor_of(None, max(workers, 1)) as executor:
        yield from executor.map(prepare_chunk, chain(first, tasks), work)

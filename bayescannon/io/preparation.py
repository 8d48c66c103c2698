"""Prepare files of LAMOST spectra into a store, in constant memory; a bad file is refused and does not stop the run."""

import multiprocessing
import os
import signal
from collections import Counter, deque
from collections.abc import Generator, Iterable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from bayescannon.data.parts import a_kind
from bayescannon.data.prepare import lamost_grid, prepare_block, star_columns
from bayescannon.data.preset import PAPER, Preset, choose_preset, provenance
from bayescannon.data.spectra import RawSpectrum, Spectra, SpectrumError
from bayescannon.io.lamost import FITS_MAGIC, GZIP_MAGIC, read_lamost
from bayescannon.io.paths import as_path
from bayescannon.io.store_writer import StoreWriter
from bayescannon.numerics.errors import InputError, InputTypeError
from bayescannon.numerics.progress import Progress, reporting
from bayescannon.numerics.typing import FloatArray

FILE_ENDINGS = (".fits", ".fits.gz", ".fit", ".fit.gz")
# files per task of a worker
FILE_CHUNK = 256
# tasks per worker, at least: starting a process takes about two seconds
CHUNKS_PER_WORKER = 4

Refusals = list[tuple[str, str]]


class PrepareError(InputError):
    """
    No spectrum could be prepared.

    Attributes
    ----------
    refused : list of (file, reason)
        Every file and the reason why it was refused.
    """

    def __init__(self, message: str, refused: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(message)
        self.refused = list(refused)


@dataclass(frozen=True, repr=False)
class PrepareReport:
    """
    The result of a preparation.

    Attributes
    ----------
    store : Path
        The store that was written.
    n_files, n_stars : int
        Number of files, and of stars in the store; the difference is the number of refused files.
    refused : tuple of (file, reason)
        In the order of the files; a reason reads ``kind: detail``.
    preset : Preset
        The choices of the preparation.
    """

    store: Path
    n_files: int
    n_stars: int
    refused: tuple[tuple[str, str], ...]
    preset: Preset

    def __repr__(self) -> str:
        kinds = ", ".join(f"{count} {kind}" for kind, count in self.tally().items())
        return (
            f"<PrepareReport of {self.store}: {self.n_stars} stars of {self.n_files} files"
            f"{f'; refused: {kinds}' * bool(kinds)}>"
        )

    def tally(self) -> dict[str, int]:
        """Count the refused files by the kind of reason, most frequent first."""
        return tally(self.refused)


def tally(refused: Sequence[tuple[str, str]]) -> dict[str, int]:
    """Count refusals (file, ``kind: detail``) by kind, most frequent first."""
    return dict(Counter(reason.partition(":")[0] for _, reason in refused).most_common())


def prepare_files(
    source: str | Path | Sequence[str | Path],
    store: str | Path,
    *,
    preset: Preset | str = PAPER,
    grid: FloatArray | None = None,
    workers: int = 2,
    overwrite: bool = False,
    progress: Progress = None,
) -> PrepareReport:
    """
    Read, prepare and store the spectra of many files.

    The stars are stored in the order of the sorted paths, whatever the number of workers. If several files have the
    same id, the first is kept and the others are refused.

    Parameters
    ----------
    source : str, Path or sequence of them
        A folder (searched for FITS files, including sub-folders), one spectrum, a text file with one path per line
        relative to the folder of the text file ('#' begins a comment), or the paths.
    store : str or Path
        The store to write, usually named ``*.zarr``.
    preset : Preset or {"paper", "released", "masked"}
        A name, or a changed copy of one of them.
    grid : array of shape (pixel,), optional
        Rest wavelengths in Angstrom, ascending; by default :func:`bayescannon.data.prepare.lamost_grid`.
    workers : int
        Largest number of worker processes; with 1, or with few files, the work is done in this process.
    overwrite : bool
        Replace a store that exists.
    progress : callable, bool or None
        See :func:`bayescannon.numerics.progress.reporting`; a function is called with (files done, files).

    Returns
    -------
    report : PrepareReport

    Raises
    ------
    PrepareError
        There are no files, all of them were refused, or a worker process died.
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
    >>> report.n_files, report.n_stars, report.tally()
    (3, 2, {'not FITS': 1})
    >>> load_spectra(report.store).columns["class"].tolist()
    ['STAR', 'STAR']
    """
    if workers < 1:
        raise InputError(f"workers must be at least 1; got {workers}")
    store = as_path(store, "the store to write")
    preset = choose_preset(preset)
    root, paths = find_files(source)
    grid = lamost_grid() if grid is None else np.asarray(grid, dtype=np.float64)
    chunks = [paths[i : i + FILE_CHUNK] for i in range(0, len(paths), FILE_CHUNK)]
    useful = -(-len(chunks) // CHUNKS_PER_WORKER)
    refused: Refusals = []
    first_of: dict[str, str] = {}
    releases: set[str] = set()
    n_done = 0
    with (
        StoreWriter(store, grid, overwrite=overwrite) as writer,
        closing(_prepared(chunks, root, preset, grid, min(workers, useful))) as prepared,
        reporting(progress, "prepare") as report,
    ):
        for chunk, (spectra, files, bad) in zip(chunks, prepared, strict=True):
            fresh = np.ones(len(files), dtype=bool)
            for i, (name, file) in enumerate(zip(spectra.id.tolist(), files, strict=True)):
                if first_of.setdefault(name, file) != file:
                    fresh[i] = False
                    bad.append((file, f"duplicate id: {name} was read from {first_of[name]}"))
            refused += sorted(bad)
            releases |= set(spectra.columns["release"].tolist()) - {""}
            writer.append(spectra.select(fresh))
            n_done += len(chunk)
            report(n_done, len(paths))
        if not first_of:
            kinds = ", ".join(f"{count} {kind}" for kind, count in tally(refused).items())
            raise PrepareError(
                f"none of the {len(paths)} files could be prepared ({kinds}); the first, {refused[0][0]}: "
                f"{refused[0][1]}",
                refused,
            )
        writer.finish(
            provenance(preset) | {"data_release": ", ".join(sorted(releases)), "n_files": len(paths)}, refused
        )
        return PrepareReport(writer.path, len(paths), writer.n_star, tuple(refused), preset)


def find_files(source: str | Path | Sequence[str | Path]) -> tuple[Path, list[str]]:
    """
    List the files of a source, see :func:`prepare_files`.

    Returns
    -------
    root : Path
        The folder that the names are relative to.
    names : list of str
        Sorted, each path once.

    Raises
    ------
    PrepareError
        The source does not exist, or holds no files.
    InputTypeError
        It is no path, and no sequence of paths.
    """
    path = _paths(source)
    if isinstance(path, list):
        root, names = Path(), path
    elif path.is_dir():
        root = path
        names = [
            str(file.relative_to(path))
            for file in path.rglob("*")
            if file.name.lower().endswith(FILE_ENDINGS) and not file.is_dir()
        ]
    elif path.is_file():
        root, names = path.parent, _names_in(path)
    else:
        raise PrepareError(f"{source} does not exist; expected a folder of spectra or a list of files")
    if not names:
        raise PrepareError(f"no spectra in {source}; expected files ending in {', '.join(FILE_ENDINGS)}")
    return root, sorted(set(names))


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


def _names_in(path: Path) -> list[str]:
    """Return the paths in a list file, or the name of `path` if that is itself a spectrum."""
    with path.open("rb") as file:
        start = file.read(len(FITS_MAGIC))
    if start.startswith((GZIP_MAGIC, FITS_MAGIC)):
        return [path.name]
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        raise PrepareError(f"{path} is neither a FITS file nor a text file with one path per line") from None
    names = [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]
    if names and not any((path.parent / name).exists() for name in names):
        raise PrepareError(
            f"none of the {len(names)} lines of {path} is the path of a file; the first is {names[0][:80]!r}. Give a "
            "folder of spectra, one spectrum, or a text file with one path per line"
        )
    return names


def _prepared(
    chunks: list[list[str]], root: Path, preset: Preset, grid: NDArray[np.float64], workers: int
) -> Generator[tuple[Spectra, list[str], Refusals]]:
    """Yield the prepared chunks in order, with a bounded number of them in memory."""
    if workers == 1:
        with threadpool_limits(1, user_api="blas"):
            for chunk in chunks:
                yield prepare_chunk(chunk, root, preset, grid)
        return
    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker)
    flying: deque[Future[tuple[Spectra, list[str], Refusals]]] = deque()
    try:
        for chunk in chunks:
            flying.append(pool.submit(prepare_chunk, chunk, root, preset, grid))
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


def prepare_chunk(
    names: Sequence[str], root: Path, preset: Preset, grid: NDArray[np.float64]
) -> tuple[Spectra, list[str], Refusals]:
    """
    Read and prepare some files: one task of a worker.

    Returns
    -------
    spectra : Spectra
        Spectra of the good files. If several files of this chunk have the same id, only the first is included.
    files : list of str
        The file of each star.
    refused : list of (file, reason)
    """
    raws, files = [], []
    refused: Refusals = []
    for name in names:
        try:
            raws.append(read_lamost(root / name))
            files.append(name)
        except SpectrumError as error:
            refused.append((name, str(error)))
    flux, ivar, reasons = prepare_block(raws, preset, grid)
    first_of: dict[str, str] = {}
    good = []
    for i, (raw, file) in enumerate(zip(raws, files, strict=True)):
        if reasons[i]:
            refused.append((file, reasons[i]))
        elif raw.id in first_of:
            refused.append((file, f"duplicate id: {raw.id} was read from {first_of[raw.id]}"))
        else:
            first_of[raw.id] = file
            good.append(i)
    columns = star_columns([raws[i] for i in good])
    ids = np.array([raws[i].id for i in good], dtype=np.str_)
    return Spectra(grid, flux[good], ivar[good], ids, columns), [files[i] for i in good], refused

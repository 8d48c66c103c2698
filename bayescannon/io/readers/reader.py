"""A reader of survey files: an object with a name."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bayescannon.data.grid_choice import parse_grid
from bayescannon.data.parts import a_kind
from bayescannon.data.raw_spectrum import RawSpectrum
from bayescannon.numerics.errors import InputTypeError

FITS_ENDINGS = (".fits", ".fits.gz", ".fit", ".fit.gz")


@dataclass(frozen=True)
class ReadResult:
    """
    What a reader found in a file.

    Attributes
    ----------
    spectra : sequence of RawSpectrum
        With unique ids.
    refused : sequence of (star, reason)
        Stars of the file that cannot be used; a reason reads ``kind: detail``.
    notes : mapping of text to int
        What was left out or decided, and how often: ``{"single exposures left out": 2}``.
    rows : sequence of int
        The row of each spectrum in a file of many; counted from the first that was asked for unless given.
    """

    spectra: Sequence[RawSpectrum]
    refused: Sequence[tuple[str, str]] = ()
    notes: Mapping[str, int] = field(default_factory=dict)
    rows: Sequence[int] = ()


def _nothing(head: bytes, path: Path) -> bool:  # noqa: ARG001
    return False


@dataclass(frozen=True)
class Reader:
    """
    A reader of the spectra of one survey or format.

    Attributes
    ----------
    name : str
        By which ``prepare_files(reader=)`` and ``--reader`` choose it.
    read : callable
        Takes the Path of a file and returns a RawSpectrum, several of them, or a
        :class:`~bayescannon.io.readers.reader.ReadResult`. A file that
        cannot be used raises a ``BayesCannonError``, such as ``bayescannon.data.spectra.SpectrumError``, whose message
        reads ``kind: detail``.
    description : str
        One line.
    endings : tuple of str
        Of the files that are taken from a folder, in lower case.
    recognises : callable
        Takes the first bytes of a file (17 kB, not compressed) and its Path, and tells whether the reader is meant for
        it; by default never, so that the reader must be named.
    grid : str, optional
        The grid that its spectra are brought to unless another is given, see
        :func:`bayescannon.data.grid_choice.parse_grid`; by default that of LAMOST's low-resolution spectra.
    count : callable, optional
        Takes the Path of a file and returns the number of its stars, for files of many stars.
    read_rows : callable, optional
        Like `read`, for the stars from a first up to, without, a last: ``read_rows(path, start, stop)``. With `count`,
        files of many stars are read in constant memory.

    Raises
    ------
    InputTypeError
        A name, description, grid or ending that is no text, or a function that is none.
    InputError
        A grid that cannot be used.

    Examples
    --------
    A reader of text files with three columns, of stars at rest:

    >>> import numpy as np
    >>> import bayescannon as bc
    >>> def read_text(path):
    ...     wavelength, flux, error = np.loadtxt(path, unpack=True)
    ...     return bc.RawSpectrum(path.stem, wavelength, flux, error**-2, redshift=0)
    >>> reader = bc.Reader("my-text", read_text, endings=(".txt",), grid="5000:5500:0.5")
    >>> reader.name
    'my-text'
    """

    name: str
    read: Callable[[Path], Any]
    description: str = ""
    endings: tuple[str, ...] = FITS_ENDINGS
    recognises: Callable[[bytes, Path], bool] = _nothing
    grid: str | None = None
    count: Callable[[Path], int] | None = None
    read_rows: Callable[[Path, int, int], Any] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip() or self.name == "auto":
            raise InputTypeError(f"a reader needs a name, which is a text other than auto; got {self.name!r}")
        if not callable(self.read) or not callable(self.recognises):
            raise InputTypeError(f"read and recognises of the reader {self.name} must be functions")
        if (self.count is None) != (self.read_rows is None):
            raise InputTypeError(f"the reader {self.name} must have both of count and read_rows, or neither")
        if self.count is not None and not (callable(self.count) and callable(self.read_rows)):
            raise InputTypeError(f"count and read_rows of the reader {self.name} must be functions")
        object.__setattr__(self, "endings", _endings(self.endings, self.name))
        for name, value in (("description", self.description), ("grid", "" if self.grid is None else self.grid)):
            if not isinstance(value, str):
                raise InputTypeError(
                    f"{name} of the reader {self.name} must be a text; got {a_kind(value)}"
                    + (". Another grid is given to prepare_files(grid=)" if name == "grid" else "")
                )
        if self.grid is not None:
            parse_grid(self.grid)


def _endings(given: Any, name: str) -> tuple[str, ...]:
    """Return the endings of files as a tuple."""
    endings = [given] if isinstance(given, str) else list(given) if isinstance(given, Sequence) else [None]
    if not endings or not all(isinstance(one, str) and one for one in endings):
        raise InputTypeError(f"endings of the reader {name} must be texts, such as ('.txt',); got {given!r}")
    return tuple(endings)


def as_result(found: Any, reader: str) -> ReadResult:
    """
    Return what a reader returned as a ReadResult.

    Raises
    ------
    InputTypeError
        It is neither a RawSpectrum, nor several, nor a ReadResult of them.
    """
    given: Any = found.spectra if isinstance(found, ReadResult) else found
    several = [given] if isinstance(given, RawSpectrum) else given if isinstance(given, Iterable) else [None]
    spectra: list[Any] = list(several)
    if not all(isinstance(one, RawSpectrum) for one in spectra):
        raise InputTypeError(
            f"wrong result: read of the reader {reader} must return a RawSpectrum, several of them, or a ReadResult; "
            f"got {a_kind(found)}"
        )
    if not isinstance(found, ReadResult):
        return ReadResult(spectra)
    if len(found.rows) not in (0, len(spectra)) or not isinstance(found.notes, Mapping):
        raise InputTypeError(
            f"wrong result: a ReadResult of the reader {reader} must have a mapping of notes, and a row for each of "
            f"its {len(spectra)} spectra or none; got {a_kind(found.notes)} and {len(found.rows)} rows"
        )
    return replace(found, spectra=spectra)

"""Some files read and prepared: one task of a worker."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bayescannon.data.noise_check import StarNoise, measure_noise
from bayescannon.data.prepare import prepare_block, star_columns
from bayescannon.data.preset import Preset
from bayescannon.data.redshifts import UNLIKELY, known_redshifts
from bayescannon.data.spectra import RawSpectrum, Spectra, SpectrumError
from bayescannon.data.star_ids import rows_by_id
from bayescannon.io.prepare_report import Refusals
from bayescannon.io.readers.reader import Reader, ReadResult, as_result
from bayescannon.numerics.errors import BayesCannonError

SAYS_NEITHER = "spectra do not say whether their wavelengths are in air or in vacuum: taken for vacuum (--air decides)"
FAST = f"spectra with |z| above {UNLIKELY:g}: no stars, or velocities that are not z = v/c"
AIR_CHOICES = ("auto", "air", "vacuum")


@dataclass(frozen=True, slots=True)
class FilePart:
    """A file by its name, and the rows of it if it holds many stars and is read in parts."""

    name: str
    start: int = 0
    stop: int | None = None
    is_last: bool = True


@dataclass(frozen=True)
class Work:
    """How files are read and prepared: what all workers are given."""

    root: Path
    reader: Reader
    preset: Preset
    grid: NDArray[np.float64]
    air: str = "auto"
    redshift: float | Mapping[str, float] | None = None


@dataclass(frozen=True)
class Chunk:
    """
    What became of some files.

    Attributes
    ----------
    spectra : Spectra
        Of the good stars, with unique ids.
    places : list of str
        The file of each star, with the row in a file of many.
    refused : list of (file, reason)
    n_air : int
        Stars among `spectra` whose wavelengths were converted from air.
    notes : mapping of text to int
    noise : list of StarNoise
        Of the good stars, as they were read.
    n_done : int
        Files that were read to their end.
    """

    spectra: Spectra
    places: list[str]
    refused: Refusals
    n_air: int
    notes: dict[str, int] = field(default_factory=dict)
    noise: list[StarNoise] = field(default_factory=list)
    n_done: int = 0


def prepare_chunk(parts: Sequence[FilePart], work: Work) -> Chunk:
    """Read and prepare some files; if several stars have the same id, only the first is included."""
    raws: list[RawSpectrum] = []
    places: list[str] = []
    refused: Refusals = []
    notes: Counter[str] = Counter()
    for part in parts:
        try:
            result = _read(part, work)
        except BayesCannonError as error:
            refused.append((part.name, str(error)))
            continue
        # what is said of a file is said once
        notes.update({text: n for text, n in result.notes.items() if not part.start or not text.startswith("files ")})
        many = len(result.spectra) + len(result.refused) != 1 or part.stop is not None
        refused += [(f"{part.name}[{star}]", reason) for star, reason in result.refused]
        if not result.spectra and not result.refused:
            refused.append((part.name, "no spectrum: the file holds none"))
        rows = result.rows or range(part.start, part.start + len(result.spectra))
        for row, raw in zip(rows, result.spectra, strict=True):
            raws.append(_in_medium(raw, work.air, notes))
            places.append(f"{part.name}[{row}]" if many else part.name)
    raws = _with_redshifts(raws, work.redshift, notes)
    flux, ivar, reasons = prepare_block(raws, work.preset, work.grid)
    first_of: dict[str, str] = {}
    good = []
    for i, (raw, place) in enumerate(zip(raws, places, strict=True)):
        if reasons[i]:
            refused.append((place, reasons[i]))
        elif raw.id in first_of:
            refused.append((place, f"duplicate id: {raw.id} was read from {first_of[raw.id]}"))
        else:
            first_of[raw.id] = place
            good.append(i)
    chosen = [raws[i] for i in good]
    notes[FAST] += sum(abs(raw.redshift) > UNLIKELY for raw in chosen)
    ids = np.array([raw.id for raw in chosen], dtype=np.str_)
    spectra = Spectra(work.grid, flux[good], ivar[good], ids, star_columns(chosen))
    unsaid = sum(raw.air is None for raw in chosen)
    notes[SAYS_NEITHER] += unsaid
    n_done = sum(part.is_last for part in parts)
    noise = [measure_noise(raw.flux, raw.ivar) for raw in chosen]
    n_air = sum(raw.air is True for raw in chosen)
    return Chunk(spectra, [places[i] for i in good], refused, n_air, dict(notes), noise, n_done)


def _read(part: FilePart, work: Work) -> ReadResult:
    """Read a file, or some rows of it."""
    path = work.root / part.name
    reader = work.reader
    try:
        if part.stop is not None and reader.read_rows is not None:
            return as_result(reader.read_rows(path, part.start, part.stop), reader.name)
        return as_result(reader.read(path), reader.name)
    except BayesCannonError:
        raise
    except FileNotFoundError:
        raise SpectrumError("no such file: check the folder or the list of files") from None
    except Exception as error:  # whatever the reader of another package does
        raise SpectrumError(f"unreadable: the reader {reader.name} failed: {type(error).__name__}: {error}") from error


def _in_medium(raw: RawSpectrum, chosen: str, notes: Counter[str]) -> RawSpectrum:
    """Return a spectrum in the medium that the run states of all."""
    if chosen == "auto":
        return raw
    air = chosen == "air"
    if raw.air is not None and raw.air != air:
        own = "air" if raw.air else "vacuum"
        notes[f"spectra say that they are in {own} and were taken for {chosen} (--air {chosen})"] += 1
    return raw if raw.air is air else replace(raw, air=air)


def _with_redshifts(
    raws: list[RawSpectrum], given: float | Mapping[str, float] | None, notes: Counter[str]
) -> list[RawSpectrum]:
    """Return spectra with the redshifts that the run states: one for all that have none, or those of stars by name."""
    if isinstance(given, Mapping):
        values = np.array([*given.values(), np.nan])
        found = values[rows_by_id(given, [raw.id for raw in raws], of="the table of redshifts")]
        taken = np.isfinite(found)
        notes["spectra whose redshift is that of the table (--redshift)"] += int(taken.sum())
        notes["spectra without a redshift in the table (--redshift): that of the file was taken"] += int(sum(~taken))
    elif given is not None:
        found = np.full(len(raws), given)
        taken = np.isnan(known_redshifts(np.array([raw.redshift for raw in raws])))
        notes[f"spectra without redshift: {given:g} was taken (--redshift)"] += int(taken.sum())
    else:
        return raws
    return [replace(raw, redshift=z) if take else raw for raw, z, take in zip(raws, found.tolist(), taken, strict=True)]

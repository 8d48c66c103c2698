"""What is in the files of a run, each read by itself: one that is damaged does not keep the page from the others."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import Table

from bayescannon.app.report.run_folder import RunFolder
from bayescannon.app.run_facts import RunFacts
from bayescannon.app.step_names import COMPARE, COVERAGE, LABEL, PREPARE, TRAIN, VALIDATE
from bayescannon.cannon.catalogue_comparison import ComparedFlag
from bayescannon.cannon.compared_labels import ComparedLabel
from bayescannon.cannon.populations.survey_file import load_any_model
from bayescannon.cannon.populations.survey_model import SurveyModel
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.cannon.validation import LabelStatistics
from bayescannon.data.labels import KNOWN_LABELS
from bayescannon.io.catalogue import read_catalogue
from bayescannon.io.prepare_report import tally
from bayescannon.io.store import open_store
from bayescannon.numerics.errors import BayesCannonError, InputError
from bayescannon.numerics.typing import BoolArray

# files of JSON that a run writes are far smaller
_MOST_JSON = 1 << 26


@dataclass(frozen=True)
class StoreFacts:
    """
    What a store says of itself.

    Attributes
    ----------
    path : Path
    n_stars : int
    attributes : mapping
    refused : mapping of str to int
        Files that could not be used, by the reason.
    """

    path: Path
    n_stars: int
    attributes: Mapping[str, Any]
    refused: Mapping[str, int]


@dataclass(frozen=True)
class Comparison:
    """
    What the step compare found.

    Attributes
    ----------
    said : str
        What was compared.
    notes : tuple of str
    rows : tuple of ComparedLabel
    flags : tuple of ComparedFlag
    """

    said: str
    notes: tuple[str, ...]
    rows: tuple[ComparedLabel, ...]
    flags: tuple[ComparedFlag, ...]


@dataclass(frozen=True)
class RunContents:
    """
    What is in the files of a run.

    Attributes
    ----------
    folder : RunFolder
    model : TrainedModel or SurveyModel, optional
    catalogue : Table, optional
    validation : tuple of LabelStatistics
    store : StoreFacts, optional
    comparison : Comparison, optional
    coverage : Table, optional
        The catalogue with all scores of coverage.
    faults : tuple of str
        Files that cannot be read, and why.
    """

    folder: RunFolder
    model: TrainedModel | SurveyModel | None = None
    catalogue: Table | None = None
    validation: tuple[LabelStatistics, ...] = ()
    store: StoreFacts | None = None
    comparison: Comparison | None = None
    coverage: Table | None = None
    faults: tuple[str, ...] = field(default=())

    @classmethod
    def read(cls, folder: RunFolder) -> "RunContents":
        """Read what a run left."""
        faults: list[str] = []

        def get(step: str, read: Callable[[Path], Any]) -> Any:
            path = folder.outputs.get(step)
            if path is None:
                return None
            try:
                return read(path)
            except (BayesCannonError, OSError) as error:
                said = str(error).replace(str(path), path.name)
                faults.append(said if path.name in said else f"{path.name}: {said}")
                return None

        return cls(
            folder, get(TRAIN, load_any_model), get(LABEL, read_catalogue), get(VALIDATE, read_statistics) or (),
            get(PREPARE, _store_facts), get(COMPARE, read_comparison), get(COVERAGE, read_catalogue), tuple(faults),
        )  # fmt: skip

    @cached_property
    def facts(self) -> RunFacts | None:
        """What is counted of the stars of the catalogue; None without one that has flags."""
        table = self.catalogue
        return RunFacts.of_catalogue(table) if table is not None and "flags" in table.colnames else None

    @cached_property
    def without_labels(self) -> BoolArray:
        """Which rows of the catalogue lack one of the model's labels; of no rows without a catalogue or a model."""
        if self.catalogue is None or self.model is None:
            return np.zeros(0, dtype=bool)
        missing = np.zeros(len(self.catalogue), dtype=bool)
        for name in self.model.label_names:
            if name in self.catalogue.colnames:
                missing |= ~np.isfinite(np.asarray(self.catalogue[name], dtype=np.float64))
        return missing


def read_statistics(path: Path) -> tuple[LabelStatistics, ...]:
    """
    Read the statistics of held-out stars that a run, or the command validate, wrote.

    Raises
    ------
    InputError
        It is damaged, or something else.
    """
    return _rows(LabelStatistics, _json(path, list), path)


def read_comparison(folder: Path) -> Comparison:
    """
    Read what a comparison of catalogues wrote into a folder.

    Raises
    ------
    InputError
        It is damaged, or something else.
    """
    path = folder / "comparison.json"
    found = _json(path, dict)
    rows, flags = (found.get(name, []) for name in ("rows", "flags"))
    said = (
        f"A: {found.get('a')}, {found.get('n_a')} stars; B: {found.get('b')}, {found.get('n_b')} stars; "
        f"{found.get('n_matched')} matched"
    )
    return Comparison(
        said, tuple(map(str, found.get("notes", []))), _rows(ComparedLabel, rows, path),
        _rows(ComparedFlag, flags, path),
    )  # fmt: skip


def _store_facts(path: Path) -> StoreFacts:
    opened = open_store(path)
    reasons = opened["refused_reason"].to_numpy().tolist() if "refused_reason" in opened else []
    return StoreFacts(path, opened.sizes["star"], opened.attrs, tally([("", str(one)) for one in reasons]))


def _json(path: Path, kind: type) -> Any:
    """Return what a file of JSON holds."""
    try:
        if path.stat().st_size > _MOST_JSON:
            raise InputError(f"{path.name} is larger than any that a run writes")
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        if isinstance(error, BayesCannonError):
            raise
        raise InputError(f"{path.name} is damaged, or not JSON: {error}") from error
    if not isinstance(found, kind):
        raise InputError(f"{path.name} is of another kind: it holds no {'rows' if kind is list else 'table'}")
    return found


def _rows[Row](kind: type[Row], given: Any, path: Path) -> tuple[Row, ...]:
    """Return rows of a file as objects; NaN for numbers that JSON does not have."""
    wanted = {item.name: item.type for item in fields(kind)}  # type: ignore[arg-type]
    rows = []
    for one in given if isinstance(given, Sequence) else [None]:
        if not isinstance(one, dict) or not wanted.keys() <= one.keys():
            raise InputError(f"{path.name} holds a row without {', '.join(wanted)}: it is of another kind, or damaged")
        values = {name: math.nan if one[name] is None and of is float else one[name] for name, of in wanted.items()}
        good = all(isinstance(value, str if wanted[name] is str else (int, float)) for name, value in values.items())
        if not good or values.get("label", "teff") not in KNOWN_LABELS:
            raise InputError(f"{path.name} holds a row whose values are of the wrong type, or of an unknown label")
        rows.append(kind(**values))
    return tuple(rows)

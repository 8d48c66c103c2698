"""The configuration of the study: the data, the choices of the run, and what is done besides."""

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from bayescannon.app.config import LabelConfig, LabelsConfig, PrepareConfig, RunConfig, TrainConfig, ValidateConfig
from bayescannon.numerics.errors import InputError, MissingFileError

_SECTIONS = {"data", "mock", "pipeline", "prepare", "labels", "train", "label", "validate", "study"}


@dataclass(frozen=True)
class MockConfig:
    """Numbers of the mock survey's stars: in common with Survey A, and the field sample."""

    n_reference: int = 11_057
    n_test: int = 14_000
    seed: int = 1


@dataclass(frozen=True)
class StudyChoices:
    """What is done besides the run: bootstraps, stars of the budget, share held out, cut in label distance."""

    bootstrap: int = 20
    budget_stars: int = 1000
    held_out: float = 0.2
    label_distance: float = 2.5


@dataclass(frozen=True)
class StudyConfig:
    """
    The whole study.

    Attributes
    ----------
    out : Path
    mock : MockConfig or None
        None with real files.
    pipeline : Path
        The table of Survey B's own labels.
    pipeline_columns : dict
    run : RunConfig
    choices : StudyChoices
    """

    out: Path
    mock: MockConfig | None
    pipeline: Path
    pipeline_columns: dict[str, str]
    run: RunConfig
    choices: StudyChoices

    @property
    def survey(self) -> Path:
        """The folder of the mock survey."""
        return self.out / "survey"


def read_study(path: Path, out: Path) -> StudyConfig:
    """
    Read the configuration of the study; everything is written below `out`.

    Raises
    ------
    InputError
        A section or key that is not known, or data that are neither "mock" nor the three paths.
    """
    if not path.is_file():
        raise MissingFileError(f"no configuration {path}")
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    unknown = sorted(set(document) - _SECTIONS)
    if unknown:
        raise InputError(f"{path}: {', '.join(unknown)} is not known; known are {', '.join(sorted(_SECTIONS))}")
    data, mock = document.get("data", "mock"), None
    columns = document.get("pipeline", {}).get("columns", {})
    if data == "mock":
        mock = _choices(MockConfig, document.get("mock", {}), f"{path}: [mock]")
        survey = out / "survey"
        files = {"spectra": survey / "spectra", "apogee": survey / "apogee.fits", "pipeline": survey / "lasp.csv"}
    elif isinstance(data, dict) and set(data) == {"spectra", "apogee", "pipeline"}:
        files = {name: path.parent / given for name, given in data.items()}
    else:
        raise InputError(f'{path}: data must be "mock", or paths of spectra, apogee and pipeline; got {data!r}')
    run = RunConfig(
        out=str(out / "run"),
        prepare=PrepareConfig(spectra=str(files["spectra"]), **document.get("prepare", {})),
        labels=LabelsConfig(table=str(files["apogee"]), **document.get("labels", {})),
        train=TrainConfig(**document.get("train", {})),
        label=LabelConfig(**document.get("label", {})),
        validate=ValidateConfig(**document.get("validate", {})),
    )
    choices = _choices(StudyChoices, document.get("study", {}), f"{path}: [study]")
    return StudyConfig(out, mock, files["pipeline"], columns, run, choices)


def _choices(kind: type[Any], given: dict[str, Any], where: str) -> Any:
    """Make a section, and name a key that it does not have."""
    known = [item.name for item in fields(kind)]
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise InputError(f"{where}: {', '.join(unknown)} is not known; known are {', '.join(known)}")
    return kind(**given)

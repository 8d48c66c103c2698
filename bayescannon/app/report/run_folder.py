"""The folder that a run left: which of its outputs are there, which configuration made them, and what is missing."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bayescannon.app.config import RunConfig, read_config
from bayescannon.app.run_journal import RunJournal
from bayescannon.app.step_names import (
    COMPARE,
    COVERAGE,
    FIGURES,
    LABEL,
    MODEL_SPECTRA,
    PREPARE,
    REPORT,
    STEPS,
    TRAIN,
    UNCERTAINTIES,
    VALIDATE,
)
from bayescannon.io.catalogue_folder import is_folder_of_parts
from bayescannon.io.catalogue_formats import FORMATS
from bayescannon.io.paths import as_path
from bayescannon.io.size_limits import TOML
from bayescannon.io.store import is_store
from bayescannon.numerics.errors import BayesCannonError, InputError, MissingFileError

JOURNAL = "run.json"
# the steps that every run has, and what their outputs are called where nothing says otherwise
_ALWAYS = (PREPARE, TRAIN, VALIDATE, LABEL)
_USUAL = {
    PREPARE: "store.zarr", TRAIN: "model.nc", VALIDATE: "validation.json", LABEL: "catalogue.fits",
    UNCERTAINTIES: "uncertainties.nc", COMPARE: "compare", FIGURES: "figures",
}  # fmt: skip
# what is said where an output is not there
_SAID = {
    PREPARE: "is no store of spectra", TRAIN: "is no model", VALIDATE: "are no statistics of held-out stars",
    LABEL: "is no catalogue",
}  # fmt: skip
# configurations beside a run that are looked at, at most
_MOST_CONFIGS = 50


@dataclass(frozen=True)
class RunFolder:
    """
    The folder that a run left.

    Attributes
    ----------
    path : Path
    outputs : mapping of str to Path
        The output of each step, where it exists, by the step's name.
    made : mapping of str to mapping of str to str
        What run.json records of each finished step: its outputs by name, and what tells them from others.
    config : RunConfig, optional
        Of the run, if it is known.
    notes : tuple of str
        What is missing or changed, a sentence each.
    """

    path: Path
    outputs: Mapping[str, Path]
    made: Mapping[str, Mapping[str, str]]
    config: RunConfig | None
    notes: tuple[str, ...]

    @classmethod
    def open(cls, path: str | Path, config: RunConfig | None = None) -> "RunFolder":
        """
        Find what a run left in a folder.

        Parameters
        ----------
        path : str or Path
            The folder that the configuration calls ``out``. Outputs of single commands in one folder count too, where
            they have the names that a run gives them.
        config : RunConfig, optional
            Of the run. Else it is read from a TOML file in the folder or beside it whose ``out`` is the folder.

        Raises
        ------
        MissingFileError
            There is nothing at `path`.
        InputError
            It is no folder, or nothing in it is of a run.
        """
        folder = as_path(path, "the folder of a run")
        if not folder.exists():
            raise MissingFileError(f"there is no folder {folder}; expected what `bayescannon run` wrote")
        if not folder.is_dir():
            raise InputError(f"{folder} is a file; expected the folder that `bayescannon run` wrote (out in its TOML)")
        journal = RunJournal(folder / JOURNAL)
        known = journal.made
        found = {step: one for step in STEPS if (one := _output(folder, step, known.get(step, {}))) is not None}
        if not found:
            raise InputError(f"{folder} holds nothing of a run: {_instead(folder)}")
        given = config or _config_of(folder)
        notes = []
        if not known:
            damaged = (folder / JOURNAL).exists()
            notes.append(f"{JOURNAL} {'is damaged' if damaged else 'is missing'}: which steps were finished is unknown")
        unfinished = [step for step in _wanted(given) if known and step not in known]
        if unfinished:
            notes.append(f"the run ended before these steps were finished: {', '.join(unfinished)}")
        notes += [
            f"there {_SAID[step]} ({_name(folder, step, known.get(step, {}))})"
            for step in _ALWAYS if step not in found
        ]  # fmt: skip
        notes += [
            f"{one.name} is not what the step {step} left: it was changed, or is of another run"
            for step, one in found.items() if step in known and not journal.is_recorded(step, [one])
        ]  # fmt: skip
        if given is None:
            notes.append("there is no configuration: no TOML file in this folder, or beside it, has it as out")
        return cls(folder, found, known, given, tuple(notes))

    def finished(self) -> list[tuple[str, str, str]]:
        """Return name, output and what tells it from others, of every finished step but that of a page."""
        return [
            (step, name, said) for step in STEPS if step != REPORT for name, said in self.made.get(step, {}).items()
        ]


def _wanted(config: RunConfig | None) -> list[str]:
    """Return the steps that a configuration asks for, but for the page itself; those of all runs without one."""
    if config is None:
        return list(_ALWAYS)
    asked = {
        MODEL_SPECTRA: config.label.model_spectra, UNCERTAINTIES: config.uncertainties, COVERAGE: config.coverage,
        COMPARE: config.compare, FIGURES: config.figures or None,
    }  # fmt: skip
    return [step for step in STEPS if step in _ALWAYS or asked.get(step) is not None]


def _name(folder: Path, step: str, recorded: Mapping[str, str]) -> str:
    """Return the name of a step's output: as recorded, else as usual; a catalogue may have any of the formats."""
    if recorded:
        return next(iter(recorded))
    usual = _USUAL.get(step, "")
    if step not in (LABEL, COVERAGE):
        return usual
    stem = "coverage" if step == COVERAGE else "catalogue"
    there = [one for ending in (*FORMATS, "") if (folder / (one := f"{stem}{ending}")).exists()]
    return there[0] if there else f"{stem}{next(iter(FORMATS))}"


def _output(folder: Path, step: str, recorded: Mapping[str, str]) -> Path | None:
    """Return the output of a step, if it is in the folder."""
    name = _name(folder, step, recorded)
    # a name in a file decides nothing but which entry of this folder is read
    if step == REPORT or not name or Path(name).name != name:
        return None
    path = folder / name
    if step in (COMPARE, FIGURES):
        return path if path.is_dir() else None
    if step in (PREPARE, MODEL_SPECTRA):
        return path if is_store(path) else None
    is_parts = step in (LABEL, COVERAGE) and is_folder_of_parts(path)
    return path if path.is_file() or is_parts else None


def _instead(folder: Path) -> str:
    """Say what a folder without a run has, and where one may be."""
    names = sorted(one.name for one in folder.iterdir())
    for name in names:
        if (folder / name / JOURNAL).is_file():
            return f"did you mean {folder / name}?"
    has = f"it has {', '.join(names[:5])}{', ...' if len(names) > 5 else ''}" if names else "it is empty"
    return f"{has}. Expected {', '.join(_USUAL[step] for step in _ALWAYS)} or {JOURNAL}, as `bayescannon run` writes"


def _config_of(folder: Path) -> RunConfig | None:
    """Return the configuration in a folder, or beside it, whose results are there."""
    here = folder.resolve()
    for path in _few([*sorted(here.glob("*.toml")), *sorted(here.parent.glob("*.toml"))]):
        try:
            # only a look: the configuration of another run could define labels
            out = tomllib.loads(path.read_text(encoding="utf-8")).get("out")
            if isinstance(out, str) and (path.parent / out).resolve() == here:
                return read_config(path)
        except (OSError, ValueError, RecursionError, BayesCannonError):
            continue
    return None


def _few(paths: Iterable[Path]) -> list[Path]:
    small = [path for path in paths if path.is_file() and path.stat().st_size <= TOML]
    return small[:_MOST_CONFIGS]

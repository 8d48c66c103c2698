"""The configuration of a whole run, read from TOML; a key that is not known is refused, with those that are."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from bayescannon.cannon.choices import (
    FoldChoices,
    LabellingChoices,
    LabelTableChoices,
    PrepareChoices,
    ReferenceChoices,
    TrainingChoices,
    ValidationChoices,
)
from bayescannon.cannon.compare_choices import CompareChoices
from bayescannon.cannon.engine_choices import BlockSizeChoices
from bayescannon.cannon.odd_choices import OddChoices, OddTrainingChoices
from bayescannon.cannon.options import TrainingOptions, choose_nuisances
from bayescannon.cannon.population_choices import PopulationChoices, SelectionChoices, survey_defaults
from bayescannon.cannon.source_choices import MergeChoices, SourceChoices
from bayescannon.cannon.star_choices import CoverageChoices, ModelSpectraChoices, UncertaintyChoices
from bayescannon.data.label_definitions import define_labels
from bayescannon.io.size_limits import TOML, TOML_DEPTH, read_limited
from bayescannon.numerics.annotated import fits_type, type_text
from bayescannon.numerics.errors import InputError, MissingFileError
from bayescannon.uncertainty.kinds import KINDS


class ConfigError(InputError):
    """A configuration that cannot be used; the message names the key."""


@dataclass(frozen=True, kw_only=True)
class PrepareConfig(PrepareChoices):
    """Section ``[prepare]``: spectra in, store out."""

    spectra: str


@dataclass(frozen=True, kw_only=True)
class LabelsConfig(LabelTableChoices, SourceChoices):
    """Section ``[labels]``: a table of labels, how it is matched, and what belongs to its survey."""

    table: str


# one table, or several in the order of trust
type Labels = LabelsConfig | Sequence[LabelsConfig]


def tables_of(labels: Labels) -> list[LabelsConfig]:
    """Return one or several tables as a list."""
    return [labels] if isinstance(labels, LabelsConfig) else list(labels)


@dataclass(frozen=True, kw_only=True)
class TrainConfig(ReferenceChoices, MergeChoices, PopulationChoices, TrainingChoices, FoldChoices, OddTrainingChoices):
    """Section ``[train]``: labels, cuts, clipping, populations, what the training assumes, what folds are for."""

    def __post_init__(self) -> None:
        if self.populations is not None:
            for name, value in survey_defaults(vars(self)).items():
                object.__setattr__(self, name, value)
        super().__post_init__()
        if self.odd and not self.folds:
            raise ConfigError(
                "odd needs folds, as it is held-out stars that odd spectra are measured against; got folds 0"
            )
        self.options()

    def options(self) -> TrainingOptions:
        """Return the priors and choices of the training; an InputError if they do not go together."""
        return TrainingOptions.from_choices(self)


@dataclass(frozen=True, kw_only=True)
class LabelConfig(LabellingChoices, SelectionChoices, OddChoices, ModelSpectraChoices):
    """Section ``[label]``: labelling every star of the store, and which of them the catalogue keeps."""

    catalogue: str = "catalogue.fits"

    def __post_init__(self) -> None:
        super().__post_init__()
        choose_nuisances(self)


@dataclass(frozen=True, kw_only=True)
class ValidateConfig(ValidationChoices):
    """Section ``[validate]``: folds and the S/N of the second selection."""


@dataclass(frozen=True, kw_only=True)
class UncertaintiesConfig(UncertaintyChoices):
    """Section ``[uncertainties]``: kinds of error of some stars; the step is done if the file has it."""

    def __post_init__(self) -> None:
        super().__post_init__()
        unknown = [kind for kind in self.kinds or () if kind not in KINDS]
        if unknown:
            raise ConfigError(f"kinds of error must be among {', '.join(KINDS)}; got {unknown[0]!r}")


@dataclass(frozen=True, kw_only=True)
class CoverageConfig(CoverageChoices):
    """Section ``[coverage]``: all scores of stars unlike the training set; the step is done if the file has it."""


@dataclass(frozen=True, kw_only=True)
class CompareConfig(CompareChoices):
    """Section ``[compare]``: the catalogue against another table of the stars; done if the file has it."""

    table: str


@dataclass(frozen=True, kw_only=True)
class EngineConfig(BlockSizeChoices):
    """Section ``[engine]``: who does the work, in blocks of how many stars; results do not depend on it."""


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """A whole run; relative paths are relative to the file it was read from."""

    out: str
    prepare: PrepareConfig
    labels: LabelsConfig | tuple[LabelsConfig, ...]
    train: TrainConfig = field(default_factory=TrainConfig)
    label: LabelConfig = field(default_factory=LabelConfig)
    validate: ValidateConfig = field(default_factory=ValidateConfig)
    uncertainties: UncertaintiesConfig | None = None
    coverage: CoverageConfig | None = None
    compare: CompareConfig | None = None
    engine: EngineConfig = field(default_factory=EngineConfig)
    figures: bool = True
    report: bool = True


_SECTIONS: dict[str, type[Any]] = {
    "prepare": PrepareConfig,
    "labels": LabelsConfig,
    "train": TrainConfig,
    "label": LabelConfig,
    "validate": ValidateConfig,
    "uncertainties": UncertaintiesConfig,
    "coverage": CoverageConfig,
    "compare": CompareConfig,
    "engine": EngineConfig,
}
# sections that are steps: without them the step is not done
_OPTIONAL = ("uncertainties", "coverage", "compare")


def read_config(path: str | Path) -> RunConfig:
    """
    Read a run's configuration; paths in it become absolute.

    Raises
    ------
    ConfigError
        Not TOML, an unknown or missing key, or a value of the wrong type.
    FileNotFoundError
        There is no such file.
    """
    path = Path(path)
    document = _document(path, "configuration file")
    folder = path.resolve().parent
    values = _checked(RunConfig, {k: v for k, v in document.items() if k not in _SECTIONS}, "", skip=_SECTIONS)
    for name, section in _SECTIONS.items():
        if name in _OPTIONAL and name not in document:
            continue
        table = document.get(name, {})
        if name == "labels" and isinstance(table, list):
            values[name] = tuple(_label_tables(table, folder))
        elif name == "labels":
            values[name] = _label_table(table, "[labels]", folder)
        else:
            values[name] = _section(section, table, f"[{name}]")
    config = RunConfig(**values)
    if config.uncertainties is not None:
        stars = _beside(folder, config.uncertainties.stars)
        config = replace(config, uncertainties=replace(config.uncertainties, stars=stars))
    if config.coverage is not None and config.coverage.pipeline_labels is not None:
        own = str(folder / config.coverage.pipeline_labels)
        config = replace(config, coverage=replace(config.coverage, pipeline_labels=own))
    if config.compare is not None:
        config = replace(config, compare=replace(config.compare, table=str(folder / config.compare.table)))
    return replace(
        config,
        out=str(folder / config.out),
        prepare=replace(
            config.prepare,
            spectra=str(folder / config.prepare.spectra),
            grid=_beside(folder, config.prepare.grid),
            redshift=_beside(folder, config.prepare.redshift),
        ),
        train=replace(config.train, populations=_beside(folder, config.train.populations)),
        label=replace(config.label, model_stars=_beside(folder, config.label.model_stars)),
    )


def read_label_tables(path: str | Path) -> list[LabelsConfig]:
    """
    Read the ``[[labels]]`` of a TOML file, which may be the configuration of a run; paths in it become absolute.

    Raises
    ------
    ConfigError, FileNotFoundError
        As :func:`read_config`.
    """
    path = Path(path)
    tables = _document(path, "file of tables of labels").get("labels")
    folder = path.resolve().parent
    if isinstance(tables, dict):
        return [_label_table(tables, "[labels]", folder)]
    if not isinstance(tables, list) or not tables:
        raise ConfigError(
            f"{path} must hold [[labels]], one for each table of labels, with table = ...; got {tables!r}"
        )
    return _label_tables(tables, folder)


def _document(path: Path, what: str) -> dict[str, Any]:
    if not path.is_file():
        raise MissingFileError(f"no {what} {path}; bayescannon init writes one for your files")
    text = read_limited(path, TOML, "a configuration")
    if _depth(text) > TOML_DEPTH:
        raise ConfigError(f"{path} has brackets or names more than {TOML_DEPTH} levels deep; expected a configuration")
    try:
        return tomllib.loads(text.decode("utf-8"))
    # numbers of thousands of digits, and dates that are none, are plain ValueErrors
    except (ValueError, OverflowError, RecursionError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from error


def _depth(text: bytes) -> int:
    """Return how deep brackets are nested, and names joined by dots, at most: brackets in texts are counted too."""
    depth = most = 0
    for sign in re.findall(rb"[\[\]{}]", text):
        depth = depth + 1 if sign in b"[{" else max(depth - 1, 0)
        most = max(most, depth)
    names = re.findall(rb"^\s*([^=\n,#]*)(?:=|\]\s*$)", text, re.MULTILINE)
    deepest: int = max([most, *(name.count(b".") for name in names)])
    return deepest


def _label_tables(tables: Sequence[Any], folder: Path) -> list[LabelsConfig]:
    """Check several tables of labels; what tells stars apart is said once."""
    found = [_label_table(table, f"[[labels]] {n}:", folder) for n, table in enumerate(tables, start=1)]
    for n, table in enumerate(tables[1:], start=2):
        for key in ("star_id", "repeats"):
            if key in table:
                raise ConfigError(f"[[labels]] {n}: {key} counts for the spectra of all tables; give it in the first")
    return found


def _label_table(table: Any, where: str, folder: Path) -> LabelsConfig:
    """Check a table of labels, and define its labels, which later sections may name."""
    config: LabelsConfig = _section(LabelsConfig, table, where)
    try:
        define_labels(config.define)
    except InputError as error:
        raise ConfigError(f"{where} {error}") from error
    return replace(config, table=str(folder / config.table))


def _section(section: type[Any], table: Any, where: str) -> Any:
    """Make a section of a table of the file."""
    if not isinstance(table, dict):
        raise ConfigError(f"{where} must be a table; got {table!r}")
    checked = _checked(section, table, f"{where} ")
    try:
        return section(**checked)
    except InputError as error:
        raise ConfigError(f"{where} {error}") from error


def _beside(folder: Path, given: Any) -> Any:
    """Return the absolute path of a file beside the configuration, and what is no file as it is."""
    return str(folder / given) if isinstance(given, str) and given and (folder / given).exists() else given


def _checked(
    section: type[Any], table: Mapping[str, Any], where: str, *, skip: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the table if its keys and types are those of the section's fields."""
    known = {item.name: item for item in fields(section) if item.name not in (skip or {})}
    for key, value in table.items():
        if key not in known:
            sections = f", and sections {', '.join(skip)}" if skip else ""
            raise ConfigError(f"{where}{key} is not a known key; known are {', '.join(known)}{sections}")
        wanted = known[key].type
        if not fits_type(value, wanted):
            raise ConfigError(f"{where}{key} must be {type_text(wanted)}; got {value!r}")
    required = [name for name, item in known.items() if _required(item)]
    for name in required:
        if name not in table:
            raise ConfigError(f"{where}{name} is missing; it has no default")
    return dict(table)


def _required(item: "Field[Any]") -> bool:
    return item.default is MISSING and item.default_factory is MISSING

"""The configuration of a whole run, read from TOML; a key that is not known is refused, with those that are."""

import tomllib
from collections.abc import Mapping
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
from bayescannon.cannon.options import TrainingOptions, choose_nuisances
from bayescannon.data.label_definitions import define_labels
from bayescannon.numerics.annotated import fits_type, type_text
from bayescannon.numerics.errors import InputError, MissingFileError


class ConfigError(InputError):
    """A configuration that cannot be used; the message names the key."""


@dataclass(frozen=True, kw_only=True)
class PrepareConfig(PrepareChoices):
    """Section ``[prepare]``: spectra in, store out."""

    spectra: str


@dataclass(frozen=True, kw_only=True)
class LabelsConfig(LabelTableChoices):
    """Section ``[labels]``: the table of Survey A labels and how it is matched."""

    table: str


@dataclass(frozen=True, kw_only=True)
class TrainConfig(ReferenceChoices, TrainingChoices, FoldChoices):
    """Section ``[train]``: labels, cuts, clipping, what the training assumes, folds of the calibration."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.options()

    def options(self) -> TrainingOptions:
        """Return the priors and choices of the training; an InputError if they do not go together."""
        return TrainingOptions.from_choices(self)


@dataclass(frozen=True, kw_only=True)
class LabelConfig(LabellingChoices):
    """Section ``[label]``: labelling every star of the store."""

    catalogue: str = "catalogue.fits"

    def __post_init__(self) -> None:
        super().__post_init__()
        choose_nuisances(self)


@dataclass(frozen=True, kw_only=True)
class ValidateConfig(ValidationChoices):
    """Section ``[validate]``: folds and the S/N of the second selection."""


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """A whole run; relative paths are relative to the file it was read from."""

    out: str
    prepare: PrepareConfig
    labels: LabelsConfig
    train: TrainConfig = field(default_factory=TrainConfig)
    label: LabelConfig = field(default_factory=LabelConfig)
    validate: ValidateConfig = field(default_factory=ValidateConfig)
    figures: bool = True


_SECTIONS: dict[str, type[Any]] = {
    "prepare": PrepareConfig,
    "labels": LabelsConfig,
    "train": TrainConfig,
    "label": LabelConfig,
    "validate": ValidateConfig,
}


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
    if not path.is_file():
        raise MissingFileError(f"no configuration file {path}; the README has an annotated example")
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from error
    values = _checked(RunConfig, {k: v for k, v in document.items() if k not in _SECTIONS}, "", skip=_SECTIONS)
    for name, section in _SECTIONS.items():
        table = document.get(name, {})
        if not isinstance(table, dict):
            raise ConfigError(f"[{name}] must be a table; got {table!r}")
        checked = _checked(section, table, f"[{name}] ")
        try:
            values[name] = section(**checked)
            if name == "labels":
                # later sections may name these labels
                define_labels(values[name].define)
        except InputError as error:
            raise ConfigError(f"[{name}] {error}") from error
    config = RunConfig(**values)
    folder = path.resolve().parent
    return replace(
        config,
        out=str(folder / config.out),
        prepare=replace(
            config.prepare,
            spectra=str(folder / config.prepare.spectra),
            grid=_beside(folder, config.prepare.grid),
            redshift=_beside(folder, config.prepare.redshift),
        ),
        labels=replace(config.labels, table=str(folder / config.labels.table)),
    )


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

"""The configuration of a whole run, read from TOML; a key that is not known is refused, with those that are."""

import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, replace
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin

from bayescannon.cannon.label_priors import LABEL_PRIORS
from bayescannon.cannon.options import TrainingOptions
from bayescannon.data.labels import PAPER_LABELS
from bayescannon.numerics.errors import InputError, MissingFileError


class ConfigError(InputError):
    """A configuration that cannot be used; the message names the key."""


@dataclass(frozen=True)
class PrepareConfig:
    """Section ``[prepare]``: spectra in, store out."""

    spectra: str
    preset: str = "paper"
    variance: str | None = None
    workers: int = 2

    def __post_init__(self) -> None:
        _require(self.workers >= 1, "workers must be at least 1", self.workers)


@dataclass(frozen=True)
class LabelsConfig:
    """Section ``[labels]``: the table of Survey A labels and how it is matched."""

    table: str
    format: str = "table"
    columns: dict[str, str] = field(default_factory=dict)
    match: str = "id"
    radius: float = 3.0


@dataclass(frozen=True)
class TrainConfig:
    """Section ``[train]``: labels, cuts, clipping, what :class:`TrainingOptions` takes, folds of the calibration."""

    label_names: list[str] = field(default_factory=lambda: list(PAPER_LABELS))
    cuts: str | None = None
    keep: dict[str, list[float]] = field(default_factory=dict)
    clip_rounds: int | None = None
    clip_sigma: float = 4.0
    coefficients: str = "flat"
    coefficient_scale: float | None = None
    terms: str = "quadratic"
    scatter: str = "flat"
    scatter_scale: float | None = None
    noise: str = "fixed"
    kappa: float = 1.0
    marginal: bool = False
    censored: dict[str, list[list[float]]] = field(default_factory=dict)
    label_errors: str | dict[str, float] | None = None
    hidden: int | None = None
    folds: int = 8

    def __post_init__(self) -> None:
        _require(
            self.folds == 0 or self.folds >= 2,
            "folds must be 0 (no calibration, no coverage) or at least 2",
            self.folds,
        )
        _require(
            self.clip_rounds is None or self.clip_rounds >= 0, "clip_rounds must not be negative", self.clip_rounds
        )
        _require(self.clip_sigma > 0, "clip_sigma must be positive, in scatters", self.clip_sigma)
        self.options()

    def options(self) -> TrainingOptions:
        """Return the priors and choices of the training; ConfigError if they make no sense."""
        try:
            return TrainingOptions.from_names(
                coefficients=self.coefficients,
                coefficient_scale=self.coefficient_scale,
                terms=self.terms,
                scatter=self.scatter,
                scatter_scale=self.scatter_scale,
                noise=self.noise,
                kappa=self.kappa,
                marginal=self.marginal,
                censored=self.censored,
                label_errors=self.label_errors,
                hidden=self.hidden,
            )
        except ValueError as error:
            raise ConfigError(str(error)) from error


@dataclass(frozen=True)
class LabelConfig:
    """Section ``[label]``: labelling every star of the store."""

    starts: int = 7
    seed: int = 0
    catalogue: str = "catalogue.fits"
    prior: str = "flat"
    posterior: bool = False
    draws: int = 1000

    def __post_init__(self) -> None:
        _require(self.prior in LABEL_PRIORS, f"prior must be one of {', '.join(LABEL_PRIORS)}", self.prior)
        _require(self.draws >= 100, "draws must be at least 100", self.draws)
        _require(self.starts >= 1, "starts must be at least 1", self.starts)
        _require(self.seed >= 0, "seed must not be negative", self.seed)


@dataclass(frozen=True)
class ValidateConfig:
    """Section ``[validate]``: folds and the S/N of the second selection."""

    folds: int = 8
    snr_min: float = 50.0

    def __post_init__(self) -> None:
        _require(self.folds == 0 or self.folds >= 2, "folds must be 0 (none) or at least 2", self.folds)


@dataclass(frozen=True)
class RunConfig:
    """A whole run; relative paths are relative to the file it was read from."""

    out: str
    prepare: PrepareConfig
    labels: LabelsConfig
    train: TrainConfig = field(default_factory=TrainConfig)
    label: LabelConfig = field(default_factory=LabelConfig)
    validate: ValidateConfig = field(default_factory=ValidateConfig)
    figures: bool = True


def _require(condition: bool, expected: str, value: object) -> None:
    """Raise :class:`ConfigError` unless a value, named in `expected`, is as it must be."""
    if not condition:
        raise ConfigError(f"{expected}; got {value!r}")


_SECTIONS: dict[str, type[Any]] = {
    "prepare": PrepareConfig,
    "labels": LabelsConfig,
    "train": TrainConfig,
    "label": LabelConfig,
    "validate": ValidateConfig,
}
# what a TOML value of each annotated type is called
_TYPE_TEXT: dict[Any, str] = {
    str: "a text",
    str | None: "a text",
    int: "a whole number",
    int | None: "a whole number",
    float: "a number",
    bool: "true or false",
    list[str]: "a list of texts",
    dict[str, str]: "a table of texts",
    dict[str, list[float]]: "a table of lists of numbers",
    dict[str, list[list[float]]]: "a table of lists of pairs of numbers",
    float | None: "a number",
    str | dict[str, float] | None: "a text or a table of numbers",
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
        except ConfigError as error:
            raise ConfigError(f"[{name}] {error}") from None
    config = RunConfig(**values)
    folder = path.resolve().parent
    return replace(
        config,
        out=str(folder / config.out),
        prepare=replace(config.prepare, spectra=str(folder / config.prepare.spectra)),
        labels=replace(config.labels, table=str(folder / config.labels.table)),
    )


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
        if not _fits(value, wanted):
            raise ConfigError(f"{where}{key} must be {_TYPE_TEXT[wanted]}; got {value!r}")
    required = [name for name, item in known.items() if _required(item)]
    for name in required:
        if name not in table:
            raise ConfigError(f"{where}{name} is missing; it has no default")
    return dict(table)


def _fits(value: Any, wanted: Any) -> bool:
    """Say whether a TOML value is of an annotated type, with its members."""
    if get_origin(wanted) is UnionType:
        return any(_fits(value, member) for member in get_args(wanted))
    if get_origin(wanted) is list:
        return isinstance(value, list) and all(_fits(member, get_args(wanted)[0]) for member in value)
    if get_origin(wanted) is dict:
        return isinstance(value, dict) and all(_fits(member, get_args(wanted)[1]) for member in value.values())
    if isinstance(value, bool):
        return wanted is bool
    if wanted is float:
        return isinstance(value, int | float)
    return isinstance(value, wanted)


def _required(item: "Field[Any]") -> bool:
    return item.default is MISSING and item.default_factory is MISSING

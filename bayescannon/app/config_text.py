"""A run's configuration as commented TOML: what differs from the defaults, and every other key with its default."""

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, fields, replace
from pathlib import Path
from textwrap import wrap
from typing import Any

from bayescannon.app.config import (
    CompareConfig,
    CoverageConfig,
    EngineConfig,
    LabelConfig,
    LabelsConfig,
    PrepareConfig,
    RunConfig,
    TrainConfig,
    UncertaintiesConfig,
    ValidateConfig,
    tables_of,
)

_WIDTH = 100
_PATHS = {"spectra", "table", "grid", "redshift", "populations", "pipeline_labels", "stars", "model_stars"}
# keys without a help text of their own
_HELP = {
    "spectra": "folder or file of spectra, or a text file with one path per line",
    "table": "table with labels of the stars",
    "catalogue": "catalogue of labels; the ending chooses the format: .fits .ecsv .parquet .vot .mrt",
}
_SAID = {
    "prepare": "spectra in, store out",
    "labels": "the trusted labels of Survey A, and how spectra find theirs",
    "train": "the reference set, and what the training assumes",
    "label": "labels of every star",
    "validate": "held-out stars against their labels",
    "uncertainties": "kinds of error of some stars; the step is done if this section is here",
    "coverage": "all scores of stars unlike the training set; the step is done if this section is here",
    "compare": "the catalogue against another table of the stars; the step is done if this section is here",
    "engine": "who does the work; results do not depend on it",
}
_KINDS: dict[str, type[Any]] = {
    "prepare": PrepareConfig, "labels": LabelsConfig, "train": TrainConfig, "label": LabelConfig,
    "validate": ValidateConfig, "uncertainties": UncertaintiesConfig, "coverage": CoverageConfig,
    "compare": CompareConfig, "engine": EngineConfig,
}  # fmt: skip


def config_text(
    config: RunConfig,
    folder: Path,
    *,
    reasons: Mapping[str, str] | None = None,
    head: Sequence[str] = (),
) -> str:
    """
    Write a configuration as TOML that :func:`bayescannon.app.config.read_config` reads back.

    Parameters
    ----------
    config : RunConfig
    folder : Path
        Where the text will be: paths in it become relative to it.
    reasons : mapping of ``"section.key"`` to str, optional
        Why a key has its value, in a comment above it.
    head : sequence of str
        Lines of comment at the beginning.

    Returns
    -------
    text : str
        A key that has its default is a comment, with its help text.
    """
    folder = folder.resolve()
    lines = [f"# {line}".rstrip() for line in head]
    lines += ["", f"out = {_value(_relative(config.out, folder))}"]
    lines += [f"figures = {_value(config.figures)}", f"report = {_value(config.report)}"]
    for name, kind in _KINDS.items():
        given = getattr(config, name)
        if name == "labels":
            tables = tables_of(given)
            heading = "[labels]" if len(tables) == 1 else "[[labels]]"
            for table in tables:
                lines += _section(heading, name, kind, table, folder, reasons or {})
        elif given is not None:
            lines += _section(f"[{name}]", name, kind, given, folder, reasons or {})
        else:
            lines += ["", f"# [{name}]"]
            lines += _comment(_SAID[name], "#   ")
            lines += [line if line.startswith("#") else f"# {line}" for line in _fields(name, kind, None, folder, {})]
    return "\n".join(lines).lstrip("\n") + "\n"


def absolute_paths(config: RunConfig) -> RunConfig:
    """Return the configuration with absolute paths of the results, the spectra and the tables of labels."""
    tables = tuple(replace(one, table=os.path.abspath(one.table)) for one in tables_of(config.labels))  # noqa: PTH100
    labels = tables[0] if isinstance(config.labels, LabelsConfig) else tables
    spectra = os.path.abspath(config.prepare.spectra)  # noqa: PTH100
    return replace(
        config, out=os.path.abspath(config.out), prepare=replace(config.prepare, spectra=spectra),  # noqa: PTH100
        labels=labels,
    )  # fmt: skip


def changed_lines(text: str) -> str:
    """Return the lines of a configuration that are no comments: what differs from the defaults."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    # a heading without a key under it says nothing
    kept = [line for line, after in zip(lines, [*lines[1:], "["], strict=True)
            if not (line.startswith("[") and after.startswith("["))]  # fmt: skip
    return "\n".join(f"\n{line}" if line.startswith("[") else line for line in kept) + "\n"


def _section(
    heading: str, name: str, kind: type[Any], given: Any, folder: Path, reasons: Mapping[str, str]
) -> list[str]:
    return ["", heading, *_comment(_SAID[name]), *_fields(name, kind, given, folder, reasons)]


def _fields(section: str, kind: type[Any], given: Any, folder: Path, reasons: Mapping[str, str]) -> list[str]:
    """Return the lines of the keys of a section: those without a default first, then those that differ, then others."""
    required, changed, usual = [], [], []
    filled = _filled(given)
    for item in fields(kind):
        default = _default(item)
        value = default if given is None else getattr(given, item.name)
        if item.name in _PATHS and isinstance(value, str):
            value = _relative(value, folder)
        text = item.metadata.get("help") or _HELP.get(item.name, "")
        values = item.metadata.get("values") or ()
        said = _comment(text + (f" ({' | '.join(values)})" if values else ""))
        said += _comment(f"here: {reasons[f'{section}.{item.name}']}" if f"{section}.{item.name}" in reasons else "")
        if default is MISSING and given is None:
            required += [*said, f"{item.name} = ..."]
        elif default is MISSING:
            required += [*said, f"{item.name} = {_value(value)}"]
        elif given is not None and value is not None and _plain(value) not in (_plain(default), filled.get(item.name)):
            changed += [*said, f"{item.name} = {_value(value)}"]
        else:
            usual += [*said, f"# {item.name} = {'...' if default is None else _value(default)}"]
    return [*required, *changed, *usual]


def _filled(given: Any) -> dict[str, Any]:
    """Return what a recipe or populations fill in: as keys of their own they would go before a recipe given later."""
    if not isinstance(given, TrainConfig):
        return {}
    usual = TrainConfig(recipe=given.recipe, populations=given.populations)
    names = {item.name for item in fields(usual) if item.default is None} - {"recipe", "populations"}
    return {name: _plain(getattr(usual, name)) for name in names}


def _default(item: "Field[Any]") -> Any:
    return item.default if item.default_factory is MISSING else item.default_factory()


def _plain(value: Any) -> Any:
    """Return lists for tuples, so that values that TOML writes alike are equal."""
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


def _relative(path: str, folder: Path) -> str:
    """Return an existing path below the folder, or beside it, relative to it; others, and what is no path, as it is."""
    if not os.path.isabs(path):  # noqa: PTH117, as a list of names may be too long for a Path
        return path
    try:
        return str(Path(path).relative_to(folder))
    except ValueError:
        return path


def _value(value: Any) -> str:
    """Write a value as TOML."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        # TOML's basic strings are JSON's, but for DEL
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, float):
        return ("-inf" if value < 0 else "inf") if math.isinf(value) else repr(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_value(one)}" for key, one in value.items()) + " }"
    return "[" + ", ".join(_value(one) for one in value) + "]"


def _comment(text: str, begin: str = "# ") -> list[str]:
    return [f"{begin}{line}" for line in wrap(text, _WIDTH)]

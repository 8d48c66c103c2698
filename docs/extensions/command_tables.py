"""The options of every command, from the parser; the keys of a configuration, from the classes of choices."""

import argparse
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields
from typing import Any

from markdown_tables import cell, code, table

from bayescannon.app.cli_parser import build_parser
from bayescannon.app.config import _OPTIONAL, _SECTIONS, RunConfig
from bayescannon.numerics.annotated import type_text


def commands() -> dict[str, argparse.ArgumentParser]:
    """Return the parser of every command by its name."""
    groups = (action for action in build_parser()._actions if isinstance(action, argparse._SubParsersAction))
    return dict(next(groups).choices)


def command_line() -> str:
    """Return a section for each command: what it does, and its options with defaults."""
    parts = []
    for name, parser in commands().items():
        rows = [row for action in parser._actions if (row := _option(action))]
        said = parser.description or ""
        needed = " ".join(_shown(action) for action in parser._actions if not action.option_strings)
        parts += [
            f"### `bayescannon {name}`",
            f"{cell(said[:1].upper() + said[1:])}.",
            code(f"bayescannon {name} {needed}".strip()),
            table(("option", "default", "meaning"), rows),
        ]
    return "\n\n".join(parts)


def _shown(action: argparse.Action) -> str:
    """Return how an argument without a flag is shown: by its name for the reader, or by its values."""
    shown = action.metavar or "|".join(map(str, action.choices or ())) or action.dest.upper()
    several = " ..." if action.nargs in ("+", "*") else ""
    return f"{shown}{several}"


def _option(action: argparse.Action) -> tuple[str, str, str] | None:
    if action.help in (argparse.SUPPRESS, None) or isinstance(action, argparse._HelpAction):
        return None
    value = ""
    if action.nargs != 0 and action.option_strings:
        value = f" {action.metavar or '|'.join(map(str, action.choices or ())) or action.dest.upper()}"
    name = (", ".join(action.option_strings) or str(action.metavar or action.dest)) + value
    empty = action.default is None or action.default is False or action.default in ([], {}, argparse.SUPPRESS)
    return code(name), "" if empty else code(_plain(action.default)), cell(action.help.replace("%%", "%"))


def _plain(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def configuration() -> str:
    """Return a section for each table of a configuration: its keys, with types, defaults and meanings."""
    head = "### At the top"
    first = [item for item in fields(RunConfig) if item.name not in _SECTIONS]
    meaning = {
        "out": "folder for all that the run writes",
        "figures": "draw figures",
        "report": "write a page of the run",
    }
    parts = [head, table(("key", "type", "default", "meaning"), [_key(item, meaning[item.name]) for item in first])]
    for name, kind in _SECTIONS.items():
        said = " ".join((kind.__doc__ or "").split()).partition(": ")[2]
        parts += [f"### `[{name}]`", cell(said[0].upper() + said[1:])]
        parts.append(table(("key", "type", "default", "meaning"), list(_keys(kind))))
    parts.append(f"The steps {', '.join(f'`[{name}]`' for name in _OPTIONAL)} are done if the file has their tables.")
    return "\n\n".join(parts)


# of keys that are no options of a command, but its arguments
_ARGUMENTS = {
    "spectra": "folder, or a text file with one path per line",
    "table": "table of labels",
    "catalogue": "file of the catalogue, in `out`; the ending chooses the format",
}


def _keys(kind: type[Any]) -> Iterator[tuple[str, str, str, str]]:
    for item in fields(kind):
        yield _key(item, item.metadata.get("help") or _ARGUMENTS[item.name])


def _key(item: "Field[Any]", meaning: str) -> tuple[str, str, str, str]:
    default: Any = item.default
    if default is MISSING:
        default = item.default_factory() if item.default_factory is not MISSING else "needed"
    said = "" if default is None or default in ({}, []) else _plain(default)
    said = said.lower() if isinstance(default, bool) else said
    values = item.metadata.get("values")
    kind = " \\| ".join(values) if values else cell(type_text(item.type))
    return code(item.name), kind, cell(said), cell(meaning)

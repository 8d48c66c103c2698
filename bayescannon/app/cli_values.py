"""How the command line reads the values of its options."""

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

from bayescannon.cannon.choices import AUTO, EXACT_LABELS, FROM_TABLE, LEARN


class _KeepRange(argparse.Action):
    """Collect NAME=LOW:HIGH; the last range of a label counts."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:  # noqa: ARG002
        name, bounds = values
        setattr(namespace, self.dest, {**getattr(namespace, self.dest), name: bounds})


class _AddRange(argparse.Action):
    """Collect NAME=LOW:HIGH; a label may have several ranges."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:  # noqa: ARG002
        name, bounds = values
        known = getattr(namespace, self.dest)
        setattr(namespace, self.dest, {**known, name: [*known.get(name, []), bounds]})


class _AddDefinition(argparse.Action):
    """Collect the definitions of labels."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:  # noqa: ARG002
        name, definition = values
        setattr(namespace, self.dest, {**(getattr(namespace, self.dest) or {}), name: definition})


def count(text: str) -> int:
    """Read a whole number that is not negative."""
    try:
        value = int(text)
        if value < 0:
            raise ValueError
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a whole number from 0 up; got {text!r}") from None
    return value


def named_counts(text: str) -> dict[str, int]:
    """Read NAME=N,NAME=N; no name may be given twice."""
    return {name: count(value) for name, value in columns_of(text).items()}


def names_of(text: str) -> list[str]:
    """Read names that are separated by commas."""
    return [name.strip() for name in text.split(",") if name.strip()]


def columns_of(text: str) -> dict[str, str]:
    """Read NAME=...,NAME=...; no name may be given twice."""
    pairs = [item.partition("=") for item in text.split(",") if item.strip()]
    if not all(name.strip() and column.strip() for name, _, column in pairs):
        raise argparse.ArgumentTypeError(f"expected NAME=...,NAME=...; got {text!r}")
    names = [name.strip() for name, _, _ in pairs]
    if len(set(names)) < len(names):
        raise argparse.ArgumentTypeError(f"a name is given twice; got {text!r}")
    return {name.strip(): column.strip() for name, _, column in pairs}


def _missing(text: str) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for item in text.split(","):
        name, _, value = item.partition("=")
        try:
            values = [] if value.strip().lower() == "none" else [float(value)]
        except ValueError:
            raise argparse.ArgumentTypeError(f"expected NAME=VALUE,... as fe_h=0, or NAME=none; got {text!r}") from None
        found.setdefault(name.strip(), []).extend(values)
    return found


def _definition(text: str) -> tuple[str, dict[str, str]]:
    from bayescannon.data.label_definitions import read_definition
    from bayescannon.numerics.errors import InputError

    try:
        return read_definition(text)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _label_errors(text: str) -> str | dict[str, float]:
    text = text.strip()
    if text in (FROM_TABLE, LEARN, AUTO, EXACT_LABELS):
        return text
    return values_of(text, "table, learn, auto, none, or NAME=ERROR,... as teff=90,logg=0.11")


def values_of(text: str, expected: str = "NAME=VALUE,... as teff=4800,logg=2.5") -> dict[str, float]:
    """Read NAME=NUMBER,...; `expected` is what an error message says."""
    try:
        return {name: float(value) for name, value in columns_of(text).items()}
    except (ValueError, argparse.ArgumentTypeError):
        raise argparse.ArgumentTypeError(f"expected {expected}; got {text!r}") from None


def count_or_auto(text: str) -> int | str:
    """Read a number of hidden components, or auto."""
    try:
        return AUTO if text.strip() == AUTO else count(text)
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f"{error}; or {AUTO}") from None


def _number_or_path(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _numbers(text: str) -> list[float]:
    """Read numbers that are separated by commas; inf is one."""
    try:
        return [float(one) for one in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected numbers as 0,30,50,inf; got {text!r}") from None


def _range(text: str) -> tuple[str, list[float]]:
    name, _, bounds = text.partition("=")
    low, colon, high = bounds.partition(":")
    try:
        if not (name and colon):
            raise ValueError
        return name, [float(low or "-inf"), float(high or "inf")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected NAME=LOW:HIGH, for instance teff=4000:5500; got {text!r}") from None


# fields whose options add to an empty collection; the defaults of others made anew stay with their class
EMPTY_BY_DEFAULT = (
    "columns", "units", "missing", "define", "keep", "censored", "at", "columns_a", "columns_b", "units_a", "units_b",
    "pipeline_columns", "also",
)  # fmt: skip
# how the text of an option is read, by the type of its field or, where that is not enough, by its name
READERS: dict[Any, dict[str, Any]] = {
    int: {"type": count},
    float: {"type": float},
    str: {},
    Sequence: {"type": names_of},
    Mapping: {"type": columns_of},
    "missing": {"type": _missing},
    "define": {"type": _definition, "action": _AddDefinition},
    "keep": {"type": _range, "action": _KeepRange},
    "censored": {"type": _range, "action": _AddRange},
    "label_errors": {"type": _label_errors},
    "hidden": {"type": count_or_auto},
    "at": {"type": values_of},
    "redshift": {"type": _number_or_path},
    "snr_edges": {"type": _numbers},
    "also": {"action": "append"},
}

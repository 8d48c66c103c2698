"""Labels of one's own as plain values: from TOML, from the command line, in a model's file."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np

from bayescannon.data.labels import KNOWN_LABELS, Label, LabelError, register_label

# what a definition may say; the paper's numbers are of the paper's labels
_KEYS = tuple(item.name for item in fields(Label) if item.name not in ("name", "published"))


def define_labels(definitions: Mapping[str, Mapping[str, Any]]) -> tuple[Label, ...]:
    """
    Make labels known, as ``[labels.define]`` of a TOML file or ``--define`` of the command line describe them.

    Parameters
    ----------
    definitions : mapping of label name to mapping
        With ``unit``, and if wanted ``symbol``, ``description``, ``digits``, ``log_of``, ``lowest`` and ``highest``, as
        the attributes of :class:`~bayescannon.data.labels.Label`.

    Raises
    ------
    LabelError
        A key is not known, the unit is missing, or another label has the name.

    Examples
    --------
    >>> from bayescannon.data.label_definitions import define_labels
    >>> define_labels({"age": {"unit": "Gyr", "description": "stellar age", "lowest": 0}})
    (<Label age [Gyr]: stellar age>,)
    """
    made = []
    for name, values in definitions.items():
        unknown = [key for key in values if key not in _KEYS]
        if unknown:
            raise LabelError(f"the definition of label {name!r} has {unknown[0]!r}; it may have {', '.join(_KEYS)}")
        if "unit" not in values:
            raise LabelError(f"the definition of label {name!r} has no unit; give unit = 'dex', or '' if it has none")
        made.append(register_label(Label(name, **values)))
    return tuple(made)


def read_definition(text: str) -> tuple[str, dict[str, str]]:
    """
    Read ``NAME:UNIT``, ``NAME:UNIT:DESCRIPTION`` of the command line.

    Raises
    ------
    LabelError
        The text is of another form.

    Examples
    --------
    >>> from bayescannon.data.label_definitions import read_definition
    >>> read_definition("ba_fe:dex:barium abundance")
    ('ba_fe', {'unit': 'dex', 'description': 'barium abundance'})
    """
    name, colon, rest = text.partition(":")
    unit, _, description = rest.partition(":")
    if not (name.strip() and colon):
        raise LabelError(f"expected NAME:UNIT or NAME:UNIT:DESCRIPTION, as ba_fe:dex; got {text!r}")
    values = {"unit": unit.strip()}
    return name.strip(), values | ({"description": description.strip()} if description.strip() else {})


def definitions_of(labels: Sequence[Label]) -> dict[str, dict[str, Any]]:
    """
    Describe labels as plain values that JSON holds; an open end of a range is left out.

    Examples
    --------
    >>> from bayescannon.data.labels import Label
    >>> definitions_of([Label("ba_fe", "dex")])["ba_fe"]
    {'symbol': '[Ba/Fe]', 'unit': 'dex', 'description': '[Ba/Fe]', 'digits': 3, 'log_of': ''}
    """
    plain = {label.name: {key: getattr(label, key) for key in _KEYS} for label in labels}
    return {
        name: {key: value for key, value in values.items() if isinstance(value, str) or np.isfinite(value)}
        for name, values in plain.items()
    }


def restore_labels(definitions: Mapping[str, Mapping[str, Any]], source: str) -> None:
    """
    Make the labels of a file known; those that are known already must have the same unit.

    Parameters
    ----------
    definitions : mapping
        As :func:`definitions_of` gives them.
    source : str
        Name of the file, for messages.

    Raises
    ------
    LabelError
        A label of the same name but another unit is known.
    """
    for name, values in definitions.items():
        known = KNOWN_LABELS.get(name)
        if known is None:
            register_label(Label(name, **{key: value for key, value in values.items() if key in _KEYS}))
            continue
        there = replace(known, **{key: values[key] for key in ("unit", "log_of") if key in values})
        if there != known:
            raise LabelError(
                f"label {name!r} of {source} is in {values.get('unit') or 'no unit'}, and the label of this name that "
                f"is known here in {known.unit or 'no unit'}: {known!r}; give your own label another name"
            )

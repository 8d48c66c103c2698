"""What a class of choices is made of: fields with their defaults, values and help, which are checked."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Self

from bayescannon.numerics.annotated import fits_type, type_text
from bayescannon.numerics.errors import InputError


class ChoiceError(InputError):
    """A choice that cannot be used; the message names it and says what it may be."""


def choice(
    default: Any,
    help: str,
    *,
    values: Sequence[str] = (),
    least: float | None = None,
    metavar: str | None = None,
    flag: str | None = None,
    group: str | None = None,
    alone: str | None = None,
) -> Any:
    """
    Declare a field of a class of choices.

    Parameters
    ----------
    default : value or callable
        A callable makes the default anew for each object.
    help : str
        For the command line and for error messages.
    values : sequence of str
        The values that it may have; any unless given.
    least : float, optional
        The smallest number that it may be.
    metavar : str, optional
        How the command line shows its value.
    flag : str, optional
        Name on the command line, if it is not the field's.
    group : str, optional
        Heading under which the command line's help shows it.
    alone : str, optional
        The value of the command line's option without a value.
    """
    metadata = {"help": help, "values": tuple(values), "least": least, "metavar": metavar, "flag": flag, "group": group}
    metadata["alone"] = alone
    if callable(default):
        return field(default_factory=default, metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Choices:
    """Above all classes of choices: values are checked against what their fields allow."""

    def __post_init__(self) -> None:
        for item in fields(self):
            value, rule = getattr(self, item.name), item.metadata
            if not fits_type(value, item.type):
                raise ChoiceError(f"{item.name} must be {type_text(item.type)}; got {value!r}")
            if value is None or not rule:
                continue
            if rule["values"] and value not in rule["values"]:
                raise ChoiceError(f"{item.name} must be one of {', '.join(rule['values'])}; got {value!r}")
            if rule["least"] is not None and not value >= rule["least"]:
                raise ChoiceError(f"{item.name} must be at least {rule['least']:g}; got {value!r}")

    @classmethod
    def of(cls, *sources: Any, **more: Any) -> Self:
        """
        Take choices from the attributes of objects, the first that has one, and further fields by name.

        What none of them has, or has as None only, keeps its default.
        """
        found: dict[str, Any] = {}
        for item in fields(cls):
            values = (getattr(source, item.name, None) for source in sources)
            found[item.name] = next((value for value in values if value is not None), None)
        return cls(**{name: value for name, value in {**found, **more}.items() if value is not None})

"""Templates, styles and programs of a page, from the files of the package."""

from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

_PACKAGE = "bayescannon.app.report"


@cache
def template(name: str) -> Any:
    """Return a template that takes every value as a text, not as HTML, and refuses a name without a value."""
    environment = Environment(loader=PackageLoader(_PACKAGE), autoescape=True, undefined=StrictUndefined,
                              trim_blocks=True, lstrip_blocks=True)  # fmt: skip
    return environment.get_template(name)


@cache
def own_text(name: str) -> Markup:
    """Return a style or a program of the package, for a page as it is."""
    return Markup((files(_PACKAGE) / "templates" / name).read_text(encoding="utf-8"))

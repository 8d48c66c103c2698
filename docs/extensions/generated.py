"""
Sphinx extension: text that is made from the code when the documentation is built.

A page has a block

    ```{generated} NAME
    ```

in place of which the markdown of that name is read. `api` blocks hold public names, one per line, whose docstrings are
read in their place.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from catalogue_tables import catalogue
from command_tables import command_line, configuration
from model_tables import model
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from store_tables import store

ROOT = Path(__file__).resolve().parents[2]
_BLOCK = re.compile(r"^```\{(generated|api)\} ?(\S*)\n(.*?)^```$", re.M | re.S)


def example() -> str:
    """Return the example of the README, which is its home."""
    code = (ROOT / "README.md").read_text("utf-8").partition("```python\n")[2].partition("```")[0]
    return f"```python\n{code}```"


def section_of_readme(heading: str) -> str:
    """Return a section of the README, which is its home, with links for a page of the top of `docs`."""
    text = (ROOT / "README.md").read_text("utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return text.strip("\n").replace("](docs/", "](")


def real_surveys() -> str:
    """Return the commands for real surveys, without the pointer to the page that they are on."""
    return section_of_readme("Real surveys").partition(" More, and")[0]


TEXTS: dict[str, Callable[[], str]] = {
    "example": example,
    "install": lambda: section_of_readme("Install"),
    "real_surveys": real_surveys,
    "catalogue": catalogue,
    "command_line": command_line,
    "configuration": configuration,
    "model": model,
    "store": store,
}


def api(module: str, names: str) -> str:
    """Return the directives that show the docstrings of public names, under a table of their first sentences."""
    import bayescannon
    import bayescannon.figures

    home = {"bayescannon": bayescannon, "bayescannon.figures": bayescannon.figures}[module]
    listed, shown = [], []
    for name in names.split():
        listed.append(f"   {module}.{name}")
        kind = "autoclass" if isinstance(getattr(home, name), type) else "autofunction"
        members = "   :members:\n" if kind == "autoclass" else ""
        shown.append(f".. {kind}:: {module}.{name}\n{members}")
    lines = [".. autosummary::", "   :nosignatures:", "", *listed, "", *shown]
    return "```{eval-rst}\n" + "\n".join(lines) + "\n```"


def replaced(text: str) -> str:
    """Return a page with the generated text in place of its blocks."""

    def block(found: re.Match[str]) -> str:
        kind, name, body = found.groups()
        if kind == "api":
            return api(name, body)
        if name not in TEXTS:
            raise ExtensionError(f"no generated text {name!r}; expected one of {', '.join(TEXTS)}")
        return TEXTS[name]()

    return _BLOCK.sub(block, text)


def _read(_app: Sphinx, _name: str, source: list[str]) -> None:
    source[0] = replaced(source[0])


def setup(app: Sphinx) -> dict[str, Any]:
    """Let pages of markdown be read with what is generated."""
    app.connect("source-read", _read)
    return {"parallel_read_safe": True}

"""
Sphinx extension: links to lines of the package's code.

``{line}`models/label_vector.py:label_vector``` links to the line of a function, class, method (`Class.method`) or value
of a module. A page with the module's code is made for each that is linked to. What is not there is a warning, which
ends the build.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst.states import Inliner
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer
from sphinx.application import Sphinx

PACKAGE = Path(__file__).resolve().parents[2] / "bayescannon"


@cache
def lines_of(file: str) -> dict[str, int]:
    """Return the line of every name that a module of the package defines, methods as ``Class.method``."""
    found: dict[str, int] = {}
    definitions = ast.FunctionDef | ast.ClassDef
    for node in ast.parse((PACKAGE / file).read_text("utf-8")).body:
        if isinstance(node, definitions):
            found[node.name] = node.lineno
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{one.name}": one.lineno for one in node.body if isinstance(one, definitions)}
        if isinstance(node, ast.Assign):
            found |= {one.id: node.lineno for one in node.targets if isinstance(one, ast.Name)}
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found[node.target.id] = node.lineno
    return found


def line_of(target: str) -> tuple[str, str, int]:
    """
    Return the file, the name and the line of ``FILE:NAME``.

    Raises
    ------
    LookupError
        There is no such file, or nothing of that name in it.
    """
    file, _, name = target.partition(":")
    if not (PACKAGE / file).is_file():
        raise LookupError(f"no file {file} in the package; expected FILE:NAME")
    if name not in lines_of(file):
        raise LookupError(f"{file} has no {name!r}")
    return file, name, lines_of(file)[name]


def _page(file: str) -> str:
    return f"code/{file.removesuffix('.py')}"


def _role(
    _name: str, rawtext: str, text: str, lineno: int, inliner: Inliner, options: Any = None, content: Any = None
) -> tuple[list[nodes.Node], list[nodes.system_message]]:
    try:
        file, name, line = line_of(text)
    except LookupError as error:
        said = inliner.reporter.error(str(error), line=lineno)
        return [inliner.problematic(rawtext, rawtext, said)], [said]
    env = inliner.document.settings.env
    uri = f"{env.app.builder.get_relative_uri(env.docname, _page(file))}#line-{line}"
    shown = nodes.literal("", name, classes=["code-line"])
    return [nodes.reference("", "", shown, refuri=uri, internal=True, reftitle=f"{file}, line {line}")], []


def _files(app: Sphinx) -> list[str]:
    """Return the files that pages link to; all that any page names, as their links are in the sources."""
    import re

    pages = (Path(app.env.doc2path(name)) for name in app.env.found_docs)
    text = "".join(page.read_text("utf-8") for page in pages if page.suffix == ".md")
    return sorted({found.partition(":")[0] for found in re.findall(r"\{line\}`([^`]+)`", text)})


def _pages(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    formatter = HtmlFormatter(linenos="inline", lineanchors="line", anchorlinenos=True, wrapcode=True)
    for file in _files(app):
        code = highlight((PACKAGE / file).read_text("utf-8"), PythonLexer(), formatter)
        yield _page(file), {"title": f"bayescannon/{file}", "body": f"<h1>bayescannon/{file}</h1>{code}"}, "page.html"


def setup(app: Sphinx) -> dict[str, Any]:
    """Add the role, and the pages with code."""
    app.add_role("line", _role)
    app.connect("html-collect-pages", _pages)
    return {"parallel_read_safe": True}

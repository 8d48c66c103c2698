"""
Sphinx extension: links to lines of the package's code.

``{line}`models/label_vector.py:label_vector``` links to the line of a function, class, method (`Class.method`) or value
of a module. Docstrings that name something of the package link to its description, if it is public, and else to its
line. A page with a module's code is made for each that is linked to. What is not there is a warning, which ends the
build.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from docutils import nodes
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxRole
from sphinx.util.nodes import make_refnode

from bayescannon import _HOME

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
            names = (one for target in node.targets for one in ast.walk(target) if isinstance(one, ast.Name))
            found |= {one.id: node.lineno for one in names}
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


class _Line(SphinxRole):
    """The role: FILE:NAME becomes NAME, linked to its line."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Make the link, or the error."""
        try:
            file, name, line = line_of(self.text)
        except LookupError as error:
            said = self.inliner.reporter.error(str(error), line=self.lineno)
            return [self.inliner.problematic(self.rawtext, self.rawtext, said)], [said]
        shown = nodes.literal("", name, classes=["code-line"])
        return [_reference(self.env, self.env.docname, file, line, shown)], []


def _reference(env: BuildEnvironment, page: str, file: str, line: int, shown: nodes.Node) -> nodes.reference:
    _files(env).add(file)
    uri = f"{env.app.builder.get_relative_uri(page, _page(file))}#line-{line}"
    return nodes.reference("", "", shown, refuri=uri, internal=True, reftitle=f"{file}, line {line}")


def _files(env: BuildEnvironment) -> set[str]:
    """Return the files that are linked to, which the environment keeps from build to build."""
    if not hasattr(env, "bayescannon_code_files"):
        env.bayescannon_code_files = set()  # type: ignore[attr-defined]
    found: set[str] = env.bayescannon_code_files
    return found


def place_of(target: str) -> tuple[str, int] | None:
    """Return the file and line of a dotted name of the package, such as ``bayescannon.data.flags.ResultFlag``."""
    parts = target.removeprefix("bayescannon.").split(".")
    for n in range(len(parts), 0, -1):
        name = ".".join(parts[n:])
        for file in ("/".join(parts[:n]) + ".py", "/".join(parts[:n]) + "/__init__.py"):
            if (PACKAGE / file).is_file() and (not name or name in lines_of(file)):
                return file, lines_of(file)[name] if name else 1
    return None


def _resolve(
    app: Sphinx, env: BuildEnvironment, node: addnodes.pending_xref, shown: nodes.TextElement
) -> nodes.reference | None:
    """Link a name of the package that no page describes: by its public name, or to its line of code."""
    target = str(node.get("reftarget", ""))
    if node.get("refdomain") != "py":
        return None
    home, _, name = target.removeprefix("bayescannon.").rpartition(".")
    public = {"bayescannon": _HOME.get(name) == home, "bayescannon.figures": home.startswith("figures.")}
    for module, is_it in public.items():
        # docstrings name what is in their own module without it
        known = env.domains["py"].objects.get(f"{module}.{name}") if is_it or not home else None  # type: ignore[attr-defined]
        if known is not None:
            return make_refnode(app.builder, node["refdoc"], known.docname, known.node_id, shown, name)
    if not target.startswith("bayescannon."):
        return None
    place = place_of(target)
    return None if place is None else _reference(env, node["refdoc"], *place, shown)


def _pages(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    formatter = HtmlFormatter(linenos="inline", lineanchors="line", anchorlinenos=True, wrapcode=True)
    for file in sorted(_files(app.env)):
        code = highlight((PACKAGE / file).read_text("utf-8"), PythonLexer(), formatter)
        yield _page(file), {"title": f"bayescannon/{file}", "body": f"<h1>bayescannon/{file}</h1>{code}"}, "page.html"


def setup(app: Sphinx) -> dict[str, Any]:
    """Add the role, and the pages with code."""
    app.add_role("line", _Line())
    app.connect("missing-reference", _resolve)
    app.connect("html-collect-pages", _pages)
    return {"parallel_read_safe": False, "parallel_write_safe": False}

"""Where the command line prints: nothing that comes from a file reaches a terminal as an escape code."""

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from bayescannon.data.display import as_message, visible

if TYPE_CHECKING:
    from rich.console import Console

# wider than any table: what reads a pipe or a file wants a row on one line
_PIPE_WIDTH = 10_000
# columns that a table gets beyond its narrowest form, so that labels and their units stay together
_MARGIN = 12
# whether commands print nothing on standard output: set by set_quiet
_is_quiet = False


def set_quiet(quiet: bool) -> bool:
    """Let the consoles made from now on print nothing, or let them print; return whether they printed nothing."""
    global _is_quiet
    before, _is_quiet = _is_quiet, quiet
    return before


def complain(text: str) -> None:
    """Print a line of this package on standard error."""
    print(f"bayescannon: {as_message(text)}", file=sys.stderr)


def print_foreign(text: str) -> None:
    """Print text of another origin, such as a traceback or the warning of a library, on standard error."""
    print(visible(text.rstrip("\n")), file=sys.stderr)


def make_console(*, stderr: bool = False, force_terminal: bool | None = None) -> "Console":
    """
    Make a console of rich that writes controls in what it is given as escapes; colours and bars are its own.

    Where the output is no terminal, every row of a table is one line. On a terminal that is narrower than a table, the
    terminal breaks the lines, and no number is cut.

    Parameters
    ----------
    stderr : bool
        Print on standard error.
    force_terminal : bool, optional
        Take it for a terminal, or not, whatever it is.
    """
    # imported here so that --help is quick
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.measure import Measurement
    from rich.segment import Segment
    from rich.table import Table
    from rich.text import Text

    class VisibleConsole(Console):
        """A console that filters text before it is laid out, and again while styles are not codes yet."""

        def print(self, *objects: Any, **options: Any) -> None:
            wide = self.options.update(width=_PIPE_WIDTH)
            needed = [Measurement.get(self, wide, one).minimum for one in objects if isinstance(one, Table)]
            width, own = max(needed, default=0) + _MARGIN, self._width
            if not needed or not self.is_terminal or width <= self.width:
                super().print(*objects, **options)
                return
            self._width = width
            try:
                super().print(*objects, crop=False, **options)
            finally:
                self._width = own

        def render_str(self, text: str, **options: Any) -> Text:
            return super().render_str(visible(text), **options)

        def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
            for segment in super().render(renderable, options):
                yield segment if segment.control else Segment(visible(segment.text), segment.style)

    chosen: dict[str, Any] = {"stderr": stderr, "force_terminal": force_terminal, "quiet": _is_quiet}
    console = VisibleConsole(**chosen)
    return console if console.is_terminal else VisibleConsole(**chosen, width=_PIPE_WIDTH)

"""Where the command line prints: nothing that comes from a file reaches a terminal as an escape code."""

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from bayescannon.data.display import as_message, visible

if TYPE_CHECKING:
    from rich.console import Console


def complain(text: str) -> None:
    """Print a line of this package on standard error."""
    print(f"bayescannon: {as_message(text)}", file=sys.stderr)


def print_foreign(text: str) -> None:
    """Print text of another origin, such as a traceback or the warning of a library, on standard error."""
    print(visible(text.rstrip("\n")), file=sys.stderr)


def make_console(*, stderr: bool = False, force_terminal: bool | None = None) -> "Console":
    """
    Make a console of rich that writes controls in what it is given as escapes; colours and bars are its own.

    Parameters
    ----------
    stderr : bool
        Print on standard error.
    force_terminal : bool, optional
        Take it for a terminal, or not, whatever it is.
    """
    # imported here so that --help is quick
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.segment import Segment
    from rich.text import Text

    class VisibleConsole(Console):
        """A console that filters text before it is laid out, and again while styles are not codes yet."""

        def render_str(self, text: str, **options: Any) -> Text:
            return super().render_str(visible(text), **options)

        def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
            for segment in super().render(renderable, options):
                yield segment if segment.control else Segment(visible(segment.text), segment.style)

    chosen: dict[str, Any] = {"stderr": stderr, "force_terminal": force_terminal}
    return VisibleConsole(**chosen)

"""Progress of long work: a bar on a terminal or in a notebook, a function that the caller gives, or nothing."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

# called with (done, total)
Report = Callable[[int, int], None]
# None: a bar on a terminal or in a notebook; True: always a bar; False: never; a function is called
Progress = Report | bool | None


@contextmanager
def reporting(progress: Progress, description: str) -> Iterator[Report]:
    """
    Provide a function of (done, total) that reports progress in the way that `progress` chooses.

    Parameters
    ----------
    progress : callable, bool or None
        A function is called with (done, total). True draws a bar on standard error, None does so on a terminal or in a
        notebook that has ipywidgets only, and False reports nothing.
    description : str
        Text beside the bar.
    """
    if callable(progress):
        yield progress
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    console = Console(stderr=True, force_terminal=True if progress else None)
    hidden = progress is False or (progress is None and not can_draw(console))
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bars(*columns, console=console, transient=True, disable=hidden) as bars:
        task = bars.add_task(description, total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)


def can_draw(console: "Console") -> bool:
    """
    Tell whether a bar can be drawn where a console writes to: on a terminal, or in a notebook that has ipywidgets.

    A notebook sets FORCE_COLOR, by which rich takes the output of a command in a cell for a terminal, and without
    ipywidgets rich warns at every step of a bar.
    """
    if console.is_jupyter:
        return find_spec("ipywidgets") is not None
    return console.file.isatty()

"""Progress of long work: a bar on a terminal or in a notebook, a function that the caller gives, or nothing."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

_log = logging.getLogger(__name__)
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

    console = Console(stderr=True, force_terminal=True if progress else None)
    hidden = progress is False or (progress is None and not can_draw(console))
    with drawing(console, description, hidden=hidden) as report:
        yield report


@contextmanager
def drawing(console: "Console", description: str, *, hidden: bool = False) -> Iterator[Report]:
    """Provide a function of (done, total) that draws a bar on a console, with the rate and the time that is left."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"), TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(),
    )  # fmt: skip
    start = time.monotonic()
    with Bars(*columns, console=console, transient=True, disable=hidden) as bars:
        task = bars.add_task(description, total=None, rate="")
        last = 0

        def update(done: int, total: int) -> None:
            nonlocal last
            last = done
            bars.update(task, completed=done, total=total, rate=rate(done, time.monotonic() - start))

        yield update
    seconds = time.monotonic() - start
    _log.info("%s: %d in %.1f s%s", description, last, seconds, f", {rate(last, seconds)}" if last else "")


def rate(done: int, seconds: float) -> str:
    """
    Return how many were done per second, or per minute or hour if that is less than one.

    Examples
    --------
    >>> rate(500, 10.0), rate(3, 60.0), rate(0, 5.0), rate(1, 3600.0)
    ('50/s', '3/min', '', '1/h')
    """
    if done <= 0 or seconds <= 0:
        return ""
    for unit, length in (("s", 1), ("min", 60), ("h", 3600)):
        per = done * length / seconds
        if per >= 1 or unit == "h":
            break
    return f"{per:.3g}/{unit}" if per < 1000 else f"{per:,.0f}/{unit}"


def can_draw(console: "Console") -> bool:
    """
    Tell whether a bar can be drawn where a console writes to: on a terminal, or in a notebook that has ipywidgets.

    A notebook sets FORCE_COLOR, by which rich takes the output of a command in a cell for a terminal, and without
    ipywidgets rich warns at every step of a bar.
    """
    if console.quiet:
        return False
    if console.is_jupyter:
        return find_spec("ipywidgets") is not None
    return console.file.isatty()

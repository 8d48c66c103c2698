"""What the command line shows: progress bars, tallies and tables."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from bayescannon.labels import KNOWN_LABELS
from bayescannon.reference import TallyRow
from bayescannon.validate import LabelStatistics


@contextmanager
def progress_bar(console: Console, description: str) -> Iterator[Callable[[int, int], None]]:
    """Give a function of (done, total) that draws a bar on a terminal and nothing elsewhere."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(description, total=None)

        def update(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        yield update


def print_refused(console: Console, refused: Sequence[tuple[str, str]], *, limit: int = 20) -> None:
    """Print the table of refused files, at most `limit` rows of it."""
    if not refused:
        return
    table = Table(title=f"{len(refused)} files refused", title_justify="left")
    table.add_column("file", overflow="fold")
    table.add_column("reason", overflow="fold")
    for file, reason in refused[:limit]:
        table.add_row(escape(file), escape(reason))
    console.print(table)
    if len(refused) > limit:
        console.print(f"... and {len(refused) - limit} more; all are recorded in the store")


def print_tally(console: Console, tally: Sequence[TallyRow]) -> None:
    """Print how the reference set came about."""
    table = Table(title="Reference set", title_justify="left")
    table.add_column("step", overflow="fold")
    table.add_column("removed", justify="right")
    table.add_column("remain", justify="right")
    table.add_column("after", overflow="fold")
    for row in tally:
        table.add_row(escape(row.step), str(row.removed), str(row.remaining), row.source)
    console.print(table)


def print_statistics(console: Console, rows: Sequence[LabelStatistics], *, title: str = "Validation") -> None:
    """Print bias, scatter and pulls of every label, method and selection."""
    table = Table(title=f"{title}: inferred - reference", title_justify="left")
    for name in ("method", "selection", "label"):
        table.add_column(name)
    for name in ("stars", "failed", "bias", "scatter", "robust", "slope", "pull width"):
        table.add_column(name, justify="right")
    last = None
    for row in rows:
        group = (row.method, row.selection)
        if last is not None and group != last:
            table.add_section()
        shown = group if group != last else ("", "")
        last = group
        table.add_row(
            *shown,
            escape(f"{row.label} [{row.unit}]"),
            str(row.n_stars),
            str(row.n_failed),
            f"{format_value(row.label, row.bias)} +- {format_value(row.label, row.bias_error)}",
            format_value(row.label, row.scatter),
            format_value(row.label, row.robust_scatter),
            f"{row.slope:.2f}",
            f"{row.pull_width:.2f}",
        )
    console.print(table)


def print_beside_paper(console: Console, rows: Sequence[LabelStatistics]) -> None:
    """Print bias and scatter of every label beside the paper's (Ho et al. 2017, figure 5)."""
    title = f"{rows[0].method}, {rows[0].selection}: {rows[0].n_stars} stars, beside Ho et al. (2017) at S/N > 50"
    table = Table(title=title, title_justify="left")
    table.add_column("label")
    for name in ("bias", "paper's", "scatter", "robust", "paper's"):
        table.add_column(name, justify="right")
    for row in rows:
        published = KNOWN_LABELS[row.label].published
        table.add_row(
            escape(f"{row.label} [{row.unit}]"),
            f"{format_value(row.label, row.bias)} +- {format_value(row.label, row.bias_error)}",
            format_value(row.label, published.bias),
            format_value(row.label, row.scatter),
            format_value(row.label, row.robust_scatter),
            format_value(row.label, published.scatter),
        )
    console.print(table)


def format_value(label: str, value: float | None) -> str:
    """Format a value of a label with the decimals that are worth printing; '-' for None."""
    return "-" if value is None else f"{value:.{KNOWN_LABELS[label].digits}f}"

"""What the command line shows: progress bars, tallies and tables."""

from collections.abc import Sequence
from contextlib import AbstractContextManager

import xarray as xr
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bayescannon.app.input_check import InputCheck
from bayescannon.app.shown_tables import (
    STATISTICS_NOTE,
    ShownTable,
    budget_table,
    format_value,
    statistics_tables,
    tally_table,
)
from bayescannon.app.summary import preparation_summary
from bayescannon.cannon.hidden_result import HiddenAtlas
from bayescannon.cannon.information_result import LabelInformation
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.cannon.validation import LabelStatistics
from bayescannon.data.display import as_message
from bayescannon.data.labels import KNOWN_LABELS
from bayescannon.data.star_groups import counted
from bayescannon.data.tally import TallyRow
from bayescannon.io.prepare_report import PrepareReport
from bayescannon.numerics.progress import Report, can_draw, drawing


def say(console: Console, text: str) -> None:
    """Print a line as it is: a path in it is neither broken to the width of a page nor read as markup."""
    console.print(as_message(text), markup=False, highlight=False, soft_wrap=True)


def progress_bar(console: Console, description: str) -> AbstractContextManager[Report]:
    """Give a function of (done, total) that draws a bar on a terminal and nothing elsewhere."""
    return drawing(console, description, hidden=not can_draw(console))


def print_prepared(console: Console, report: PrepareReport) -> None:
    """Say what a preparation read, what it left out or decided, and what it refused."""
    for line in report.lines():
        say(console, line)
    print_refused(console, report.refused)
    say(console, f"{preparation_summary(report)}: {report.store}")


def print_refused(console: Console, refused: Sequence[tuple[str, str]], *, limit: int = 20) -> None:
    """Print the table of refused files, at most `limit` rows of it."""
    if not refused:
        return
    table = new_table(f"{len(refused)} files refused", "file")
    table.add_column("reason", overflow="fold")
    for file, reason in refused[:limit]:
        table.add_row(escape(file), escape(reason))
    console.print(table)
    if len(refused) > limit:
        say(console, f"... and {len(refused) - limit} more; all are recorded in the store")


def print_notes(console: Console, notes: Sequence[str]) -> None:
    """Print what was taken and dropped when a table was read, a line each."""
    for note in notes:
        say(console, f"labels: {note}")


def print_check(console: Console, check: InputCheck) -> None:
    """Print the findings of a check of the input, and in the last line whether it can be used."""
    table = new_table("Input", "topic")
    table.add_column("", no_wrap=True)
    table.add_column("found", overflow="fold")
    for finding in check.findings:
        table.add_row(finding.topic, "" if finding.verdict == "good" else finding.verdict, escape(finding.text))
    console.print(table)
    say(console, check.describe())


def print_table(console: Console, shown: ShownTable) -> None:
    """Print a table of texts; the sentence of one without rows."""
    if not shown.rows:
        say(console, shown.title)
        return
    table = new_table(shown.title, *shown.head)
    for row in shown.rows:
        table.add_row(*map(escape, row))
    console.print(table)


def print_tally(console: Console, tally: Sequence[TallyRow]) -> None:
    """Print the tally: how many spectra each step of the reference set removed and left, and whose steps they are."""
    print_table(console, tally_table(tally))
    for source in dict.fromkeys(row.source for row in tally if row.source):
        steps = [row.step.partition(":")[0] for row in tally if row.source == source]
        say(console, f"after {source}: {'; '.join(steps)}")


def print_choice(console: Console, model: TrainedModel) -> None:
    """Say what held-out stars decided on hidden components and latent labels, if they were asked."""
    if model.component_choice is not None:
        say(console, f"held-out stars: {model.component_choice.describe()}")


def print_calibration(console: Console, model: TrainedModel) -> None:
    """Say what the errors of a model's labels were calibrated on, or why they were not; the expected offsets."""
    calibration = model.calibration
    if calibration is None:
        say(console, f"errors: {model.describe_errors()}")
        return
    n_trained, n_more = model.n_stars, calibration.n_stars - model.n_stars
    stars = f"the {n_trained} of the training, each labelled by a model of the other folds"
    clipped = f", and {n_more} that the clip removed" if n_more > 0 else ""
    say(console, f"errors: calibrated on {calibration.n_stars} held-out stars ({stars}{clipped})")
    say(console, model.calibration_note)
    table = new_table("Calibrated errors of (inferred - true)", "label", "mean offset", "degrees of freedom")
    for label, bias, dof in zip(model.labels, calibration.bias * model.scaler.scale, calibration.dof, strict=True):
        table.add_row(escape(f"{label.name} [{label.unit}]"), format_value(label.name, bias), f"{dof:.1f}")
    console.print(table)


def print_statistics(console: Console, rows: Sequence[LabelStatistics]) -> None:
    """Print bias, scatter and pulls of every label, a table for each method and selection, and what they are."""
    for table in statistics_tables(rows):
        print_table(console, table)
    say(console, STATISTICS_NOTE)


def print_budget(console: Console, budget: xr.Dataset) -> None:
    """Print the median error of each kind over the stars that have it."""
    print_table(console, budget_table(budget))


def print_information(console: Console, information: LabelInformation, noise: str) -> None:
    """Print the expected errors of a star's labels, by label and against S/N, and the features that matter most."""
    labels, expected = information.labels, information.expected
    headings = [escape(f"{label.name} [{label.unit}]") for label in labels]
    at = ", ".join(f"{one.name} {format_value(one.name, x)}" for one, x in zip(labels, information.at, strict=True))
    table = new_table(f"Information at S/N {information.snr:g}: {at}", "label", "error, others known", "error")
    table.add_column("lost without", overflow="fold")
    for k, label in enumerate(labels):
        strongest = [f"{one.name} {100 * one.lost[k]:.0f} %" for one in information.strongest(label.name)]
        errors = (format_value(label.name, one[k]) for one in (information.error_known, information.error))
        table.add_row(headings[k], *errors, escape(", ".join(strongest)))
    console.print(table)
    for kind, values in (("formal", expected.formal), ("calibrated", expected.calibrated)):
        if values is not None:
            table = new_table(f"Expected {kind} errors", "S/N", *headings)
            for snr, row in zip(expected.snr, values, strict=True):
                table.add_row(f"{snr:g}", *(format_value(one.name, x) for one, x in zip(labels, row, strict=True)))
            console.print(table)
    say(
        console,
        f"S/N: as in the files' headers; noise of the pixels: {noise}; error: formal, of that noise alone; "
        "lost without: share of the information on the label that the other pixels do not have",
    )


def print_hidden(console: Console, atlas: HiddenAtlas) -> None:
    """Print what the hidden components of a model look like."""
    table = new_table("Hidden components", "component", "variance", "of scatter")
    for name in ("kind", "in", "peaks", "resembles", "costs"):
        table.add_column(name, overflow="fold")
    for one in atlas.components:
        alike = ", ".join(f"{other.name} {other.correlation:+.2f}" for other in one.resembles[:2])
        shares = (f"{100 * share:.1f} %" for share in (one.share, one.share_of_scatter))
        costs = ", ".join(f"{cost.label} {100 * cost.share:.0f} %" for cost in one.costs[:3])
        texts = (", ".join(one.notable(3)), ", ".join(one.named_peaks()), alike, costs)
        table.add_row(str(one.number), *shares, one.kind, *map(escape, texts))
    console.print(table)
    say(
        console,
        "variance: of what all components describe; of scatter: of what the labels do not describe; in: features with "
        "their share of the component's variance; peaks: what stands out from its surroundings; resembles: correlation "
        "with the spectrum's change by a label, a velocity or a wider line spread; costs: share of the formal variance "
        "of a label that it makes",
    )


def print_beside_paper(console: Console, rows: Sequence[LabelStatistics]) -> None:
    """Print bias and scatter of every label beside the paper's (Ho et al. 2017, figure 5)."""
    first = rows[0]
    stars = counted(first.n_stars, first.n_spectra)
    title = f"{first.method}, {first.selection}, {stars}, beside Ho et al. (2017) at S/N > 50"
    table = new_table(title, "label", "bias", "+-", "paper", "scatter", "robust", "paper")
    for row in rows:
        published = KNOWN_LABELS[row.label].published
        values = (row.bias, row.bias_error, published.bias, row.scatter, row.robust_scatter, published.scatter)
        table.add_row(escape(f"{row.label} [{row.unit}]"), *(format_value(row.label, value) for value in values))
    console.print(table)


def new_table(title: str, first: str, *numbers: str) -> Table:
    """Make a table whose first column is text and whose other columns are numbers."""
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column(first, overflow="fold", no_wrap=first in ("kind", "label"))
    for name in numbers:
        table.add_column(name, justify="right", no_wrap=True)
    return table

"""Tables of numbers as texts, for the terminal and for the page of a run: both show the same."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import xarray as xr

from bayescannon.cannon.catalogue_comparison import ComparedFlag
from bayescannon.cannon.compared_labels import ComparedLabel
from bayescannon.cannon.validation import LabelStatistics
from bayescannon.data.labels import KNOWN_LABELS
from bayescannon.data.star_groups import counted
from bayescannon.data.tally import TallyRow

STATISTICS_NOTE = (
    "scatter: standard deviation; robust: half of the central 68.3 %; slope: of inferred on reference labels; "
    "pull: robust width of (inferred - reference) / formal error; within e: share of stars within the calibrated "
    "error"
)
COMPARISON_NOTE = (
    "scatter: standard deviation; robust: half of the central 68.3 %; slope: of A on B, with the errors of both; "
    "pull: robust width of (A - B) / error of the difference; within e: share of stars within that error"
)


@dataclass(frozen=True)
class ShownTable:
    """
    A table of texts.

    Attributes
    ----------
    title : str
        Of a table without rows, a sentence that says why.
    head : tuple of str
    rows : tuple of tuples of str
    texts : tuple of int
        Columns that are text; the others are numbers.
    """

    title: str
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    texts: tuple[int, ...] = (0,)


def tally_table(tally: Sequence[TallyRow]) -> ShownTable:
    """Return how many spectra each step of the reference set removed and left."""
    rows = tuple((row.step, str(row.removed), str(row.remaining)) for row in tally)
    return ShownTable("Reference set: spectra that each step removed", ("step", "removed", "remain"), rows)


def statistics_tables(rows: Iterable[LabelStatistics]) -> list[ShownTable]:
    """Return bias, scatter and pulls of every label, a table for each method and selection."""
    tables = []
    for (method, selection), group in groupby(rows, key=lambda row: (row.method, row.selection)):
        members = list(group)
        first = members[0]
        if first.n_stars == 0:
            tables.append(
                ShownTable(f"{method}, {selection}: no star has such a signal-to-noise ratio, or none is known")
            )
            continue
        failed = f", {first.n_failed} failed" if first.n_failed else ""
        stars = counted(first.n_stars, first.n_spectra)
        title = f"{method}, {selection}: inferred - reference of {stars}{failed}"
        calibrated = bool(np.isfinite(first.within_error))
        last = ("within e",) if calibrated else ()
        shown = []
        for row in members:
            values = (row.bias, row.bias_error, row.scatter, row.robust_scatter)
            share = (f"{100 * row.within_error:.1f} %",) if calibrated else ()
            numbers = (format_value(row.label, value) for value in values)
            shown.append(
                (f"{row.label} [{row.unit}]", *numbers, f"{row.slope:.2f}", f"{row.pull_width:.2f}", *share)
            )  # fmt: skip
        head = ("label", "bias", "+-", "scatter", "robust", "slope", "pull", *last)
        tables.append(ShownTable(title, head, tuple(shown)))
    return tables


def comparison_tables(rows: Sequence[ComparedLabel], flags: Sequence[ComparedFlag]) -> list[ShownTable]:
    """Return how the labels of two catalogues differ, a table for each selection, and their flags."""
    tables = []
    head = ("label", "stars", "bias", "+-", "scatter", "robust", "slope", "+-", "pull", "within e")
    for selection in dict.fromkeys(row.selection for row in rows):
        shown = []
        for row in rows:
            if row.selection != selection or not row.n_stars:
                continue
            numbers = (row.bias, row.bias_error, row.scatter, row.robust_scatter)
            shown.append(
                (
                    f"{row.label} [{row.unit}]", str(row.n_stars), *(format_value(row.label, one) for one in numbers),
                    f"{row.slope:.3f}", f"{row.slope_error:.3f}", f"{row.pull_width:.2f}",
                    f"{100 * row.within_error:.1f} %",
                )
            )  # fmt: skip
        if shown:
            tables.append(ShownTable(f"{selection}: A - B", head, tuple(shown)))
    if flags:
        counts = tuple(
            (flag.flag, *map(str, (flag.both, flag.only_a, flag.only_b, flag.neither))) for flag in flags
        )  # fmt: skip
        tables.append(
            ShownTable("Flags of matched stars", ("flag", "both", "only A", "only B", "neither"), counts)
        )  # fmt: skip
    return tables


def budget_table(budget: xr.Dataset) -> ShownTable:
    """Return the median error of each kind over the stars that have it."""
    names = [str(name) for name in budget["stellar_label"].to_numpy()]
    units = [str(unit) for unit in budget["unit"].to_numpy()]
    rows = []
    for kind in budget["kind"].to_numpy():
        error = budget["error"].sel(kind=kind).to_numpy()
        error = error[np.isfinite(error).all(axis=1)]
        shown = np.median(error, axis=0) if len(error) else [None] * len(names)
        values = (format_value(name, value) for name, value in zip(names, shown, strict=True))
        rows.append((str(kind), *values, str(len(error))))
    headings = [f"{name} [{unit}]" for name, unit in zip(names, units, strict=True)]
    return ShownTable("Median error of each kind", ("kind", *headings, "stars"), tuple(rows))


def format_value(label: str, value: float | None) -> str:
    """Format a value of a label with the decimals that are worth printing; '-' for None."""
    return "-" if value is None else f"{value:.{KNOWN_LABELS[label].digits}f}"

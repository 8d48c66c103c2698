"""The verb compare: two catalogues of the same stars, as a table, JSON and figures."""

import csv
from collections.abc import Iterator
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from rich.console import Console

from bayescannon.app.shown_tables import COMPARISON_NOTE, comparison_tables
from bayescannon.app.terminal import print_table, say
from bayescannon.cannon.catalogue_comparison import CatalogueComparison, Outlier, compare_tables
from bayescannon.cannon.choices import match_pair
from bayescannon.cannon.compare_choices import CompareChoices
from bayescannon.cannon.compared_labels import ComparedLabel, pulls
from bayescannon.data.label_table import LabelTable
from bayescannon.figures import (
    plot_corner,
    plot_kiel_difference,
    plot_one_to_one_panels,
    plot_pulls,
    plot_residuals,
    save_figure,
)
from bayescannon.figures.style import new_figure
from bayescannon.io.compared_tables import read_compared
from bayescannon.io.outputs import OutputExistsError, replacing
from bayescannon.numerics.progress import Progress, reporting


def compare_catalogues(
    a: Any, b: Any, *, choices: CompareChoices | None = None, progress: Progress = None, **named: Any
) -> CatalogueComparison:
    """
    Compare the labels of the same stars in two catalogues: A - B.

    Parameters
    ----------
    a, b : path, Table, xarray.Dataset or LabelTable
        Catalogues of this package, estimates of :func:`bayescannon.label_spectra`, or tables of labels: another
        survey's, a published one, or the truth of a mock survey.
    choices : CompareChoices, optional
        How stars are matched and what is compared.
    progress : callable, bool or None
        See :func:`bayescannon.numerics.progress.reporting`; a function is called with (steps done, 3).
    **named
        Choices by name, in place of `choices`: ``match``, ``radius``, ``label_names``, ``columns_a``, ``columns_b``,
        ``units_a``, ``units_b``, ``snr_edges``; see :class:`bayescannon.cannon.compare_choices.CompareChoices`.

    Returns
    -------
    comparison : CatalogueComparison

    Raises
    ------
    CompareError
        No star or no label is in both.
    BayesCannonError
        One of them cannot be read, or a choice cannot be used.

    Examples
    --------
    >>> import bayescannon as bc
    >>> ours = bc.LabelTable(["s1", "s2", "s3"], labels={"teff": [4810, 5120, 4500]}, errors={"teff": [30, 40, 30]})
    >>> truth = bc.LabelTable(["s3", "s1", "s2"], labels={"teff": [4490, 4800, 5100]})
    >>> comparison = bc.compare_catalogues(ours, truth)
    >>> row = comparison.row("all", "teff")
    >>> row.n_stars, round(row.bias, 1), round(row.slope, 2)
    (3, 13.3, 1.02)
    """
    chosen = CompareChoices(**named) if choices is None else choices
    with reporting(progress, "compare") as report:
        sides = []
        for done, source in enumerate((a, b)):
            sides.append(read_side(source, chosen, done))
            report(done + 1, 3)
        found = compare_tables(sides[0], sides[1], chosen)
        report(3, 3)
    return found


def read_side(source: Any, chosen: CompareChoices, side: int) -> LabelTable:
    """Read A, side 0, or B, side 1, of a comparison, as it is chosen."""
    key = (match_pair(chosen.match) or ("id", "id"))[side]
    return read_compared(
        source,
        columns=(chosen.columns_a, chosen.columns_b)[side],
        units=(chosen.units_a, chosen.units_b)[side],
        label_names=chosen.label_names,
        keys=() if key in ("id", "survey_id") else (key,),
    )


def write_comparison(comparison: CatalogueComparison, out: Path, *, overwrite: bool = False) -> list[Path]:
    """
    Write a comparison into a folder: ``comparison.json``, ``labels.csv``, ``outliers.csv`` and figures.

    Parameters
    ----------
    comparison : CatalogueComparison
    out : Path
        Is made if it does not exist.
    overwrite : bool
        Replace an earlier comparison.

    Returns
    -------
    paths : list of Path

    Raises
    ------
    OutputExistsError
        The folder has a comparison, and `overwrite` is False.
    """
    written = [out / "comparison.json"]
    if written[0].exists() and not overwrite:
        raise OutputExistsError(written[0])
    out.mkdir(parents=True, exist_ok=True)
    with replacing(written[0], overwrite=True) as partial:
        partial.write_text(comparison.to_json() + "\n", encoding="utf-8")
    for name, kind, rows in (
        ("labels.csv", ComparedLabel, comparison.rows), ("outliers.csv", Outlier, comparison.outliers)
    ):  # fmt: skip
        written.append(out / name)
        with replacing(written[-1], overwrite=True) as partial, partial.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, [item.name for item in fields(kind)])
            writer.writeheader()
            writer.writerows(asdict(row) for row in rows)
    for name, figure in _figures(comparison):
        written.append(out / f"{name}.png")
        save_figure(figure, written[-1])
    return written


def print_comparison(console: Console, comparison: CatalogueComparison) -> None:
    """Print counts, notes, a table for each selection, flags, and how many stars are outlying."""
    say(console, comparison.counts())
    for note in comparison.notes:
        say(console, note)
    for table in comparison_tables(comparison.rows, comparison.flags):
        print_table(console, table)
    if comparison.outliers:
        say(console, f"{len(comparison.outliers)} labels differ by more than 4 errors, or more: the worst are listed")
    say(console, COMPARISON_NOTE)


def _figures(comparison: CatalogueComparison) -> Iterator[tuple[str, Figure]]:
    labels, (a, b) = comparison.labels, comparison.values
    rows = [comparison.row("all", label.name) for label in labels]
    has_snr = bool(np.isfinite(comparison.snr).any())
    yield (
        "one_to_one",
        plot_one_to_one_panels(
            b, a, labels, bias=[row.bias for row in rows], bias_error=[row.bias_error for row in rows],
            scatter=[row.scatter for row in rows], snr=comparison.snr if has_snr else None,
            names=(f"B: {comparison.names[1]}", f"A: {comparison.names[0]}"),
        ),
    )  # fmt: skip
    yield "residuals", plot_residuals(b, {"A - B": a - b}, labels, reference_name="B:")
    if len(labels) > 1 and np.isfinite(a - b).all(axis=1).any():
        yield "corner", plot_corner(a - b, labels, name="A - B")
    pull = np.column_stack(
        [
            pulls((a[:, k], b[:, k]), (comparison.errors[0][:, k], comparison.errors[1][:, k]))
            for k in range(len(labels))
        ]
    )
    if np.isfinite(pull).any():
        yield "pulls", plot_pulls(pull, labels)
    names = [label.name for label in labels]
    if {"teff", "logg"} <= set(names):
        teff, logg = (b[:, names.index(name)] for name in ("teff", "logg"))
        figure = new_figure(4.6 * min(len(labels), 3), 4.0 * -(-len(labels) // 3))
        for k, label in enumerate(labels):
            ax = figure.add_subplot(-(-len(labels) // 3), min(len(labels), 3), k + 1)
            plot_kiel_difference(teff, logg, a[:, k] - b[:, k], ax, label=label)
        yield "kiel", figure

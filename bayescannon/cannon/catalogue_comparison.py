"""Two catalogues of the same stars: what is matched, how labels differ by S/N and over the Kiel diagram, and flags."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayescannon.cannon.choices import match_pair
from bayescannon.cannon.compare_choices import OUTLYING_PULL, CompareChoices
from bayescannon.cannon.compared_labels import ComparedLabel, compare_label, pulls
from bayescannon.cannon.name_matching import match_names
from bayescannon.cannon.star_matching import match_by_sky
from bayescannon.data.display import html_table, listed
from bayescannon.data.flags import FLAG_BAD, ResultFlag
from bayescannon.data.label_table import LabelTable
from bayescannon.data.labels import Label, labels_from_names
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.typing import BoolArray, FloatArray

# cells of the Kiel diagram [K, dex], and stars that one needs
KIEL_CELL, LEAST_IN_CELL = (250.0, 0.5), 10
# outlying stars that are listed at most
MOST_OUTLIERS = 100


class CompareError(InputError):
    """Two catalogues that cannot be compared: no star or no label is in both."""


@dataclass(frozen=True)
class KielCell:
    """How a label differs in one cell of the Kiel diagram; centre in K and dex, by B's labels, else A's."""

    label: str
    teff: float
    logg: float
    n_stars: int
    bias: float
    robust_scatter: float
    pull_width: float


@dataclass(frozen=True)
class ComparedFlag:
    """How many matched stars a flag has in A and in B."""

    flag: str
    both: int
    only_a: int
    only_b: int
    neither: int


@dataclass(frozen=True)
class Outlier:
    """A star whose label differs by more than four errors."""

    id_a: str
    id_b: str
    label: str
    a: float
    b: float
    pull: float


@dataclass(frozen=True, repr=False)
class CatalogueComparison:
    """
    A comparison of two catalogues.

    Attributes
    ----------
    names : pair of str
        Of A and B.
    n_a, n_b, n_matched, n_shared : int
        Rows of both; rows of A with a row in B; those of them that share it with another.
    rows : tuple of ComparedLabel
        For all matched stars, for those without a bad flag, and for ranges of S/N.
    kiel : tuple of KielCell
    flags : tuple of ComparedFlag
        Empty unless both have flags.
    outliers : tuple of Outlier
        The most outlying first.
    notes : tuple of str
        What was left out or assumed.
    labels : tuple of Label
    values, errors : pairs of float arrays of shape (n_matched, K)
        Of A and B.
    snr : float array of shape (n_matched,)
    is_bad : bool array of shape (n_matched,)
        Flagged in A or B.
    """

    names: tuple[str, str]
    n_a: int
    n_b: int
    n_matched: int
    n_shared: int
    rows: tuple[ComparedLabel, ...]
    kiel: tuple[KielCell, ...]
    flags: tuple[ComparedFlag, ...]
    outliers: tuple[Outlier, ...]
    notes: tuple[str, ...]
    labels: tuple[Label, ...] = field(repr=False)
    values: tuple[FloatArray, FloatArray] = field(repr=False)
    errors: tuple[FloatArray, FloatArray] = field(repr=False)
    snr: FloatArray = field(repr=False)
    is_bad: BoolArray = field(repr=False)

    def __repr__(self) -> str:
        labels = ", ".join(label.name for label in self.labels)
        return f"<CatalogueComparison of {self.n_matched} stars in {self.names[0]} and {self.names[1]}: {labels}>"

    def _repr_html_(self) -> str:
        facts = {
            f"{row.label} [{row.unit}]": f"bias {row.bias:.4g}, scatter {row.scatter:.4g}, slope {row.slope:.3f}"
            for row in self.rows
            if row.selection == "all"
        }
        return html_table(f"{self.names[0]} - {self.names[1]}, {self.n_matched} stars", facts)

    def row(self, selection: str, label: str) -> ComparedLabel:
        """
        Return how a label compares over a selection.

        Raises
        ------
        InputError
            There is no such selection or label; the message names those that there are.
        """
        for row in self.rows:
            if (row.selection, row.label) == (selection, label):
                return row
        selections = list(dict.fromkeys(row.selection for row in self.rows))
        names = ", ".join(label.name for label in self.labels)
        raise InputError(
            f"there is no comparison of {label!r} over {selection!r}; there are {names} over {', '.join(selections)}"
        )

    def counts(self) -> str:
        """Say how many rows both have and how many were matched."""
        shared = f", {self.n_shared} of them share a row of B with another" if self.n_shared else ""
        return (
            f"{self.n_matched} of {self.n_a} stars of {self.names[0]} (A) are among the {self.n_b} of "
            f"{self.names[1]} (B){shared}"
        )

    def to_json(self) -> str:
        """Return all numbers as JSON; what is not known is null."""
        facts: dict[str, Any] = {"a": self.names[0], "b": self.names[1]}
        facts |= {name: getattr(self, name) for name in ("n_a", "n_b", "n_matched", "n_shared")}
        facts["notes"] = list(self.notes)
        for name in ("rows", "kiel", "flags", "outliers"):
            facts[name] = [_plain(asdict(row)) for row in getattr(self, name)]
        return json.dumps(facts, indent=1, ensure_ascii=False)

    def to_text(self) -> str:
        """Return bias, scatter, slope and pulls of every selection as lines of text."""
        lines = [self.counts(), *self.notes]
        for row in self.rows:
            lines.append(
                f"{row.selection:>12} {row.label:>8} [{row.unit}] {row.n_stars:>7} stars  bias {row.bias:.4g} +- "
                f"{row.bias_error:.2g}  scatter {row.scatter:.4g}  robust {row.robust_scatter:.4g}  slope "
                f"{row.slope:.3f} +- {row.slope_error:.2g}  pull {row.pull_width:.2f}"
            )
        return "\n".join(lines)


def compare_tables(a: LabelTable, b: LabelTable, choices: CompareChoices | None = None) -> CatalogueComparison:
    """
    Compare the labels of the same stars in two tables.

    Parameters
    ----------
    a, b : LabelTable
        A table of a catalogue of this package has :class:`bayescannon.data.flags.ResultFlag` as its `flag_type`.
    choices : CompareChoices, optional

    Raises
    ------
    CompareError
        No star is in both, no label is, or no star has a label in both.
    """
    choices = choices or CompareChoices()
    names = (a.source or "A", b.source or "B")
    labels = _labels_of_both(a, b, choices.label_names, names)
    row_b = _matched(a, b, choices, names)
    row_a = np.flatnonzero(row_b >= 0)
    row_b = row_b[row_a]
    n_shared = len(row_b) - len(np.unique(row_b))
    left, right = a.select(row_a), b.select(row_b)
    columns = [label.name for label in labels]
    values = (left.matrix(columns), right.matrix(columns))
    errors = (left.error_matrix(columns), right.error_matrix(columns))
    if not (np.isfinite(values[0]) & np.isfinite(values[1])).any():
        raise CompareError(
            f"{len(row_a)} stars are in {names[0]} and {names[1]}, and none has one of {', '.join(columns)} in both"
        )
    snr = np.where(np.isfinite(left.snr), left.snr, right.snr)
    is_bad = _bad(left) | _bad(right)
    notes = _notes(labels, errors, snr, names)
    rows = []
    for text, chosen in _selections(snr, is_bad, choices.snr_edges):
        for k, label in enumerate(labels):
            pair = (values[0][chosen, k], values[1][chosen, k])
            rows.append(compare_label(label, pair, (errors[0][chosen, k], errors[1][chosen, k]), text))
    return CatalogueComparison(
        names=names,
        n_a=len(a),
        n_b=len(b),
        n_matched=len(row_a),
        n_shared=n_shared,
        rows=tuple(rows),
        kiel=tuple(_kiel_cells(labels, values, errors)),
        flags=tuple(_flags(left, right)),
        outliers=tuple(_outliers(labels, values, errors, left, right)),
        notes=notes,
        labels=labels,
        values=values,
        errors=errors,
        snr=snr,
        is_bad=is_bad,
    )


def _labels_of_both(
    a: LabelTable, b: LabelTable, wanted: Sequence[str] | None, names: tuple[str, str]
) -> tuple[Label, ...]:
    if wanted is not None:
        for table in (a, b):
            table.require([label.name for label in labels_from_names(wanted)])
        return labels_from_names(list(wanted))
    common = [name for name in a.labels if name in b.labels]
    if not common:
        raise CompareError(
            f"{names[0]} and {names[1]} have no label in common: the first has {listed(list(a.labels))}, the second "
            f"{listed(list(b.labels))}; name their columns with --columns-a and --columns-b"
        )
    return labels_from_names(common)


def _matched(a: LabelTable, b: LabelTable, choices: CompareChoices, names: tuple[str, str]) -> NDArray[np.intp]:
    """Return the row of B of each row of A; -1 where it has none."""
    pair = match_pair(choices.match)
    if choices.match == "sky":
        selection = match_by_sky(a.ra, a.dec, b, radius=choices.radius)
        found = np.full(len(a), -1, dtype=np.intp)
        found[selection.star] = selection.row
        what = "no position agrees: " + selection.tally[0].step
        known = (np.isfinite(a.ra) & np.isfinite(a.dec), np.isfinite(b.ra) & np.isfinite(b.dec))
        here, there = (f"{count.sum()} positions" for count in known)
    else:
        left, right = (_names_of(table, column) for table, column in zip((a, b), pair or ("id", "id"), strict=True))
        found = match_names(left.tolist(), right.tolist(), np.arange(len(b)), of=names[1]).rows
        what = f"no name agrees ({choices.match})"
        here, there = (f"names such as {_first(one)}" for one in (left, right))
    if not (found >= 0).any():
        advice = "" if choices.match == "sky" else "; --match sky compares positions, --columns-a and -b name columns"
        raise CompareError(f"{names[0]} and {names[1]}: {what}; {names[0]} has {here}, {names[1]} {there}{advice}")
    return found


def _names_of(table: LabelTable, column: str) -> NDArray[np.str_]:
    if column in ("id", "survey_id"):
        names: NDArray[np.str_] = getattr(table, column)
        return names
    if column not in table.keys:
        raise CompareError(
            f"{table.source} has no column {column!r} with names of stars; it has {listed(['id', *table.keys])}"
        )
    return table.keys[column]


def _first(names: NDArray[np.str_]) -> str:
    known = names[names != ""]
    return repr(str(known[0])) if len(known) else "none (no column with names)"


def _bad(table: LabelTable) -> BoolArray:
    """Return which rows are of no use: by bad result flags, or by any flag of another survey."""
    flags = table.flags & np.uint64(int(FLAG_BAD)) if table.flag_type is ResultFlag else table.flags
    bad: BoolArray = flags != 0
    return bad


def _selections(snr: FloatArray, is_bad: BoolArray, edges: Sequence[float]) -> list[tuple[str, BoolArray]]:
    found = [("all", np.ones(len(snr), dtype=bool))]
    if is_bad.any():
        found.append(("unflagged", ~is_bad))
    if np.isfinite(snr).any():
        for low, high in pairwise(edges):
            text = f"S/N {low:g}-{high:g}" if np.isfinite(high) else f"S/N > {low:g}"
            found.append((text, (snr > low) & (snr <= high)))
    return found


def _notes(
    labels: Sequence[Label], errors: tuple[FloatArray, FloatArray], snr: FloatArray, names: tuple[str, str]
) -> tuple[str, ...]:
    notes = []
    for which, name, one in zip("AB", names, errors, strict=True):
        lacking = [label.name for k, label in enumerate(labels) if not np.isfinite(one[:, k]).any()]
        if lacking:
            notes.append(f"{name} ({which}) has no errors of {listed(lacking)}: they count as 0 in pulls")
    if not np.isfinite(snr).any():
        notes.append("no S/N is known, so that there are no ranges of it; name its column with --columns-a snr=COLUMN")
    return tuple(notes)


def _kiel_cells(
    labels: Sequence[Label], values: tuple[FloatArray, FloatArray], errors: tuple[FloatArray, FloatArray]
) -> list[KielCell]:
    names = [label.name for label in labels]
    if "teff" not in names or "logg" not in names:
        return []
    places = [np.where(np.isfinite(values[1][:, k]), values[1][:, k], values[0][:, k])
              for k in (names.index("teff"), names.index("logg"))]  # fmt: skip
    known = np.isfinite(places[0]) & np.isfinite(places[1])
    cells = np.column_stack([np.floor(place / size) for place, size in zip(places, KIEL_CELL, strict=True)])
    found = []
    for cell in np.unique(cells[known], axis=0):
        chosen = known & (cells == cell).all(axis=1)
        if chosen.sum() < LEAST_IN_CELL:
            continue
        teff, logg = ((place + 0.5) * size for place, size in zip(cell, KIEL_CELL, strict=True))
        for k, label in enumerate(labels):
            pair = (values[0][chosen, k], values[1][chosen, k])
            row = compare_label(label, pair, (errors[0][chosen, k], errors[1][chosen, k]), "cell")
            found.append(
                KielCell(
                    label.name, float(teff), float(logg), row.n_stars, row.bias, row.robust_scatter, row.pull_width
                )
            )
    return found


def _flags(a: LabelTable, b: LabelTable) -> list[ComparedFlag]:
    if not (a.flags.any() or b.flags.any()):
        return []
    bad = (_bad(a), _bad(b))
    found = [_compared("bad", *bad)]
    if a.flag_type is ResultFlag and b.flag_type is ResultFlag:
        for flag in ResultFlag:
            bit = np.uint64(int(flag))
            found.append(_compared(str(flag.name), (a.flags & bit) != 0, (b.flags & bit) != 0))
    return found


def _compared(name: str, a: BoolArray, b: BoolArray) -> ComparedFlag:
    counts = (a & b, a & ~b, ~a & b, ~a & ~b)
    return ComparedFlag(name, *(int(np.count_nonzero(one)) for one in counts))


def _outliers(
    labels: Sequence[Label],
    values: tuple[FloatArray, FloatArray],
    errors: tuple[FloatArray, FloatArray],
    a: LabelTable,
    b: LabelTable,
) -> list[Outlier]:
    found: list[Outlier] = []
    for k, label in enumerate(labels):
        pull = pulls((values[0][:, k], values[1][:, k]), (errors[0][:, k], errors[1][:, k]))
        for row in np.flatnonzero(np.abs(np.nan_to_num(pull)) > OUTLYING_PULL):
            numbers = (float(values[0][row, k]), float(values[1][row, k]), float(pull[row]))
            found.append(Outlier(str(a.id[row]), str(b.id[row]), label.name, *numbers))
    return sorted(found, key=lambda one: -abs(one.pull))[:MOST_OUTLIERS]


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {k: None if isinstance(v, float) and not np.isfinite(v) else v for k, v in values.items()}

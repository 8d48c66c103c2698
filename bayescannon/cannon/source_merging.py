"""
Labels of several surveys on one scale: every spectrum has those of the first source that has them.

The first source is the scale. Labels of each further source are put on it by a linear map that is fitted to the stars
that both have, with the errors of both; their errors are then those of the source, the scatter of the map and its own
uncertainty (:mod:`bayescannon.reliability.label_map_fit`). Stars in common are those that both sources have all labels
of and that pass the cuts on flags, also where a range of labels excludes them; of a star with several spectra the one
with the best S/N counts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayescannon.cannon.label_source import SourceStars
from bayescannon.cannon.reference import ReferenceSetError
from bayescannon.cannon.source_choices import NO_OFFSETS
from bayescannon.data.star_groups import first_rows, star_groups
from bayescannon.data.tally import TallyRow, tally_text
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.typing import BoolArray, FloatArray
from bayescannon.reliability.label_map import LabelMap
from bayescannon.reliability.label_map_fit import TooFewCommonError, fit_label_map

# the step of the tally that says how many spectra have labels of any table
NO_TABLE = "no labels in any table"


@dataclass(frozen=True, eq=False)
class MergedLabels:
    """
    Labels of n spectra, each of one source.

    Attributes
    ----------
    star : int array of shape (n,)
        Index of the spectrum.
    labels, errors : float arrays of shape (n, K)
        On the scale of the first source.
    rank : int array of shape (n,)
        Number of the source.
    survey_id : str array of shape (n,)
        Name of the star in its source.
    row : int array of shape (n,)
        A number for the row that the labels are from; rows of different sources differ.
    tally : tuple of TallyRow
    """

    star: NDArray[np.intp]
    labels: FloatArray
    errors: FloatArray
    rank: NDArray[np.intp]
    survey_id: NDArray[np.str_]
    row: NDArray[np.intp]
    tally: tuple[TallyRow, ...]

    def __len__(self) -> int:
        return len(self.star)

    def step(self, keep: BoolArray, name: str, source: str = "") -> "MergedLabels":
        """Keep the entries of a bool array of shape (n,) and add a row to the tally."""
        row = TallyRow(name, int((~keep).sum()), int(keep.sum()), source)
        return MergedLabels(
            self.star[keep], self.labels[keep], self.errors[keep], self.rank[keep], self.survey_id[keep],
            self.row[keep], (*self.tally, row),
        )  # fmt: skip


def merge_sources(
    sources: Sequence[SourceStars], columns: Mapping[str, NDArray[Any]], label_names: Sequence[str], *, offsets: str
) -> MergedLabels:
    """
    Put the labels of all sources on the scale of the first, and choose one source for each spectrum.

    Parameters
    ----------
    sources : sequence of SourceStars
    columns : mapping of str to array of shape (N,)
        Columns of the spectra, by which those of one star are found.
    label_names : sequence of K str
    offsets : {"fit", "none"}
        Whether maps are fitted, or the scales taken as equal.

    Returns
    -------
    merged : MergedLabels

    Raises
    ------
    InputError
        Two sources have the same name, or one of several has none.
    ReferenceSetError
        A source has too few stars in common with the first for a map.
    """
    first = sources[0]
    merged = _of_source(first, 0, LabelMap.equal(label_names), label_names)
    if len(sources) == 1:
        return merged
    _require_names([source.name for source in sources])
    tally = [merged.tally[0], *_named(first)]
    tally.append(TallyRow(f"{first.name}: the scale of all labels", 0, len(merged)))
    parts, first_row = [merged], len(first.table)
    for rank, source in enumerate(sources[1:], start=1):
        label_map = LabelMap.equal(label_names)
        if offsets != NO_OFFSETS:
            label_map = _fitted(first, source, columns, label_names)
        part = _of_source(source, rank, label_map, label_names)
        outside = label_map.outside(source.table.matrix(label_names)[part.row])
        known = np.isin(part.star, np.concatenate([one.star for one in parts]))
        part = part.step(~known, "")
        tally += _named(source)
        tally.append(TallyRow(f"{source.name}: has labels of an earlier table", int(known.sum()), len(part)))
        said = f"; {int(outside[~known].sum())} stars are outside their range" if label_map.n_stars else ""
        tally.append(TallyRow(f"{source.name}: {label_map.describe()}{said}", 0, len(part)))
        part.row[:] += first_row
        first_row += len(source.table)
        parts.append(part)
    whole = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in ("star", "labels", "errors", "rank", "survey_id", "row")
    }
    order = np.argsort(whole["star"], kind="stable")
    n_all = tally[0].remaining
    counts = ", ".join(f"{source.name} {len(part)}" for source, part in zip(sources, parts, strict=True))
    tally.append(TallyRow(f"{NO_TABLE}; {counts}", n_all - len(order), len(order)))
    return MergedLabels(**{name: values[order] for name, values in whole.items()}, tally=tuple(tally))


def _of_source(source: SourceStars, rank: int, label_map: LabelMap, label_names: Sequence[str]) -> MergedLabels:
    """Return the labels of one source on the scale of the first."""
    chosen = source.selection
    labels, errors = source.table.matrix(label_names)[chosen.row], source.errors[chosen.row]
    return MergedLabels(
        chosen.star, label_map.apply(labels) if label_map.n_stars else labels, label_map.errors(labels, errors),
        np.full(len(chosen), rank), source.table.survey_id[chosen.row], chosen.row.copy(), chosen.tally,
    )  # fmt: skip


def _require_names(names: Sequence[str]) -> None:
    for name in names:
        if not name or names.count(name) > 1:
            raise InputError(
                f"each of several tables of labels needs a name of its own; got {', '.join(map(repr, names))}. Name "
                "them: LabelSource(table, 'APOGEE'), or name = 'APOGEE' in [[labels]]"
            )


def _named(source: SourceStars) -> list[TallyRow]:
    """Return the steps of a source's tally with its name."""
    return [
        TallyRow(f"{source.name}: {row.step}", row.removed, row.remaining, row.source)
        for row in source.selection.tally[1:]
    ]


def _fitted(
    first: SourceStars, other: SourceStars, columns: Mapping[str, NDArray[Any]], label_names: Sequence[str]
) -> LabelMap:
    """Fit the map of a source to the first one on the stars that both have, each once."""
    star, here, there = np.intersect1d(first.matched.star, other.matched.star, return_indices=True)
    rows, other_rows = first.matched.row[here], other.matched.row[there]
    alone = _one_spectrum_each({name: values[star] for name, values in columns.items()}, rows)
    rows, other_rows = rows[alone], other_rows[alone]
    try:
        return fit_label_map(
            first.table.matrix(label_names)[rows], first.errors[rows],
            other.table.matrix(label_names)[other_rows], other.errors[other_rows], label_names,
        )  # fmt: skip
    except TooFewCommonError as error:
        tallies = "\n".join(tally_text(_named(source)) for source in (first, other))
        raise ReferenceSetError(
            f"the offsets between the labels of {first.name} and {other.name} cannot be fitted: {error}. Give spectra "
            "or tables with more stars in common, put the labels on one scale before, or take the scales as equal "
            f"(offsets='none', --offsets none).\n{tallies}"
        ) from error


def _one_spectrum_each(columns: Mapping[str, NDArray[Any]], row: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the spectrum with the best S/N of every star."""
    groups = star_groups(columns, len(row), row=row)
    snr = np.nan_to_num(np.asarray(columns.get("snr", np.zeros(len(row))), dtype=np.float64), nan=-np.inf)
    order = np.argsort(-snr, kind="stable")
    return np.sort(order[first_rows(groups.number[order])])

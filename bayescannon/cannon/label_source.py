"""One table of reference labels out of several: its survey, how it is read and matched, and its errors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import Any

import xarray as xr

from bayescannon.cannon.choices import MATCH_RADIUS
from bayescannon.cannon.cuts import Cut
from bayescannon.cannon.reference_table import labels_and_cuts
from bayescannon.cannon.selection import Selection
from bayescannon.cannon.source_choices import SourceChoices
from bayescannon.cannon.star_matching import Matching, apply_cuts, usable_rows
from bayescannon.data.label_table import LabelTable
from bayescannon.data.spectra import Spectra
from bayescannon.io.label_tables.table_options import TableOptions
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.typing import FloatArray


@dataclass(frozen=True, eq=False, repr=False)
class LabelSource:
    """
    A table of reference labels, for :func:`bayescannon.cannon.matching.build_reference`.

    Attributes
    ----------
    labels : LabelTable, path, astropy Table, DataFrame, or what else read_labels takes
    name : str
        The survey that the labels are of; the name of the table's file unless given.
    cuts : {"paper", "released", "none"}, Cut or sequence of Cut, optional
        On the labels as the table has them. The paper's for a table of APOGEE and none for others unless given.
    keep : mapping of label name to (low, high), optional
        Stars with labels in these ranges are kept, as the table has them.
    match : {"id", "sky"}, str or Matching
        As in build_reference.
    radius : float
        In arcsec.
    errors : mapping of label name to error, optional
        Errors of its labels, in the labels' units, in place of those of the table.
    error_scale : float
        Factor of the table's errors, the trust in them.
    format, columns, units, missing, extension
        How to read `labels`, see :func:`bayescannon.io.tables.read_labels`.

    Raises
    ------
    InputError
        A way to match that is none, or errors that are negative or not finite.

    Examples
    --------
    >>> import bayescannon as bc
    >>> giants = bc.LabelSource({"id": ["a", "b"], "teff": [4800, 5100]}, "APOGEE", errors={"teff": 90})
    >>> giants
    <LabelSource APOGEE, matched by id, errors of teff 90>
    """

    labels: Any
    name: str = ""
    cuts: str | Cut | Sequence[Cut] | None = None
    keep: Mapping[str, Sequence[float | None]] = field(default_factory=dict)
    match: str | Matching = "id"
    radius: float = MATCH_RADIUS
    errors: Mapping[str, float] = field(default_factory=dict)
    error_scale: float = 1.0
    format: str = "auto"
    columns: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, Any] = field(default_factory=dict)
    missing: Mapping[str, Any] = field(default_factory=dict)
    extension: str | int | None = None

    def __post_init__(self) -> None:
        # its checks are those of the configuration
        SourceChoices(name=self.name, errors=dict(self.errors), error_scale=self.error_scale)
        _ = self.matching

    def __repr__(self) -> str:
        errors = ", ".join(f"{name} {value:g}" for name, value in self.errors.items())
        return f"<LabelSource {self.survey}, matched by {self.matching.by}{f', errors of {errors}' if errors else ''}>"

    @property
    def matching(self) -> Matching:
        """How spectra find its rows."""
        return self.match if isinstance(self.match, Matching) else Matching(self.match, self.radius)

    @property
    def survey(self) -> str:
        """Its name, or that of the table's file."""
        file = self.labels.source if isinstance(self.labels, LabelTable) else self.labels
        return self.name or (PurePath(file).name.partition(".")[0] if isinstance(file, str | PurePath) else "")

    def table_and_cuts(self, label_names: Sequence[str]) -> tuple[LabelTable, list[Cut]]:
        """
        Read the table; return it with the cuts, the ranges among them.

        Raises
        ------
        LabelError, TableError, InputError
            As :func:`bayescannon.cannon.reference_table.labels_and_cuts`.
        """
        options = TableOptions(self.format, self.columns, self.units, self.missing, self.extension)
        return labels_and_cuts(
            self.labels, options, label_names, cuts=self.cuts, keep=self.keep, keys=self.matching.keys
        )

    def read(self, label_names: Sequence[str]) -> "LabelSource":
        """Return the source with its table as a LabelTable and its cuts as a list, so that it is not read again."""
        table, cuts = self.table_and_cuts(label_names)
        return LabelSource(
            table, self.survey, cuts, match=self.matching, errors=self.errors, error_scale=self.error_scale
        )


def with_call(
    sources: Sequence[LabelSource],
    cuts: str | Cut | Sequence[Cut] | None,
    keep: Mapping[str, Sequence[float | None]] | None,
) -> list[LabelSource]:
    """
    Return sources with the cuts and ranges of a call: cuts are those of the first, ranges of an only one.

    Of several rows of a star the one counts that is in the ranges of its source. Ranges for several sources are on the
    common scale, and are applied later.

    Raises
    ------
    InputError
        The only source and the call both give a range of the same label.
    """
    first, *others = sources
    if cuts is not None and first.cuts is None:
        first = replace(first, cuts=cuts)
    if not others and keep is not None:
        if not first.keep:
            first = replace(first, keep=keep)
        else:
            twice = [name for name in keep if name in first.keep]
            if twice:
                raise InputError(
                    f"a range of {twice[0]} is given twice, for the table and for the set; give one of them"
                )
            first = replace(first, keep={**first.keep, **keep})
    return [first, *others]


@dataclass(frozen=True, eq=False)
class SourceStars:
    """
    The spectra that a source has labels of.

    Attributes
    ----------
    name : str
    table : LabelTable
    errors : float array of shape (rows, K)
        Errors of the table's rows, by the choices of the source.
    matched, selection : Selection
        Spectra with all labels, that pass the cuts that do not look at labels; and those that pass all cuts.
    """

    name: str
    table: LabelTable
    errors: FloatArray
    matched: Selection
    selection: Selection

    @classmethod
    def find(cls, source: LabelSource, spectra: Spectra | xr.Dataset, label_names: Sequence[str]) -> "SourceStars":
        """
        Match a source with spectra, and apply its cuts.

        Raises
        ------
        InputError
            An error of a label that is not trained, and as the table and the match.
        """
        table, cuts = source.table_and_cuts(label_names)
        matched = source.matching.match(spectra, table, usable=usable_rows(table, label_names, cuts))
        errors = source.error_scale * table.error_matrix(label_names)
        for name, error in source.errors.items():
            if name not in label_names:
                raise InputError(
                    f"label {name!r} of {source.survey or 'the table'} is given an error but not trained; trained are "
                    f"{', '.join(label_names)}"
                )
            errors[:, list(label_names).index(name)] = error
        # a range of labels would leave out common stars, and bias the offsets of those that are left
        common = apply_cuts(matched, table, label_names, cuts=[cut for cut in cuts if not cut.needs])
        return cls(source.survey, table, errors, common, apply_cuts(matched, table, label_names, cuts=cuts))

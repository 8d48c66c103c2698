"""Bring spectra and rows of a label table together: the reference set, with a tally of every step."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayescannon.cannon.choices import MATCH_RADIUS, MATCHES
from bayescannon.cannon.cuts import CUT_SETS, Cut, range_cut
from bayescannon.cannon.reference import ReferenceSet, ReferenceSetError
from bayescannon.cannon.repeated_stars import choose_repeats
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.data.convert import number
from bayescannon.data.display import html_table, listed
from bayescannon.data.label_table import LabelTable
from bayescannon.data.labels import PAPER_LABELS, labels_from_names
from bayescannon.data.parts import a_kind
from bayescannon.data.spectra import Spectra
from bayescannon.data.star_ids import rows_by_id
from bayescannon.data.tally import TallyRow, tally_text
from bayescannon.data.units import label_unit
from bayescannon.io.inputs import as_labels, as_spectra
from bayescannon.io.store import load_spectra, open_store
from bayescannon.numerics.errors import InputError, InputTypeError
from bayescannon.numerics.typing import BoolArray, FloatArray


@dataclass(frozen=True, eq=False, repr=False)
class Selection:
    """
    Which spectra and which rows of a label table make the reference set.

    Attributes
    ----------
    star, row : int arrays of shape (n,)
        Index of the spectrum and of the row of its labels.
    tally : tuple of TallyRow
    """

    star: NDArray[np.intp]
    row: NDArray[np.intp]
    tally: tuple[TallyRow, ...]

    def __repr__(self) -> str:
        return f"<Selection of {len(self)} stars after {len(self.tally)} steps>"

    def _repr_html_(self) -> str:
        """Show the tally as a small table in a notebook."""
        return html_table(
            "Selection", {row.step: f"{row.removed} removed, {row.remaining} remain" for row in self.tally}
        )

    def __len__(self) -> int:
        return len(self.star)

    def step(self, keep: BoolArray, name: str, source: str = "") -> "Selection":
        """Keep the entries of a bool array of shape (n,) and add a row to the tally."""
        row = TallyRow(name, int((~keep).sum()), int(keep.sum()), source)
        return Selection(self.star[keep], self.row[keep], (*self.tally, row))


def match_by_id(star_id: NDArray[np.str_], table: LabelTable) -> Selection:
    """
    Match spectra to the rows that carry their names; of rows with the same name the best S/N counts.

    Parameters
    ----------
    star_id : str array of shape (N,)
        Names of the spectra, see :func:`bayescannon.data.star_ids.rows_by_id`.
    table : LabelTable
    """
    source = table.source or "the table"
    n_star = len(star_id)
    if len(table) and not (table.id != "").any():
        return _matched([], n_star, f"no label of {source} has an id: it has no column of ids, or an empty one")
    # the best comes last, and of equals the first row
    order = np.argsort(-np.nan_to_num(table.snr, nan=-np.inf), kind="stable")[::-1]
    found = rows_by_id(table.id[order].tolist(), star_id.tolist(), of=source)
    pairs = [(int(star), int(order[found[star]])) for star in np.flatnonzero(found >= 0)]
    named = table.id[table.id != ""]
    n_repeated = len(named) - len(np.unique(named))
    repeated = f" ({n_repeated} rows with worse S/N of repeated ids left out)" if n_repeated else ""
    return _matched(pairs, n_star, f"no labels under this id in {source}{repeated}")


def match_by_sky(ra: FloatArray, dec: FloatArray, table: LabelTable, *, radius: float) -> Selection:
    """
    Match spectra to the nearest row within `radius` arcsec.

    Parameters
    ----------
    ra, dec : float arrays of shape (N,)
        Positions of the spectra in degrees.
    table : LabelTable
    radius : float
        In arcsec.

    Raises
    ------
    InputError
        A declination beyond 90 degrees.
    """
    for whose, values in (("the spectra", dec), (table.source or "the table", table.dec)):
        if (np.abs(values[np.isfinite(values)]) > 90).any():
            raise InputError(
                f"dec must be within -90 and 90 degrees, and in {whose} it reaches {np.nanmax(np.abs(values)):g}; "
                "check the unit, and that ra and dec are not swapped"
            )
    import astropy.units as u
    from astropy.coordinates import SkyCoord

    stars = np.flatnonzero(np.isfinite(ra) & np.isfinite(dec))
    rows = np.flatnonzero(np.isfinite(table.ra) & np.isfinite(table.dec))
    pairs: list[tuple[int, int]] = []
    if len(stars) and len(rows):
        here = SkyCoord(ra[stars], dec[stars], unit="deg")
        there = SkyCoord(table.ra[rows], table.dec[rows], unit="deg")
        nearest, distance, _ = here.match_to_catalog_sky(there)
        near = distance <= radius * u.arcsec
        pairs = list(zip(stars[near].tolist(), rows[nearest[near]].tolist(), strict=True))
    step = f"no labels within {radius:g} arcsec in {table.source or 'the table'}"
    if len(ra) and not len(stars):
        step = "the spectra have no positions (columns ra and dec)"
    elif len(table) and not len(rows):
        step = f"no label of {table.source or 'the table'} has a position (columns ra and dec)"
    return _matched(pairs, len(ra), step)


def _matched(pairs: Sequence[tuple[int, int]], n_star: int, step: str) -> Selection:
    star, row = np.array(pairs, dtype=np.intp).reshape(-1, 2).T
    tally = (TallyRow("spectra", 0, n_star), TallyRow(step, n_star - len(star), len(star)))
    return Selection(star, row, tally)


def apply_cuts(
    selection: Selection, table: LabelTable, label_names: Sequence[str], *, cuts: Sequence[Cut] = ()
) -> Selection:
    """
    Remove stars without all labels, then apply the cuts in order, each a row of the tally.

    Raises
    ------
    LabelError
        An unknown label, or one that the table lacks.
    """
    labels_from_names(label_names)
    missing = ~np.isfinite(table.matrix(label_names)[selection.row]).all(axis=1)
    selection = selection.step(~missing, f"one of {', '.join(label_names)} is missing")
    for cut in cuts:
        table.require(cut.needs)
        selection = selection.step(cut.kept(table.select(selection.row)), cut.name, cut.source)
    return selection


@dataclass(frozen=True)
class Matching:
    """
    How spectra and rows of a label table are brought together.

    Attributes
    ----------
    by : {"id", "sky"}
        By LAMOST id, or by position.
    radius : float
        For positions, in arcsec or as a Quantity.
    """

    by: str = "id"
    radius: float = MATCH_RADIUS

    def __post_init__(self) -> None:
        if self.by not in MATCHES:
            raise InputError(f"match must be 'id' or 'sky'; got {self.by!r}")
        object.__setattr__(self, "radius", number(self.radius, "radius", unit="arcsec"))
        if not self.radius > 0:
            raise InputError(f"radius must be positive, in arcsec; got {self.radius}")

    def match(self, spectra: Spectra | xr.Dataset, table: LabelTable) -> Selection:
        """Match the stars of spectra, or of an open store, with the rows of `table`."""
        ids, columns = _ids_and_columns(spectra)
        if self.by == "id":
            return match_by_id(ids, table)
        unknown = np.full(len(ids), np.nan)
        ra, dec = (columns.get(name, unknown) for name in ("ra", "dec"))
        return match_by_sky(ra, dec, table, radius=self.radius)


def _ids_and_columns(spectra: Spectra | xr.Dataset) -> tuple[NDArray[np.str_], dict[str, NDArray[Any]]]:
    """Return names and columns of spectra in memory, or of an open store."""
    if isinstance(spectra, Spectra):
        return spectra.id, dict(spectra.columns)
    columns = {str(name): one.to_numpy() for name, one in spectra.data_vars.items() if one.dims == ("star",)}
    return spectra["star"].to_numpy().astype(np.str_), columns


def build_reference(
    spectra: Spectra | str | Path,
    labels: Any,
    label_names: Sequence[str] = PAPER_LABELS,
    *,
    cuts: str | Cut | Sequence[Cut] | None = None,
    keep: Mapping[str, Sequence[float | None]] | None = None,
    match: str | Matching = "id",
    radius: float = MATCH_RADIUS,
    star_id: str | None = None,
    repeats: str = "keep",
    format: str = "table",
    columns: Mapping[str, str] | None = None,
) -> ReferenceSet:
    """
    Build the reference set from spectra, in memory or in a store, and a table of Survey A labels.

    Parameters
    ----------
    spectra : Spectra, or path of a store
        Only the spectra of the reference stars are loaded from a store. What
        :func:`bayescannon.io.inputs.as_spectra` takes is accepted too.
    labels : LabelTable, path, astropy Table, DataFrame, or what else read_labels takes
    label_names : sequence of K str
        Labels to train, in order.
    cuts : {"paper", "released", "none"}, Cut or sequence of Cut, optional
        Applied in order, after stars without all labels are removed. The paper's unless given for a table of APOGEE
        (by `format`, or a LabelTable with APOGEE's flags), none for others.
    keep : mapping of label name to (low, high), optional
        Further cuts: stars with labels in these ranges are kept, in the labels' units or with their own; None is an
        open end.
    match : {"id", "sky"} or Matching
        By the names of the spectra, or by position.
    radius : float
        For positions, in arcsec.
    star_id : str, optional
        Column of the spectra whose equal values identify a star; ``"id"`` takes every spectrum as a star of its own.
        Unless given, spectra are of one star by the rule of :mod:`bayescannon.data.star_groups`: the same row of the
        table, ``survey_id``, ``gaia_id`` or ``twomass_id``, or positions within 3 arcsec.
    repeats : {"keep", "best"}
        Keep all spectra of a star, or the one with the best S/N. All are one star in every fold, bootstrap and count.
    format, columns
        How to read `labels`, see :func:`bayescannon.io.tables.read_labels`.

    Returns
    -------
    reference : ReferenceSet

    Raises
    ------
    LabelError
        An unknown label, or one that the table lacks.
    InputTypeError
        Something else than spectra and labels, or the two swapped.
    ReferenceSetError
        No star is left; the message holds the tally.

    Examples
    --------
    >>> import numpy as np
    >>> from bayescannon.cannon.matching import build_reference
    >>> from bayescannon.data.spectra import Spectra
    >>> spectra = Spectra([5000, 5001, 5002], np.ones((3, 3)), np.full((3, 3), 1e4), ["a", "b", "c"])
    >>> labels = {"id": ["c", "a", "b"], "teff": [4800, 5100, 6400], "logg": [2.5, 3.1, 4.2]}
    >>> reference = build_reference(spectra, labels, ("teff", "logg"), keep={"teff": (None, 6000)})
    >>> reference.spectra.id.tolist(), reference.labels.tolist()
    (['a', 'c'], [[5100.0, 3.1], [4800.0, 2.5]])
    >>> reference.tally[3]
    <TallyRow teff > 6000 K: 1 removed, 2 remain>
    """
    if isinstance(spectra, LabelTable) or isinstance(labels, Spectra):
        raise InputTypeError("spectra and labels are swapped; give build_reference(spectra, labels)")
    matching = match if isinstance(match, Matching) else Matching(match, radius)
    labels_from_names(label_names)
    is_apogee = format != "table" or (isinstance(labels, LabelTable) and labels.flag_type is not None)
    cuts = choose_cuts(cuts, {} if keep is None else keep, is_apogee=is_apogee)
    # of a table that is not read yet; labels that only a cut looks at are needed too
    needed = None
    if not isinstance(labels, LabelTable):
        needed = list(dict.fromkeys([*label_names, *(name for cut in cuts for name in cut.needs)]))
    table = as_labels(labels, format=format, label_names=needed, columns=columns)
    source = open_store(spectra) if isinstance(spectra, str | Path) else as_spectra(spectra)
    selection = apply_cuts(matching.match(source, table), table, label_names, cuts=cuts)
    ids, known = _ids_and_columns(source)
    if len(selection) == 0:
        raise ReferenceSetError(
            "no reference star is left; check that spectra and labels belong together, and the cuts.\n"
            + tally_text(selection.tally)
            + (f"\n{_first_ids(ids, table)}" if matching.by == "id" else "")
        )
    survey_columns = {name: values[selection.star] for name, values in known.items()}
    found = choose_repeats(
        survey_columns | {"survey_id": table.survey_id[selection.row]}, ids[selection.star], selection.row,
        star_id=star_id, repeats=repeats,
    )  # fmt: skip
    for step, kept in found.steps:
        selection = selection.step(kept, step)
    if isinstance(source, Spectra):
        chosen = source.select(selection.star)
    else:
        chosen = load_spectra(str(spectra), source["star"].to_numpy()[selection.star].tolist())
    rows = table.select(selection.row)
    chosen = replace(chosen, columns={**chosen.columns, "survey_id": rows.survey_id})
    return ReferenceSet(
        chosen, rows.matrix(label_names), rows.error_matrix(label_names), tuple(label_names), selection.tally,
        star=found.star,
    )  # fmt: skip


def choose_cuts(
    cuts: str | Cut | Sequence[Cut] | None, keep: Mapping[str, Sequence[float | None]], *, is_apogee: bool
) -> list[Cut]:
    """
    Return the cuts of a name, or those that were given, and the ranges to keep.

    Parameters
    ----------
    cuts : {"paper", "released", "none"}, Cut, sequence of Cut, or None
        None takes the paper's for labels of APOGEE and none for others.
    keep : mapping of label name to (low, high)
        In the labels' units; None is an open end.
    is_apogee : bool
        Whether the labels are of APOGEE.

    Raises
    ------
    InputError, InputTypeError
        An unknown name, a range that is none, or something else than cuts.
    """
    if not isinstance(keep, Mapping):
        raise InputTypeError(f"keep maps labels to (low, high), such as {{'teff': (4000, 6000)}}; got {a_kind(keep)}")
    if cuts is None:
        cuts = "paper" if is_apogee else "none"
    return [*_named_cuts(cuts), *(_range(name, bounds) for name, bounds in keep.items())]


def _named_cuts(cuts: str | Cut | Sequence[Cut]) -> Sequence[Cut]:
    if isinstance(cuts, Cut):
        return [cuts]
    if isinstance(cuts, str):
        if cuts not in CUT_SETS:
            raise InputError(f"cuts must be one of {', '.join(CUT_SETS)}; got {cuts!r}")
        return CUT_SETS[cuts]
    others = [cut for cut in cuts if not isinstance(cut, Cut)] if isinstance(cuts, Sequence) else [cuts]
    if others:
        raise InputTypeError(
            f"cuts are a name or a list of Cut; got {a_kind(others[0])}. keep={{...}} takes ranges of labels"
        )
    return cuts


def _range(name: str, bounds: Sequence[float | None]) -> Cut:
    """Return the cut that keeps a range of a label."""
    if isinstance(bounds, str) or not hasattr(bounds, "__len__") or len(bounds) != 2:
        raise InputError(f"keep needs (low, high) of {name}, None for an open end; got {bounds!r}")
    (label,) = labels_from_names([name])
    low, high = (
        open_end if bound is None else number(bound, f"the bound of {name}", unit=label_unit(label))
        for bound, open_end in zip(bounds, (-np.inf, np.inf), strict=True)
    )
    return range_cut(name, low, high)


def _first_ids(star_id: Any, table: LabelTable) -> str:
    """Show the first names of both sides, so that one sees how they differ."""
    there = table.id[table.id != ""].tolist()
    return (
        f"ids of the spectra: {listed(list(star_id), most=3)}\n"
        f"ids of {table.source or 'the table'}: {listed(there, most=3)}"
    )


def reference_of_model(
    model: TrainedModel,
    store: str | Path,
    table: LabelTable,
    *,
    match: str | Matching = "id",
    radius: float = MATCH_RADIUS,
    star_id: str | None = None,
) -> ReferenceSet:
    """
    Find the spectra that a model was trained on, with the labels that `table` has for them now.

    Raises
    ------
    ReferenceSetError
        None of them is in both the store and the table.
    """
    reference = build_reference(
        store, table, model.label_names, cuts="none", match=match, radius=radius, star_id=star_id
    )
    absent = ~np.isin(reference.spectra.id, model.reference_id)
    kept = reference.drop(absent, "not in the model's reference set")
    if len(kept) == 0:
        raise ReferenceSetError(
            "none of the model's reference stars is in both the store and the table.\n" + tally_text(kept.tally)
        )
    return kept

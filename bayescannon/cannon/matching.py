"""Bring spectra and rows of a label table together: the reference set, with a tally of every step."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayescannon.cannon.cuts import CUT_SETS, Cut
from bayescannon.cannon.reference import ReferenceSet, ReferenceSetError
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.data.label_table import LabelTable
from bayescannon.data.labels import PAPER_LABELS, labels_from_names
from bayescannon.data.spectra import Spectra
from bayescannon.data.tally import TallyRow, tally_text
from bayescannon.io.store import load_spectra, open_store
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.rows import rows_of
from bayescannon.numerics.typing import BoolArray, FloatArray


@dataclass(frozen=True)
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
        Names of the spectra, without folder and endings.
    table : LabelTable
    """
    # the best comes last, and of equals the first row
    order = np.argsort(-np.nan_to_num(table.snr, nan=-np.inf), kind="stable")[::-1]
    found = rows_of(table.id[order], star_id)
    pairs = [(int(star), int(order[found[star]])) for star in np.flatnonzero(found >= 0)]
    named = table.id[table.id != ""]
    n_repeated = len(named) - len(np.unique(named))
    repeated = f" ({n_repeated} rows with worse S/N of repeated ids left out)" if n_repeated else ""
    return _matched(pairs, len(star_id), f"no labels under this id in {table.source or 'the table'}{repeated}")


def match_by_sky(ra: FloatArray, dec: FloatArray, snr: FloatArray, table: LabelTable, *, radius: float) -> Selection:
    """
    Match spectra to the nearest row within `radius` arcsec; of several spectra of a row the best S/N counts.

    Parameters
    ----------
    ra, dec : float arrays of shape (N,)
        Positions of the spectra in degrees.
    snr : float array of shape (N,)
    table : LabelTable
    radius : float
        In arcsec.
    """
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
    selection = _matched(pairs, len(ra), step)
    best: dict[int, int] = {}
    for star, row in sorted(pairs, key=lambda pair: (-np.nan_to_num(snr[pair[0]], nan=-np.inf), pair[0])):
        best.setdefault(row, star)
    keep = np.array([best[int(row)] == star for star, row in zip(selection.star, selection.row, strict=True)], bool)
    return selection if keep.all() else selection.step(keep, "another spectrum of the star has better S/N")


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
        selection = selection.step(cut.keep(table.select(selection.row)), cut.name, cut.source)
    return selection


MATCHES = ("id", "sky")


@dataclass(frozen=True)
class Matching:
    """
    How spectra and rows of a label table are brought together.

    Attributes
    ----------
    by : {"id", "sky"}
        By LAMOST id, or by position.
    radius : float
        For positions, in arcsec.
    """

    by: str = "id"
    radius: float = 3.0

    def __post_init__(self) -> None:
        if self.by not in MATCHES:
            raise InputError(f"match must be 'id' or 'sky'; got {self.by!r}")
        if not self.radius > 0:
            raise InputError(f"radius must be positive, in arcsec; got {self.radius}")

    def match(self, spectra: Spectra | xr.Dataset, table: LabelTable) -> Selection:
        """Match the stars of spectra, or of an open store, with the rows of `table`."""
        if isinstance(spectra, Spectra):
            ids, columns = spectra.id, spectra.columns
        else:
            ids = spectra["star"].to_numpy().astype(np.str_)
            columns = {name: spectra[name].to_numpy() for name in ("ra", "dec", "snr")}
        if self.by == "id":
            return match_by_id(ids, table)
        return match_by_sky(columns["ra"], columns["dec"], columns["snr"], table, radius=self.radius)


def build_reference(
    spectra: Spectra | str | Path,
    table: LabelTable,
    label_names: Sequence[str] = PAPER_LABELS,
    *,
    cuts: str | Sequence[Cut] | None = None,
    matching: Matching | None = None,
) -> ReferenceSet:
    """
    Build the reference set from spectra, in memory or in a store, and a table of Survey A labels.

    Parameters
    ----------
    spectra : Spectra, or path of a store
        Only the spectra of the reference stars are loaded from a store.
    table : LabelTable
    label_names : sequence of K str
        Labels to train, in order.
    cuts : {"paper", "released", "none"} or sequence of Cut, optional
        Applied in order, after stars without all labels are removed. The paper's unless given for a table of APOGEE,
        none for others.
    matching : Matching, optional
        By id unless given.

    Returns
    -------
    reference : ReferenceSet

    Raises
    ------
    LabelError
        An unknown label, or one that the table lacks.
    ReferenceSetError
        No star is left; the message holds the tally.
    """
    if cuts is None:
        cuts = "none" if table.flag_type is None else "paper"
    if isinstance(cuts, str):
        if cuts not in CUT_SETS:
            raise InputError(f"cuts must be one of {', '.join(CUT_SETS)}; got {cuts!r}")
        cuts = CUT_SETS[cuts]
    source = spectra if isinstance(spectra, Spectra) else open_store(spectra)
    selection = (matching or Matching()).match(source, table)
    selection = apply_cuts(selection, table, label_names, cuts=cuts)
    if len(selection) == 0:
        raise ReferenceSetError(
            "no reference star is left; check that spectra and labels belong together, and the cuts.\n"
            + tally_text(selection.tally)
        )
    if isinstance(source, Spectra):
        chosen = source.select(selection.star)
    else:
        chosen = load_spectra(str(spectra), source["star"].to_numpy()[selection.star].tolist())
    rows = table.select(selection.row)
    chosen = replace(chosen, columns={**chosen.columns, "survey_id": rows.survey_id})
    return ReferenceSet(
        chosen, rows.matrix(label_names), rows.error_matrix(label_names), tuple(label_names), selection.tally
    )


def reference_of_model(
    model: TrainedModel, store: str | Path, table: LabelTable, *, matching: Matching | None = None
) -> ReferenceSet:
    """
    Find the stars that a model was trained on, with the labels that `table` has for them now.

    Raises
    ------
    ReferenceSetError
        None of them is in both the store and the table.
    """
    reference = build_reference(store, table, model.label_names, cuts="none", matching=matching)
    absent = ~np.isin(reference.spectra.id, model.reference_id)
    kept = reference.drop(absent, "not in the model's reference set")
    if len(kept) == 0:
        raise ReferenceSetError(
            "none of the model's reference stars is in both the store and the table.\n" + tally_text(kept.tally)
        )
    return kept

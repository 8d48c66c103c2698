"""Spectra and rows of a label table that are of the same stars: by name, by position, or by a pair of columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayescannon.cannon.choices import MATCH_RADIUS, match_pair
from bayescannon.cannon.cuts import Cut
from bayescannon.cannon.name_matching import best_pair, first_names
from bayescannon.cannon.selection import SAME_STAR, Selection, best_of_stars, match_by_id, matched_pairs
from bayescannon.data.convert import number
from bayescannon.data.label_table import LabelTable
from bayescannon.data.labels import labels_from_names
from bayescannon.data.spectra import Spectra
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.typing import BoolArray, FloatArray


def match_by_sky(
    ra: FloatArray,
    dec: FloatArray,
    table: LabelTable,
    *,
    radius: float,
    usable: BoolArray | None = None,
) -> Selection:
    """
    Match spectra to the nearest star within `radius` arcsec.

    A star with several rows (the same name in its survey, or within half an arcsec of the nearest row) is its best
    usable row.

    Parameters
    ----------
    ra, dec : float arrays of shape (N,)
        Positions of the spectra in degrees.
    table : LabelTable
    radius : float
        In arcsec.
    usable : bool array of shape (rows,), optional
        As in :func:`match_by_id`.

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
    n_other = 0
    if len(stars) and len(rows):
        here = SkyCoord(ra[stars], dec[stars], unit="deg")
        there = SkyCoord(table.ra[rows], table.dec[rows], unit="deg")
        nearest, distance, _ = here.match_to_catalog_sky(there)
        near = distance <= radius * u.arcsec
        usable = np.ones(len(table), dtype=bool) if usable is None else usable
        # a whole survey has few rows near the spectra
        close = np.unique(there.search_around_sky(here, (radius + SAME_STAR) * u.arcsec)[1])
        best = np.arange(len(rows))
        best[close] = close[best_of_stars(table.select(rows[close]), there[close], usable[rows[close]])]
        pairs = list(zip(stars[near].tolist(), rows[best[nearest[near]]].tolist(), strict=True))
        n_other = len({row for _, row in pairs} - set(rows[nearest[near]].tolist()))
    step = f"no labels within {radius:g} arcsec in {table.source or 'the table'}"
    step += f" ({n_other} stars by a better row than the nearest)" if n_other else ""
    if len(ra) and not len(stars):
        step = "the spectra have no positions (columns ra and dec)"
    elif len(table) and not len(rows):
        step = f"no label of {table.source or 'the table'} has a position (columns ra and dec)"
    return matched_pairs(pairs, len(ra), step)


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
    by : str
        ``"id"``: by the spectrum's id. ``"sky"``: by position. ``"LEFT=RIGHT"``: the spectra's column LEFT is the
        table's column RIGHT; one name stands for both, such as ``"obsid"``.
    radius : float
        For positions, in arcsec or as a Quantity.
    """

    by: str = "id"
    radius: float = MATCH_RADIUS

    def __post_init__(self) -> None:
        match_pair(self.by)
        object.__setattr__(self, "radius", number(self.radius, "radius", unit="arcsec"))
        if not self.radius > 0:
            raise InputError(f"radius must be positive, in arcsec; got {self.radius}")

    @property
    def keys(self) -> tuple[str, ...]:
        """Columns with names that the table must have."""
        pair = match_pair(self.by)
        return () if pair is None or pair[1] in ("id", "survey_id") else (pair[1],)

    def match(self, spectra: Spectra | xr.Dataset, table: LabelTable, *, usable: BoolArray | None = None) -> Selection:
        """Match the stars of spectra, or of an open store, with the rows of `table`; see :func:`match_by_id`."""
        names = names_of_spectra(spectra)
        pair = match_pair(self.by)
        if pair is not None:
            left, right = pair
            if left not in names:
                raise InputError(
                    f"match must be 'id' or 'sky', or name a column of the spectra (LEFT=RIGHT); got {self.by!r}, "
                    f"and their columns with names are {', '.join(names)}"
                )
            return match_by_id(
                names[left],
                table,
                names=_names_in(table, right),
                what=left if left == right else f"{left}={right}",
                usable=usable,
            )
        if self.by == "id":
            return match_by_id(names["id"], table, usable=usable)
        ids, columns = ids_and_columns(spectra)
        unknown = np.full(len(ids), np.nan)
        ra, dec = (columns.get(name, unknown) for name in ("ra", "dec"))
        return match_by_sky(ra, dec, table, radius=self.radius, usable=usable)


def ids_and_columns(spectra: Spectra | xr.Dataset) -> tuple[NDArray[np.str_], dict[str, NDArray[Any]]]:
    """Return names and columns of spectra in memory, or of an open store."""
    if isinstance(spectra, Spectra):
        return spectra.id, dict(spectra.columns)
    columns = {str(name): one.to_numpy() for name, one in spectra.data_vars.items() if one.dims == ("star",)}
    return spectra["star"].to_numpy().astype(np.str_), columns


def _names_in(table: LabelTable, column: str) -> NDArray[np.str_]:
    """Return a column of a table that names its stars."""
    known = {"id": table.id, "survey_id": table.survey_id, **table.keys}
    same = [name for name in known if name == column] or [name for name in known if name.lower() == column.lower()]
    if not same:
        raise InputError(
            f"{table.source or 'the table'} has no column {column!r} with names of stars; it has {', '.join(known)}. "
            "A table that is not read yet is looked through for it: give its path or the table itself, not what "
            "read_labels returned; or read it as the ids, with columns={'id': ...}"
        )
    return known[same[0]]


def names_of_spectra(spectra: Spectra | xr.Dataset) -> dict[str, list[str]]:
    """Return the columns of spectra, or of an open store, that can name a star: text and whole numbers."""
    ids, columns = ids_and_columns(spectra)
    arrays = {"id": ids, **{name: np.asarray(values) for name, values in columns.items()}}
    return {
        name: [str(one).strip() for one in values.tolist()]
        for name, values in arrays.items()
        if values.dtype.kind in "OSUTiu" and name not in ("class", "subclass", "release")
    }


def usable_rows(table: LabelTable, label_names: Sequence[str], cuts: Sequence[Cut]) -> BoolArray:
    """Return the rows that have all labels and pass all cuts, a bool array of shape (rows,)."""
    usable: BoolArray = np.isfinite(table.matrix(label_names)).all(axis=1)
    for cut in cuts:
        table.require(cut.needs)
        usable = usable & cut.kept(table)
    return usable


def matching_advice(spectra: Spectra | xr.Dataset, table: LabelTable, matching: Matching) -> str:
    """Say how the spectra could be matched instead, and show the first names of both sides."""
    names = names_of_spectra(spectra)
    there = {"id": table.id, "survey_id": table.survey_id, **table.keys}
    lines = []
    if matching.by == "sky" and len(match_by_id(names["id"], table)):
        lines.append("the spectra's ids are in the table: --match id (match='id')")
    n_same, left, right = best_pair(names, {name: values.tolist() for name, values in there.items()})
    if n_same and (left, right) != ("id", "id"):
        better = left if left == right else f"{left}={right}"
        lines.append(
            f"{left} of the spectra and {right} of {table.source or 'the table'} agree for {n_same} of "
            f"{len(names['id'])}: --match {better} (match={better!r})"
        )
    if matching.by != "sky" and np.isfinite(table.ra).any():
        n_near = len(Matching("sky", matching.radius).match(spectra, table))
        if n_near:
            lines.append(f"{n_near} spectra are within {matching.radius:g} arcsec of a row: --match sky (match='sky')")
    if matching.by != "sky":
        pair = match_pair(matching.by) or ("id", "id")
        shown = ("ids", "ids") if pair == ("id", "id") else pair
        lines.append(
            first_names(names[pair[0]], _names_in(table, pair[1]).tolist(), table.source or "the table", shown)
        )
    return "\n".join(lines)

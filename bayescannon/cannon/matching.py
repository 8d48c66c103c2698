"""Bring spectra and tables of labels together: the reference set, with a tally of every step."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bayescannon.cannon.choices import MATCH_RADIUS, SEED
from bayescannon.cannon.cuts import Cut, choose_cuts
from bayescannon.cannon.label_cells import describe_cells, within_cap
from bayescannon.cannon.label_source import LabelSource, SourceStars, with_call
from bayescannon.cannon.reference import ReferenceSet, ReferenceSetError
from bayescannon.cannon.repeated_stars import choose_repeats
from bayescannon.cannon.source_choices import FIT_OFFSETS, OFFSETS
from bayescannon.cannon.source_merging import MergedLabels, merge_sources
from bayescannon.cannon.star_matching import Matching, ids_and_columns, matching_advice
from bayescannon.data.label_table import LabelTable
from bayescannon.data.labels import PAPER_LABELS, labels_from_names
from bayescannon.data.parts import UNKNOWN
from bayescannon.data.spectra import Spectra
from bayescannon.data.tally import TallyRow, tally_text
from bayescannon.io.inputs import as_spectra
from bayescannon.io.mapped_spectra import load_reference_spectra
from bayescannon.io.store import load_spectra, open_store
from bayescannon.numerics.errors import InputError, InputTypeError
from bayescannon.numerics.rows import rows_of
from bayescannon.numerics.typing import FloatArray


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
    format: str = "auto",
    columns: Mapping[str, str] | None = None,
    units: Mapping[str, Any] | None = None,
    missing: Mapping[str, Any] | None = None,
    extension: str | int | None = None,
    offsets: str = FIT_OFFSETS,
    max_per_cell: int | None = None,
    memory: float | None = None,
    seed: int = SEED,
) -> ReferenceSet:
    """
    Build the reference set from spectra, in memory or in a store, and one or several tables of labels.

    Every spectrum has the labels of the first table that has them. The first one is the scale of all, and the labels of
    further ones are mapped on it, see :mod:`bayescannon.cannon.source_merging`. A table must have all the labels that
    are trained.

    Parameters
    ----------
    spectra : Spectra, or path of a store
        Only the spectra of the reference stars are loaded from a store. What
        :func:`bayescannon.io.inputs.as_spectra` takes is accepted too.
    labels : LabelTable, path, astropy Table, DataFrame, what else read_labels takes, LabelSource, or list of these
        In the order of trust. A LabelSource has its own name, cuts, match and errors.
    label_names : sequence of K str
        Labels to train, in order.
    cuts : {"paper", "released", "none"}, Cut or sequence of Cut, optional
        Applied in order, after stars without all labels are removed; of several tables to the first. The paper's unless
        given for a table of APOGEE (told by its columns, or a LabelTable with APOGEE's flags), none for others.
    keep : mapping of label name to (low, high), optional
        Further cuts: stars with labels in these ranges are kept, in the labels' units or with their own; None is an
        open end. Of several tables, on the scale of the first.
    match : {"id", "sky"}, str or Matching
        By the names of the spectra, by position, or by a pair of columns as ``"obsid=OBSID"``: see
        :class:`~bayescannon.cannon.star_matching.Matching`.
    radius : float
        For positions, in arcsec.
    star_id : str, optional
        Column of the spectra whose equal values identify a star; ``"id"`` takes every spectrum as a star of its own.
        Unless given, spectra are of one star by the rule of :mod:`bayescannon.data.star_groups`: the same row of the
        table, ``survey_id``, ``gaia_id`` or ``twomass_id``, or positions within 3 arcsec.
    repeats : {"keep", "best"}
        Keep all spectra of a star, or the one with the best S/N. All are one star in every fold, bootstrap and count.
    format, columns, units, missing, extension
        How to read `labels`, see :func:`bayescannon.io.tables.read_labels`.
    offsets : {"fit", "none"}
        Labels of further tables are put on the scale of the first by a map that is fitted to the stars in common, or
        taken as they are.
    max_per_cell : int, optional
        Keep at most this many stars in each cell of label space, see :mod:`bayescannon.cannon.label_cells`: those of
        the first tables, then drawn at random. All unless given.
    memory : float, optional
        GB that the spectra of a store may take; half of what is free unless given. More of them are put into a scratch
        file (in ``TMPDIR``), pixel by pixel, and the model that is trained on them is the same.
    seed : int
        Decides that draw.

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
        No star is left, or too few stars are in common for a map; the message holds the tally.

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
    if offsets not in OFFSETS:
        raise InputError(f"offsets must be one of {', '.join(OFFSETS)}; got {offsets!r}")
    labels_from_names(label_names)
    usual = LabelSource(
        None, match=match, radius=radius, format=format, columns=columns or {}, units=units or {},
        missing=missing or {}, extension=extension,
    )  # fmt: skip
    given = list(labels) if isinstance(labels, list | tuple) else [labels]
    if not given:
        raise InputError("at least one table of labels is needed; got an empty list")
    sources = [one if isinstance(one, LabelSource) else replace(usual, labels=one) for one in given]
    sources = with_call(sources, cuts, keep)
    common_scale = choose_cuts("none", keep or {} if len(sources) > 1 else {}, is_apogee=False)
    source = open_store(spectra) if isinstance(spectra, str | Path) else as_spectra(spectra)
    stars = [SourceStars.find(one, source, label_names) for one in sources]
    ids, known = ids_and_columns(source)
    merged = merge_sources(stars, known, label_names, offsets=offsets)
    merged = _within_ranges(merged, common_scale, label_names)
    if len(merged) == 0:
        unread = [found for one, found in zip(given, stars, strict=True) if not _is_read(one)]
        notes = "".join(f"{note}\n" for found in unread for note in found.table.notes)
        unmatched = [k for k, found in enumerate(stars) if found.selection.tally[1].remaining == 0]
        advice = [matching_advice(source, stars[k].table, sources[k].matching) for k in unmatched]
        raise ReferenceSetError(
            "no reference star is left; check that spectra and labels belong together, and the cuts.\n"
            + notes
            + "\n".join([tally_text(merged.tally), *advice])
        )
    survey_columns = {name: values[merged.star] for name, values in known.items()}
    found = choose_repeats(
        survey_columns | {"survey_id": merged.survey_id}, ids[merged.star], merged.row, star_id=star_id,
        repeats=repeats,
    )  # fmt: skip
    names = found.star
    for step, kept in found.steps:
        merged = merged.step(kept, step)
    if max_per_cell is not None:
        kept = within_cap(
            merged.labels, label_names, names.tolist(), merged.rank.tolist(), most=max_per_cell, seed=seed
        )
        merged = merged.step(kept, f"more than {max_per_cell} stars in a cell of {describe_cells(label_names)}")
        names = names[kept]
    if isinstance(source, Spectra):
        chosen = source.select(merged.star)
    else:
        chosen = load_reference_spectra(str(spectra), merged.star, memory=memory)
    chosen = replace(chosen, columns={**chosen.columns, "survey_id": merged.survey_id})
    said = [(f"{one.name}: " if len(stars) > 1 else "") + note for one in stars for note in one.table.notes]
    return ReferenceSet(
        chosen, merged.labels, merged.errors, tuple(label_names), merged.tally, star=names, notes=tuple(said),
        source=np.array([one.name for one in stars])[merged.rank],
    )  # fmt: skip


def _is_read(given: Any) -> bool:
    return isinstance(given.labels if isinstance(given, LabelSource) else given, LabelTable)


def _within_ranges(merged: MergedLabels, cuts: Sequence[Cut], label_names: Sequence[str]) -> MergedLabels:
    """Apply ranges on the common scale."""
    for cut in cuts:
        absent = [name for name in cut.needs if name not in label_names]
        if absent:
            raise InputError(
                f"a range of {absent[0]} cannot be kept on the scale of several tables, as it is not trained; give it "
                "to the tables that have it (LabelSource(..., keep=), keep in [[labels]])"
            )
        columns = {name: merged.labels[:, k] for k, name in enumerate(label_names)}
        table = LabelTable(UNKNOWN, labels=columns)
        merged = merged.step(cut.kept(table), cut.name, cut.source)
    return merged


class TrainedStars(Protocol):
    """The spectra that a model, or several together, were trained on, with what the training took of them."""

    @property
    def reference_id(self) -> NDArray[np.str_]:
        """Names of the spectra, shape (N,)."""

    @property
    def reference_labels(self) -> FloatArray:
        """Labels, shape (N, K)."""

    @property
    def reference_errors(self) -> FloatArray | None:
        """Errors of the labels; None where they were taken as exact."""

    @property
    def label_names(self) -> tuple[str, ...]:
        """Names of the labels."""

    @property
    def star(self) -> NDArray[np.str_] | None:
        """Names of the stars; None where every spectrum is of another."""

    @property
    def label_source(self) -> NDArray[np.str_] | None:
        """Survey of the labels of each spectrum, where they are known."""


def reference_of_model(
    model: TrainedStars,
    store: str | Path,
    table: LabelTable,
    *,
    match: str | Matching = "id",
    radius: float = MATCH_RADIUS,
    star_id: str | None = None,
) -> ReferenceSet:
    """
    Find the spectra that a model was trained on, with the labels that `table` has for them now.

    Of a star's rows the one counts that it was trained on, if the table still has it.

    Raises
    ------
    ReferenceSetError
        None of them is in both the store and the table.
    """
    reference = build_reference(
        store, _rows_of_training(model, table), model.label_names, cuts="none", match=match, radius=radius,
        star_id=star_id,
    )  # fmt: skip
    absent = ~np.isin(reference.spectra.id, model.reference_id)
    kept = reference.drop(absent, "not in the model's reference set")
    if len(kept) == 0:
        raise ReferenceSetError(
            "none of the model's reference stars is in both the store and the table.\n" + tally_text(kept.tally)
        )
    return kept


def reference_in_model(model: TrainedStars, store: str | Path) -> ReferenceSet:
    """
    Find the spectra that a model was trained on, with the labels and errors of the training that it keeps.

    Labels of several surveys are on the scale of the first of them, which is not that of the others' tables.

    Raises
    ------
    ReferenceSetError
        None of them is in the store.
    """
    source = open_store(store)
    ids = source["star"].to_numpy().astype(np.str_)
    found = rows_of(ids, model.reference_id) >= 0
    n_found, n_all = int(found.sum()), len(found)
    if not n_found:
        raise ReferenceSetError(f"none of the {n_all} reference spectra of the model is in {store}")
    errors = np.full(model.reference_labels.shape, np.nan) if model.reference_errors is None else model.reference_errors
    tally = (
        TallyRow("spectra", 0, len(ids)),
        TallyRow("not in the model's reference set", len(ids) - n_found, n_found),
    )
    return ReferenceSet(
        load_spectra(str(store), model.reference_id[found].tolist()), model.reference_labels[found], errors[found],
        model.label_names, tally, star=UNKNOWN if model.star is None else model.star[found],
        notes=("labels and errors are those of the training, on its scale, which the model keeps",),
        source=UNKNOWN if model.label_source is None else model.label_source[found],
    )  # fmt: skip


def _rows_of_training(model: TrainedStars, table: LabelTable) -> LabelTable:
    """Return the table without rows beside one of the same name whose labels are those of the training."""
    trained = {tuple(row) for row in model.reference_labels.tolist()}
    same = np.array([tuple(row) in trained for row in table.matrix(model.label_names).tolist()], dtype=bool)
    beside = np.zeros(len(table), dtype=bool)
    for names in (table.id, table.survey_id):
        beside |= (names != "") & np.isin(names, names[same])
    return table.select(same | ~beside)

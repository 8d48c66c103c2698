"""The verbs on files: what `bayescannon train`, `label` and `validate` do, for command line and scripts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from bayescannon.coverage_assessment import FALSE_ALARMS, assess_coverage, with_coverage
from bayescannon.flags import PosteriorStatus
from bayescannon.infer import label_spectra
from bayescannon.io.lamost import bare_id
from bayescannon.io.store import iterate_spectra, load_spectra, open_store
from bayescannon.label_table import LabelTable
from bayescannon.labels import PAPER_LABELS
from bayescannon.models.label_priors import LabelPrior
from bayescannon.reference import (
    CUT_SETS,
    Cut,
    ReferenceSet,
    ReferenceSetError,
    Selection,
    apply_cuts,
    match_by_id,
    match_by_sky,
    tally_text,
)
from bayescannon.repeats import repeat_groups
from bayescannon.spectra import Spectra
from bayescannon.star_posterior import sample_posterior
from bayescannon.trained_model import TrainedModel
from bayescannon.uncertainty import error_budget

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
            raise ValueError(f"match must be 'id' or 'sky'; got {self.by!r}")
        if not self.radius > 0:
            raise ValueError(f"radius must be positive, in arcsec; got {self.radius}")

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
            raise ValueError(f"cuts must be one of {', '.join(CUT_SETS)}; got {cuts!r}")
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


def label_store(
    model: TrainedModel,
    store: str | Path,
    *,
    prior: LabelPrior | None = None,
    n_draws: int = 0,
    n_starts: int = 7,
    seed: int = 0,
    workers: int | None = None,
    pipeline_labels: LabelTable | None = None,
    false_alarms: float = FALSE_ALARMS,
    progress: Callable[[int, int], None] | None = None,
) -> xr.Dataset:
    """
    Label every star of a store, block by block; only the labels are kept in memory.

    Parameters and result are those of :func:`bayescannon.infer.label_spectra`; if the model holds a coverage
    reference, those of :func:`bayescannon.coverage_assessment.assess_coverage` too. With `n_draws` above 0 the
    posterior of every star is sampled, and its summary added: see
    :func:`bayescannon.star_posterior.sample_posterior`. Stars that need NUTS get it together, in the end.

    Raises
    ------
    StoreError
        There is no complete store.
    GridError
        The store is on another grid than the model.
    """
    n_star = open_store(store).sizes["star"]
    parts: list[xr.Dataset] = []
    done = 0
    for spectra in iterate_spectra(store):
        part = label_spectra(model, spectra, prior=prior, n_starts=n_starts, seed=seed, workers=workers)
        if n_draws:
            posterior = sample_posterior(
                model, spectra, prior=prior, n_draws=n_draws, n_starts=n_starts, seed=seed, nuts=False, workers=workers
            )
            part = part.merge(posterior.drop_attrs(deep=False))
        if model.coverage is not None:
            assessment = assess_coverage(
                model, spectra, part, pipeline_labels=pipeline_labels, false_alarms=false_alarms, workers=workers
            )
            part = with_coverage(part, assessment)
        parts.append(part)
        done += len(spectra)
        if progress is not None:
            progress(done, n_star)
    # the blocks were made moments apart; the first one's time stands for all
    whole = xr.concat(parts, dim="star", combine_attrs="override", data_vars="minimal")
    if n_draws:
        poor = np.flatnonzero(whole["posterior_status"].to_numpy() == PosteriorStatus.UNRELIABLE)
        if len(poor):
            again = sample_posterior(
                model, load_spectra(store, whole["star"].to_numpy()[poor].tolist()), prior=prior, n_draws=n_draws,
                n_starts=n_starts, seed=seed, workers=workers,
            )  # fmt: skip
            for name in again.data_vars:
                whole[name][{"star": poor}] = again[name]
    return whole


def budget_of_store(
    model: TrainedModel,
    store: str | Path,
    *,
    kinds: Sequence[str],
    stars: Sequence[str] | int | None = None,
    reference: ReferenceSet | None = None,
    seed: int = 0,
    **options: Any,
) -> xr.Dataset:
    """
    Evaluate the error budget of stars of a store; only their spectra are loaded.

    Parameters
    ----------
    model : TrainedModel
    store : path
    kinds, reference, options
        As in :func:`bayescannon.uncertainty.error_budget`.
    stars : sequence of str, or int, optional
        Ids, or how many to draw at random; all unless given.
    seed : int
        Decides the stars that are drawn, and what `error_budget` draws.

    Returns
    -------
    budget : xarray.Dataset

    Raises
    ------
    StoreError
        There is no complete store, or an id is not in it.
    ValueError
        More stars are to be drawn than there are, or as `error_budget` does.
    """
    with open_store(store) as opened:
        names = opened["star"].to_numpy().astype(np.str_)
        columns = {name: opened[name].to_numpy() for name in ("ra", "dec")}
    if isinstance(stars, int):
        if not 1 <= stars <= len(names):
            raise ValueError(f"the number of stars must be from 1 to the {len(names)} of {store}; got {stars}")
        chosen = np.sort(np.random.default_rng(seed).permutation(len(names))[:stars])
        wanted: list[str] | None = names[chosen].tolist()
    else:
        wanted = None if stars is None else [bare_id(name) for name in stars]
    loaded = wanted
    if wanted is not None and "repeat" in kinds:
        # the same stars' other spectra are needed too
        group = repeat_groups(columns)
        loaded = names[np.isin(group, group[np.isin(names, wanted)])].tolist()
        loaded = [*wanted, *(name for name in loaded if name not in set(wanted))]
    spectra = load_spectra(store, loaded)
    return error_budget(model, spectra, kinds=kinds, stars=wanted, reference=reference, seed=seed, **options)

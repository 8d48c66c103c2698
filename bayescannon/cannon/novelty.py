"""Coverage and novelty of stars: fit the reference by folds, assess stars against it, set their flags."""

import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from astropy.table import Table

from bayescannon.cannon.choices import FALSE_ALARMS
from bayescannon.cannon.coverage_flag import belongs, outside_coverage
from bayescannon.cannon.likelihood import StarLikelihood
from bayescannon.cannon.model_file import as_model
from bayescannon.cannon.name_matching import match_names
from bayescannon.cannon.star_residuals import star_residuals
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.data.display import listed
from bayescannon.data.flags import ResultFlag
from bayescannon.data.label_distance import PAPER_NEIGHBOURS, PAPER_SCALES, label_distance
from bayescannon.data.label_table import LabelTable
from bayescannon.data.parts import require_kind
from bayescannon.data.spectra import Spectra
from bayescannon.io.catalogue import add_coverage
from bayescannon.io.inputs import as_labels, as_spectra
from bayescannon.numerics.errors import BayesCannonWarning, InputError
from bayescannon.numerics.p_values import is_unusual
from bayescannon.numerics.real_numbers import real_number
from bayescannon.numerics.typing import FloatArray
from bayescannon.reliability.label_scores import (
    DECIDING_SCORES,
    LABEL_SCORES,
    NOVELTY_SCORE,
    SCORES,
    SPECTRUM_SCORES,
    CoverageReference,
    coverage_stars,
    label_scores,
)
from bayescannon.reliability.spectrum_scores import NoveltyReference, Residuals

# What may be asked for: the scores that decide a flag, or all of them
WHICH_SCORES = {"deciding": DECIDING_SCORES, "all": SCORES}


class CoverageError(InputError):
    """Coverage that cannot be assessed as asked; the message says what to do."""


def coverage_from_estimates(
    model: TrainedModel, reference_labels: FloatArray, estimates: xr.Dataset, residuals: Residuals | None = None
) -> CoverageReference:
    """
    Make the coverage reference of out-of-fold estimates.

    Reference stars whose labels are outliers, at most 2 % of them, are left out with a warning
    (:func:`~bayescannon.reliability.label_scores.coverage_stars`).

    Parameters
    ----------
    model : TrainedModel
        Trained on all M reference stars.
    reference_labels : float array of shape (M, K)
        In the labels' units.
    estimates : xarray.Dataset
        Of the same stars in the same order, each by a model that never saw it.
    residuals : Residuals, optional
        Of these stars, by these models; without them there is no novelty.
    """
    names = [str(name) for name in estimates["stellar_label"].to_numpy()]
    if names != list(model.label_names) or len(reference_labels) != estimates.sizes["star"]:
        raise CoverageError(
            f"estimates of {estimates.sizes['star']} stars and the labels {', '.join(names)} do not go with "
            f"{len(reference_labels)} reference stars and the labels {', '.join(model.label_names)}"
        )
    points = model.scaler.to_scaled(estimates["labels"].to_numpy())
    labels = model.scaler.to_scaled(reference_labels)
    kept = coverage_stars(labels)
    if not kept.all():
        stars = [str(star) for star in estimates["star"].to_numpy()[~kept]]
        warnings.warn(
            BayesCannonWarning(
                f"labels of {len(stars)} of {len(labels)} reference stars are ten standard deviations from those of "
                f"the others: they do not count as covered by the model ({listed(stars, most=5)})"
            ),
            stacklevel=2,
        )
    points, labels = points[kept], labels[kept]
    scores = np.full((len(labels), len(SCORES)), np.nan)
    scores[:, : -len(SPECTRUM_SCORES)] = label_scores(points, labels, leave_one_out=True)
    novelty = None
    if residuals is not None:
        residuals = residuals.select(np.flatnonzero(kept))
        novelty = NoveltyReference.fit(residuals)
        scores[:, -len(SPECTRUM_SCORES) :] = novelty.scores(residuals)
    return CoverageReference(model.scaler, labels, scores, novelty, model.hash)


def pipeline_labels_of(stars: Sequence[str], table: LabelTable, names: Sequence[str]) -> FloatArray:
    """Return Survey B's own labels of stars by name, shape (N, K); NaN for a star or value that is not there."""
    rows = match_names(stars, table.id.tolist(), np.arange(len(table)), of=table.source or "the pipeline labels").rows
    return np.where(rows[:, None] >= 0, table.matrix(names)[rows], np.nan)


def as_pipeline_labels(given: LabelTable | str | Path, model: TrainedModel, stars: Sequence[Any]) -> LabelTable:
    """
    Return Survey B's own labels from a table or its path: those of the label distance that the model has.

    Raises
    ------
    CoverageError
        None of the stars is in it.
    LabelError, TableError
        The table lacks one of the labels, or cannot be read.
    """
    names = [name for name in PAPER_SCALES if name in model.label_names]
    table = given if isinstance(given, LabelTable) else as_labels(given, label_names=names)
    table.require(names)
    named = match_names(
        [str(star) for star in stars], table.id.tolist(), np.arange(len(table)),
        of=table.source or "the pipeline labels",
    )  # fmt: skip
    if named.how:
        warnings.warn(
            BayesCannonWarning(f"ids of the pipeline labels are compared with those of the spectra {named.how}"),
            stacklevel=3,
        )
    if len(stars) and not (named.rows >= 0).any():
        there = table.id[table.id != ""].tolist()
        known = f"its ids are {listed(there, most=3)}" if there else "it has no column of ids, or an empty one"
        raise CoverageError(
            f"none of the {len(stars)} stars is in {table.source or 'the table'} of pipeline labels: {known}, and the "
            f"stars are {listed([str(star) for star in stars], most=3)}. Name the column of the spectra's ids "
            "(--pipeline-columns id=COLUMN, or columns={'id': COLUMN} of read_labels)"
        )
    return table


def _distances(estimates: xr.Dataset, model: TrainedModel, table: LabelTable | None, workers: int | None) -> FloatArray:
    """Return the paper's label distance, of Survey B's own labels if given; NaN without Teff, log g and [Fe/H]."""
    names = [name for name in PAPER_SCALES if name in model.label_names]
    if not names:
        return np.full(estimates.sizes["star"], np.nan)
    reference = model.reference_labels[:, [model.label_names.index(name) for name in names]]
    if table is None:
        labels = estimates["labels"].sel(stellar_label=names).transpose("star", "stellar_label").to_numpy()
    else:
        labels = pipeline_labels_of([str(star) for star in estimates["star"].to_numpy()], table, names)
    neighbours = min(PAPER_NEIGHBOURS, len(reference))
    return label_distance(labels, reference, names, neighbours=neighbours, workers=workers)


def assess_coverage(
    model: TrainedModel | str | Path,
    spectra: Spectra | StarLikelihood | str | Path | None,
    estimates: xr.Dataset,
    coverage: CoverageReference | None = None,
    *,
    scores: str = "deciding",
    pipeline_labels: LabelTable | str | Path | None = None,
    false_alarms: float = FALSE_ALARMS,
    workers: int | None = None,
) -> xr.Dataset:
    """
    Assess how far stars are from what a model was trained on.

    Stars are independent of each other, so that a survey may be assessed block by block. Flags are only added: a star
    that its estimates flag stays flagged, whatever the reference stars say. To have fewer flags than those of an older
    assessment, label the stars again.

    Parameters
    ----------
    model : TrainedModel, or path of its file
    spectra : Spectra, path of a store, StarLikelihood or None
        The stars of `estimates`, or what they were compressed to; without them only labels are assessed.
    estimates : xarray.Dataset
        Needs ``labels``, and ``flags`` where there are any.
    coverage : CoverageReference, optional
        The model's own unless given.
    scores : {"deciding", "all"}
        The three scores that decide the flags, or all of :data:`bayescannon.reliability.label_scores.SCORES`.
    pipeline_labels : LabelTable or path of a table, optional
        Survey B's own labels: the label distance is of them and not of the inferred labels. NaN where it has none.
    false_alarms : float
        Share of reference-like stars that each of the two flags may hit.
    workers : int or None
        Threads; None takes every core.

    Returns
    -------
    assessment : xarray.Dataset
        Dims star, score_name: ``score`` and ``p_value`` of the scores asked for; ``p_coverage`` (range and whitened
        distance together), ``p_novelty`` and ``p_joint`` (twice the smaller of these, at most 1); ``label_distance``;
        ``flags``, those of the estimates with OUTSIDE_COVERAGE
        (:func:`~bayescannon.cannon.coverage_flag.outside_coverage`) and NOVEL_SPECTRUM added. The attribute
        ``coverage`` says with how many reference stars, and below what p-values are extrapolated.

    Raises
    ------
    CoverageError
        There is no coverage reference, it belongs to another model, or spectra and estimates are of different stars.

    Examples
    --------
    >>> import bayescannon as bc
    >>> survey = bc.simulate_survey(80, 20, seed=1)
    >>> spectra = bc.prepare_spectra(list(survey.spectra()))
    >>> reference = bc.build_reference(spectra, survey.apogee, ("teff", "logg"), format="allstar-dr12")
    >>> model = bc.qualify(bc.train(reference), reference, folds=4)
    >>> assessment = bc.assess_coverage(model, spectra, bc.label_spectra(model, spectra))
    >>> bool(((assessment["p_coverage"] > 0) & (assessment["p_coverage"] <= 1)).all())
    True
    """
    model = as_model(model)
    coverage = model.coverage if coverage is None else coverage
    if coverage is None:
        raise CoverageError(
            "the model holds no coverage reference; qualify it with its reference set, or train with folds"
        )
    if not belongs(coverage, model):
        raise CoverageError(
            f"the coverage reference belongs to model {coverage.model_hash} of {', '.join(coverage.scaler.names)}, "
            f"not to model {model.hash} of {', '.join(model.label_names)}; fit it again"
        )
    false_alarms = real_number(false_alarms, "false_alarms", above=0, below=1)
    require_kind(estimates, xr.Dataset, "assess_coverage(model, spectra, estimates)")
    require_kind(coverage, CoverageReference, "assess_coverage(..., coverage=)")
    there = [str(name) for name in estimates["stellar_label"].to_numpy()] if "stellar_label" in estimates else []
    if "labels" not in estimates or sorted(there) != sorted(model.label_names):
        raise CoverageError(
            f"estimates must have the labels {', '.join(model.label_names)} of the model; got "
            f"{', '.join(there) or 'none'}. label_spectra(model, spectra) makes them"
        )
    estimates = estimates.sel(stellar_label=list(model.label_names))
    if scores not in WHICH_SCORES:
        raise InputError(f"scores must be {' or '.join(map(repr, WHICH_SCORES))}; got {scores!r}")
    own = pipeline_labels if isinstance(pipeline_labels, LabelTable) else None
    if own is None and pipeline_labels is not None:
        own = as_pipeline_labels(pipeline_labels, model, estimates["star"].to_numpy().tolist())
    if spectra is not None and not isinstance(spectra, StarLikelihood):
        spectra = StarLikelihood.of(model, as_spectra(spectra), workers=workers)
    if spectra is not None and list(map(str, spectra.spectra.id)) != list(map(str, estimates["star"].to_numpy())):
        raise CoverageError("spectra and estimates must be of the same stars in the same order")
    names = WHICH_SCORES[scores]
    labels = estimates["labels"].transpose("star", "stellar_label").to_numpy()
    points = coverage.scaler.to_scaled(labels)
    of_labels = [name for name in names if name in LABEL_SCORES]
    values = np.full((len(points), len(names)), np.nan)
    values[:, : len(of_labels)] = label_scores(points, coverage.labels, of_labels, workers=workers)
    if spectra is not None and coverage.novelty is not None:
        of_spectra = coverage.novelty.scores(star_residuals(spectra, points, workers=workers))
        for k, name in enumerate(names[len(of_labels) :], start=len(of_labels)):
            values[:, k] = of_spectra[:, SPECTRUM_SCORES.index(name)]
    p_values = coverage.p_values(values, names)
    p_coverage, outside = outside_coverage(model, labels, coverage, false_alarms=false_alarms)
    p_novelty = p_values[:, names.index(NOVELTY_SCORE)]
    tail = coverage.tail(NOVELTY_SCORE)
    novel = is_unusual(p_novelty, false_alarms, coverage.smallest_p_value if tail is None else tail.smallest)
    both = np.isfinite(p_coverage) & np.isfinite(p_novelty)
    # Bonferroni: valid however the two depend on each other
    p_joint = np.minimum(np.fmin(p_coverage, p_novelty) * np.where(both, 2, 1), 1.0)
    flags = estimates["flags"].to_numpy() if "flags" in estimates else np.zeros(len(points), dtype=np.int32)
    for flag, mask in ((ResultFlag.OUTSIDE_COVERAGE, outside), (ResultFlag.NOVEL_SPECTRUM, novel)):
        flags = np.where(mask, flags | int(flag), flags)
    return xr.Dataset(
        {
            "score": (("star", "score_name"), values),
            "p_value": (("star", "score_name"), p_values),
            "p_coverage": ("star", p_coverage),
            "p_novelty": ("star", p_novelty),
            "p_joint": ("star", p_joint),
            "label_distance": ("star", _distances(estimates, model, own, workers)),
            "flags": ("star", flags.astype(np.int32)),
        },
        coords={"star": estimates["star"].to_numpy(), "score_name": list(names)},
        attrs={
            "false_alarms": false_alarms,
            "distance_of": "inferred" if pipeline_labels is None else "pipeline",
            "coverage": coverage.describe_p_values(),
        },
    )


def with_coverage(estimates: xr.Dataset, assessment: xr.Dataset) -> xr.Dataset:
    """Put an assessment into label estimates of the same stars, for the catalogue, with the flags of both."""
    both = estimates.assign({str(name): values for name, values in assessment.data_vars.items()})
    return both.assign_attrs(coverage=assessment.attrs["coverage"])


def coverage_of_catalogue(
    model: TrainedModel,
    table: Table,
    *,
    scores: str = "deciding",
    pipeline_labels: LabelTable | str | Path | None = None,
    false_alarms: float = FALSE_ALARMS,
) -> Table:
    """
    Assess the labels of a catalogue; without spectra there is no novelty.

    Parameters are those of :func:`assess_coverage`.

    Raises
    ------
    CoverageError
        The catalogue was made with another model, or this one holds no coverage reference.
    """
    require_made_with(table, model.hash)
    labels = np.column_stack([np.asarray(table[name]) for name in model.label_names])
    estimates = xr.Dataset(
        {"labels": (("star", "stellar_label"), labels), "flags": ("star", np.asarray(table["flags"]))},
        coords={"star": np.asarray(table["id"]), "stellar_label": list(model.label_names)},
    )
    stars = estimates["star"].to_numpy().tolist()
    own = None if pipeline_labels is None else as_pipeline_labels(pipeline_labels, model, stars)
    assessment = assess_coverage(model, None, estimates, scores=scores, pipeline_labels=own, false_alarms=false_alarms)
    return add_coverage(table, assessment)


def require_made_with(table: Table, model_hash: str) -> None:
    """Raise a CoverageError unless a catalogue was made with the model of this hash."""
    if table.meta["model_hash"] != model_hash:
        raise CoverageError(
            f"the catalogue was made with model {table.meta['model_hash']}, and this is {model_hash}; give the model "
            "that made it, or the store of spectra to label again"
        )


def attach_coverage(model: TrainedModel, coverage: CoverageReference) -> TrainedModel:
    """Return the model with its coverage reference, to be saved with it; its hash stays."""
    return replace(model, coverage=coverage)

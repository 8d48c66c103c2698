"""From a store and tables of labels to a trained model, as a configuration says."""

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from bayescannon.app.config import Labels, LabelsConfig, TrainConfig, tables_of
from bayescannon.cannon.choices import N_STARTS, SEED, LabelTableChoices
from bayescannon.cannon.fold_work import FoldWork
from bayescannon.cannon.label_source import LabelSource, with_call
from bayescannon.cannon.matching import build_reference, reference_in_model, reference_of_model
from bayescannon.cannon.populations.choice import check_choice
from bayescannon.cannon.populations.either_model import qualify
from bayescannon.cannon.populations.odd_stars import attach_odd
from bayescannon.cannon.populations.survey_model import SurveyModel
from bayescannon.cannon.populations.trained_stars import survey_stars
from bayescannon.cannon.populations.training import train_survey
from bayescannon.cannon.reference import ReferenceSet
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.cannon.training import train_clipped
from bayescannon.data.label_definitions import define_labels
from bayescannon.data.spectra import Spectra
from bayescannon.numerics.progress import Progress


def sources_of(labels: Labels) -> list[LabelSource]:
    """Return tables of a configuration as sources, and define their labels."""
    tables = tables_of(labels)
    for one in tables:
        define_labels(one.define)
    named = {item.name for item in fields(LabelSource)} & {item.name for item in fields(LabelsConfig)}
    return [LabelSource(one.table, **{name: getattr(one, name) for name in named}) for one in tables]


def read_sources(labels: Labels, config: TrainConfig, table: Any = None) -> list[LabelSource]:
    """
    Read the labels to train on and those that the cuts look at, of every table.

    `table`, if given, is a table in memory in place of the configuration's file.
    """
    sources = sources_of(labels)
    if table is not None:
        sources = [replace(sources[0], labels=table), *sources[1:]]
    return [source.read(config.label_names) for source in with_call(sources, config.cuts, config.keep)]


def notes_of(sources: Sequence[LabelSource]) -> list[str]:
    """Return what was taken and dropped when tables were read."""
    several = len(sources) > 1
    return [(f"{one.survey}: " if several else "") + note for one in sources for note in one.labels.notes]


def build_from_config(
    spectra: str | Path | Spectra, sources: Sequence[LabelSource], labels: Labels, config: TrainConfig, *, seed: int
) -> ReferenceSet:
    """Build the reference set of sources that :func:`read_sources` read."""
    first = tables_of(labels)[0]
    return build_reference(
        spectra, list(sources), config.label_names, keep=config.keep if len(sources) > 1 else None,
        star_id=first.star_id, repeats=first.repeats, offsets=config.offsets, max_per_cell=config.max_per_cell,
        memory=config.memory, seed=seed,
    )  # fmt: skip


def train_from_config(
    store: str | Path,
    labels: Labels,
    config: TrainConfig,
    *,
    seed: int = SEED,
    say: Callable[[Sequence[str]], None] | None = None,
    progress: Progress = None,
) -> tuple[TrainedModel | SurveyModel, ReferenceSet]:
    """
    Match, cut, clip and train; return the model, and the stars it was trained on, with those that were clipped.

    Parameters
    ----------
    store : path
    labels : LabelsConfig or sequence of LabelsConfig
    config : TrainConfig
        With ``populations`` a survey model is trained.
    seed : int
    say : callable, optional
        Takes what was taken and dropped when the tables were read, before anything is trained.
    progress : callable, bool or None
        Of the trainings of one model, see :func:`bayescannon.cannon.training.train_clipped`.
    """
    if config.populations is not None:
        check_choice(config.populations, list(config.label_names))
    sources = read_sources(labels, config)
    if say is not None:
        say(notes_of(sources))
    reference = build_from_config(store, sources, labels, config, seed=seed)
    clip: dict[str, Any] = {"n_sigma": config.clip_sigma, "max_rounds": config.clip_rounds, "seed": seed}
    table = LabelTableChoices.of(tables_of(labels)[0])
    if config.populations is None:
        model, kept = train_clipped(reference, options=config.options(), progress=progress, **clip)
        return replace(model, label_table=table), kept
    survey, kept = train_survey(reference, populations=config.populations, options=config.options(), **clip)
    return replace(survey, label_table=table), kept


def qualify_from_config(
    model: TrainedModel | SurveyModel,
    reference: ReferenceSet,
    config: TrainConfig,
    *,
    n_starts: int = N_STARTS,
    seed: int = SEED,
    progress: Progress = None,
    work: FoldWork | None = None,
) -> Any:
    """Attach to a model what a configuration wants of held-out stars: errors, coverage, and scores of odd spectra."""
    model = qualify(model, reference, folds=config.folds, n_starts=n_starts, seed=seed, progress=progress, workers=work)
    if not config.odd:
        return model
    return attach_odd(
        model, reference, folds=config.folds, double_lined=config.double_lined, seed=seed, progress=progress
    )


def training_reference(model: TrainedModel | SurveyModel, store: str | Path, labels: Labels) -> ReferenceSet:
    """
    Find the stars that a model was trained on in a store and a table of labels.

    Of a model with labels of several surveys, and where several tables are given, the labels are those of the training.
    """
    sources = sources_of(labels)
    trained = survey_stars(model) if isinstance(model, SurveyModel) else model
    surveys = set() if trained.label_source is None else set(trained.label_source.tolist()) - {""}
    if len(sources) > 1 or len(surveys) > 1:
        return reference_in_model(trained, store)
    (source,) = sources
    table, _ = replace(source, cuts="none", keep={}).table_and_cuts(model.label_names)
    return reference_of_model(trained, store, table, match=source.matching, star_id=tables_of(labels)[0].star_id)

"""From a store and a table of labels to a trained model, as a configuration says."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bayescannon.app.config import LabelsConfig, TrainConfig
from bayescannon.cannon.choices import SEED, LabelTableChoices
from bayescannon.cannon.cuts import Cut
from bayescannon.cannon.matching import Matching, build_reference, reference_of_model
from bayescannon.cannon.reference import ReferenceSet
from bayescannon.cannon.reference_table import labels_and_cuts
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.cannon.training import train_clipped
from bayescannon.data.label_definitions import define_labels
from bayescannon.data.label_table import LabelTable
from bayescannon.io.label_tables.table_options import TableOptions


def table_options(choices: LabelTableChoices) -> TableOptions:
    """Return how a configuration says that a table is read."""
    return TableOptions(choices.format, choices.columns, choices.units, choices.missing, choices.extension)


def read_reference_labels(labels: LabelsConfig, config: TrainConfig, table: Any = None) -> tuple[LabelTable, list[Cut]]:
    """
    Read the labels to train on and those that the cuts look at; return the cuts too.

    `table`, if given, is a table in memory in place of the configuration's file.
    """
    define_labels(labels.define)
    matching = Matching(labels.match, labels.radius)
    return labels_and_cuts(
        labels.table if table is None else table, table_options(labels), config.label_names, cuts=config.cuts,
        keep=config.keep, keys=matching.keys,
    )  # fmt: skip


def train_from_config(
    store: str | Path,
    labels: LabelsConfig,
    config: TrainConfig,
    *,
    seed: int = SEED,
    say: Callable[[Sequence[str]], None] | None = None,
) -> tuple[TrainedModel, ReferenceSet]:
    """
    Match, cut, clip and train; return the model, and the stars it was trained on, with those that were clipped.

    Parameters
    ----------
    store : path
    labels : LabelsConfig
    config : TrainConfig
    seed : int
    say : callable, optional
        Takes what was taken and dropped when the table was read, before anything is trained.
    """
    table, cuts = read_reference_labels(labels, config)
    if say is not None:
        say(table.notes)
    reference = build_reference(
        store, table, config.label_names, cuts=cuts, match=labels.match, radius=labels.radius, star_id=labels.star_id,
        repeats=labels.repeats,
    )  # fmt: skip
    model, kept = train_clipped(
        reference, n_sigma=config.clip_sigma, max_rounds=config.clip_rounds, options=config.options(), seed=seed
    )
    return replace(model, label_table=LabelTableChoices.of(labels)), kept


def training_reference(model: TrainedModel, store: str | Path, labels: LabelsConfig) -> ReferenceSet:
    """Find the stars that a model was trained on in a store and a table of labels."""
    define_labels(labels.define)
    matching = Matching(labels.match, labels.radius)
    table, _ = labels_and_cuts(labels.table, table_options(labels), model.label_names, cuts="none", keys=matching.keys)
    return reference_of_model(model, store, table, match=matching, star_id=labels.star_id)

"""From a store and a table of labels to a trained model, as a configuration says."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bayescannon.app.config import LabelsConfig, TrainConfig
from bayescannon.cannon.choices import FROM_TABLE, SEED, LabelTableChoices
from bayescannon.cannon.cuts import Cut
from bayescannon.cannon.matching import build_reference, choose_cuts, reference_of_model
from bayescannon.cannon.reference import ReferenceSet
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.cannon.training import train_clipped
from bayescannon.data.label_table import LabelTable
from bayescannon.io.tables import read_labels


def configured_cuts(labels: LabelsConfig, config: TrainConfig) -> list[Cut]:
    """Return the cuts of a configuration: the paper's for an APOGEE table and none for others, unless it says."""
    return choose_cuts(config.cuts, config.keep, is_apogee=labels.format != FROM_TABLE)


def read_reference_labels(config: LabelsConfig, label_names: Sequence[str], cuts: Sequence[Cut] = ()) -> LabelTable:
    """Read the labels to train on, and those that the cuts look at."""
    wanted = dict.fromkeys([*label_names, *(name for cut in cuts for name in cut.needs)])
    return read_labels(config.table, format=config.format, label_names=list(wanted), columns=config.columns)


def train_from_config(
    store: str | Path, labels: LabelsConfig, config: TrainConfig, *, seed: int = SEED
) -> tuple[TrainedModel, ReferenceSet]:
    """Match, cut, clip and train; return the model, and the stars it was trained on, with those that were clipped."""
    cuts = configured_cuts(labels, config)
    table = read_reference_labels(labels, config.label_names, cuts)
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
    table = read_reference_labels(labels, model.label_names)
    return reference_of_model(model, store, table, match=labels.match, radius=labels.radius, star_id=labels.star_id)

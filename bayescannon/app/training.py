"""From a store and a table of labels to a trained model, as a configuration says."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bayescannon.app.config import LabelsConfig, TrainConfig
from bayescannon.cannon.cuts import CUT_SETS, Cut, range_cut
from bayescannon.cannon.matching import Matching, build_reference
from bayescannon.cannon.reference import ReferenceSet
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.cannon.training import train_clipped
from bayescannon.data.label_table import LabelTable
from bayescannon.io.tables import read_labels


def choose_cuts(config: TrainConfig, labels_format: str) -> tuple[Cut, ...]:
    """Return the cuts of a configuration: the paper's for an APOGEE table and none for others, unless it says."""
    name = config.cuts or ("none" if labels_format == "table" else "paper")
    ranges = [range_cut(label, *bounds, source="the options given") for label, bounds in config.keep.items()]
    return (*CUT_SETS[name], *ranges)


def read_reference_labels(config: LabelsConfig, label_names: Sequence[str], cuts: Sequence[Cut] = ()) -> LabelTable:
    """Read the labels to train on, and those that the cuts look at."""
    wanted = dict.fromkeys([*label_names, *(name for cut in cuts for name in cut.needs)])
    return read_labels(config.table, format=config.format, label_names=list(wanted), columns=config.columns)


def train_from_config(
    store: str | Path, labels: LabelsConfig, config: TrainConfig, *, seed: int = 0
) -> tuple[TrainedModel, ReferenceSet, ReferenceSet]:
    """Match, cut, clip and train; return the model, the stars it was trained on, and those that were clipped."""
    cuts = choose_cuts(config, labels.format)
    table = read_reference_labels(labels, config.label_names, cuts)
    matching = Matching(labels.match, labels.radius)
    reference = build_reference(store, table, config.label_names, cuts=cuts, match=matching)
    model, kept = train_clipped(
        reference, n_sigma=config.clip_sigma, max_rounds=config.clip_rounds, options=config.options(), seed=seed
    )
    return model, kept, reference.select(~np.isin(reference.spectra.id, kept.spectra.id))

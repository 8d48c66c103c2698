"""What a run's finished parts belong to: digests of its inputs, so that no other run takes them up."""

import hashlib
import pickle
from typing import Any

import numpy as np
import xarray as xr

from bayescannon.cannon.model_layout import model_groups
from bayescannon.cannon.populations.survey_model import SurveyModel
from bayescannon.cannon.reference import ReferenceSet
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.data.label_table import LabelTable
from bayescannon.io.netcdf import tree_digest


def model_identity(model: TrainedModel | SurveyModel) -> str:
    """Return a digest of everything in a model, coverage and calibration included."""
    models = {"": model} if isinstance(model, TrainedModel) else model.distinct
    digest = hashlib.sha256(model.hash.encode())
    for name, one in models.items():
        digest.update(f"{name} {tree_digest(xr.DataTree.from_dict(model_groups(one)))}".encode())
    return digest.hexdigest()


def table_identity(table: LabelTable | None) -> str:
    """Return a digest of names and labels of a table; empty for none."""
    if table is None:
        return ""
    digest = hashlib.sha256("\0".join(table.id.tolist()).encode("utf-8", "surrogatepass"))
    for name in sorted(table.labels):
        digest.update(name.encode() + np.ascontiguousarray(table.labels[name], dtype="<f8").tobytes())
    return digest.hexdigest()


def choice_identity(choice: Any) -> str:
    """Return what tells a choice from others: itself if it is plain, else a digest of the object."""
    if choice is None or isinstance(choice, str | int | float):
        return repr(choice)
    return f"{type(choice).__name__} {hashlib.sha256(pickle.dumps(choice)).hexdigest()}"


def reference_identity(reference: ReferenceSet | None) -> str:
    """Return a digest of the stars and labels of a reference set; empty for none."""
    if reference is None:
        return ""
    digest = hashlib.sha256("\0".join(reference.spectra.id.tolist()).encode("utf-8", "surrogatepass"))
    for values in (reference.labels, reference.star_number, reference.spectra.flux.sum(axis=1, dtype=np.float64)):
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()

"""The layout of model files of version 0.2.0: all variables in one group, and JSON texts among the attributes."""

import json
from dataclasses import fields
from typing import Any

import numpy as np
import xarray as xr

from bayescannon.cannon.learned_labels import LearnedLabels
from bayescannon.cannon.model_layout import ModelFileError, log_normal, read_calibration, read_coverage
from bayescannon.cannon.options import TrainingOptions
from bayescannon.cannon.provenance import Provenance
from bayescannon.data.labels import LabelScaler
from bayescannon.data.tally import TallyRow
from bayescannon.pixels.coefficient_population import Population
from bayescannon.pixels.fit import PixelFit
from bayescannon.pixels.label_population import LabelPopulation
from bayescannon.pixels.latent_label_fit import LabelErrorStatus
from bayescannon.pixels.populations import Populations, TrainingRound
from bayescannon.reliability.error_distribution import ErrorCalibration


def flat_model_fields(data: xr.Dataset) -> dict[str, Any]:
    """
    Read a model of version 0.2.0: the arguments of a TrainedModel.

    Parameters
    ----------
    data : xarray.Dataset

    Raises
    ------
    ModelFileError
        A variable is missing, or the calibration was changed after it was saved.
    """
    try:
        return _fields(data)
    except KeyError as error:
        raise ModelFileError(f"the model lacks {error}, which every model of version 0.2.0 has; train anew") from error


def _fields(data: xr.Dataset) -> dict[str, Any]:
    arrays = {str(name): values.to_numpy() for name, values in data.variables.items()}
    names = tuple(str(name) for name in arrays["stellar_label"])
    attrs = data.attrs
    calibration = read_calibration(_with_prefix(arrays, "calibration_"))
    found = None if calibration is None else calibration.hash
    if found != attrs.get("calibration_hash"):
        raise ModelFileError(
            f"the calibration was changed after it was saved (hash {found}, saved {attrs.get('calibration_hash')})"
        )
    learned = _with_prefix(arrays, "learned_")
    return {
        "wavelength": arrays["wavelength"],
        "scaler": LabelScaler(names, arrays["pivot"], arrays["scale"]),
        "fit": PixelFit(**{item.name: arrays[item.name] for item in fields(PixelFit)}),
        "reference_id": arrays["reference_star"].astype(np.str_),
        "reference_labels": arrays["reference_labels"],
        "kappa": arrays["kappa"],
        "loadings": arrays.get("loadings"),
        "reference_errors": arrays.get("reference_errors"),
        # models were first saved when the paper's was the only training
        "options": TrainingOptions.from_json(attrs["training"]) if "training" in attrs else TrainingOptions(),
        "populations": _populations(learned, attrs),
        "latent_labels": _latent_labels(learned, attrs) if "label_mean" in learned else None,
        "tally": tuple(TallyRow(**row) for row in json.loads(attrs.get("tally", "[]"))),
        "provenance": Provenance(**{item.name: str(attrs.get(item.name, "")) for item in fields(Provenance)}),
        "calibration": calibration,
        "calibration_note": _note(str(attrs.get("calibration", "")), calibration),
        "coverage": read_coverage(data) if "coverage_labels" in data else None,
    }


def _with_prefix(arrays: dict[str, Any], prefix: str) -> dict[str, Any]:
    return {name.removeprefix(prefix): values for name, values in arrays.items() if name.startswith(prefix)}


def _note(text: str, calibration: ErrorCalibration | None) -> str:
    """Take off what the calibration says of itself."""
    return text if calibration is None else text.removeprefix(calibration.describe()).removeprefix("; ")


def _populations(learned: dict[str, Any], attrs: dict[str, Any]) -> Populations:
    pooled = "activity" in learned
    return Populations(
        coefficients=Population(learned["mu"], learned["tau"], learned["activity"]) if pooled else None,
        smooth_scale=None if pooled else learned.get("tau"),
        scatter=log_normal(learned, "scatter"),
        kappa=log_normal(learned, "kappa"),
        trace=tuple(TrainingRound(**one) for one in json.loads(attrs.get("trace", "[]"))),
        converged=bool(attrs.get("converged", True)),
    )


def _latent_labels(learned: dict[str, Any], attrs: dict[str, Any]) -> LearnedLabels:
    return LearnedLabels(
        LabelPopulation(learned["label_mean"], learned["label_covariance"]),
        None,
        learned["label_error_trace"],
        LabelErrorStatus[str(attrs["label_errors_status"])],
        int(attrs["label_errors_failed"]),
    )

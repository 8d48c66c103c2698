"""
The groups of a trained model's file: what is written where, and how it is read back.

``model`` holds the pixels' numbers and the scaler, ``populations`` and ``latent_labels`` what training learned around
them, ``reference`` the reference stars and how they were selected, ``options`` the choices of the training,
``held_out`` the reference stars' labels by models of the other folds, ``calibration``, ``coverage`` and ``odd`` what
these showed. Labels' names and units are the root's coordinates, and its attributes say where the model comes from.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayescannon.cannon import variable_texts as texts
from bayescannon.cannon.choices import LabelTableChoices
from bayescannon.cannon.held_out_labels import HeldOutLabels
from bayescannon.cannon.learned_labels import LearnedLabels
from bayescannon.cannon.options import TrainingOptions
from bayescannon.cannon.provenance import Provenance
from bayescannon.data.label_definitions import definitions_of, restore_labels
from bayescannon.data.labels import LabelScaler
from bayescannon.data.tally import TallyRow
from bayescannon.models.label_vector import term_names
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.outlier_mixture import OutlierShare
from bayescannon.numerics.typing import FloatArray
from bayescannon.pixels.coefficient_population import Population
from bayescannon.pixels.component_choice import ComponentChoice
from bayescannon.pixels.fit import PixelFit
from bayescannon.pixels.label_population import LabelPopulation
from bayescannon.pixels.latent_label_fit import LabelErrorStatus
from bayescannon.pixels.populations import LogNormalPopulation, Populations, TrainingRound
from bayescannon.reliability.error_distribution import ErrorCalibration
from bayescannon.reliability.label_scores import SCORES, CoverageReference
from bayescannon.reliability.odd_reference import OddReference

if TYPE_CHECKING:
    from bayescannon.cannon.trained_model import TrainedModel

KIND = "bayescannon trained model"
# of a file that holds several of them, see :mod:`bayescannon.cannon.populations.survey_file`
SURVEY_KIND = "bayescannon survey model"
# of the groups and their variables; files without a version are of the flat layout of 0.2.0. 3 adds the stars of the
# spectra, and the choices of the label table that decide them; files of 2 lack both, and the
# errors of damaged spectra; 4 adds what held-out stars decided, and options that versions before 0.5 do not know
SCHEMA_VERSION = 4
_PAIR = ("stellar_label", "stellar_label_2")
# dims of the calibration's arrays; those of one number per label are not listed
_CALIBRATION_DIMS: Mapping[str, tuple[str, ...]] = {
    "location": ("stellar_label", "location_feature"),
    "formal": ("stellar_label", "formal_feature"),
    "floor": ("stellar_label", "error_feature"),
    "axes": ("stellar_label", "place_axis"),
    "nodes": ("node", "smooth_axis"),
    "label_range": ("stellar_label", "end"),
    "snr_range": ("end",),
    "damage_complete": ("stellar_label", "level_feature"),
    "damage_usual_gaps": ("gap_measure",),
    "damage_scale": ("stellar_label", "loss_feature"),
    "damage_offset_range": ("stellar_label", "end"),
}
# attributes of the groups reference and held_out
_LABEL_TABLE = "label_table"
# attribute of the root; files of 0.3.0 have none
_DEFINITIONS = "label_definitions"
_FOLDS = ("folds", "n_starts", "seed")
_COVARIANCE = ("pixel", "term", "term_2")
# attribute of the group of odd spectra, which files of version 0.5 and older lack: the numbers as JSON
_ODD = "odd"
# variable of the reference stars: the survey of their labels; files of version 0.5 and older lack it
_SOURCE = "label_source"
# variable of both groups: which spectra are of the same star
_STAR_NAME = "star_name"


class ModelFileError(InputError):
    """A file that is not a trained model, or not one that can be read."""


def describe_variables(dataset: xr.Dataset, known: Mapping[str, tuple[str, str]]) -> xr.Dataset:
    """Give every variable of a Dataset its ``long_name`` and ``units``."""
    described = dataset.copy()
    for name in described.variables:
        long_name, units = known[str(name)]
        described[name].attrs.update(long_name=long_name, units=units)
    return described


def model_groups(model: "TrainedModel") -> dict[str, xr.Dataset]:
    """
    Lay a trained model out in groups.

    Parameters
    ----------
    model : TrainedModel

    Returns
    -------
    groups : dict of str to xarray.Dataset
        For :meth:`xarray.DataTree.from_dict`; see the module's text. Every variable has a ``long_name`` and ``units``.
    """
    root = xr.Dataset(
        coords={
            "stellar_label": list(model.label_names),
            "unit": ("stellar_label", [label.unit for label in model.labels]),
        },
        attrs={
            "kind": KIND,
            "schema_version": SCHEMA_VERSION,
            "hash": model.hash,
            _DEFINITIONS: json.dumps(definitions_of(model.labels)),
            **asdict(model.provenance),
        },
    )
    groups = {
        "/": describe_variables(root, texts.ROOT),
        "model": describe_variables(_pixels(model), texts.MODEL),
        "populations": describe_variables(_populations(model.populations), texts.POPULATIONS),
        "reference": describe_variables(_reference(model), texts.REFERENCE),
        "options": xr.Dataset(attrs={name: json.dumps(value) for name, value in model.options.to_dict().items()}),
        "calibration": describe_variables(_calibration(model), texts.CALIBRATION),
    }
    if model.latent_labels is not None:
        groups["latent_labels"] = describe_variables(_latent_labels(model.latent_labels), texts.LATENT_LABELS)
    if model.component_choice is not None:
        groups["component_choice"] = describe_variables(_choice(model.component_choice), texts.COMPONENT_CHOICE)
    if model.held_out is not None:
        groups["held_out"] = describe_variables(held_out_group(model.held_out), texts.HELD_OUT)
    if model.coverage is not None:
        groups["coverage"] = describe_variables(model.coverage.to_xarray(), texts.COVERAGE)
    if model.odd is not None:
        groups[_ODD] = xr.Dataset(attrs={_ODD: json.dumps(model.odd.to_dict())})
    return groups


def _pixels(model: "TrainedModel") -> xr.Dataset:
    terms = term_names(model.label_names)
    variables: dict[str, Any] = {
        item.name: (_COVARIANCE[: getattr(model.fit, item.name).ndim], getattr(model.fit, item.name))
        for item in fields(PixelFit)
    }
    variables |= {
        "kappa": ("pixel", model.noise_scale),
        "pivot": ("stellar_label", model.scaler.pivot),
        "scale": ("stellar_label", model.scaler.scale),
    }
    if model.loadings is not None:
        variables["loadings"] = (("pixel", "component"), model.loadings)
    return xr.Dataset(variables, coords={"wavelength": ("pixel", model.wavelength), "term": terms, "term_2": terms})


def _populations(learned: Populations) -> xr.Dataset:
    variables: dict[str, Any] = {}
    if learned.coefficients is not None:
        for name, dim in (("mu", "shrunk_term"), ("tau", "shrunk_term"), ("activity", "pixel")):
            variables[name] = (dim, getattr(learned.coefficients, name))
    if learned.smooth_scale is not None:
        variables["smooth_scale"] = ("shrunk_term", learned.smooth_scale)
    for name in ("scatter", "kappa", "star_kappa"):
        population: LogNormalPopulation | None = getattr(learned, name)
        if population is not None:
            variables |= {f"{name}_centre": population.centre, f"{name}_width": population.width}
    if learned.outliers is not None:
        variables |= {f"outlier_{name}": value for name, value in asdict(learned.outliers).items()}
    for item in fields(TrainingRound) if learned.trace else ():
        variables[f"round_{item.name}"] = ("round", [getattr(one, item.name) for one in learned.trace])
    return xr.Dataset(variables, attrs={"converged": int(learned.converged)})


def _latent_labels(learned: LearnedLabels) -> xr.Dataset:
    variables: dict[str, Any] = {
        "mean": ("stellar_label", learned.population.mean),
        "covariance": (_PAIR, learned.population.covariance),
        "trace": ("round", learned.trace),
    }
    if learned.error_scale is not None:
        variables["error_scale"] = ("stellar_label", learned.error_scale)
    return xr.Dataset(variables, attrs={"status": learned.status.name, "n_failed": learned.n_failed})


def _choice(choice: ComponentChoice) -> xr.Dataset:
    variables = {
        "numbers": ("number", choice.numbers),
        "density": ("number", choice.density),
        "label_density": ("model", choice.label_density),
        "label_error": ("model", choice.label_error),
    }
    return xr.Dataset(variables, attrs={"n_hidden": choice.n_hidden, "latent": int(choice.latent)})


def _read_choice(group: xr.Dataset) -> ComponentChoice:
    numbers = {str(name): values.to_numpy() for name, values in group.data_vars.items()}
    return ComponentChoice(int(group.attrs["n_hidden"]), bool(group.attrs["latent"]), **numbers)


def _reference(model: "TrainedModel") -> xr.Dataset:
    both = ("reference_star", "stellar_label")
    variables: dict[str, Any] = {"labels": (both, model.reference_labels)}
    if model.reference_errors is not None:
        variables["errors"] = (both, model.reference_errors)
    if model.star is not None:
        variables[_STAR_NAME] = ("reference_star", model.star)
    if model.label_source is not None:
        variables[_SOURCE] = ("reference_star", model.label_source)
    for item in fields(TallyRow) if model.tally else ():
        variables[f"tally_{item.name}"] = ("tally_row", [getattr(row, item.name) for row in model.tally])
    attrs = {} if model.label_table is None else {_LABEL_TABLE: json.dumps(asdict(model.label_table))}
    return xr.Dataset(variables, coords={"reference_star": model.reference_id}, attrs=attrs)


def held_out_group(held_out: HeldOutLabels) -> xr.Dataset:
    """Lay held-out labels out as a group."""
    attrs = {name: getattr(held_out, name) for name in _FOLDS}
    estimates = held_out.estimates.drop_attrs().assign_attrs({**held_out.estimates.attrs, **attrs})
    return estimates if held_out.star is None else estimates.assign({_STAR_NAME: ("star", held_out.star)})


def _calibration(model: "TrainedModel") -> xr.Dataset:
    attrs = {"note": model.calibration_note}
    if model.calibration is None:
        return xr.Dataset(attrs=attrs)
    variables = {
        name: (_CALIBRATION_DIMS.get(name, ("stellar_label",)[: values.ndim]), values)
        for name, values in model.calibration.arrays().items()
    }
    return xr.Dataset(variables, attrs={**attrs, "hash": model.calibration.hash})


def model_fields(tree: xr.DataTree) -> dict[str, Any]:
    """
    Read what :func:`model_groups` laid out: the arguments of a TrainedModel.

    Raises
    ------
    ModelFileError
        The tree lacks a group or a variable, or holds other ones than this version knows.
    LabelError
        A label of the model is known here with another unit.
    """
    try:
        restore_labels(json.loads(tree.attrs.get(_DEFINITIONS, "{}")), "the model")
        names = tuple(str(name) for name in tree.to_dataset()["stellar_label"].to_numpy())
        groups = {name: node.to_dataset(inherit=False) for name, node in tree.children.items()}
        pixels, reference, calibration = (groups[name] for name in ("model", "reference", "calibration"))
        options = {str(name): json.loads(value) for name, value in groups["options"].attrs.items()}
        return {
            "wavelength": pixels["wavelength"].to_numpy(),
            "scaler": LabelScaler(names, pixels["pivot"].to_numpy(), pixels["scale"].to_numpy()),
            "fit": PixelFit(**{item.name: pixels[item.name].to_numpy() for item in fields(PixelFit)}),
            "reference_id": reference["reference_star"].to_numpy().astype(np.str_),
            "reference_labels": reference["labels"].to_numpy(),
            "kappa": pixels["kappa"].to_numpy(),
            "loadings": _optional(pixels, "loadings"),
            "reference_errors": _optional(reference, "errors"),
            "options": TrainingOptions.from_dict(options),
            "populations": _read_populations(groups["populations"]),
            "latent_labels": _read_latent_labels(groups["latent_labels"]) if "latent_labels" in groups else None,
            "tally": _read_tally(reference),
            "provenance": Provenance(**{item.name: str(tree.attrs[item.name]) for item in fields(Provenance)}),
            "label_table": _read_label_table(reference.attrs),
            "held_out": read_held_out(groups["held_out"], names) if "held_out" in groups else None,
            "calibration": read_calibration({str(name): x.to_numpy() for name, x in calibration.data_vars.items()}),
            "calibration_note": str(calibration.attrs["note"]),
            "coverage": read_coverage(groups["coverage"]) if "coverage" in groups else None,
            "star": _read_star(reference),
            "label_source": reference[_SOURCE].to_numpy().astype(np.str_) if _SOURCE in reference else None,
            "component_choice": _read_choice(groups["component_choice"]) if "component_choice" in groups else None,
            "odd": OddReference.from_dict(json.loads(groups[_ODD].attrs[_ODD])) if _ODD in groups else None,
        }
    except (KeyError, TypeError) as error:
        raise ModelFileError(f"its groups are not those that this version knows ({error}); train anew") from error


def _optional(group: xr.Dataset, name: str) -> FloatArray | None:
    return group[name].to_numpy() if name in group else None


def _read_star(group: xr.Dataset) -> NDArray[np.str_] | None:
    return group[_STAR_NAME].to_numpy().astype(np.str_) if _STAR_NAME in group else None


def _read_populations(group: xr.Dataset) -> Populations:
    numbers = {str(name): values.to_numpy() for name, values in group.data_vars.items()}
    rounds = [numbers.get(f"round_{item.name}", np.empty(0)) for item in fields(TrainingRound)]
    return Populations(
        coefficients=Population(numbers["mu"], numbers["tau"], numbers["activity"]) if "activity" in numbers else None,
        smooth_scale=numbers.get("smooth_scale"),
        scatter=log_normal(numbers, "scatter"),
        kappa=log_normal(numbers, "kappa"),
        star_kappa=log_normal(numbers, "star_kappa"),
        outliers=_read_outliers(numbers),
        trace=tuple(TrainingRound(*map(float, row)) for row in zip(*rounds, strict=True)),
        converged=bool(group.attrs["converged"]),
    )


def log_normal(numbers: Mapping[str, FloatArray], name: str) -> LogNormalPopulation | None:
    """Take ``NAME_centre`` and ``NAME_width`` out of named numbers; None if they are not there."""
    if f"{name}_centre" not in numbers:
        return None
    return LogNormalPopulation(float(numbers[f"{name}_centre"]), float(numbers[f"{name}_width"]))


def _read_outliers(numbers: Mapping[str, FloatArray]) -> OutlierShare | None:
    if "outlier_share" not in numbers:
        return None
    return OutlierShare(float(numbers["outlier_share"]), float(numbers["outlier_scale"]))


def _read_latent_labels(group: xr.Dataset) -> LearnedLabels:
    numbers = {str(name): values.to_numpy() for name, values in group.data_vars.items()}
    return LearnedLabels(
        LabelPopulation(numbers["mean"], numbers["covariance"]),
        numbers.get("error_scale"),
        numbers["trace"],
        LabelErrorStatus[group.attrs["status"]],
        int(group.attrs["n_failed"]),
    )


def _read_tally(reference: xr.Dataset) -> tuple[TallyRow, ...]:
    if "tally_step" not in reference:
        return ()
    columns = [reference[f"tally_{item.name}"].to_numpy().tolist() for item in fields(TallyRow)]
    return tuple(TallyRow(*row) for row in zip(*columns, strict=True))


def _read_label_table(attrs: Mapping[str, Any]) -> LabelTableChoices | None:
    return LabelTableChoices(**json.loads(attrs[_LABEL_TABLE])) if _LABEL_TABLE in attrs else None


def read_held_out(group: xr.Dataset, names: tuple[str, ...]) -> HeldOutLabels:
    """Read what :func:`held_out_group` laid out."""
    attrs = {name: value for name, value in group.attrs.items() if name not in _FOLDS}
    numbers = {name: int(group.attrs[name]) for name in _FOLDS}
    estimates = group.drop_attrs().assign_coords({dim: list(names) for dim in _PAIR})
    estimates = estimates.drop_vars(_STAR_NAME, errors="ignore").assign_attrs(attrs)
    return HeldOutLabels(estimates, star=_read_star(group), **numbers)


def read_calibration(arrays: Mapping[str, Any]) -> ErrorCalibration | None:
    """
    Make the calibration of its arrays by name; None of none.

    Raises
    ------
    ModelFileError
        They are not those that this version knows.
    """
    try:
        return ErrorCalibration.from_arrays(arrays) if arrays else None
    except (TypeError, KeyError) as error:
        raise ModelFileError(
            f"the model's calibration holds {', '.join(sorted(arrays))}, other than this version knows; train anew"
        ) from error


def read_coverage(dataset: xr.Dataset) -> CoverageReference:
    """
    Make the coverage reference of its Dataset, with the scores that this version knows.

    Raises
    ------
    ModelFileError
        One of them is missing.
    """
    there = [str(name) for name in dataset["score"].to_numpy()]
    missing = [name for name in SCORES if name not in there]
    if missing:
        raise ModelFileError(
            f"the model's coverage reference has no score {missing[0]!r}, which this version needs; qualify the model "
            "anew with its reference set"
        )
    return CoverageReference.from_xarray(dataset.isel(score=[there.index(name) for name in SCORES]))

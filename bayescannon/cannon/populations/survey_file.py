"""
Survey models on disk: one netCDF file, with the groups of each trained model below its name.

``/router`` and ``/populations/<name>`` hold what :mod:`bayescannon.cannon.model_layout` lays out, the attributes of the
root the regions, and ``/held_out`` the held-out stars. A changed number or attribute is refused.
"""

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import xarray as xr

from bayescannon.cannon.choices import LabelTableChoices
from bayescannon.cannon.model_file import load_model
from bayescannon.cannon.model_layout import SURVEY_KIND, ModelFileError, describe_variables, model_fields, model_groups
from bayescannon.cannon.model_reader import schema_of
from bayescannon.cannon.populations.held_out_membership import HeldOutMembership
from bayescannon.cannon.populations.survey_model import SurveyModel
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.cannon.variable_texts import HELD_OUT, LABEL_UNIT
from bayescannon.data.parts import a_kind
from bayescannon.io.netcdf import NetcdfError, read_kind, read_tree, require_unchanged, write_tree
from bayescannon.io.paths import as_path
from bayescannon.models.label_regions import LabelRegion, LabelRegions
from bayescannon.numerics.errors import InputError, InputTypeError

SCHEMA_VERSION = 1
_ROUTER, _POPULATIONS, _MEMBERSHIP = "router", "populations", "held_out"
_TEXTS = {
    "membership": ("probability of each population by models that never saw the star", ""),
    "shares": ("share of each population at the reported labels", ""),
    "reported_labels": ("reported labels", LABEL_UNIT),
    "calibrated_error": ("calibrated error of the label: half of its central 68.3 % interval", LABEL_UNIT),
    "expected_offset": ("mean of (inferred - true) of held-out stars with such labels", LABEL_UNIT),
    "corrected_error": ("calibrated error around the label less its expected offset", LABEL_UNIT),
    "population_spread": ("standard deviation of the labels between the populations' models", LABEL_UNIT),
    "population": ("the most probable population", ""),
    "population_name": ("name of the population", ""),
}


def save_survey_model(survey: SurveyModel, path: str | Path, *, overwrite: bool = False) -> None:
    """
    Write a survey model as netCDF.

    Raises
    ------
    OutputExistsError
        `path` exists and `overwrite` is False.
    OSError
        Nothing can be written there.
    """
    root = xr.Dataset(
        attrs={
            "kind": SURVEY_KIND,
            "schema_version": SCHEMA_VERSION,
            "hash": survey.hash,
            "regions": json.dumps([_region(region) for region in survey.regions.regions]),
            "overlap": json.dumps(dict(survey.regions.overlap)),
            "evidence_power": survey.evidence_power,
            "notes": json.dumps(survey.notes),
            "label_table": "" if survey.label_table is None else json.dumps(asdict(survey.label_table)),
        }
    )
    groups = {"/": root, **_below(_ROUTER, survey.router)}
    for name, model in zip(survey.names, survey.models, strict=True):
        if model is not None:
            groups |= _below(f"{_POPULATIONS}/{name}", model)
    if survey.held_out is not None:
        groups[_MEMBERSHIP] = describe_variables(survey.held_out.to_xarray(), {**HELD_OUT, **_TEXTS})
    write_tree(xr.DataTree.from_dict(groups), as_path(path, "the model to write"), overwrite=overwrite)


def load_any_model(path: str | Path) -> TrainedModel | SurveyModel:
    """
    Read a model of one population or of several.

    Raises
    ------
    MissingFileError
        There is no such file.
    ModelFileError
        The file cannot be read, is no model, is of a later version, or was changed after it was saved.
    """
    file = as_path(path, "a trained model")
    if read_kind(file) != SURVEY_KIND:
        return load_model(file)
    try:
        return _read(read_tree(file), file)
    except NetcdfError as error:
        raise ModelFileError(f"{error}; expected a model from `bayescannon train`") from error


def as_any_model(model: TrainedModel | SurveyModel | str | Path) -> TrainedModel | SurveyModel:
    """
    Return a model of one population or of several, given as itself or as the path of its file.

    Raises
    ------
    InputTypeError
        It is neither.
    MissingFileError, ModelFileError
        As :func:`load_any_model`.
    """
    given: Any = model
    if isinstance(given, TrainedModel | SurveyModel):
        return given
    if isinstance(given, str | os.PathLike):
        return load_any_model(Path(given))
    raise InputTypeError(
        f"a model must be a TrainedModel, a SurveyModel or the path of a model's file; got {a_kind(given)}"
    )


def _below(name: str, model: TrainedModel) -> dict[str, xr.Dataset]:
    """Return the groups of a model below a group of this name."""
    return {name if group == "/" else f"{name}/{group}": dataset for group, dataset in model_groups(model).items()}


def _read(tree: xr.DataTree, path: Path) -> SurveyModel:
    schema = schema_of(tree, path, otherwise=0)
    if schema > SCHEMA_VERSION:
        raise ModelFileError(
            f"{path} has schema version {schema}, and this version of bayescannon reads survey models up to "
            f"{SCHEMA_VERSION}; update bayescannon, or train the model anew with this version"
        )
    try:
        require_unchanged(tree, path)
        regions = LabelRegions(
            tuple(_read_region(one) for one in json.loads(tree.attrs["regions"])), json.loads(tree.attrs["overlap"])
        )
        local = tree.children[_POPULATIONS].children if _POPULATIONS in tree.children else {}
        held_out = tree.children.get(_MEMBERSHIP)
        table = str(tree.attrs["label_table"])
        router = TrainedModel(**model_fields(tree.children[_ROUTER]))
        survey = SurveyModel(
            router,
            regions,
            tuple(TrainedModel(**model_fields(local[name])) if name in local else None for name in regions.names),
            evidence_power=float(tree.attrs["evidence_power"]),
            held_out=None
            if held_out is None
            else HeldOutMembership.from_xarray(held_out.to_dataset(inherit=False), router.label_names),
            notes=tuple(json.loads(tree.attrs["notes"])),
            label_table=LabelTableChoices(**json.loads(table)) if table else None,
        )
    except NetcdfError as error:
        raise ModelFileError(f"{error}; train the model anew") from error
    except InputError as error:
        raise ModelFileError(f"{path} cannot be read as a survey model: {error}") from error
    except Exception as error:  # of a file that was made up
        raise ModelFileError(
            f"{path} cannot be read as a survey model ({type(error).__name__}: {error}); train anew"
        ) from error
    if survey.hash != str(tree.attrs.get("hash")):
        raise ModelFileError(
            f"{path} was changed after it was saved (hash {survey.hash}, saved {tree.attrs.get('hash')})"
        )
    return survey


def _region(region: LabelRegion) -> dict[str, Any]:
    # JSON has no infinity: a side that is not bounded is null
    boxes = [{name: [_or_null(low), _or_null(high)] for name, (low, high) in box.items()} for box in region.boxes]
    return {"name": region.name, "boxes": boxes, "in_router": region.in_router}


def _or_null(value: float) -> float | None:
    return float(value) if abs(value) < float("inf") else None


def _read_region(given: dict[str, Any]) -> LabelRegion:
    boxes = tuple(
        {
            name: (-float("inf") if low is None else low, float("inf") if high is None else high)
            for name, (low, high) in box.items()
        }
        for box in given["boxes"]
    )
    return LabelRegion(given["name"], boxes, given["in_router"])

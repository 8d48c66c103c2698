"""What a run of the whole pipeline made."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import xarray as xr

from bayescannon.cannon.populations.survey_model import SurveyModel
from bayescannon.cannon.reference import ReferenceSet
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.cannon.validation import Validation


@dataclass(frozen=True, repr=False)
class RunResult:
    """
    What a run made.

    Attributes
    ----------
    model : TrainedModel or SurveyModel
    reference : ReferenceSet
        After cuts and clipping.
    validation : Validation
    estimates : xarray.Dataset
        Of every star of the store, those that the catalogue leaves out included; see
        :func:`bayescannon.cannon.labelling.label_spectra`.
    outputs : mapping of str to Path
        ``store``, ``model``, ``validation``, ``catalogue`` and the figures.
    """

    model: TrainedModel | SurveyModel
    reference: ReferenceSet
    validation: Validation
    estimates: xr.Dataset
    outputs: Mapping[str, Path]

    def __repr__(self) -> str:
        return f"<RunResult of {self.estimates.sizes['star']} stars: {', '.join(self.outputs)}>"

"""The spectra that the models of a survey model were trained on, each once."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayescannon.cannon.populations.survey_model import SurveyModel
from bayescannon.numerics.typing import FloatArray


@dataclass(frozen=True)
class SurveyStars:
    """
    Reference spectra of a survey model, as :class:`bayescannon.cannon.matching.TrainedStars` has those of one model.

    Attributes
    ----------
    reference_id : str array of shape (N,)
        Those of the router, then those that only local models were trained on.
    reference_labels : float array of shape (N, K)
    reference_errors : float array of shape (N, K), or None
    label_names : tuple of K str
    star, label_source : str arrays of shape (N,), or None
    """

    reference_id: NDArray[np.str_]
    reference_labels: FloatArray
    reference_errors: FloatArray | None
    label_names: tuple[str, ...]
    star: NDArray[np.str_] | None
    label_source: NDArray[np.str_] | None


def survey_stars(survey: SurveyModel) -> SurveyStars:
    """Return the reference spectra of all models of a survey model, each once."""
    models = list(survey.distinct.values())
    _, first = np.unique(np.concatenate([model.reference_id for model in models]), return_index=True)
    rows = np.sort(first)

    def joined(name: str) -> NDArray[np.generic] | None:
        parts = [getattr(model, name) for model in models]
        return None if any(part is None for part in parts) else np.concatenate(parts)[rows]

    found = {name: joined(name) for name in ("reference_id", "reference_labels", "reference_errors", "star")}
    return SurveyStars(label_names=survey.label_names, label_source=joined("label_source"), **found)  # type: ignore[arg-type]

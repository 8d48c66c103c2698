"""Which stars' labels are outside of the coverage of the reference set: the one place that decides it."""

import numpy as np
from numpy.typing import NDArray

from bayescannon.cannon.choices import FALSE_ALARMS
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.numerics.p_values import is_unusual
from bayescannon.numerics.typing import BoolArray, FloatArray
from bayescannon.reliability.label_scores import COVERAGE_SCORE, CoverageReference, label_scores


def belongs(coverage: CoverageReference, model: TrainedModel) -> bool:
    """Whether a coverage reference is of this model."""
    return coverage.scaler.names == model.label_names and coverage.model_hash in ("", model.hash)


def outside_coverage(
    model: TrainedModel,
    labels: FloatArray,
    coverage: CoverageReference | None = None,
    *,
    false_alarms: float = FALSE_ALARMS,
) -> tuple[NDArray[np.float64], BoolArray]:
    """
    Tell which labels are outside of the coverage.

    Against a coverage reference the p-value of the range decides. Without one, labels are outside where one of them is
    beyond those of all reference stars, which hits more stars like the reference than a rate of false alarms asks for.

    Parameters
    ----------
    model : TrainedModel
    labels : float array of shape (N, K)
        In the labels' units; a star with NaN is not outside.
    coverage : CoverageReference, optional
        The model's own unless given.
    false_alarms : float
        Share of stars like the reference that may be told to be outside.

    Returns
    -------
    p_value : float array of shape (N,)
        NaN without a coverage reference or labels.
    outside : bool array of shape (N,)
    """
    low, high = model.reference_labels.min(axis=0), model.reference_labels.max(axis=0)
    beyond = ((labels < low) | (labels > high)).any(axis=1)
    coverage = model.coverage if coverage is None else coverage
    if coverage is None or not belongs(coverage, model):
        return np.full(len(labels), np.nan), beyond
    names = (COVERAGE_SCORE,)
    p_value = coverage.p_values(label_scores(coverage.scaler.to_scaled(labels), coverage.labels, names), names)[:, 0]
    unusual = is_unusual(p_value, false_alarms, len(coverage))
    return p_value, np.where(np.isfinite(p_value), unusual, beyond)

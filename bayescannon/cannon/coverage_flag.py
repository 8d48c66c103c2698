"""Which stars' labels are outside of the coverage of the reference set: the one place that decides it."""

import numpy as np
from numpy.typing import NDArray

from bayescannon.cannon.choices import FALSE_ALARMS
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.numerics.p_values import is_unusual
from bayescannon.numerics.typing import BoolArray, FloatArray
from bayescannon.reliability.label_scores import COVERAGE_SCORES, CoverageReference, label_scores

# beyond the box of the reference labels, in scales of the labels (near their standard deviations). Of 172 real giants,
# held out, 2.3 % are beyond the box at all, and none by a quarter, which 99 % of A stars are and by a half 98 %
_BESIDE_BOX, _FAR_FROM_BOX = 0.25, 0.5


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

    Against a coverage reference the p-value of range and whitened distance together decides, and whatever that is, half
    a scale beyond the box of the reference labels is outside. Without a reference, labels are outside where one of them
    is a quarter of its scale beyond the box, about its error: of few reference stars, many like them are a little
    beyond.

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
    coverage = model.coverage if coverage is None else coverage
    if coverage is None or not belongs(coverage, model):
        beyond = _margin(model.scaler.to_scaled(labels), *model.label_box) > _BESIDE_BOX
        return np.full(len(labels), np.nan), beyond
    points = coverage.scaler.to_scaled(labels)
    p_value = coverage.coverage_p_value(label_scores(points, coverage.labels, COVERAGE_SCORES))
    smallest = coverage.smallest_p_value if coverage.coverage_tail is None else coverage.coverage_tail.smallest
    far = _margin(points, coverage.labels.min(axis=0), coverage.labels.max(axis=0)) > _FAR_FROM_BOX
    return p_value, is_unusual(p_value, false_alarms, smallest) | far


def _margin(points: FloatArray, low: FloatArray, high: FloatArray) -> NDArray[np.float64]:
    """Return by how much scaled labels are beyond a box, shape (N,); -inf of a star with NaN."""
    beyond = np.maximum(points - high, low - points).max(axis=1)
    return np.where(np.isnan(beyond), -np.inf, beyond)

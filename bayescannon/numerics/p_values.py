"""Empirical p-values against a reference distribution."""

import numpy as np
from numpy.typing import NDArray

from bayescannon.numerics.typing import FloatArray


def empirical_p_value(scores: FloatArray, reference: FloatArray) -> NDArray[np.float64]:
    """
    Return (1 + number of reference scores that are not smaller) / (1 + M), per star.

    If star and reference are exchangeable, the p-value is at most alpha with probability at most alpha, whatever the
    distribution of the scores (a conformal p-value: Vovk, Gammerman & Shafer 2005, Algorithmic Learning in a Random
    World, section 2.2).

    Parameters
    ----------
    scores : float array of shape (N,)
        Large scores are unusual; NaN stays NaN.
    reference : float array of shape (M,)
        Values that are not finite are left out.

    Returns
    -------
    p_value : float array of shape (N,)
        NaN for all where no reference score is finite.
    """
    ordered = np.sort(reference[np.isfinite(reference)])
    if len(ordered) == 0:
        return np.full(len(scores), np.nan)
    n_not_smaller = len(ordered) - np.searchsorted(ordered, scores, side="left")
    return np.where(np.isnan(scores), np.nan, (1 + n_not_smaller) / (1 + len(ordered)))


def is_unusual(p_value: FloatArray, false_alarms: float, n_reference: int) -> NDArray[np.bool_]:
    """
    Return where a p-value is at most the rate of false alarms; NaN is not unusual.

    The smallest possible p-value of M reference stars is 1 / (1 + M). If that is above the rate, a star is unusual if
    its score is above those of all reference stars.
    """
    return np.nan_to_num(p_value, nan=1.0) <= max(false_alarms, 1 / (1 + n_reference)) * (1 + 1e-12)

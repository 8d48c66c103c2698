"""
Empirical p-values against a reference distribution, and which of them are unusual.

They are exact and need no assumption on the distribution, but there are none below 1 / (1 + M). The flags of stars need
smaller ones, of :mod:`bayescannon.numerics.tail_distribution`.
"""

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


def is_unusual(p_value: FloatArray, false_alarms: float, smallest: float) -> NDArray[np.bool_]:
    """
    Return where a p-value is at most the rate of false alarms; NaN is not unusual.

    If the `smallest` possible p-value is above the rate, a star that has it is unusual.
    """
    return np.nan_to_num(p_value, nan=1.0) <= max(false_alarms, smallest) * (1 + 1e-12)

"""The expected offsets of labels, and labels from which they are subtracted."""

import xarray as xr

from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.numerics.errors import InputError

OFFSET, ERROR, CORRECTED = "expected_offset", "calibrated_error", "corrected_error"
# attribute of estimates whose labels were corrected
SUBTRACTED = "offsets"
_NOT_KNOWN = (
    "the model was not calibrated, so no offsets of its labels are known; train with folds (--folds 8), or do not ask "
    "for corrected labels"
)


def check_offsets(model: TrainedModel, *, wanted: bool) -> None:
    """Refuse corrected labels of a model without calibration, before any star is labelled."""
    if wanted and model.calibration is None:
        raise InputError(_NOT_KNOWN)


def subtract_offsets(estimates: xr.Dataset) -> xr.Dataset:
    r"""
    Subtract the expected offsets from labels; their errors become those around the corrected labels.

    The expected offset of a star is the mean of (inferred - true) of stars with its *inferred* labels and S/N, learned
    from held-out reference stars (:class:`bayescannon.reliability.error_distribution.ErrorCalibration`). It depends on
    the population that it is learned from: where stars are rare, many of those with such inferred labels come from
    places where stars are frequent, and the expected offset undoes this on average. A corrected label is therefore
    right on average for a survey of the same kinds of stars as the reference set, and is drawn to the frequent kinds
    otherwise, as an estimate under a prior is. Errors of the reference labels that depend on the label itself remain
    in it. Outside the range of the reference stars the offset is that at the edge.

    Only labels and errors change. chi2, the formal covariance, quantiles of the posterior, flags and scores of coverage
    are those of the labels as inferred.

    Parameters
    ----------
    estimates : xarray.Dataset
        From a calibrated model.

    Returns
    -------
    estimates : xarray.Dataset

    Raises
    ------
    InputError
        The model was not calibrated, or the offsets were subtracted before.

    Examples
    --------
    >>> import xarray as xr
    >>> pair, logg = ("star", "stellar_label"), [[1.7], [2.5]]
    >>> estimates = xr.Dataset({
    ...     "labels": (pair, logg),
    ...     "expected_offset": (pair, [[-0.2], [0.0]]),
    ...     "calibrated_error": (pair, [[0.3], [0.1]]),
    ...     "corrected_error": (pair, [[0.2], [0.1]]),
    ... })
    >>> corrected = subtract_offsets(estimates)
    >>> corrected["labels"].values.ravel().tolist(), corrected["calibrated_error"].values.ravel().tolist()
    ([1.9, 2.5], [0.2, 0.1])
    """
    if OFFSET not in estimates:
        raise InputError(_NOT_KNOWN)
    if SUBTRACTED in estimates.attrs:
        raise InputError("the expected offsets were subtracted from these labels before")
    corrected = {"labels": estimates["labels"] - estimates[OFFSET], ERROR: estimates[CORRECTED]}
    return estimates.assign(corrected).assign_attrs({SUBTRACTED: "subtracted"})

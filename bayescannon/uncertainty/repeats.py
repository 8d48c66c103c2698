"""Errors from repeated observations: the spread of the labels of stars with more than one spectrum."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayescannon.numerics.typing import FloatArray


@dataclass(frozen=True)
class RepeatErrors:
    """
    Errors from repeated observations.

    Attributes
    ----------
    error : float array of shape (N, K)
        Root mean square of the deviations of a star's labels from their mean, times sqrt(m / (m - 1)) for m spectra;
        NaN for stars with one spectrum.
    mean : float array of shape (N, K)
        Mean labels of the star.
    n_spectra : int array of shape (N,)
        m, the number of spectra of the star with labels; 0 for a spectrum without labels.
    pooled : float array of shape (K,)
        The error pooled over all stars: the square root of the sum of squared deviations divided by the sum of m - 1;
        NaN without repeats.
    """

    error: NDArray[np.float64]
    mean: NDArray[np.float64]
    n_spectra: NDArray[np.int64]
    pooled: NDArray[np.float64]


def repeat_errors(labels: FloatArray, group: NDArray[np.int64]) -> RepeatErrors:
    """
    Evaluate the spread of labels over the spectra of each star.

    Parameters
    ----------
    labels : float array of shape (N, K)
        NaN for spectra that could not be labelled, which are left out.
    group : int array of shape (N,)
        Number of the star of each spectrum, from :func:`bayescannon.data.star_groups.star_groups`.

    Returns
    -------
    errors : RepeatErrors
    """
    good = np.isfinite(labels).all(axis=1)
    size = int(group.max(initial=-1)) + 1
    count = np.bincount(group[good], minlength=size)
    mean = np.zeros((size, labels.shape[1]))
    np.add.at(mean, group[good], labels[good])
    with np.errstate(divide="ignore", invalid="ignore"):
        mean /= count[:, None]
        squares = np.zeros_like(mean)
        np.add.at(squares, group[good], (labels[good] - mean[group[good]]) ** 2)
        error = np.sqrt(squares / np.maximum(count - 1, 0)[:, None])
        pooled = np.sqrt(squares.sum(axis=0) / np.maximum(count - 1, 0).sum())
    several = good & (count[group] > 1)
    return RepeatErrors(
        error=np.where(several[:, None], error[group], np.nan),
        mean=np.where(good[:, None], mean[group], np.nan),
        n_spectra=np.where(good, count[group], 0),
        pooled=pooled,
    )

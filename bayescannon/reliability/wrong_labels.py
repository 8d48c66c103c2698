"""The probability that a reference star has the labels of another star, by a mixture model."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median
from scipy.special import ndtri, stdtrit
from scipy.stats import multivariate_t
from scipy.stats import t as student_t

from bayescannon.numerics.typing import FloatArray

# prior counts of wrong and right labels, so that a small set cannot have a large wrong fraction by chance
_WRONG_PRIOR = (2.0, 98.0)
# degrees of freedom of the t copula: large errors of a star's labels occur together
_COPULA_DOF = 10.0
# probabilities are clipped by this, because normal scores are infinite at 0 and 1
_LEAST = 1e-12
# stars with a larger normal score do not enter the correlation of errors: their labels may be wrong
_LARGEST_SCORE = 3.0
_EM_ROUNDS = 20


def right_probability(own: FloatArray, other: FloatArray, star: NDArray[np.int64] | None = None) -> FloatArray:
    """
    Return the probability that the labels of N spectra are those of their stars, shape (N,).

    The labels of a star are right or wrong for all of its spectra, whose errors are not independent: the star's density
    is the median of theirs, which one bad spectrum does not change.

    Parameters
    ----------
    own, other : float arrays of shape (N,)
        Log densities of the star's reference labels if they are its own, and if they are those of any star.
    star : int array of shape (N,), optional
        Number of each spectrum's star, from 0; every spectrum is of another unless given.
    """
    number = np.arange(len(own)) if star is None else star
    excess = median(np.clip(other - own, -500, 500), number, np.arange(int(number.max(initial=-1)) + 1))
    share = _WRONG_PRIOR[0] / sum(_WRONG_PRIOR)
    for _ in range(_EM_ROUNDS):
        right = 1 / (1 + share / (1 - share) * np.exp(excess))
        share = float((np.sum(1 - right) + _WRONG_PRIOR[0]) / (len(right) + sum(_WRONG_PRIOR)))
    result: FloatArray = right[number]
    return result


def log_population(labels: FloatArray) -> FloatArray:
    """Return the log density at every star, shape (N,), of the Gaussian with the labels' mean and covariance."""
    centred = labels - labels.mean(axis=0)
    covariance = centred.T @ centred / len(labels)
    distance = np.einsum("ni,ni->n", centred @ np.linalg.inv(covariance), centred)
    result: FloatArray = -(distance + np.linalg.slogdet(covariance)[1] + labels.shape[1] * np.log(2 * np.pi)) / 2
    return result


def log_dependence(below: FloatArray, weight: NDArray[np.float64]) -> FloatArray:
    """
    Return the log density of the t copula of N stars' errors, shape (N,): joint density over product of marginals.

    An abundance that is not a label changes several labels at once. If errors were taken as independent, such a star
    would count as an outlier once per label, and its labels would be taken as wrong.

    Parameters
    ----------
    below : float array of shape (N, K)
        Probabilities of smaller errors, uniform for each label.
    weight : float array of shape (N,)
        Weights of the stars in the correlation of the errors.
    """
    below = np.clip(below, _LEAST, 1 - _LEAST)
    score = ndtri(below)
    weight = weight * (np.abs(score) < _LARGEST_SCORE).all(axis=1)
    moment = (score * weight[:, None]).T @ score
    width = np.sqrt(np.diag(moment))
    quantile = stdtrit(_COPULA_DOF, below)
    joint = multivariate_t.logpdf(quantile, shape=moment / np.outer(width, width), df=_COPULA_DOF)
    return np.asarray(joint - student_t.logpdf(quantile, _COPULA_DOF).sum(axis=1))

"""Reference stars that seem to carry the labels of another star: their probability, by a mixture."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit
from scipy.stats import multivariate_t
from scipy.stats import t as student_t

from bayescannon.numerics.typing import FloatArray

# Wrong and right labels counted in beforehand, so that few stars cannot make many of them wrong
_WRONG_PRIOR = (2.0, 98.0)
# of the t copula: large errors of a star's labels come together
_COPULA_DOF = 10.0
# probabilities are kept away from 0 and 1, where scores are infinite
_LEAST = 1e-12
# normal scores beyond this are not asked how errors go together: they may be wrong labels
_LARGEST_SCORE = 3.0
_EM_ROUNDS = 20


def right_probability(own: FloatArray, other: FloatArray) -> FloatArray:
    """
    Return the probability that the labels of N stars are their own, shape (N,).

    Parameters
    ----------
    own, other : float arrays of shape (N,)
        Log densities of the star's reference labels as its own ones and as those of any star.
    """
    share = _WRONG_PRIOR[0] / sum(_WRONG_PRIOR)
    for _ in range(_EM_ROUNDS):
        right = 1 / (1 + share / (1 - share) * np.exp(np.clip(other - own, -500, 500)))
        share = float((np.sum(1 - right) + _WRONG_PRIOR[0]) / (len(own) + sum(_WRONG_PRIOR)))
    return right


def log_population(labels: FloatArray) -> FloatArray:
    """Log density of the Gaussian with the labels' mean and covariance, at every star; shape (N,)."""
    centred = labels - labels.mean(axis=0)
    covariance = centred.T @ centred / len(labels)
    distance = np.einsum("ni,ni->n", centred @ np.linalg.inv(covariance), centred)
    result: FloatArray = -(distance + np.linalg.slogdet(covariance)[1] + labels.shape[1] * np.log(2 * np.pi)) / 2
    return result


def log_dependence(below: FloatArray, weight: NDArray[np.float64]) -> FloatArray:
    """
    Log density of the t copula of N stars' errors, shape (N,): what a joint density has beyond its marginals.

    One hidden abundance moves several labels at once. With independent errors such a star would be improbable once for
    each of its labels, and its tail would be taken for wrong labels.

    Parameters
    ----------
    below : float array of shape (N, K)
        Probabilities of smaller errors, uniform in each label.
    weight : float array of shape (N,)
        Of the stars, in the correlation of the errors.
    """
    below = np.clip(below, _LEAST, 1 - _LEAST)
    score = ndtri(below)
    weight = weight * (np.abs(score) < _LARGEST_SCORE).all(axis=1)
    moment = (score * weight[:, None]).T @ score
    width = np.sqrt(np.diag(moment))
    quantile = stdtrit(_COPULA_DOF, below)
    joint = multivariate_t.logpdf(quantile, shape=moment / np.outer(width, width), df=_COPULA_DOF)
    return np.asarray(joint - student_t.logpdf(quantile, _COPULA_DOF).sum(axis=1))

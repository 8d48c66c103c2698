r"""
Fisher information on labels, pixel by pixel.

A star's flux is f = F(l) + B h + noise with F's derivatives J (pixel, K) at its labels, directions B (pixel, R) of what
else changes spectra (hidden components, nuisances), h ~ Normal(0, 1) and pixel weights w. With Z = (J, B) and D = 1 for
the entries of h, 0 for those of labels, the information on labels and h together and the covariance of their errors are

    A = Z^T W Z + diag(D),      V = A^-1.

If all else were known, pixel p would add J_pk^2 w_p to the information on label k. If all else is unknown, only the
part of J_k counts that the other columns of Z do not reproduce:

    J*_pk = sum_j Z_pj V_jk / V_kk,      1 / V_kk = sum_p w_p J*_pk^2 + sum_{j of h} (V_jk / V_kk)^2.

The last term is what the prior of h adds. Without h the sum over the pixels is the whole marginal information.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayescannon.numerics.typing import BoolArray, FloatArray
from bayescannon.stars.information import invert_information

# rows of Z whose products are held at once
_BLOCK = 512


@dataclass(frozen=True)
class PixelInformation:
    """
    The information on K labels in P pixels.

    Attributes
    ----------
    known : float array of shape (P, K)
        What each pixel adds if the other labels and h are known.
    marginal : float array of shape (P, K)
        What it adds if they are not: w J*^2; 0 where the pixels do not determine the label.
    prior : float array of shape (K,)
        What the prior of h adds to the marginal information.
    variance : float array of shape (K,)
        V_kk; inf where the pixels do not determine the label.
    """

    known: NDArray[np.float64]
    marginal: NDArray[np.float64]
    prior: NDArray[np.float64]
    variance: NDArray[np.float64]


def pixel_information(slopes: FloatArray, directions: FloatArray, weight: FloatArray) -> PixelInformation:
    """
    Return the information on labels in each pixel.

    Parameters
    ----------
    slopes : float array of shape (P, K)
        J.
    directions : float array of shape (P, R)
        B; R may be 0.
    weight : float array of shape (P,)
        w, 0 in dead pixels.

    Examples
    --------
    Two labels with similar derivatives, of which only the last pixel tells one from the other:

    >>> slopes = np.array([[1.0, 1.0], [1.0, 1.0], [1.0, 0.0]])
    >>> found = pixel_information(slopes, np.zeros((3, 0)), np.ones(3))
    >>> found.known[:, 0].tolist(), found.marginal[:, 0].round(2).tolist(), found.variance.round(2).tolist()
    ([1.0, 1.0, 1.0], [0.0, 0.0, 1.0], [1.0, 1.5])
    """
    n_label = slopes.shape[1]
    columns = np.concatenate([slopes, directions], axis=1)
    whole = information_matrix(slopes, directions, weight)
    covariance, definite = invert_information(whole[None])
    if not definite[0]:
        return PixelInformation(
            weight[:, None] * slopes**2,
            np.zeros(slopes.shape),
            np.zeros(n_label),
            label_variance(whole[None], n_label)[0],
        )
    regression = covariance[0, :, :n_label] / np.diag(covariance[0])[:n_label]
    return PixelInformation(
        weight[:, None] * slopes**2,
        weight[:, None] * (columns @ regression) ** 2,
        (regression[n_label:] ** 2).sum(axis=0),
        np.diag(covariance[0])[:n_label].copy(),
    )


def information_lost(
    slopes: FloatArray, directions: FloatArray, weight: FloatArray, groups: BoolArray
) -> NDArray[np.float64]:
    """
    Return the share of the marginal information on each label that is lost without a group of pixels.

    Parameters
    ----------
    slopes, directions, weight : float arrays
        As for :func:`pixel_information`.
    groups : bool array of shape (G, P)

    Returns
    -------
    lost : float array of shape (G, K)
        From 0 to 1; 1 where the other pixels do not determine the label, NaN where all do not.

    Examples
    --------
    >>> slopes = np.array([[1.0, 1.0], [1.0, 1.0], [1.0, 0.0]])
    >>> groups = np.eye(3, dtype=bool)
    >>> information_lost(slopes, np.zeros((3, 0)), np.ones(3), groups).round(2).tolist()
    [[0.0, 0.25], [0.0, 0.25], [1.0, 1.0]]
    """
    n_label = slopes.shape[1]
    columns = np.concatenate([slopes, directions], axis=1)
    size = columns.shape[1]
    parts = np.zeros((len(groups), size**2))
    for start in range(0, len(columns), _BLOCK):
        part = columns[start : start + _BLOCK]
        products = (weight[start : start + _BLOCK, None] * part)[:, :, None] * part[:, None, :]
        parts += groups[:, start : start + _BLOCK].astype(float) @ products.reshape(len(part), -1)
    whole = information_matrix(slopes, directions, weight)
    full = label_variance(whole[None], n_label)
    left = label_variance(whole - parts.reshape(-1, size, size), n_label)
    with np.errstate(invalid="ignore"):
        return np.where(np.isfinite(full), np.clip(1 - full / left, 0.0, 1.0), np.nan)


def label_variance(whole: FloatArray, n_label: int) -> NDArray[np.float64]:
    """Return V_kk of the labels, (G, K), from matrices A (G, K + R, K + R); inf where A is singular."""
    covariance, definite = invert_information(whole)
    variance = np.diagonal(covariance, axis1=1, axis2=2)[:, :n_label].astype(np.float64)
    return np.where(definite[:, None], variance, np.inf)


def information_matrix(slopes: FloatArray, directions: FloatArray, weight: FloatArray) -> NDArray[np.float64]:
    """Return A, shape (K + R, K + R); parameters as for :func:`pixel_information`."""
    columns = np.concatenate([slopes, directions], axis=1)
    whole: NDArray[np.float64] = (columns.T @ (weight[:, None] * columns)).astype(np.float64)
    added = np.arange(slopes.shape[1], len(whole))
    whole[added, added] += 1.0
    return whole

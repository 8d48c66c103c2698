"""Information on labels in spectra: covariances from information matrices, and errors at the labels of other stars."""

import numpy as np

from bayescannon.models.label_vector import label_vector_jacobian
from bayescannon.numerics.tiles import star_product
from bayescannon.numerics.typing import BoolArray, FloatArray
from bayescannon.stars.quartic import Quartic

# an information matrix is singular if the ratio of its extreme eigenvalues, scaled to a unit diagonal, is below this
_MIN_RCOND = 1e-12


def invert_information(information: FloatArray) -> tuple[FloatArray, BoolArray]:
    """
    Invert information matrices of shape (N, K, K), for example J^T W J.

    Returns
    -------
    covariance : float array of shape (N, K, K)
        NaN where the matrix is singular.
    definite : bool array of shape (N,)
        Where it is not.
    """
    # a quartic from which a part was subtracted may have no minimum: its curvature is negative or not finite
    sound = np.isfinite(information).all(axis=(1, 2)) & (np.diagonal(information, axis1=1, axis2=2) > 0).all(axis=1)
    information = np.where(sound[:, None, None], information, 0.0)
    diagonal = np.sqrt(np.maximum(np.diagonal(information, axis1=1, axis2=2), np.finfo(float).tiny))
    unit = information / (diagonal[:, :, None] * diagonal[:, None, :])
    eigenvalues = np.linalg.eigvalsh(unit)
    definite = eigenvalues[:, 0] > _MIN_RCOND * np.maximum(eigenvalues[:, -1], 1e-300)
    covariance = np.full_like(information, np.nan)
    inverse = np.linalg.inv(unit[definite])
    covariance[definite] = inverse / (diagonal[definite, :, None] * diagonal[definite, None, :])
    return covariance, definite


def typical_information(quartic: Quartic, scaled: FloatArray) -> FloatArray:
    """
    Return the information on the labels, J^T W J, averaged over other stars' labels, shape (N, K, K).

    It depends on the pixels that a star has and on their noise, and not on its own labels, which may be far off where
    few pixels are left.

    Parameters
    ----------
    quartic : Quartic
        Of N stars.
    scaled : float array of shape (M, K)
        The scaled labels at which the information is averaged.
    """
    slopes = label_vector_jacobian(scaled)
    n_term, n_label = slopes.shape[1:]
    products = np.tensordot(slopes, slopes, axes=(0, 0)) / len(scaled)
    flat = products.transpose(0, 2, 1, 3).reshape(n_term**2, n_label**2)
    return star_product(quartic.a.reshape(len(quartic), n_term**2), flat).reshape(len(quartic), n_label, n_label)


def errors_of(information: FloatArray) -> FloatArray:
    """Return the errors of labels with information matrices of shape (N, K, K); inf where a matrix is singular."""
    covariance, _ = invert_information(information)
    variance = np.diagonal(covariance, axis1=1, axis2=2)
    return np.sqrt(np.where(variance > 0, variance, np.inf))

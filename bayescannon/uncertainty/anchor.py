r"""
Errors of the scale of labels, where training has latent labels: reported labels are the only measure of it.

Latent labels are those in which the reported ones are best predicted, o_n ~ Normal(W w_n, Sigma_n) with w = (v(x), h)
(:mod:`bayescannon.pixels.label_anchor`). The regression leaves each row of W with the covariance

    A_k^-1,     A_k = sum_n w_n w_n^T / Sigma_nk,

and a star with w has the error w^T A_k^-1 w of its label k, however good its spectrum is: about Sigma_k (T + R) / N.
The weight of reference star n moves the label by w^T A_k^-1 w_n (o_n - x_n)_k / Sigma_nk.
"""

import numpy as np

from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.models.label_vector import label_vector
from bayescannon.numerics.typing import FloatArray


def is_anchored(model: TrainedModel) -> bool:
    """Whether the labels of a model are latent, on the scale of reported labels with errors."""
    return model.latent_labels is not None and model.reference_errors is not None


def row_covariances(vectors: FloatArray, variance: FloatArray) -> FloatArray:
    """
    Return A_k^-1 of each label, shape (K, T, T).

    Parameters
    ----------
    vectors : float array of shape (star, T)
        w of the reference stars.
    variance : float array of shape (star, K)
        Variances of the errors of their reported labels.
    """
    return np.array([np.linalg.inv(vectors.T @ (vectors / one[:, None])) for one in variance.T])


def scaled_error_variance(model: TrainedModel) -> FloatArray:
    """Return the variances of the errors of the reference labels in scaled labels, shape (star, K)."""
    if model.reference_errors is None:
        raise AssertionError("an anchored model has errors of its reference labels")
    result: FloatArray = (model.reference_errors / model.scaler.scale) ** 2
    return result


def anchor_variance(model: TrainedModel, scaled: FloatArray, hidden: FloatArray) -> FloatArray:
    """
    Return the variances of scaled labels by the errors of their scale, shape (N, K); 0 if reference labels are exact.

    Hidden components of the reference stars have unit variance and are uncorrelated with their label vectors, so that
    only the reported labels of these stars are needed.

    Parameters
    ----------
    model : TrainedModel
    scaled : float array of shape (N, K)
    hidden : float array of shape (N, R)
        Means of the hidden components, without nuisances.
    """
    if not is_anchored(model):
        return np.zeros(scaled.shape)
    variance = scaled_error_variance(model)
    rows = row_covariances(label_vector(model.scaler.to_scaled(model.reference_labels)), variance)
    vectors = label_vector(scaled)
    of_hidden = (hidden**2).sum(axis=1)[:, None] / (1 / variance).sum(axis=0)
    result: FloatArray = np.einsum("nt,ktu,nu->nk", vectors, rows, vectors) + of_hidden
    return result

r"""
Anchor latent labels at the reported ones: the map from spectra to labels is fitted to the reported labels alone.

Spectra determine latent labels x and hidden components h of a star far better than its reported labels do, but only up
to a smooth change of coordinates: with x' = c + M x + B h + Q(x), the spectra are described nearly as well by x'. No
spectral model is exact, so the likelihood of thousands of pixels prefers coordinates in which a quadratic model fits a
little better, whatever the few reported labels say; the labels of stars at the edges of the reference set then drift.
Here the coordinates are those in which the reported labels are best predicted,

    o_n ~ Normal(W w_n, Sigma_n),     w_n = (v(x_n), h_n),

which is a linear regression with T + R terms; the reported labels' errors average out over the stars. This cuts the
feedback from the pixels to the scale of the labels (Plummer 2015, Statistics and Computing 25, 37: "cuts").
"""

from dataclasses import dataclass

import numpy as np

from bayescannon.models.label_vector import label_vector_jacobian, n_terms
from bayescannon.numerics.typing import FloatArray
from bayescannon.pixels.latent_label_step import LatentLabels


@dataclass(frozen=True)
class AnchoredLabels:
    """
    Latent labels on the scale of the reported ones.

    Attributes
    ----------
    latent : LatentLabels
        Of the same stars; the log likelihoods are those before.
    error_scale : float array of shape (K,)
        Root mean square of reported minus anchored label, in units of the reported error: 1 if the errors are right.
    """

    latent: LatentLabels
    error_scale: FloatArray


def anchor_labels(latent: LatentLabels, observed: FloatArray, variance: FloatArray) -> AnchoredLabels:
    """
    Map latent labels to the coordinates in which the reported labels are best predicted.

    Parameters
    ----------
    latent : LatentLabels
        Of N stars.
    observed, variance : float arrays of shape (N, K)
        Reported labels, scaled, and the variances of their errors.

    Returns
    -------
    anchored : AnchoredLabels
    """
    weights = _regress(latent.products, observed, variance)
    n_label = observed.shape[1]
    size = n_terms(n_label)
    jacobian = np.tile(np.eye(latent.joint_covariance.shape[1]), (len(observed), 1, 1))
    jacobian[:, :n_label, :n_label] = weights[:, :size] @ label_vector_jacobian(latent.mean)
    jacobian[:, :n_label, n_label:] = weights[:, size:]
    mean = latent.products[:, 0] @ weights.T
    anchored = latent.moved(mean, jacobian @ latent.joint_covariance @ jacobian.transpose(0, 2, 1))
    squares = (observed - mean) ** 2 + np.diagonal(anchored.covariance, axis1=1, axis2=2)
    freedom = max(len(observed) - weights.shape[1], 1)
    return AnchoredLabels(anchored, np.sqrt((squares / variance).sum(axis=0) / freedom))


def _regress(products: FloatArray, observed: FloatArray, variance: FloatArray) -> FloatArray:
    """Fit W (K, T + R), which maximises sum_n E ln Normal(o_n; W w_n, Sigma_n), from E[w w^T] (star, T + R, T + R)."""
    rows = []
    for k in range(observed.shape[1]):
        weight = 1 / variance[:, k]
        normal = np.tensordot(weight, products, 1)
        right = (weight * observed[:, k]) @ products[:, 0]
        rows.append(np.linalg.solve(normal, right))
    return np.array(rows)

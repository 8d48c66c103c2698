r"""
Hidden components of each reference star whose labels are exact, given its spectrum: an exact Gaussian.

With the residual r = f - theta v(l) and the weights W, h ~ Normal(C H^T W r, C) with C = (1 + H^T W H)^-1
(:mod:`bayescannon.stars.hidden`); only products with the R loadings are needed, none with the coefficients.
"""

from dataclasses import fields
from typing import Any

import numpy as np

from bayescannon.models.label_vector import label_vector, n_terms
from bayescannon.models.pixel_weights import pixel_weights
from bayescannon.models.reported_stars import ReportedStars
from bayescannon.numerics.packing import pack_products, unpack_symmetric
from bayescannon.numerics.threads import map_blocks
from bayescannon.numerics.typing import FloatArray
from bayescannon.pixels.latent_label_step import LatentLabels, joint_products

_BLOCK = 256


def infer_hidden(
    coefficients: FloatArray,
    scatter: FloatArray,
    data: ReportedStars,
    *,
    single: bool = False,
    workers: int | None = None,
) -> LatentLabels:
    """
    Find the hidden components of stars with exact labels.

    Parameters
    ----------
    coefficients : float array of shape (pixel, T + R)
        theta, followed by the loadings of the hidden components.
    scatter : float array of shape (pixel,)
    data : ReportedStars
        The reported labels are the labels.
    single : bool
        Sum over the pixels in single precision, for rounds that need no more.
    workers : int or None
        Threads; None takes every core.

    Returns
    -------
    latent : LatentLabels
        The labels have no variance; the log likelihood leaves out that of the reported labels.
    """
    n_label = data.observed.shape[1]
    size, live = n_terms(n_label), np.isfinite(scatter)
    theta, loadings = coefficients[live, :size], coefficients[live, size:]
    n_hidden = loadings.shape[1]
    kind: Any = np.float32 if single else np.float64
    theta, loadings = theta.astype(kind, copy=False), loadings.astype(kind, copy=False)
    products = pack_products(loadings)

    def one(part: slice) -> LatentLabels:
        labels = data.observed[part]
        weight = pixel_weights(scatter[live].astype(kind), data.ivar[part][:, live].astype(kind, copy=False))
        residual = data.flux[part][:, live] - label_vector(labels).astype(kind) @ theta.T
        weighted = weight * residual
        precision = unpack_symmetric((weight @ products).astype(np.float64), n_hidden) + np.eye(n_hidden)
        right = (weighted @ loadings).astype(np.float64)
        joint = np.zeros((len(labels), n_label + n_hidden, n_label + n_hidden))
        joint[:, n_label:, n_label:] = covariance = np.linalg.inv(precision)
        hidden = (covariance @ right[..., None])[..., 0]
        chi2 = np.einsum("np,np->n", weighted, residual, dtype=np.float64) - np.einsum("nh,nh->n", right, hidden)
        return LatentLabels(
            mean=labels,
            hidden=hidden,
            joint_covariance=joint,
            products=joint_products(labels, hidden, joint),
            log_likelihood=-0.5 * (chi2 + np.linalg.slogdet(precision)[1]),
            n_failed=np.zeros(len(labels), dtype=np.int64),
        )

    parts = map_blocks(one, len(data.flux), _BLOCK, workers)
    return LatentLabels(**{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(LatentLabels)})

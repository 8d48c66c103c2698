r"""
The label model: what one star's labels are, given a trained spectral model (Ho et al. 2017, section 4).

With coefficients and scatters fixed the likelihood of a star's spectrum is exactly that of T numbers,

    y_k ~ Normal((R v(l))_k, 1),      A = R^T R = sum_p w_p theta_p theta_p^T,      y = R^-T b,

with w_p = 1 / (s_p^2 + sigma_p^2) and b = sum_p w_p theta_p f_p; see :mod:`bayescannon.quartic`.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from bayescannon.label_vector import FloatArray, label_vector, n_terms, term_names


class LabelPrior(Protocol):
    """Declares the scaled labels, dims (stellar_label,), in the model on the stack."""

    def declare_labels(self, name: str) -> Any:
        """Return the random variable."""


class FlatLabels:
    """No preference for any label, as in the paper."""

    def declare_labels(self, name: str) -> Any:
        """Return the scaled labels ~ Flat."""
        return pm.Flat(name, dims="stellar_label")


def label_model(
    root: FloatArray,
    pseudo_observations: FloatArray,
    *,
    label_names: Sequence[str],
    prior: LabelPrior | None = None,
) -> pm.Model:
    """
    State the model of one star's labels in PyMC, with dims stellar_label and mode.

    Parameters
    ----------
    root : float array of shape (T, T)
        R, from :func:`bayescannon.quartic.pseudo_observations`.
    pseudo_observations : float array of shape (T,)
        y, from the same function.
    label_names : sequence of K str
        Names of the labels.
    prior : prior object
        Flat, as in the paper, unless given.

    Returns
    -------
    model : pm.Model
        Random variable ``labels`` (stellar_label), scaled, and the observed ``y`` (mode). Both data are
        ``pm.Data`` (``R``, ``y_observed``), so one compiled model serves every star.
    """
    size = n_terms(len(label_names))
    if root.shape != (size, size) or pseudo_observations.shape != (size,):
        raise ValueError(
            f"{len(label_names)} labels need R of shape {(size, size)} and y of shape {(size,)}; got "
            f"{root.shape} and {pseudo_observations.shape}"
        )
    coords: dict[str, Any] = {
        "stellar_label": list(label_names),
        "mode": np.arange(size),
        "term": term_names(label_names),
    }
    with pm.Model(coords=coords) as model:
        r = pm.Data("R", np.asarray(root, dtype=np.float64), dims=("mode", "mode_"), coords={"mode_": range(size)})
        y = pm.Data("y_observed", np.asarray(pseudo_observations, dtype=np.float64), dims="mode")
        labels = pt.specify_shape((prior or FlatLabels()).declare_labels("labels"), len(label_names))
        pm.Normal("y", r @ label_vector(labels, pt), 1.0, observed=y, dims="mode")
    return model

"""The spectral model on compressed pixels, with the scatters given: small enough to sample with thousands of stars."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from bayescannon.models.coefficient_priors import CoefficientPrior, FlatCoefficients
from bayescannon.models.form import PLAIN, Form
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.typing import FloatArray


def compressed_model(
    root: FloatArray,
    y: FloatArray,
    *,
    terms: Sequence[str],
    coefficients: CoefficientPrior | None = None,
    form: Form = PLAIN,
) -> pm.Model:
    """
    State y_p ~ Normal(R_p theta_p, 1) in PyMC, with dims pixel, mode and term.

    Its posterior is that of :func:`bayescannon.models.spectral.spectral_model` with fixed scatters and noise scales,
    for any prior of the coefficients.

    Parameters
    ----------
    root, y : float arrays of shape (pixel, T, T) and (pixel, T)
        From :func:`bayescannon.pixels.compressed.compress_pixels`, for all or some of the pixels.
    terms : sequence of T str
        Names of the terms.
    coefficients : prior object
        See :mod:`bayescannon.models.coefficient_priors`; by default flat.
    form : Form
        Proper or flat, centred or not.

    Returns
    -------
    model : pm.Model
        With ``theta`` (pixel, term) and the observed ``modes`` (pixel, mode).

    Raises
    ------
    InputError
        The shapes do not match.
    """
    n_term = len(terms)
    if root.shape != (len(y), n_term, n_term) or y.shape != (len(y), n_term):
        raise InputError(
            f"root and y must have shapes (pixel, {n_term}, {n_term}) and (pixel, {n_term}) for {n_term} terms; "
            f"got {root.shape} and {y.shape}"
        )
    coords: dict[str, Any] = {"pixel": np.arange(len(y)), "mode": np.arange(n_term), "term": list(terms)}
    with pm.Model(coords=coords) as model:
        r = pm.Data("root", np.asarray(root, dtype=np.float64), dims=("pixel", "mode", "term"))
        observed = pm.Data("modes_observed", np.asarray(y, dtype=np.float64), dims=("pixel", "mode"))
        theta = (coefficients or FlatCoefficients()).declare_theta(form)
        pm.Normal("modes", pt.sum(r * theta[:, None, :], axis=2), 1.0, observed=observed, dims=("pixel", "mode"))
    return model

r"""
The label model: the posterior of one star's labels, given a trained spectral model (Ho et al. 2017, section 4).

With fixed coefficients and scatters the likelihood of a star's spectrum is exactly that of T numbers,

    y_k ~ Normal((R v(l))_k, 1),      A = R^T R = sum_p w_p theta_p theta_p^T,      y = R^-T b,

with w_p = 1 / (s_p^2 + sigma_p^2) and b = sum_p w_p theta_p f_p; see :mod:`bayescannon.stars.quartic`. Hidden
components and nuisances h ~ Normal(0, 1) of the star are further columns: y_k ~ Normal((R (v(l), h))_k, 1).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from bayescannon.data.convert import numbers
from bayescannon.data.labels import LabelScaler
from bayescannon.models.label_priors import BoxLabels, FlatLabels, LabelPrior
from bayescannon.models.label_vector import label_vector, n_terms, term_names
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.typing import FloatArray


def label_model(
    root: FloatArray,
    pseudo_observations: FloatArray,
    *,
    label_names: Sequence[str],
    prior: LabelPrior | None = None,
    scaler: LabelScaler | None = None,
    n_hidden: int = 0,
) -> pm.Model:
    """
    State the model of one star's labels in PyMC, with dims stellar_label and mode.

    Parameters
    ----------
    root : float array of shape (T + n_hidden, T + n_hidden)
        R, from :func:`bayescannon.stars.quartic.pseudo_observations`.
    pseudo_observations : float array of shape (T + n_hidden,)
        y, from the same function.
    label_names : sequence of K str
        Names of the labels.
    prior : prior object
        See :mod:`bayescannon.models.label_priors`; by default flat, as in the paper.
    scaler : LabelScaler, optional
        Scaler of the trained model; without it the parameters of `prior` refer to scaled labels.
    n_hidden : int
        Hidden components and nuisances that were not integrated out.

    Returns
    -------
    model : pm.Model
        Random variable ``labels`` (stellar_label), scaled, ``hidden`` (component) if there are any, and the observed
        ``y`` (mode). The arrays are ``pm.Data``
        (``R``, ``y_observed``), so that one compiled model can be used for every star.

    Raises
    ------
    InputError
        The shapes do not match the number of labels.

    Examples
    --------
    >>> import numpy as np
    >>> import bayescannon as bc
    >>> model = bc.label_model(np.eye(3), np.array([1.0, 0.2, 0.04]), label_names=["teff"])
    >>> [variable.name for variable in model.free_RVs], model.coords["term"]
    (['labels'], ('1', 'teff', 'teff^2'))
    """
    names = tuple(label_names)
    scaler = scaler or LabelScaler(names, np.zeros(len(names)), np.ones(len(names)))
    size = n_terms(len(names)) + n_hidden
    root, _ = numbers(root, "R")
    pseudo_observations, _ = numbers(pseudo_observations, "y")
    if root.shape != (size, size) or pseudo_observations.shape != (size,):
        raise InputError(
            f"{len(label_names)} labels need R of shape {(size, size)} and y of shape {(size,)}; got "
            f"{root.shape} and {pseudo_observations.shape}"
        )
    coords: dict[str, Any] = {
        "stellar_label": list(label_names),
        "mode": np.arange(size),
        "term": term_names(label_names),
        "component": np.arange(n_hidden),
    }
    with pm.Model(coords=coords) as model:
        r = pm.Data("R", np.asarray(root, dtype=np.float64), dims=("mode", "mode_"), coords={"mode_": range(size)})
        y = pm.Data("y_observed", np.asarray(pseudo_observations, dtype=np.float64), dims="mode")
        labels = pt.specify_shape((prior or FlatLabels()).declare_labels("labels", scaler), len(names))
        vector = label_vector(labels, pt)
        if n_hidden:
            vector = pt.concatenate([vector, pm.Normal("hidden", 0.0, 1.0, dims="component")])
        pm.Normal("y", r @ vector, 1.0, observed=y, dims="mode")
    return model


def label_chunk_model(
    root: FloatArray,
    pseudo_observations: FloatArray,
    centre: FloatArray,
    spread: FloatArray,
    *,
    prior: LabelPrior,
    scaler: LabelScaler,
) -> pm.Model:
    """
    State :func:`label_model` for several stars at once, in standardised coordinates z.

    Parameters
    ----------
    root, pseudo_observations : float arrays of shape (N, T, T) and (N, T)
        From :func:`bayescannon.stars.quartic.pseudo_observations`.
    centre : float array of shape (N, K)
        Scaled labels at z = 0.
    spread : float array of shape (N, K, K)
        Factors S of labels = centre + S z.
    prior : prior object
    scaler : LabelScaler

    Returns
    -------
    model : pm.Model
        Random variable ``z`` and deterministic ``labels`` (star, stellar_label), scaled; with a box ``labels`` itself
        is the random variable. All arrays are ``pm.Data`` (``R``, ``y_observed``, ``centre``, ``spread``), so that one
        compiled model can be used for every chunk of N stars.
    """
    n_star, n_label = centre.shape
    coords: dict[str, Any] = {
        "star": np.arange(n_star),
        "stellar_label": list(scaler.names),
        "stellar_label_2": list(scaler.names),
        "mode": np.arange(n_terms(n_label)),
        "mode_2": np.arange(n_terms(n_label)),
    }
    with pm.Model(coords=coords) as model:
        r = pm.Data("R", root, dims=("star", "mode", "mode_2"))
        y = pm.Data("y_observed", pseudo_observations, dims=("star", "mode"))
        x0 = pm.Data("centre", centre, dims=("star", "stellar_label"))
        s = pm.Data("spread", spread, dims=("star", "stellar_label", "stellar_label_2"))
        if isinstance(prior, BoxLabels):
            # PyMC's transform of the uniform distribution removes the bounds, which NUTS cannot cross
            labels = prior.declare_within("labels", scaler, dims=("star", "stellar_label"))
            known = pt.specify_shape(labels, (None, n_label))
        else:
            z = pm.Flat("z", dims=("star", "stellar_label"))
            moved = x0 + (s * z[:, None, :]).sum(-1)
            labels = pm.Deterministic("labels", moved, dims=("star", "stellar_label"))
            known = pt.specify_shape(labels, (None, n_label))
            pm.Potential("prior", prior.log_density(known, scaler).sum())
        expected = (r * label_vector(known, pt)[:, None, :]).sum(-1)
        pm.Normal("y", expected, 1.0, observed=y, dims=("star", "mode"))
    return model

r"""
The survey model of one star in PyMC: a mixture of the populations' spectral models.

With labels l from a flat prior, in the router's scaling, and the compressed pixels of a star under each population's
model (:mod:`bayescannon.models.star_labels`),

    p(f | l) = sum_m pi_m(l) p(f | l, theta_m),        p(f | l, theta_m) = C_m exp(-|y_m - R_m v_m(l)|^2 / 2),

where v_m is the label vector in the scaling of model m. With powers rho and beta it is what membership is computed
from (:mod:`bayescannon.cannon.populations.membership`):

    sum_m pi_m(l) p(f | l, theta_R)^(rho - beta) p(f | l, theta_m)^beta.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from bayescannon.data.labels import LabelScaler
from bayescannon.models.label_regions import LabelRegions
from bayescannon.models.label_vector import label_vector
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.typing import FloatArray


@dataclass(frozen=True)
class CompressedStar:
    """
    The likelihood of a star's labels under one model.

    Attributes
    ----------
    root : float array of shape (T, T)
        R, from :func:`bayescannon.stars.quartic.pseudo_observations`.
    observed : float array of shape (T,)
        y, from the same function.
    log_constant : float
        ln C.
    scaler : LabelScaler
        Of the model.
    """

    root: FloatArray
    observed: FloatArray
    log_constant: float
    scaler: LabelScaler


def survey_mixture(
    router: CompressedStar,
    populations: Sequence[CompressedStar],
    regions: LabelRegions,
    *,
    rho: float = 1.0,
    beta: float = 1.0,
) -> pm.Model:
    """
    State the mixture of one star in PyMC, with dims stellar_label and population.

    Parameters
    ----------
    router : CompressedStar
        Its scaling is that of the labels.
    populations : sequence of M CompressedStar
    regions : LabelRegions
        The M populations.
    rho, beta : float
        Powers of the router's likelihood and of the local models'; both 1 is the mixture itself.

    Returns
    -------
    model : pm.Model
        Random variable ``labels`` (stellar_label), scaled; the deterministic ``membership`` (population) at these
        labels; and the likelihood as potential ``spectrum``.

    Raises
    ------
    InputError
        Another number of populations than regions, or beta above rho.
    """
    if len(populations) != len(regions):
        raise InputError(f"{len(regions)} regions need as many populations; got {len(populations)}")
    if not 0 <= beta <= rho:
        raise InputError(f"beta must be from 0 to rho; got {beta} and {rho}")
    names = router.scaler.names
    with pm.Model(coords={"stellar_label": list(names), "population": list(regions.names)}) as model:
        labels = pm.Flat("labels", dims="stellar_label")
        known = pt.specify_shape(labels, len(names))
        physical = known * router.scaler.scale + router.scaler.pivot
        base = _log_likelihood(router, physical)
        local = pt.stack([_log_likelihood(star, physical) for star in populations])
        logs = regions.log_shares(physical, names, pt) + (rho - beta) * base + beta * local
        largest = logs.max()
        total = largest + pt.log(pt.exp(logs - largest).sum())
        pm.Deterministic("membership", pt.exp(logs - total), dims="population")
        pm.Potential("spectrum", total)
    return model


def _log_likelihood(star: CompressedStar, labels: pt.TensorVariable) -> pt.TensorVariable:
    """Return ln p(f | l) at labels in their units."""
    scaled = (labels - star.scaler.pivot) / star.scaler.scale
    off = np.asarray(star.observed) - pt.dot(np.asarray(star.root), label_vector(scaled, pt))
    return star.log_constant - 0.5 * (off**2).sum()

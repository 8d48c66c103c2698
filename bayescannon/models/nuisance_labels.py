r"""
The posterior of one star's labels and nuisances from its pixels, given a trained spectral model.

    l ~ prior,    a ~ Normal(0, 1),    f_p ~ Normal(F_p(l, a), sqrt(s_p^2 + sigma_p^2)),

with F of :mod:`bayescannon.models.nuisances`. :func:`bayescannon.stars.nuisance_rounds.settle` finds its maximum and
integrates a out.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from bayescannon.data.labels import LabelScaler
from bayescannon.models.label_priors import FlatLabels, LabelPrior
from bayescannon.models.label_vector import label_vector
from bayescannon.models.nuisances import Nuisances, ResponseSpectra
from bayescannon.models.pixel_weights import pixel_weights
from bayescannon.numerics.typing import FloatArray


def nuisance_label_model(
    response: ResponseSpectra,
    scatter: FloatArray,
    flux: FloatArray,
    ivar: FloatArray,
    *,
    nuisances: Nuisances,
    label_names: Sequence[str],
    prior: LabelPrior | None = None,
    scaler: LabelScaler | None = None,
) -> pm.Model:
    """
    State the model of one star's labels and nuisances in PyMC, with dims stellar_label, nuisance and pixel.

    Parameters
    ----------
    response : ResponseSpectra
        Coefficients with their derivatives, of P pixels.
    scatter, flux, ivar : float arrays of shape (P,)
        Pixels without weight are left out.
    nuisances : Nuisances
    label_names : sequence of K str
    prior : prior object
        See :mod:`bayescannon.models.label_priors`; by default flat.
    scaler : LabelScaler, optional
        Scaler of the trained model; without it the parameters of `prior` refer to scaled labels.

    Returns
    -------
    model : pm.Model
        Random variables ``labels`` (stellar_label), scaled, and ``amplitudes`` (nuisance), in units of the priors'
        standard deviations; observed ``flux`` (pixel).

    Examples
    --------
    >>> import numpy as np
    >>> from bayescannon.models.nuisances import Nuisances, ResponseSpectra
    >>> lines = np.array([[1.0, -0.1, 0.0], [0.8, -0.3, 0.0], [1.0, -0.1, 0.0]])
    >>> response = ResponseSpectra.of(np.array([5000.0, 5001.0, 5002.0]), (lines, 0 * lines, 0 * lines), Nuisances())
    >>> model = nuisance_label_model(
    ...     response, np.zeros(3), lines[:, 0], np.full(3, 1e4), nuisances=Nuisances(velocity=5), label_names=["teff"]
    ... )
    >>> [variable.name for variable in model.free_RVs]
    ['labels', 'amplitudes']
    """
    names = tuple(label_names)
    scaler = scaler or LabelScaler(names, np.zeros(len(names)), np.ones(len(names)))
    weight = pixel_weights(scatter, ivar)
    live = np.flatnonzero(weight > 0)
    seen = response.select(live)
    coords: dict[str, Any] = {"stellar_label": list(names), "nuisance": list(nuisances.names), "pixel": live}
    with pm.Model(coords=coords) as model:
        labels = pt.specify_shape((prior or FlatLabels()).declare_labels("labels", scaler), len(names))
        amplitudes = pm.Normal("amplitudes", 0.0, 1.0, dims="nuisance")
        expected = seen.flux(label_vector(labels, pt), amplitudes, nuisances)
        pm.Normal("flux", expected, 1 / np.sqrt(weight[live]), observed=flux[live], dims="pixel")
    return model

"""Starting points of samplers and optimisers, apart from the models, which PyMC could not copy if they held them."""

from typing import TYPE_CHECKING, Any

import numpy as np

from bayescannon.numerics.typing import FloatArray

if TYPE_CHECKING:
    import pymc as pm

# where PyMC's own start (0, or 1 if positive) is far from every star; fluxes are normalised and labels are scaled
_VALUES = {
    "scatter": 0.05,
    "tau": 0.01,
    "scatter_centre": -3.0,
    "log_scatter": -3.0,
    "scatter_width": 1.0,
    "kappa": 1.0,
    "kappa_width": 0.3,
}
# coefficients, which start from a spectrum of 1; their first term is the constant
_COEFFICIENTS = ("theta", "theta_flat")


def starting_point(model: "pm.Model") -> dict[str, FloatArray]:
    """
    Return where a sampler or an optimiser may start, for ``pm.sample(initvals=...)`` and ``pm.find_MAP(initvals=...)``.

    Parameters
    ----------
    model : pm.Model
        Any of this package's.

    Returns
    -------
    values : dict of str to float array
        By random variable; those that are not in it start well by themselves.

    Examples
    --------
    >>> import numpy as np
    >>> import bayescannon as bc
    >>> from bayescannon.models.starting_point import starting_point
    >>> vectors = np.array([[1.0, -1.0, 1.0], [1.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
    >>> flux = np.array([[0.9], [0.8], [0.7]])
    >>> model = bc.spectral_model(vectors, flux, np.full(flux.shape, 1e4), terms=["1", "teff", "teff^2"])
    >>> start = starting_point(model)
    >>> start["theta"].tolist(), start["scatter"].tolist()
    ([[1.0, 0.0, 0.0]], [0.05])
    """
    start: dict[str, Any] = {}
    for variable in model.free_RVs:
        name = variable.name
        shape = tuple(len(model.coords[dim]) for dim in model.named_vars_to_dims.get(name, ()))
        if name in _VALUES:
            start[name] = np.full(shape, _VALUES[name])
        elif name in _COEFFICIENTS:
            start[name] = np.zeros(shape)
            start[name][:, 0] = 1.0
    if "reported" in model.named_vars and "labels" in model.named_vars:
        start["labels"] = np.asarray(model.rvs_to_values[model["reported"]].eval())
    return start

"""The groups of an ArviZ tree that belong to a Gaussian likelihood: what was observed, how likely, and replications."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from bayescannon.numerics.errors import InputError
from bayescannon.numerics.outlier_mixture import OutlierShare
from bayescannon.numerics.typing import FloatArray

# draws times observations that are kept in memory, twice; az.loo is slow long before
MOST_VALUES = 10_000_000


def require_few_values(n_draw: int, n_observation: int) -> None:
    """
    Raise unless a likelihood fits into memory; call it before the expected values are made.

    Raises
    ------
    InputError
        There are more draws times observations than :data:`MOST_VALUES`.
    """
    if n_draw * n_observation > MOST_VALUES:
        raise InputError(
            f"the likelihood of {n_observation} observations for {n_draw} draws has more than {MOST_VALUES} values, "
            "too many for ArviZ; take fewer stars, pixels or draws"
        )


def likelihood_groups(
    name: str,
    observed: FloatArray,
    expected: FloatArray,
    sigma: FloatArray,
    *,
    coords: Mapping[str, Any],
    attrs: Mapping[str, str],
    rng: np.random.Generator,
    outliers: OutlierShare | None = None,
) -> dict[str, xr.Dataset]:
    r"""
    Make what :func:`arviz.loo` and :func:`arviz.plot_ppc_dist` need, for y_i ~ Normal(m_i, sigma_i).

    Parameters
    ----------
    name : str
        Of the variable.
    observed, sigma : float arrays of shape (observation,)
        y and sigma; the observations are independent given the parameters.
    expected : float array of shape (draw, observation)
        m, of every draw of the parameters.
    coords : mapping
        Coordinates along the observations.
    attrs : mapping
        Of the variable: ``long_name`` and ``units``.
    rng : numpy.random.Generator
        Draws the replications.
    outliers : OutlierShare, optional
        Share and scale of observations that are outliers, see :mod:`bayescannon.models.outliers`; none unless given.

    Returns
    -------
    groups : dict of str to xarray.Dataset
        ``observed_data`` (observation), ``log_likelihood`` and ``posterior_predictive`` (chain, draw, observation).
    """
    off = (observed - expected) / sigma
    drawn = {
        "log_likelihood": -(0.5 * off**2 if outliers is None else outliers.minus_log_density(off))
        - np.log(sigma)
        - 0.5 * np.log(2 * np.pi),
        "posterior_predictive": expected
        + sigma * (rng.standard_normal(expected.shape) if outliers is None else outliers.draw(expected.shape, rng)),
    }
    along = {key: ("observation", values) for key, values in coords.items()}
    draws = {"chain": [0], "draw": np.arange(len(expected))}
    log_attrs = {"long_name": f"log likelihood of the {attrs['long_name']}", "units": "1"}
    return {
        "observed_data": xr.Dataset({name: ("observation", observed, dict(attrs))}, coords=along),
        **{
            group: xr.Dataset(
                {
                    name: (
                        ("chain", "draw", "observation"),
                        values[None],
                        log_attrs if group == "log_likelihood" else dict(attrs),
                    )
                },
                coords={**along, **draws},
            )
            for group, values in drawn.items()
        },
    }

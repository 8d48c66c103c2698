"""The draws in a tree of uncertainties: a table of their statistics, and groups of equal size for figures."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from bayescannon.cannon.choices import SEED
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.typing import FloatArray

if TYPE_CHECKING:
    import pandas as pd

# the groups that hold draws of labels, and the dims of the draws in each
SAMPLE_DIMS = {"formal": ("chain", "draw"), "bootstrap": ("bootstrap",), "posterior": ("chain", "draw")}
# largest number of stars in a summary, which ArviZ computes for all stars and labels at once
_MOST_STARS = 2000


def draw_groups(tree: xr.DataTree) -> tuple[str, ...]:
    """
    Return the groups of a tree that hold draws, in the order of `SAMPLE_DIMS`.

    Raises
    ------
    InputError
        No group holds draws.
    """
    groups = tuple(group for group in SAMPLE_DIMS if group in tree.children)
    if not groups:
        raise InputError(
            f"a tree of uncertainties must have one of the groups {', '.join(SAMPLE_DIMS)}; "
            f"this one has {', '.join(tree.children) or 'none'}"
        )
    return groups


def _stacked(labels: xr.Dataset, sampled: Sequence[str]) -> FloatArray:
    """Return the draws of a group as one array, shape (draw, star, K)."""
    drawn = [labels[name].transpose(*sampled, "star").to_numpy() for name in labels.data_vars]
    return np.stack([values.reshape(-1, values.shape[-1]) for values in drawn], axis=-1)


def uncertainty_summary(tree: xr.DataTree) -> "pd.DataFrame":
    """
    Tabulate mean, standard deviation and interval of every star's labels, for each group of draws.

    Parameters
    ----------
    tree : xarray.DataTree
        From :func:`bayescannon.uncertainty.datatree.uncertainty_tree`.

    Returns
    -------
    table : pandas.DataFrame
        One row per (star, stellar_label), with ``unit``, the ``observed`` label if there is one, and for each group
        ``formal_mean``, ``formal_sd``, ``formal_eti89_lb`` and so on: the statistics of :func:`arviz.summary` with
        ``kind="stats"``, whose interval is set by ``stats.ci_prob`` of ArviZ. Values are in the labels' units; NaN for
        a star without draws. A group in which no star has draws has no columns.

    Raises
    ------
    InputError
        No group holds draws, or there are more than 2000 stars.
    """
    import arviz as az
    import pandas as pd

    groups = draw_groups(tree)
    first = tree[groups[0]].to_dataset()
    stars, names = first["star"].to_numpy(), [str(name) for name in first.data_vars]
    if len(stars) > _MOST_STARS:
        raise InputError(
            f"a summary is for at most {_MOST_STARS} stars; got {len(stars)}. Select some, or use error_budget"
        )
    rows = pd.MultiIndex.from_product([stars, names], names=["star", "stellar_label"])
    columns: dict[str, Any] = {"unit": np.tile([first[name].attrs["units"] for name in names], len(stars))}
    if "observed_labels" in tree.children:
        observed = tree["observed_labels"].to_dataset()
        columns["observed"] = np.stack([observed[name].to_numpy() for name in names], axis=-1).ravel()
    for group in groups:
        sampled = SAMPLE_DIMS[group]
        labels = tree[group].to_dataset()[names]
        there = np.isfinite(_stacked(labels, sampled)).all(axis=(0, 2))
        if not there.any():
            continue
        # without attributes, as ArviZ fails on those that it adds itself; without NaN, of which it warns
        clean = labels.isel(star=np.flatnonzero(there)).drop_attrs()
        summary = az.summary(clean, sample_dims=list(sampled), kind="stats", round_to="none", fmt="xarray")
        for name in summary["summary"].to_numpy():
            values = np.full((len(stars), len(names)), np.nan)
            values[there] = np.stack([summary[label].sel(summary=name).to_numpy() for label in names], axis=-1)
            columns[f"{group}_{name}"] = values.ravel()
    return pd.DataFrame(columns, index=rows)


def comparable_draws(
    tree: xr.DataTree, *, n_draws: int = 400, relative: bool = False, seed: int = SEED
) -> dict[str, xr.Dataset]:
    """
    Resample all groups to one chain with the same number of draws, for figures that compare them.

    ArviZ's figures join groups by the index of the draws, and drop draws that only the larger group has. If a group has
    more draws, `n_draws` of them are taken at random. If it has fewer, such as 20 bootstraps, it is resampled by a
    smoothed bootstrap (Silverman & Young 1987, Biometrika 74, 469): each draw is taken equally often, Gaussian noise of
    Scott's width is added, and the result is shrunk so that mean and covariance are unchanged. Without the noise,
    repeated draws would be spikes in a density.

    Parameters
    ----------
    tree : xarray.DataTree
        From :func:`bayescannon.uncertainty.datatree.uncertainty_tree`.
    n_draws : int
    relative : bool
        Subtract each star's label in the group ``fit``.
    seed : int

    Returns
    -------
    draws : dict of str to xarray.Dataset
        For each group, the labels (chain, draw, star) of the stars that have draws in all groups.

    Raises
    ------
    InputError
        No group holds draws, no star has draws in all groups, or `n_draws` is below 2.
    """
    if n_draws < 2:
        raise InputError(f"n_draws must be at least 2; got {n_draws}")
    groups = draw_groups(tree)
    datasets = {group: tree[group].to_dataset() for group in groups}
    stacked = {group: _stacked(labels, SAMPLE_DIMS[group]) for group, labels in datasets.items()}
    there = np.all([np.isfinite(values).all(axis=(0, 2)) for values in stacked.values()], axis=0)
    if not there.any():
        raise InputError(
            f"at least one star must have draws in all of {', '.join(groups)}; got none. See the statuses in group fit"
        )
    first = datasets[groups[0]]
    names = [str(name) for name in first.data_vars]
    fitted = np.stack([tree["fit"][name].to_numpy() for name in names], axis=-1)[there]
    coords: dict[str, Any] = {"star": first["star"].to_numpy()[there], "chain": [0], "draw": np.arange(n_draws)}
    drawn = {}
    for stream, group in enumerate(groups):
        rng = np.random.default_rng([seed, stream])
        values = stacked[group][:, there]
        taken = values[np.resize(rng.permutation(len(values)), n_draws)]
        if len(values) < n_draws:
            taken = _smooth(taken, values, rng)
        if relative:
            taken = taken - fitted
        drawn[group] = xr.Dataset(
            {name: (("chain", "draw", "star"), taken[None, ..., k], first[name].attrs) for k, name in enumerate(names)},
            coords=coords,
        )
    return drawn


def _smooth(taken: FloatArray, values: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Add noise to draws `taken` (draw, star, K) from `values`, and shrink them to the covariance of `values`."""
    n, _, n_label = values.shape
    width = n ** (-1 / (n_label + 4))
    mean = values.mean(axis=0)
    # sums of the deviations with Gaussian weights have the covariance of the deviations, even if those are few
    weights = rng.standard_normal((len(taken), n)) / np.sqrt(n)
    noise = np.einsum("dn,nsk->dsk", weights, values - mean)
    result: FloatArray = mean + (taken - mean + width * noise) / np.sqrt(1 + width**2)
    return result

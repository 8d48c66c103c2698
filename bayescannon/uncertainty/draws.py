"""The draws in a tree of uncertainties: a table of their statistics, and groups that figures can compare."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from bayescannon.numerics.errors import InputError
from bayescannon.numerics.typing import FloatArray

if TYPE_CHECKING:
    import pandas as pd

# The groups that hold draws of labels, and the dims over which each is drawn
SAMPLE_DIMS = {"formal": ("chain", "draw"), "bootstrap": ("bootstrap",), "posterior": ("chain", "draw")}
# ArviZ makes the summary of every star and label at once
_MOST_STARS = 2000


def draw_groups(tree: xr.DataTree) -> tuple[str, ...]:
    """
    Return which groups of a tree hold draws, in the order of `SAMPLE_DIMS`.

    Raises
    ------
    ValueError
        There is none.
    """
    groups = tuple(group for group in SAMPLE_DIMS if group in tree.children)
    if not groups:
        raise InputError(
            f"a tree of uncertainties has some of the groups {', '.join(SAMPLE_DIMS)}; "
            f"this one has {', '.join(tree.children) or 'none'}"
        )
    return groups


def _stacked(labels: xr.Dataset, sampled: Sequence[str]) -> FloatArray:
    """Return the draws of a group as one array, shape (draw, star, K)."""
    drawn = [labels[name].transpose(*sampled, "star").to_numpy() for name in labels.data_vars]
    return np.stack([values.reshape(-1, values.shape[-1]) for values in drawn], axis=-1)


def uncertainty_summary(tree: xr.DataTree) -> "pd.DataFrame":
    """
    Tabulate mean, standard deviation and interval of every star's labels by each group, next to each other.

    Parameters
    ----------
    tree : xarray.DataTree
        From :func:`bayescannon.uncertainty.datatree.uncertainty_tree`.

    Returns
    -------
    table : pandas.DataFrame
        A row for each (star, stellar_label), with ``unit``, the ``observed`` label if there is one, and for each group
        ``formal_mean``, ``formal_sd``, ``formal_eti89_lb`` and so on: the statistics of :func:`arviz.summary` for
        ``kind="stats"``, whose interval is the setting ``stats.ci_prob`` of ArviZ. Units are the labels'; NaN for
        a star that lacks a draw, and no columns for a group in which every star does.

    Raises
    ------
    ValueError
        There is no group of draws, or so many stars that the table would say nothing.
    """
    import arviz as az
    import pandas as pd

    groups = draw_groups(tree)
    first = tree[groups[0]].to_dataset()
    stars, names = first["star"].to_numpy(), [str(name) for name in first.data_vars]
    if len(stars) > _MOST_STARS:
        raise InputError(
            f"a summary is for up to {_MOST_STARS} stars; got {len(stars)}; select some, or use error_budget"
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
        # ArviZ writes into attributes what it then trips over, and warns of NaN
        clean = labels.isel(star=np.flatnonzero(there)).drop_attrs()
        summary = az.summary(clean, sample_dims=list(sampled), kind="stats", round_to="none", fmt="xarray")
        for name in summary["summary"].to_numpy():
            values = np.full((len(stars), len(names)), np.nan)
            values[there] = np.stack([summary[label].sel(summary=name).to_numpy() for label in names], axis=-1)
            columns[f"{group}_{name}"] = values.ravel()
    return pd.DataFrame(columns, index=rows)


def comparable_draws(
    tree: xr.DataTree, *, n_draws: int = 400, relative: bool = False, seed: int = 0
) -> dict[str, xr.Dataset]:
    """
    Bring all groups to one chain of the same number of draws, for figures that compare them.

    ArviZ's figures join groups by their draws, and silently drop what only the larger group has. Where a group has
    more draws, `n_draws` of them are taken at random. Where it has fewer, as 20 bootstraps, it is smoothed: each draw
    is taken equally often, with Gaussian noise of Scott's width, and shrunk so that mean and covariance stay (Silverman
    and Young 1987); repeated draws would be spikes in a density.

    Parameters
    ----------
    tree : xarray.DataTree
        From :func:`bayescannon.uncertainty.datatree.uncertainty_tree`.
    n_draws : int
    relative : bool
        Subtract each star's label, of the group ``fit``.
    seed : int

    Returns
    -------
    draws : dict of str to xarray.Dataset
        By group, each label (chain, draw, star), of the stars that have draws in all groups.

    Raises
    ------
    ValueError
        There is no group of draws, no star with draws in all of them, or fewer than two draws are asked for.
    """
    if n_draws < 2:
        raise InputError(f"n_draws must be at least 2; got {n_draws}")
    groups = draw_groups(tree)
    datasets = {group: tree[group].to_dataset() for group in groups}
    stacked = {group: _stacked(labels, SAMPLE_DIMS[group]) for group, labels in datasets.items()}
    there = np.all([np.isfinite(values).all(axis=(0, 2)) for values in stacked.values()], axis=0)
    if not there.any():
        raise InputError(f"no star has draws in all of {', '.join(groups)}; see the statuses in the group fit")
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
    """Add noise to draws `taken` (draw, star, K) out of `values`, and shrink them to the covariance of these."""
    n, _, n_label = values.shape
    width = n ** (-1 / (n_label + 4))
    mean = values.mean(axis=0)
    # a sum of the deviations with Gaussian weights has their covariance, however few they are
    weights = rng.standard_normal((len(taken), n)) / np.sqrt(n)
    noise = np.einsum("dn,nsk->dsk", weights, values - mean)
    result: FloatArray = mean + (taken - mean + width * noise) / np.sqrt(1 + width**2)
    return result

"""
Uncertainties of a few stars for ArviZ: posterior, formal errors and bootstraps in one tree, and a table of them.

ArviZ is for looking at tens of stars, not for catalogues: :func:`bayescannon.uncertainty.budget.error_budget` is.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayescannon import __version__
from bayescannon.cannon.choices import N_DRAWS, SEED
from bayescannon.cannon.labelling import label_spectra
from bayescannon.cannon.posterior import sample_posterior
from bayescannon.cannon.reference import ReferenceSet
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.data.flags import FitStatus
from bayescannon.data.label_table import LabelTable
from bayescannon.data.labels import labels_from_names
from bayescannon.data.spectra import Spectra
from bayescannon.models.label_priors import LabelPrior
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.rows import rows_of
from bayescannon.numerics.typing import FloatArray
from bayescannon.stars.importance import star_seeds
from bayescannon.uncertainty.bootstrap import bootstrap_labels

if TYPE_CHECKING:
    import pandas as pd

# The groups that hold draws of labels, and the dims over which each is drawn
SAMPLE_DIMS = {"formal": ("chain", "draw"), "bootstrap": ("bootstrap",), "posterior": ("chain", "draw")}
# ArviZ makes the summary of every star and label at once
_MOST_STARS = 2000
# one stream of random numbers a star for the formal errors, another one than the posterior's
_FORMAL_STREAM = 1


def uncertainty_tree(
    model: TrainedModel,
    spectra: Spectra,
    *,
    reference: ReferenceSet | None = None,
    observed: LabelTable | None = None,
    prior: LabelPrior | None = None,
    n_draws: int = N_DRAWS,
    n_bootstrap: int = 20,
    seed: int = SEED,
    workers: int | None = None,
) -> xr.DataTree:
    """
    Put what is known of stars' labels into a tree for ArviZ.

    Parameters
    ----------
    model : TrainedModel
    spectra : Spectra
        N stars on the model's grid.
    reference : ReferenceSet, optional
        That the model was trained on; without it there is no bootstrap.
    observed : LabelTable, optional
        Labels of the same stars from elsewhere, matched by the names of the spectra; NaN for the stars and labels that
        it lacks.
    prior : prior object, optional
        Of the posterior, see :mod:`bayescannon.models.label_priors`; flat unless given.
    n_draws : int
        Draws of the posterior and of the formal errors, at least 100.
    n_bootstrap : int
        Models of the bootstrap, at least 2.
    seed : int
        Decides starts, draws and bootstraps.
    workers : int or None
        Threads; None takes every core. The result does not depend on it.

    Returns
    -------
    tree : xarray.DataTree
        ``posterior`` and ``formal`` hold ``labels`` (chain, draw, star, stellar_label), draws of equal weight of the
        label posterior and of the Gaussian of the formal covariance; ``bootstrap`` (bootstrap, star, stellar_label)
        the labels by each bootstrap's model; ``observed_data`` ``labels`` and ``error`` (star, stellar_label); ``fit``
        what became of each star: ``labels``, ``status``, ``posterior_status``, ``k_hat``, ``ess``, ``n_modes`` and
        ``bootstrap_failed``. Draws are NaN where a status says why. Labels are in their units, the coordinate
        ``unit``; the attributes say where everything came from. Files: ``tree.to_netcdf(path, engine="h5netcdf")``
        and ``tree.to_zarr(path, consolidated=False)``.

    Raises
    ------
    ReferenceSetError
        The reference set is not the model's.
    LabelError
        The prior is of a label that the model does not have.
    GridError
        The spectra are on another grid.
    ValueError
        No star, or a number of draws or bootstraps that tells nothing.
    """
    if len(spectra) == 0:
        raise InputError("a tree of uncertainties needs at least one star; got none")
    shared: dict[str, Any] = {"seed": seed, "workers": workers}
    estimates = label_spectra(model, spectra, **shared)
    posterior = sample_posterior(model, spectra, prior=prior, n_draws=n_draws, n_keep=n_draws, **shared)
    coords = {
        "star": spectra.id,
        "stellar_label": list(model.label_names),
        "unit": ("stellar_label", [label.unit for label in labels_from_names(model.label_names)]),
    }
    dims = ("star", "stellar_label")
    drawn = coords | {"chain": [0], "draw": np.arange(n_draws)}
    draws = posterior["posterior_draws"].transpose("draw", *dims).to_numpy()
    fit: dict[str, Any] = {
        "labels": (dims, estimates["labels"].to_numpy()),
        "status": ("star", estimates["status"].to_numpy()),
        **{name: ("star", posterior[name].to_numpy()) for name in ("posterior_status", "k_hat", "ess", "n_modes")},
    }
    groups = {
        "posterior": xr.Dataset({"labels": (("chain", "draw", *dims), draws[None])}, coords=drawn),
        "formal": xr.Dataset(
            {"labels": (("chain", "draw", *dims), _formal_draws(estimates, n_draws, seed=seed)[None])}, coords=drawn
        ),
    }
    if reference is not None:
        found = bootstrap_labels(model, reference, spectra, n_bootstrap=n_bootstrap, estimates=estimates, **shared)
        groups["bootstrap"] = xr.Dataset(
            {"labels": (("bootstrap", *dims), found["labels"].to_numpy())},
            coords=coords | {"bootstrap": np.arange(n_bootstrap)},
        )
        fit["bootstrap_failed"] = ("star", found["n_failed"].to_numpy())
    if observed is not None:
        labels, error = _match(observed, spectra, model.label_names)
        groups["observed_data"] = xr.Dataset(
            {"labels": (dims, labels), "error": (dims, error)}, coords=coords, attrs={"source": observed.source}
        )
    groups["fit"] = xr.Dataset(fit, coords=coords)
    attrs = {
        "version": __version__,
        "model_hash": model.hash,
        "prior": posterior.attrs["prior"],
        "n_draws": n_draws,
        "n_bootstrap": 0 if reference is None else n_bootstrap,
        "seed": seed,
        "created": estimates.attrs["created"],
        "inference_library": "bayescannon",
    }
    return xr.DataTree.from_dict({"/": xr.Dataset(attrs=attrs), **groups})


def _formal_draws(estimates: xr.Dataset, n_draws: int, *, seed: int) -> FloatArray:
    """Draw from the Gaussian of each star's formal covariance, shape (draw, star, K); NaN where there is none."""
    labels, covariance = estimates["labels"].to_numpy(), estimates["formal_covariance"].to_numpy()
    draws = np.full((n_draws, *labels.shape), np.nan)
    seeds = star_seeds(estimates["star"].to_numpy(), seed)
    for star in np.flatnonzero(estimates["status"].to_numpy() == FitStatus.CONVERGED):
        # in units of the errors, because labels in K and in dex do not go together in one factorisation
        sigma = np.sqrt(np.diagonal(covariance[star]))
        root = np.linalg.cholesky(covariance[star] / np.outer(sigma, sigma)) * sigma[:, None]
        noise = np.random.default_rng([int(seeds[star]), _FORMAL_STREAM]).standard_normal((n_draws, len(sigma)))
        draws[:, star] = labels[star] + noise @ root.T
    return draws


def _match(observed: LabelTable, spectra: Spectra, names: Sequence[str]) -> tuple[FloatArray, FloatArray]:
    """Return labels and errors of a table for each star, shape (N, K); NaN where it has none."""
    rows = rows_of(observed.id, spectra.id)
    labels, error = (np.full((len(spectra), len(names)), np.nan) for _ in range(2))
    for k, name in enumerate(names):
        for values, out in ((observed.labels.get(name), labels), (observed.errors.get(name), error)):
            if values is not None:
                out[:, k] = np.where(rows >= 0, values[rows], np.nan)
    return labels, error


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


def uncertainty_summary(tree: xr.DataTree) -> "pd.DataFrame":
    """
    Tabulate mean, standard deviation and interval of every star's labels by each group, next to each other.

    Parameters
    ----------
    tree : xarray.DataTree
        From :func:`uncertainty_tree`.

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
    first = tree[groups[0]]["labels"]
    if first.sizes["star"] > _MOST_STARS:
        raise InputError(
            f"a summary is for up to {_MOST_STARS} stars; got {first.sizes['star']}; select some, or use error_budget"
        )
    coords = [first[name].to_numpy() for name in ("star", "stellar_label")]
    rows = pd.MultiIndex.from_product(coords, names=["star", "stellar_label"])
    columns: dict[str, Any] = {"unit": np.tile(first["unit"].to_numpy(), len(coords[0]))}
    if "observed_data" in tree.children:
        columns["observed"] = tree["observed_data"]["labels"].to_numpy().ravel()
    for group in groups:
        labels = tree[group].to_dataset()["labels"]
        sampled = SAMPLE_DIMS[group]
        there = _complete(labels)
        if not there.any():
            continue
        # ArviZ writes into attributes what it then trips over, and warns of NaN
        clean = labels.isel(star=np.flatnonzero(there)).drop_attrs().drop_vars("unit").to_dataset(name="labels")
        summary = az.summary(clean, sample_dims=list(sampled), kind="stats", round_to="none", fmt="xarray")["labels"]
        for name in summary["summary"].to_numpy():
            values = np.full((len(coords[0]), len(coords[1])), np.nan)
            values[there] = summary.sel(summary=name).transpose("star", "stellar_label").to_numpy()
            columns[f"{group}_{name}"] = values.ravel()
    return pd.DataFrame(columns, index=rows)


def _complete(labels: xr.DataArray) -> NDArray[np.bool_]:
    """Say which stars have all of their draws, shape (N,)."""
    return labels.notnull().all([dim for dim in labels.dims if dim != "star"]).to_numpy()


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
        From :func:`uncertainty_tree`.
    n_draws : int
    relative : bool
        Subtract each star's label, of the group ``fit``.
    seed : int

    Returns
    -------
    draws : dict of str to xarray.Dataset
        By group, ``labels`` (chain, draw, star, stellar_label), of the stars that have draws in all groups.

    Raises
    ------
    ValueError
        There is no group of draws, no star with draws in all of them, or fewer than two draws are asked for.
    """
    if n_draws < 2:
        raise InputError(f"n_draws must be at least 2; got {n_draws}")
    groups = draw_groups(tree)
    stacked = {group: tree[group]["labels"].stack(sample=SAMPLE_DIMS[group], create_index=False) for group in groups}
    there = np.all([_complete(labels) for labels in stacked.values()], axis=0)
    if not there.any():
        raise InputError(f"no star has draws in all of {', '.join(groups)}; see the statuses in the group fit")
    centre = tree["fit"]["labels"].to_numpy()[there] if relative else 0.0
    drawn = {}
    for stream, group in enumerate(groups):
        rng = np.random.default_rng([seed, stream])
        labels = stacked[group].isel(star=np.flatnonzero(there)).transpose("sample", "star", "stellar_label")
        values = labels.to_numpy()
        taken = values[np.resize(rng.permutation(len(values)), n_draws)]
        if len(values) < n_draws:
            taken = _smooth(taken, values, rng)
        coords = {name: labels[name] for name in ("star", "stellar_label", "unit")}
        drawn[group] = xr.Dataset(
            {"labels": (("chain", "draw", "star", "stellar_label"), (taken - centre)[None])},
            coords=coords | {"chain": [0], "draw": np.arange(n_draws)},
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
    return mean + (taken - mean + width * noise) / np.sqrt(1 + width**2)

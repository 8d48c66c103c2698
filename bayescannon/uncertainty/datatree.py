"""
A tree for ArviZ: posterior, formal errors, bootstraps and likelihood of the spectra of a few stars.

The tree is for tens of stars; use :func:`bayescannon.uncertainty.budget.error_budget` for catalogues.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from bayescannon import __version__
from bayescannon.cannon.choices import N_BOOTSTRAP, N_DRAWS, SEED
from bayescannon.cannon.labelling import label_spectra
from bayescannon.cannon.model_file import as_model
from bayescannon.cannon.posterior import sample_posterior
from bayescannon.cannon.reference import ReferenceSet
from bayescannon.cannon.reference_file import as_reference
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.data.flags import FitStatus
from bayescannon.data.label_table import LabelTable
from bayescannon.data.spectra import Spectra
from bayescannon.data.star_ids import rows_by_id
from bayescannon.io.inputs import as_labels, as_spectra
from bayescannon.models.label_priors import LabelPrior
from bayescannon.numerics.created import creation_time
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.typing import FloatArray
from bayescannon.stars.importance import star_seeds
from bayescannon.uncertainty.bootstrap import bootstrap_labels
from bayescannon.uncertainty.star_likelihood import LikelihoodKind, choose_likelihood, star_likelihood

# stream of random numbers per star for the formal errors, different from that of the posterior
_FORMAL_STREAM = 1


def uncertainty_tree(
    model: TrainedModel | str | Path,
    spectra: Spectra | str | Path,
    *,
    reference: ReferenceSet | str | Path | None = None,
    observed: LabelTable | str | Path | None = None,
    prior: LabelPrior | str | None = None,
    n_draws: int = N_DRAWS,
    n_bootstrap: int = N_BOOTSTRAP,
    likelihood: LikelihoodKind | None = "auto",
    seed: int = SEED,
    workers: int | None = None,
) -> xr.DataTree:
    """
    Collect labels, errors, posteriors and likelihoods of stars in a tree for ArviZ.

    Parameters
    ----------
    model : TrainedModel, or path of its file
    spectra : Spectra, or path of a store
        N stars on the model's grid.
    reference : ReferenceSet or path of its file, optional
        That the model was trained on; without it there is no bootstrap.
    observed : LabelTable or path of a table, optional
        Labels of the same stars from elsewhere, matched by the names of the spectra; NaN for the stars and labels that
        it lacks.
    prior : prior object or its name on the command line, optional
        Of the posterior, see :mod:`bayescannon.models.label_priors`; flat unless given.
    n_draws : int
        Draws of the posterior and of the formal errors, at least 100.
    n_bootstrap : int
        Number of bootstraps, at least 2.
    likelihood : {"auto", "pixels", "modes"} or None
        Observations whose likelihood is included, see
        :func:`bayescannon.uncertainty.star_likelihood.star_likelihood`; with None no likelihood is included.
    seed : int
        Seed of starts, draws and bootstraps.
    workers : int or None
        Threads; None takes every core. The result does not depend on it.

    Returns
    -------
    tree : xarray.DataTree
        Each label is a variable, with its unit as an attribute. ``posterior`` and ``formal`` hold draws (chain, draw,
        star) of equal weight, from the posterior of the labels and from the Gaussian with the formal covariance;
        ``bootstrap`` (bootstrap, star) holds the labels from each bootstrap; ``observed_labels`` those of `observed`,
        with ``NAME_error``; ``fit`` the labels, ``status``, ``posterior_status``, ``k_hat``, ``ess``, ``n_modes`` and
        ``bootstrap_failed`` of each star. A status explains draws that are NaN. ``observed_data``, ``log_likelihood``
        and ``posterior_predictive`` contain the spectra of stars with posterior draws, for ``az.loo`` and
        ``az.plot_ppc_dist``: see :func:`bayescannon.uncertainty.star_likelihood.star_likelihood`. The attributes hold
        the provenance. To write files, use ``tree.to_netcdf(path, engine="h5netcdf")`` or
        ``tree.to_zarr(path, consolidated=False)``.

    Raises
    ------
    ReferenceSetError
        The reference set is not the model's.
    LabelError
        The prior has a label that the model does not have.
    GridError
        The spectra are on another grid.
    InputError
        No star, too few draws or bootstraps, or a likelihood that is too large or not available for the model.

    Examples
    --------
    >>> import numpy as np
    >>> from bayescannon.cannon.reference import ReferenceSet
    >>> from bayescannon.cannon.training import train
    >>> from bayescannon.data.spectra import Spectra
    >>> rng = np.random.default_rng(0)
    >>> labels = rng.normal([4800.0, 2.5], [250.0, 0.6], size=(60, 2))
    >>> flux = 1 - 0.05 * (labels - [4800, 2.5]) / [250, 0.6] @ rng.random((2, 30))
    >>> flux += 0.01 * rng.normal(size=flux.shape)
    >>> names = np.array([f"star {n}" for n in range(60)])
    >>> spectra = Spectra(np.linspace(5000, 5100, 30), flux, np.full(flux.shape, 1e4), names, {})
    >>> model = train(ReferenceSet(spectra, labels, np.full(labels.shape, np.nan), ("teff", "logg")))
    >>> tree = uncertainty_tree(model, spectra.select(np.arange(2)))
    >>> tree["posterior"]["teff"].dims, tree["posterior"]["teff"].attrs["units"]
    (('chain', 'draw', 'star'), 'K')
    >>> import arviz as az
    >>> int(az.loo(tree, var_name="flux").n_data_points)
    60
    """
    model, spectra = as_model(model), as_spectra(spectra)
    reference = None if reference is None else as_reference(reference)
    observed = None if observed is None else as_labels(observed)
    if len(spectra) == 0:
        raise InputError("a tree of uncertainties needs at least one star; got none")
    if likelihood is not None:
        choose_likelihood(likelihood, model, 0)
    shared: dict[str, Any] = {"seed": seed, "workers": workers}
    estimates = label_spectra(model, spectra, **shared)
    posterior = sample_posterior(model, spectra, prior=prior, n_draws=n_draws, n_keep=n_draws, **shared)
    draws = posterior["posterior_draws"].transpose("draw", "star", "stellar_label").to_numpy()
    at: dict[str, Any] = {"star": spectra.id}
    drawn = at | {"chain": [0], "draw": np.arange(n_draws)}
    dims = ("chain", "draw", "star")
    formal = _formal_draws(estimates, n_draws, seed=seed)
    groups = {
        "posterior": xr.Dataset(_by_label(model, draws[None], dims), coords=drawn),
        "formal": xr.Dataset(_by_label(model, formal[None], dims), coords=drawn),
    }
    fit = _by_label(model, estimates["labels"].to_numpy(), ("star",))
    fit["status"] = ("star", estimates["status"].to_numpy())
    fit |= {name: ("star", posterior[name].to_numpy()) for name in ("posterior_status", "k_hat", "ess", "n_modes")}
    if reference is not None:
        found = bootstrap_labels(model, reference, spectra, n_bootstrap=n_bootstrap, estimates=estimates, **shared)
        groups["bootstrap"] = xr.Dataset(
            _by_label(model, found["labels"].to_numpy(), ("bootstrap", "star")),
            coords=at | {"bootstrap": np.arange(n_bootstrap)},
        )
        fit["bootstrap_failed"] = ("star", found["n_failed"].to_numpy())
    if observed is not None:
        labels, error = _match(observed, spectra, model.label_names)
        both = _by_label(model, labels, ("star",)) | {
            f"{name}_error": values for name, values in _by_label(model, error, ("star",)).items()
        }
        groups["observed_labels"] = xr.Dataset(both, coords=at, attrs={"source": observed.source})
    groups["fit"] = xr.Dataset(fit, coords=at)
    observations = "none"
    if likelihood is not None:
        observations, of_spectra = star_likelihood(model, spectra, draws, kind=likelihood, **shared)
        groups |= of_spectra
    attrs = {
        "version": __version__,
        "model_hash": model.hash,
        "prior": posterior.attrs["prior"],
        "likelihood": observations,
        "n_draws": n_draws,
        "n_bootstrap": 0 if reference is None else n_bootstrap,
        "seed": seed,
        **creation_time(),
        "inference_library": "bayescannon",
    }
    return xr.DataTree.from_dict({"/": xr.Dataset(attrs=attrs), **groups})


def _by_label(model: TrainedModel, values: FloatArray, dims: tuple[str, ...]) -> dict[str, Any]:
    """Split an array (..., K) into one variable per label, because labels have different units."""
    return {
        label.name: (dims, values[..., k], {"long_name": label.description, "units": label.unit})
        for k, label in enumerate(model.labels)
    }


def _formal_draws(estimates: xr.Dataset, n_draws: int, *, seed: int) -> FloatArray:
    """Draw from the Gaussian of each star's formal covariance, shape (draw, star, K); NaN for stars without one."""
    labels, covariance = estimates["labels"].to_numpy(), estimates["formal_covariance"].to_numpy()
    draws = np.full((n_draws, *labels.shape), np.nan)
    seeds = star_seeds(estimates["star"].to_numpy(), seed)
    for star in np.flatnonzero(estimates["status"].to_numpy() == FitStatus.CONVERGED):
        # in units of the errors, because a factorisation of labels in K and dex is badly conditioned
        sigma = np.sqrt(np.diagonal(covariance[star]))
        root = np.linalg.cholesky(covariance[star] / np.outer(sigma, sigma)) * sigma[:, None]
        noise = np.random.default_rng([int(seeds[star]), _FORMAL_STREAM]).standard_normal((n_draws, len(sigma)))
        draws[:, star] = labels[star] + noise @ root.T
    return draws


def _match(observed: LabelTable, spectra: Spectra, names: Sequence[str]) -> tuple[FloatArray, FloatArray]:
    """Return labels and errors of each star from a table, shape (N, K); NaN where they are missing."""
    rows = rows_by_id(observed.id, spectra.id, of=observed.source or "the table")
    labels, error = (np.full((len(spectra), len(names)), np.nan) for _ in range(2))
    for k, name in enumerate(names):
        for values, out in ((observed.labels.get(name), labels), (observed.errors.get(name), error)):
            if values is not None:
                out[:, k] = np.where(rows >= 0, values[rows], np.nan)
    return labels, error

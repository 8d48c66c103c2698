"""Sample stars with NUTS where importance sampling is not reliable: nutpie on chunks of stars, compiled once."""

from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayescannon.data.flags import PosteriorStatus
from bayescannon.data.labels import LabelScaler
from bayescannon.models.label_priors import LabelPrior
from bayescannon.models.star_labels import label_chunk_model
from bayescannon.numerics.intervals import PROBABILITIES
from bayescannon.numerics.typing import FloatArray
from bayescannon.stars.importance import LabelPosterior
from bayescannon.stars.quartic import Quartic, pseudo_observations

_CHUNK = 64
_TUNE, _CHAINS = 400, 4
# chains have not converged if the split R-hat is above this (Vehtari et al. 2021, Bayesian Analysis 16, 667)
_LARGEST_R_HAT = 1.05


def can_sample() -> bool:
    """Return whether nutpie is installed (the extra ``posterior``)."""
    return find_spec("nutpie") is not None


def sample_nuts(
    quartic: Quartic,
    near: LabelPosterior,
    *,
    prior: LabelPrior,
    scaler: LabelScaler,
    n_draws: int,
    n_keep: int = 0,
    seed: int = 0,
    cores: int = 2,
) -> LabelPosterior:
    """
    Sample the labels of N stars with NUTS.

    Parameters
    ----------
    quartic : Quartic
        Likelihoods of N stars.
    near : LabelPosterior
        Approximate posteriors of the same stars: chains start at the means, and the covariances set the scales.
    prior, scaler
        As in :func:`bayescannon.models.star_labels.label_chunk_model`.
    n_draws : int
        Draws per star, from four chains together.
    n_keep : int
        Number of draws that are returned.
    seed : int
    cores : int
        Number of chains that run in parallel.

    Returns
    -------
    posterior : LabelPosterior
        Status ``NUTS``, or ``UNRELIABLE`` if the chains did not converge. `k_hat` is NaN.

    Raises
    ------
    ModuleNotFoundError
        nutpie is not installed.
    """
    import nutpie

    centre, spread = near.mean, _factors(near.covariance)
    n_star, n_label = centre.shape
    result = LabelPosterior.empty(n_star, n_label, n_keep)
    root, y = pseudo_observations(quartic)
    compiled: Any = None
    needed: list[str] = []
    for first in range(0, n_star, _CHUNK):
        # the last chunk is padded, so that every chunk has the shape that was compiled
        part = np.minimum(np.arange(first, first + min(_CHUNK, n_star)), n_star - 1)
        data = {"R": root[part], "y_observed": y[part], "centre": centre[part], "spread": spread[part]}
        if compiled is None:
            model = label_chunk_model(
                data["R"], data["y_observed"], data["centre"], data["spread"], prior=prior, scaler=scaler
            )
            compiled = nutpie.compile_pymc_model(model)
            # with a box the model has no z, and nutpie needs neither its centre nor its spread
            needed = [name for name in data if name in ("R", "y_observed") or "z" in model.named_vars]
        trace = nutpie.sample(
            compiled.with_data(**{name: data[name] for name in needed}),
            draws=-(-n_draws // _CHAINS),
            tune=_TUNE,
            chains=_CHAINS,
            cores=cores,
            seed=seed + first,
            progress_bar=False,
        )
        labels = trace["posterior"]["labels"].transpose("star", "chain", "draw", "stellar_label").to_numpy()
        index, where = np.unique(part, return_index=True)
        result.put(index, _summarise(labels[where], n_keep, np.random.default_rng([seed, first])))
    return result


def _factors(covariance: FloatArray) -> FloatArray:
    """Return factors S with S S^T = covariance, shape (N, K, K), after raising small eigenvalues."""
    values, vectors = np.linalg.eigh(covariance)
    return vectors * np.sqrt(np.maximum(values, 1e-6 * np.maximum(values[:, -1:], 1e-12)))[:, None, :]


def _summarise(labels: FloatArray, n_keep: int, rng: np.random.Generator) -> LabelPosterior:
    """Summarise draws of shape (star, chain, draw, K)."""
    n_star, n_chain, n_draw, n_label = labels.shape
    joined = labels.reshape(n_star, n_chain * n_draw, n_label)
    mean = joined.mean(axis=1)
    offset = joined - mean[:, None]
    r_hat, ess = _converged(labels)
    return LabelPosterior(
        mean=mean,
        covariance=np.einsum("nsi,nsj->nij", offset, offset) / (joined.shape[1] - 1),
        quantiles=np.moveaxis(np.quantile(joined, PROBABILITIES, axis=1), 0, 1),
        k_hat=np.full(n_star, np.nan),
        ess=ess,
        n_modes=np.ones(n_star, dtype=np.int64),
        status=np.where(r_hat < _LARGEST_R_HAT, PosteriorStatus.NUTS, PosteriorStatus.UNRELIABLE).astype(np.int16),
        draws=joined[:, rng.permutation(joined.shape[1])[:n_keep]],
        log_evidence=np.full(n_star, np.nan),
    )


def _converged(labels: FloatArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the largest R-hat and the smallest effective number of draws over the labels of each star."""
    from arviz_stats.base import array_stats

    r_hat = array_stats.rhat(labels, chain_axis=1, draw_axis=2).max(axis=-1)
    return r_hat, array_stats.ess(labels, chain_axis=1, draw_axis=2, method="bulk").min(axis=-1)

r"""
Sample the posterior of every star's labels (:func:`bayescannon.models.star_labels.label_model`) by importance sampling.

A star's likelihood is an exact quartic, so a weight needs no pixels. The proposal is a Student-t distribution at each
mode that was found (:mod:`bayescannon.stars.modes`), scaled by the inverse Hessian; the weights are Pareto-smoothed,
and k-hat tells whether they are reliable. If they are not, the proposal is refitted to the weighted draws; stars for
which that fails are sampled with NUTS (:mod:`bayescannon.stars.nuts`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from bayescannon.data.flags import PosteriorStatus
from bayescannon.models.label_vector import term_pairs
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.intervals import PROBABILITIES
from bayescannon.numerics.label_density import LabelDensity
from bayescannon.numerics.threads import map_blocks
from bayescannon.numerics.typing import FloatArray
from bayescannon.stars.importance_kernels import collect_modes, sample_all
from bayescannon.stars.modes import find_modes
from bayescannon.stars.quartic import Optima, Quartic
from bayescannon.stars.symmetric import symmetric_places

# weights with a larger Pareto shape are not reliable (Vehtari et al. 2024)
LARGEST_K_HAT = 0.7
# degrees of freedom of the proposal, its largest number of modes, and how often it is refitted
_DOF = 7.0
_MOST_MODES = 8
_REFITS = 2
# a refitted proposal is widened by this factor: few effective draws underestimate the width
_REFIT_WIDTH = 1.3
_BLOCK = 128


@dataclass(frozen=True)
class LabelPosterior:
    """
    Posteriors of N stars, in scaled labels.

    Attributes
    ----------
    mean : float array of shape (N, K)
    covariance : float array of shape (N, K, K)
    quantiles : float array of shape (N, Q, K)
        At `PROBABILITIES`.
    k_hat : float array of shape (N,)
        Pareto shape of the importance weights, which are reliable below 0.7.
    ess : float array of shape (N,)
        Effective number of draws.
    n_modes : int array of shape (N,)
    status : int array of shape (N,)
        :class:`~bayescannon.data.flags.PosteriorStatus`.
    draws : float array of shape (N, D, K)
        Draws of equal weight.
    log_evidence : float array of shape (N,)
        ln of the integral of exp(-chi2 / 2) p(l) over the scaled labels.
    """

    mean: FloatArray
    covariance: FloatArray
    quantiles: FloatArray
    k_hat: FloatArray
    ess: FloatArray
    n_modes: NDArray[np.int64]
    status: NDArray[np.int16]
    draws: FloatArray
    log_evidence: FloatArray

    @classmethod
    def empty(cls, n_star: int, n_label: int, n_keep: int) -> "LabelPosterior":
        """Return posteriors without values, to be filled: NaN, and status ``NO_POSTERIOR``."""
        return cls(
            np.full((n_star, n_label), np.nan),
            np.full((n_star, n_label, n_label), np.nan),
            np.full((n_star, len(PROBABILITIES), n_label), np.nan),
            np.full(n_star, np.inf),
            np.zeros(n_star),
            np.zeros(n_star, dtype=np.int64),
            np.full(n_star, PosteriorStatus.NO_POSTERIOR, dtype=np.int16),
            np.full((n_star, n_keep, n_label), np.nan),
            np.full(n_star, np.nan),
        )

    def select(self, index: NDArray[np.bool_] | NDArray[np.intp]) -> "LabelPosterior":
        """Return the posteriors of some of the stars."""
        return LabelPosterior(**{item.name: getattr(self, item.name)[index] for item in fields(self)})

    def put(self, index: NDArray[np.intp], other: "LabelPosterior") -> None:
        """Replace the posteriors of some of the stars."""
        for item in fields(self):
            getattr(self, item.name)[index] = getattr(other, item.name)


def star_seeds(ids: Sequence[str] | NDArray[np.str_], seed: int) -> NDArray[np.uint64]:
    """
    Return a seed for each star, which depends only on its id and on `seed`.

    A star therefore has the same draws in every selection of stars.
    """
    high = (seed % 2**32) << 32
    return np.array([high | crc32(name.encode()) for name in map(str, ids)], dtype=np.uint64)


def sample_labels(
    quartic: Quartic,
    starts: FloatArray,
    seeds: NDArray[np.uint64],
    *,
    density: LabelDensity | None = None,
    n_draws: int,
    n_keep: int = 0,
    workers: int | None = None,
) -> LabelPosterior:
    """
    Sample the labels of N stars: :func:`bayescannon.stars.modes.find_modes`, then :func:`sample_modes`.

    Parameters
    ----------
    starts : float array of shape (start, K) or (star, start, K)
        Scaled labels from which modes are searched.
    quartic, seeds, density, n_draws, n_keep, workers
        As in :func:`sample_modes`.
    """
    optima = find_modes(quartic, starts, density=density, workers=workers)
    return sample_modes(quartic, optima, seeds, density=density, n_draws=n_draws, n_keep=n_keep, workers=workers)


def sample_modes(
    quartic: Quartic,
    optima: Optima,
    seeds: NDArray[np.uint64],
    *,
    density: LabelDensity | None = None,
    n_draws: int,
    n_keep: int = 0,
    workers: int | None = None,
) -> LabelPosterior:
    """
    Sample the labels of N stars from a proposal with a component at each mode among their optima.

    Parameters
    ----------
    quartic : Quartic
        Likelihoods of N stars.
    optima : Optima
        Of :func:`bayescannon.stars.modes.find_modes` for the same stars, under the same prior.
    seeds : uint64 array of shape (N,)
        From :func:`star_seeds`.
    density : LabelDensity, optional
        The prior; by default flat.
    n_draws : int
        Draws per star.
    n_keep : int
        Number of draws of equal weight that are returned; at most `n_draws`.
    workers : int or None
        Threads; None takes every core.

    Returns
    -------
    posterior : LabelPosterior
        Status ``SAMPLED``, ``ADAPTED``, ``UNRELIABLE`` or ``NO_POSTERIOR``.

    Raises
    ------
    InputError
        `n_draws` is below 100, or `n_keep` above `n_draws`.
    """
    if n_draws < 100 or not 0 <= n_keep <= n_draws:
        raise InputError(f"n_draws must be at least 100 and n_keep from 0 to n_draws; got {n_draws} and {n_keep}")
    n_label = optima.labels.shape[-1]
    prior = density or LabelDensity.flat(n_label)
    result = LabelPosterior.empty(len(quartic), n_label, n_keep)
    pairs = term_pairs(n_label)

    def one(block: slice) -> None:
        part = np.arange(block.start, block.stop)
        size = (len(part), _MOST_MODES)
        mode, root, share = np.zeros((*size, n_label)), np.zeros((*size, n_label, n_label)), np.zeros(size)
        n_mode = np.zeros(len(part), dtype=np.int64)
        own = quartic.select(part)
        ends = (optima.labels[part], optima.chi2[part], optima.converged[part])
        collect_modes(own.arrays, pairs, prior.arrays, ends, (mode, root, share, n_mode))
        # with no more pixels than labels the posterior is improper, unless a prior makes it proper
        proper = (n_mode > 0) & ((own.n_live > n_label) | (len(prior.log_weight) > 0))
        chosen = part[proper]
        proposal = (mode[proper], root[proper], share[proper], n_mode[proper])
        status = PosteriorStatus.SAMPLED
        for _ in range(1 + _REFITS):
            if len(chosen) == 0:
                break
            found = _sample(quartic.select(chosen), prior, seeds[chosen], proposal, n_draws, n_keep, status)
            better = found.k_hat < result.k_hat[chosen]
            result.put(chosen[better], found.select(better))
            poor = result.k_hat[chosen] > LARGEST_K_HAT
            chosen, found = chosen[poor], found.select(poor)
            proposal = _refit(found, *(values[poor] for values in proposal))
            status = PosteriorStatus.ADAPTED
        unreliable = part[proper][result.k_hat[part[proper]] > LARGEST_K_HAT]
        result.status[unreliable] = PosteriorStatus.UNRELIABLE
        result.n_modes[part] = n_mode

    map_blocks(one, len(quartic), _BLOCK, workers)
    return result


def _sample(
    quartic: Quartic,
    prior: LabelDensity,
    seeds: NDArray[np.uint64],
    proposal: tuple[FloatArray, FloatArray, FloatArray, NDArray[np.int64]],
    n_draws: int,
    n_keep: int,
    status: PosteriorStatus,
) -> LabelPosterior:
    """Sample stars from their proposals: modes, roots, shares and numbers of modes."""
    n_star, _, n_label = proposal[0].shape
    result = LabelPosterior.empty(n_star, n_label, n_keep)
    result.status[:] = status
    result.n_modes[:] = proposal[3]
    layout = (term_pairs(n_label), symmetric_places(n_label))
    sample_all(
        quartic.arrays, layout, prior.arrays, proposal, _DOF, (seeds, n_draws), np.array(PROBABILITIES),
        (result.mean, result.covariance, result.quantiles, result.k_hat, result.ess, result.draws,
         result.log_evidence),
    )  # fmt: skip
    return result


def _refit(
    found: LabelPosterior, mode: FloatArray, root: FloatArray, share: FloatArray, n_mode: NDArray[np.int64]
) -> tuple[FloatArray, FloatArray, FloatArray, NDArray[np.int64]]:
    """Add a component with the moments of the weighted draws and half of the draws; a full proposal loses its last."""
    stars = np.arange(len(mode))
    place = np.minimum(n_mode, mode.shape[1] - 1)
    mode, root, share = mode.copy(), root.copy(), share.copy()
    values, vectors = np.linalg.eigh(found.covariance)
    # never narrower than the component at the best mode: the covariance of few effective draws is too small
    floor = np.linalg.eigvalsh(root[:, 0] @ root[:, 0].transpose(0, 2, 1))[:, :1]
    wide = (vectors * np.maximum(values, floor)[:, None, :]) @ vectors.transpose(0, 2, 1)
    mode[stars, place] = found.mean
    root[stars, place] = _REFIT_WIDTH * np.linalg.cholesky(wide)
    share[stars, place] = 0.0
    share *= 0.5 / share.sum(axis=1, keepdims=True)
    share[stars, place] = 0.5
    return mode, root, share, place + 1

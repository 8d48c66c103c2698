"""
Find the minima of stars' chi2, or chi2 - 2 ln p with a prior p: from given starts, and from where others may lie.

A few starts miss a minimum that few of them lead to. The likelihood is an exact quartic, so its third and fourth
derivatives at the best minimum are known, and with them the lines along which another minimum may exist. These, and the
components of a mixture as prior, are searched after the given starts, and again from another minimum if one is found.
"""

import numpy as np
from numpy.typing import NDArray

from bayescannon.models.label_vector import term_pairs
from bayescannon.numerics.label_density import LabelDensity
from bayescannon.numerics.threads import map_blocks
from bayescannon.numerics.typing import FloatArray
from bayescannon.stars.modes_kernels import propose_all
from bayescannon.stars.quartic import Optima, Quartic, minimise

# further searches of a star: along lines, and from components of a mixture
_LINES = 2
_COMPONENTS = 4
# they are repeated from another minimum that exceeds the first by less than this
_ROUNDS = 2
_DEPTH = 9.0
# minima are the same if no scaled label differs by more than this
_SAME = 1e-3
_BLOCK = 256


def find_modes(
    quartic: Quartic, starts: FloatArray, *, density: LabelDensity | None = None, workers: int | None = None
) -> Optima:
    """
    Minimise from every start, then from where the best minimum's higher derivatives say that another may lie.

    Parameters
    ----------
    quartic : Quartic
        Likelihoods of N stars.
    starts : float array of shape (start, K) or (star, start, K)
        Scaled labels, the same for all stars or different for each star.
    density : LabelDensity, optional
        Prior of the labels; by default flat.
    workers : int or None
        Threads; None takes every core.

    Returns
    -------
    optima : Optima
        Of the starts first, in their order, then of the further searches.

    Examples
    --------
    A star of one label, of which the spectrum sees the square: the only start leads to one of two minima.

    >>> import numpy as np
    >>> from bayescannon.stars.quartic import Quartic
    >>> a = np.diag([0.0, 0.01, 1.0])[None]
    >>> star = Quartic(a, np.array([[0.0, 0.02, 4.0]]), np.array([16.0]), np.array([50]))
    >>> optima = find_modes(star, np.array([[-1.0]]))
    >>> np.unique(optima.labels[0, np.isfinite(optima.chi2[0]), 0].round(1))
    array([-2.,  2.])
    """
    prior = density or LabelDensity.flat(starts.shape[-1])
    given = minimise(quartic, starts, density=prior, workers=workers)
    best, lowest = _best(given)
    moving = np.flatnonzero(np.isfinite(lowest))
    parts, base = [given], best
    for _ in range(_ROUNDS):
        part = _search_further(quartic, base, moving, prior, workers)
        # the next round begins at the best minimum that is another than the first, if it is as deep
        base, value = _best(part, apart_from=best)
        moving = np.flatnonzero(value < lowest + _DEPTH)
        parts.append(part)
    return Optima.join(parts)


def _search_further(
    quartic: Quartic, best: FloatArray, chosen: NDArray[np.intp], density: LabelDensity, workers: int | None
) -> Optima:
    """Minimise some of the stars from where their best minima say that others may lie."""
    n_label = best.shape[1]
    # a density that saturates is nearly flat where its components overlap
    mixture = len(density.log_weight) > 1 and density.log_cut is None
    n_start = _LINES + (_COMPONENTS if mixture else 0)
    starts = np.empty((len(chosen), n_start, n_label))
    pairs, prior = term_pairs(n_label), density.arrays

    def one(part: slice) -> None:
        propose_all(quartic.select(chosen[part]).arrays, pairs, prior, best[chosen[part]], _LINES, starts[part])

    map_blocks(one, len(chosen), _BLOCK, workers)
    proposed = np.isfinite(starts[:, :, 0]).any(axis=1)
    stars = chosen[proposed]
    optima = Optima.empty(len(quartic), n_start, n_label)
    optima.put(stars, minimise(quartic.select(stars), starts[proposed], density=density, workers=workers))
    return optima


def _best(optima: Optima, *, apart_from: FloatArray | None = None) -> tuple[FloatArray, FloatArray]:
    """
    Return the labels and the value of each star's best minimum, apart from a known one (star, K).

    The value is inf where there is none.
    """
    good = optima.converged & np.isfinite(optima.chi2)
    if apart_from is not None:
        good &= (np.abs(optima.labels - apart_from[:, None]) > _SAME).any(axis=2)
    value = np.where(good, optima.chi2, np.inf)
    stars, best = np.arange(len(value)), value.argmin(axis=1)
    return optima.labels[stars, best], value[stars, best]

"""The rounds by which labels and nuisances of stars settle: linearise at the optimum, integrate out, minimise."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayescannon.models.label_vector import label_vector
from bayescannon.models.pixel_weights import pixel_weights
from bayescannon.numerics.label_density import LabelDensity
from bayescannon.numerics.threads import map_items
from bayescannon.numerics.typing import BoolArray, FloatArray
from bayescannon.stars.hidden import HiddenPosterior, integrate_hidden
from bayescannon.stars.modes import find_modes
from bayescannon.stars.nuisance import NodeSpectra, NuisanceModel, linearise
from bayescannon.stars.quartic import Optima, Quartic, chi2_derivatives, compress, minimise

# stars per task: its arrays of pixels stay in the cache
_BLOCK = 48
_MOST_ROUNDS = 12
# later no star changes its node: some would go to and fro
_ROUNDS_OF_NODES = 6
# a star has settled if a round moves its labels by less than this many formal errors
_SETTLED = 0.1
# directions are computed anew after a move of a scaled label by more than this
_NEARBY = 0.2
# products of coefficients are made for every fourth node in variance: an error is off by 5 % at most
_BREADTH = 4
# no linearisation is at scaled labels or amplitudes beyond this: a star that the model does not describe may diverge
_FARTHEST = 50.0
# a star takes another node if its own is farther than this many steps; half a step would let it go to and fro
_HYSTERESIS = 0.75


@dataclass(frozen=True)
class NuisanceFit:
    """
    The likelihoods of N stars, linearised where labels and nuisances settled.

    Attributes
    ----------
    whole : Quartic
        In w = (v(l), h, a).
    quartic : Quartic
        In the scaled labels, h and a integrated out.
    posterior : HiddenPosterior
        Of (h, a) given the labels.
    nodes : int array of shape (N, 2)
        Where the likelihood is expanded, see :class:`bayescannon.stars.nuisance.NuisanceModel`.
    settled : bool array of shape (N,)
        Whether the last round moved the labels by less than 0.1 formal errors.
    """

    whole: Quartic
    quartic: Quartic
    posterior: HiddenPosterior
    nodes: NDArray[np.int64]
    settled: BoolArray

    def select(self, index: Any) -> "NuisanceFit":
        """Return those of some of the stars: a slice, a mask or an index array."""
        whole, quartic = self.whole.select(index), self.quartic.select(index)
        return NuisanceFit(whole, quartic, self.posterior.select(index), self.nodes[index], self.settled[index])


def settle(
    model: NuisanceModel,
    flux: FloatArray,
    ivar: FloatArray,
    starts: FloatArray,
    *,
    density: LabelDensity | None = None,
    workers: int | None = None,
) -> NuisanceFit:
    """
    Linearise the likelihoods of N stars again and again at their optimum, until the labels stay there.

    Parameters
    ----------
    model : NuisanceModel
    flux, ivar : float arrays of shape (N, pixel)
    starts : float array of shape (start, K)
        Scaled labels from which the first optimum, with the directions of a star at the pivot, is searched.
    density : LabelDensity, optional
        Prior of the labels; by default flat.
    workers : int or None
        Threads; None takes every core.

    Returns
    -------
    fit : NuisanceFit
    """
    rounds = _Rounds(model, flux, ivar, starts, density, workers)
    moving = np.arange(len(flux))
    for number in range(_MOST_ROUNDS):
        if len(moving) == 0:
            break
        moving = rounds.advance(moving, to_nodes=number < _ROUNDS_OF_NODES)
    settled = np.ones(len(flux), dtype=bool)
    settled[moving] = False
    return NuisanceFit(rounds.whole, rounds.quartic, rounds.posterior, rounds.nodes, settled)


class _Rounds:
    """The state of N stars between rounds."""

    def __init__(
        self,
        model: NuisanceModel,
        flux: FloatArray,
        ivar: FloatArray,
        starts: FloatArray,
        density: LabelDensity | None,
        workers: int | None,
    ) -> None:
        self.model, self.density, self.workers = model, density, workers
        kind = model.dtype
        self.flux: FloatArray = flux.astype(kind, copy=False)
        self.ivar: FloatArray = ivar.astype(kind, copy=False)
        self.scatter: FloatArray = model.scatter.astype(kind, copy=False)
        # a first linearisation, with the directions of a star at the pivot
        base = self._compress(model.columns, slice(None))
        self.n_hidden, n_integrated = model.n_hidden, model.n_hidden + len(model.nuisances.names)
        first, posterior, _ = integrate_hidden(base, n_integrated)
        n_star, n_term = first.b.shape
        self.labels = _best(find_modes(first, starts, density=density, workers=workers))
        self.hidden = _amplitudes(posterior, self.labels)
        self.nodes = np.zeros((n_star, 2), dtype=np.int64)
        # products of (theta, H), with theta as broad as the node's; the shift changes them by the gradient of the
        # weights only
        size = n_term + self.n_hidden
        self.across = base.a[:, :size, :size].copy()
        # whether the products with the directions are of another node or other labels
        self.stale = np.ones(n_star, dtype=bool)
        self.whole = _empty(n_star, n_term + n_integrated, base.n_live)
        self.quartic, self.posterior = first, posterior
        self._take_nodes(np.arange(n_star))

    def advance(self, moving: NDArray[np.intp], *, to_nodes: bool) -> NDArray[np.intp]:
        """Do a round of some stars, which may take other nodes; return those that have not settled."""
        tasks = []
        for *node, stale in np.unique(np.column_stack([self.nodes[moving], self.stale[moving]]), axis=0):
            spectra = self.model.at((int(node[0]), int(node[1])))
            members = moving[(self.nodes[moving] == node).all(axis=1) & (self.stale[moving] == stale)]
            tasks += [(spectra, members[k : k + _BLOCK], bool(stale)) for k in range(0, len(members), _BLOCK)]
        moves = map_items(lambda task: self._linearise(*task), tasks, workers=self.workers)
        stars = np.concatenate([members for _, members, _ in tasks])
        far = np.concatenate(moves) > _SETTLED
        if to_nodes:
            far[self._take_nodes(stars)] = True
        return stars[far]

    def _linearise(self, spectra: NodeSpectra, stars: NDArray[np.intp], stale: bool) -> FloatArray:
        """Linearise, integrate out and minimise; return how many formal errors the labels moved."""
        weight, flux = pixel_weights(self.scatter, self.ivar[stars]), self.flux[stars]
        labels = self.labels[stars]
        products = spectra.curvature(self.across[stars], weight, labels) if stale else self.whole.a[stars]
        whole = linearise(spectra, products, flux, weight, labels, self.hidden[stars])
        quartic, posterior, _ = integrate_hidden(whole, self.hidden.shape[1])
        best = _best(minimise(quartic, labels[:, None], density=self.density, workers=1))
        step = best - labels
        self.labels[stars] = best
        self.stale[stars] = (np.abs(step) > _NEARBY).any(axis=1)
        self.hidden[stars] = _amplitudes(posterior, best)
        for target, source in ((self.whole, whole), (self.quartic, quartic), (self.posterior, posterior)):
            for item in fields(source):
                getattr(target, item.name)[stars] = getattr(source, item.name)
        gauss = chi2_derivatives(quartic, best, density=self.density).gauss_newton / 2
        squared: FloatArray = np.einsum("ni,nij,nj->n", step, gauss, step)
        return np.sqrt(np.maximum(squared, 0.0))

    def _take_nodes(self, stars: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Give stars the nodes of their amplitudes, and curvatures of coefficients as broad; return which changed."""
        places = self.model.places(self.hidden[stars, self.n_hidden :])
        changed = (np.abs(places - self.nodes[stars]) > _HYSTERESIS).any(axis=1)
        before = self._breadths(stars)
        self.stale[stars[changed]] = True
        self.nodes[stars[changed]] = np.rint(places[changed]).astype(np.int64)
        now = self._breadths(stars)
        for variance in np.unique(now[now != before]):
            members = stars[(now != before) & (now == variance)]
            spectra = self.model.at((0, int(variance)))
            columns = np.concatenate([spectra.response.theta, spectra.loadings], axis=1)
            self.across[members] = self._compress(columns, members).a
        return changed

    def _compress(self, columns: FloatArray, stars: Any) -> Quartic:
        """Compress the pixels of some of the stars, in the number type of the products over pixels."""
        single: FloatArray = columns.astype(self.model.dtype, copy=False)
        found = compress(single, self.scatter, self.flux[stars], self.ivar[stars], workers=self.workers)
        a, b, c = (values.astype(np.float64, copy=False) for values in found.arrays)
        return Quartic(a, b, c, found.n_live)

    def _breadths(self, stars: NDArray[np.intp]) -> NDArray[np.int64]:
        """Return the steps in variance of the coefficients from which products are made: few, as they cost most."""
        own = self.nodes[stars, 1]
        # products of lines that are too broad would be too small, and the rounds would overshoot
        breadths: NDArray[np.int64] = np.where(own < 0, own, _BREADTH * np.rint(own / _BREADTH)).astype(np.int64)
        return breadths


def _empty(n_star: int, size: int, n_live: NDArray[np.int64]) -> Quartic:
    """Return quartics to be filled."""
    return Quartic(np.empty((n_star, size, size)), np.empty((n_star, size)), np.empty(n_star), n_live.copy())


def _best(optima: Optima) -> FloatArray:
    """Return the labels of the best optimum of each star within bounds; 0, the pivot, where there is none."""
    best = optima.labels[np.arange(len(optima.chi2)), optima.chi2.argmin(axis=1)]
    return np.clip(np.where(np.isfinite(best).all(axis=1)[:, None], best, 0.0), -_FARTHEST, _FARTHEST)


def _amplitudes(posterior: HiddenPosterior, labels: FloatArray) -> FloatArray:
    """Return the means of hidden components and nuisances at labels, within bounds."""
    found: FloatArray = np.einsum("nht,nt->nh", posterior.map, label_vector(labels))
    return np.clip(np.nan_to_num(found), -_FARTHEST, _FARTHEST)

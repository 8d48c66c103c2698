r"""
The likelihood of a star with nuisances (:mod:`bayescannon.models.nuisances`), integrated out of its quartic.

The flux F(l, a) is linear in each of v(l) and a, and not in both. Around labels l0 and amplitudes a0 with the residual
r = f - F(l0, a0) and the directions E = dF/da at a = 0,

    chi2(l, a) = r^T W r - 2 g . (w - w0) + (w - w0)^T A (w - w0),    w = (v(l), h, a),

with hidden components h, the products A of the columns of (theta, H, E), and the gradient
g = ((dF/dv)^T W r, H^T W r, (dF/da)^T W r) at (l0, a0). Value and gradient are those of F; the curvature is that of a
star with a = 0, as if the spectrum were shifted back. Given this, h and a are integrated out exactly
(:func:`bayescannon.stars.hidden.integrate_hidden`), and (l0, a0) moves to the optimum until it stays there
(:mod:`bayescannon.stars.nuisance_rounds`). Then l is the maximum of the posterior of F, whatever the curvature.

The polynomial in delta and q is accurate for small ones. A star with large ones is expanded around coefficients theta
that are shifted and convolved exactly, on the nearest node of a lattice in (delta, q): delta and q are then those
beyond the node's.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bayescannon.models.label_vector import label_vector
from bayescannon.models.nuisances import Nuisances, ResponseSpectra
from bayescannon.numerics.log_spline import LogSpline
from bayescannon.numerics.typing import FloatArray
from bayescannon.stars.quartic import Quartic

# distances of the nodes: of the shift in pixels, and of the variance of the Gaussian in square pixels
_SHIFT_STEP, _VARIANCE_STEP = 0.2, 0.25
# no node has narrower lines: the convolution with a wider Gaussian cannot be undone
_NARROWEST = -2
# spectra of this many nodes are kept, about 200 MB on the paper's grid
_MOST_NODES = 100
# nodes lie within this many standard deviations of the prior
_REACH = 6.0

# number of steps in shift and variance
type Node = tuple[int, int]
REST: Node = (0, 0)


@dataclass(frozen=True)
class NuisanceModel:
    """
    The trained spectra that nuisances change.

    Attributes
    ----------
    spline : LogSpline
        Of theta.
    loadings : float array of shape (pixel, R)
        H of hidden components.
    scatter : float array of shape (pixel,)
        inf gives a pixel no weight.
    nuisances : Nuisances
    dtype : numpy type
        Of the products over pixels: single precision resolves sums over residuals far better than a label's error.
    """

    spline: LogSpline
    loadings: FloatArray
    scatter: FloatArray
    nuisances: Nuisances
    dtype: type = np.float32
    _known: dict[Node, "NodeSpectra"] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(
        cls,
        wavelength: FloatArray,
        theta: FloatArray,
        scatter: FloatArray,
        nuisances: Nuisances,
        *,
        loadings: FloatArray | None = None,
        dtype: type = np.float32,
    ) -> "NuisanceModel":
        """Fit the splines of coefficients (pixel, T); a pixel without a finite scatter is dead."""
        live = np.isfinite(scatter)
        none = np.zeros((len(theta), 0)) if loadings is None else loadings
        return cls(LogSpline.of(wavelength, theta, live), none, scatter, nuisances, dtype)

    @property
    def n_hidden(self) -> int:
        """R."""
        return int(self.loadings.shape[1])

    @cached_property
    def columns(self) -> FloatArray:
        """theta, H and the directions of a star at the pivot, shape (pixel, T + R + M): a first linearisation."""
        n_label = int(np.sqrt(2 * self.spline.values.shape[1] + 0.25) - 1.5)
        directions = self.at(REST).directions(np.zeros((1, n_label)))[:, 0].T
        return np.concatenate([self.spline.values, self.loadings, directions], axis=1)

    def at(self, node: Node) -> "NodeSpectra":
        """Return the spectra of a node."""
        found = self._known.get(node)
        if found is None:
            shift, variance = node[0] * _SHIFT_STEP * self.spline.step, node[1] * _VARIANCE_STEP * self.spline.step**2
            spectra = self.spline.at(shift=shift, variance=variance)
            response = ResponseSpectra.of(self.spline.wavelength, spectra, self.nuisances).astype(self.dtype)
            offset = self.nuisances.amplitudes(shift, variance / 2)
            loadings: FloatArray = self.loadings.astype(self.dtype)
            if len(self._known) >= _MOST_NODES:
                self._known.clear()
            self._known[node] = found = NodeSpectra(response, loadings, self.nuisances, offset)
        return found

    def added(self, nodes: NDArray[np.int64], scaled: FloatArray, amplitudes: FloatArray) -> FloatArray:
        """
        Return F - m, what nuisances add to the spectra of N stars.

        Parameters
        ----------
        nodes : int array of shape (N, 2)
        scaled : float array of shape (N, K)
            Scaled labels.
        amplitudes : float array of shape (N, M)

        Returns
        -------
        added : float array of shape (N, pixel)
        """
        rest = label_vector(scaled) @ self.spline.values.T
        found: FloatArray = np.empty_like(rest)
        for spectra, stars in self.groups(nodes):
            found[stars] = spectra.flux(scaled[stars], amplitudes[stars]) - rest[stars]
        return found

    def groups(self, nodes: NDArray[np.int64]) -> Iterator[tuple["NodeSpectra", NDArray[np.intp]]]:
        """Yield the spectra of each node of stars (N, 2), and the stars that have it."""
        for node in np.unique(nodes, axis=0):
            yield self.at((int(node[0]), int(node[1]))), np.flatnonzero((nodes == node).all(axis=1))

    def nearest(self, amplitudes: FloatArray) -> NDArray[np.int64]:
        """Return the nodes nearest to amplitudes (N, M), shape (N, 2)."""
        return np.rint(self.places(amplitudes)).astype(np.int64)

    def places(self, amplitudes: FloatArray) -> NDArray[np.float64]:
        """Return where amplitudes (N, M) are on the lattice of nodes, (N, 2), in steps."""
        step = self.spline.step
        scales = (
            (self.nuisances.shift_scale, _SHIFT_STEP * step),
            (2 * self.nuisances.spread_scale, _VARIANCE_STEP * step**2),
        )
        found, place = np.zeros((len(amplitudes), 2)), 0
        for k, (scale, size) in enumerate(scales):
            if scale:
                found[:, k] = np.clip(amplitudes[:, place], -_REACH, _REACH) * scale / size
                place += 1
        found[:, 1] = np.maximum(found[:, 1], _NARROWEST)
        return found


@dataclass(frozen=True)
class NodeSpectra:
    """
    The spectra of one node.

    Attributes
    ----------
    response : ResponseSpectra
    loadings : float array of shape (pixel, R)
    nuisances : Nuisances
    offset : float array of shape (M,)
        The node's amplitudes.
    """

    response: ResponseSpectra
    loadings: FloatArray
    nuisances: Nuisances
    offset: FloatArray

    @cached_property
    def stacked(self) -> FloatArray:
        """theta, its two derivatives and the loadings side by side, shape (pixel, 3 T + R)."""
        response = self.response
        return np.concatenate([response.theta, response.first, response.second, self.loadings], axis=1)

    @property
    def n_hidden(self) -> int:
        """R."""
        return int(self.loadings.shape[1])

    def flux(self, scaled: FloatArray, amplitudes: FloatArray) -> FloatArray:
        """Return F at scaled labels (N, K) and amplitudes (N, M), shape (N, pixel)."""
        kind = self.stacked.dtype
        vectors, beyond = label_vector(scaled).astype(kind), (amplitudes - self.offset).astype(kind)
        flux: FloatArray = self.response.flux(vectors, beyond, self.nuisances)
        return flux

    def directions(self, scaled: FloatArray) -> FloatArray:
        """Return E = dF/da at the node and scaled labels (N, K), shape (M, N, pixel)."""
        nuisances, response, kind = self.nuisances, self.response, self.stacked.dtype
        vectors = label_vector(scaled)
        found = np.empty((len(nuisances.names), len(scaled), len(response.theta)), dtype=kind)
        place = 0
        if nuisances.velocity:
            np.matmul((-nuisances.shift_scale * vectors).astype(kind), response.first.T, out=found[0])
            place = 1
        if nuisances.line_spread:
            np.matmul((nuisances.spread_scale * vectors).astype(kind), response.second.T, out=found[place])
            place += 1
        if nuisances.n_continuum:
            flux = (nuisances.continuum * vectors).astype(kind) @ response.theta.T
            for k in range(nuisances.n_continuum):
                np.multiply(flux, response.continuum[:, k], out=found[place + k])
        return found

    def curvature(self, across: FloatArray, weight: FloatArray, scaled: FloatArray) -> FloatArray:
        """
        Return the products A of the columns of (theta, H, E) of N stars.

        Parameters
        ----------
        across : float array of shape (N, T + R, T + R)
            The products of those of (theta, H).
        weight : float array of shape (N, pixel)
        scaled : float array of shape (N, K)
            Scaled labels.

        Returns
        -------
        products : float array of shape (N, T + R + M, T + R + M)
        """
        directions = self.directions(scaled)
        n_more, n_star, n_pixel = directions.shape
        size, n_term = across.shape[1], self.response.theta.shape[1]
        weighted = directions * weight
        flat = weighted.reshape(-1, n_pixel)
        products = np.empty((n_star, size + n_more, size + n_more))
        products[:, :size, :size] = across
        products[:, size:, :n_term] = (flat @ self.response.theta).reshape(n_more, n_star, n_term).swapaxes(0, 1)
        products[:, size:, n_term:size] = (flat @ self.loadings).reshape(n_more, n_star, -1).swapaxes(0, 1)
        products[:, :size, size:] = products[:, size:, :size].transpose(0, 2, 1)
        for m in range(n_more):
            for k in range(m + 1):
                own = np.einsum("np,np->n", weighted[m], directions[k])
                products[:, size + m, size + k] = products[:, size + k, size + m] = own
        return products


def linearise(
    spectra: NodeSpectra,
    curvature: FloatArray,
    flux: FloatArray,
    weight: FloatArray,
    labels: FloatArray,
    hidden: FloatArray,
) -> Quartic:
    """
    Expand the likelihoods of N stars of one node around their labels and nuisances.

    Parameters
    ----------
    spectra : NodeSpectra
    curvature : float array of shape (N, T + R + M, T + R + M)
        A, from :meth:`NodeSpectra.curvature` at labels nearby.
    flux, weight : float arrays of shape (N, pixel)
    labels : float array of shape (N, K)
        l0, scaled.
    hidden : float array of shape (N, R + M)
        h0 and a0.

    Returns
    -------
    whole : Quartic
        In w = (v(l), h, a).
    """
    response, nuisances, kind = spectra.response, spectra.nuisances, spectra.stacked.dtype
    n_term, n_hidden = response.theta.shape[1], spectra.n_hidden
    place = n_term + n_hidden
    vectors = label_vector(labels)
    by_first, by_second, by_order = nuisances.factors(hidden[:, n_hidden:] - spectra.offset)
    by_first, by_second = by_first[:, None], by_second[:, None]
    # one product gives F and H h, but for the continuum
    parts = [vectors, by_first * vectors, by_second * vectors, hidden[:, :n_hidden]]
    residual = flux - np.concatenate(parts, axis=1).astype(kind) @ spectra.stacked.T
    if nuisances.n_continuum:
        plain = vectors.astype(kind) @ response.theta.T
        scale = by_order.astype(kind) @ response.continuum.T
        residual -= scale * plain
    pull = weight * residual
    sums = (pull @ spectra.stacked).astype(np.float64)
    on_theta, on_first, on_second = (sums[:, k * n_term : (k + 1) * n_term] for k in range(3))
    gradient = np.empty((len(flux), n_term + hidden.shape[1]))
    gradient[:, :n_term] = on_theta + by_first * on_first + by_second * on_second
    gradient[:, n_term:place] = sums[:, 3 * n_term :]
    along_first, along_second = (np.einsum("nt,nt->n", vectors, on) for on in (on_first, on_second))
    if nuisances.velocity:
        gradient[:, place] = -nuisances.shift_scale * (along_first + by_first[:, 0] * along_second)
        place += 1
    if nuisances.line_spread:
        gradient[:, place] = nuisances.spread_scale * along_second
        place += 1
    if nuisances.n_continuum:
        gradient[:, :n_term] += (pull * scale) @ response.theta
        gradient[:, place:] = nuisances.continuum * ((pull * plain) @ response.continuum)

    # the quartic uses the label vector without its constant
    at = np.concatenate([vectors, hidden], axis=1)
    at[:, 0] = 0.0
    moved = (curvature @ at[:, :, None])[:, :, 0]
    c = np.einsum("np,np->n", pull, residual) + np.einsum("ni,ni->n", at, 2 * gradient + moved)
    return Quartic(curvature, gradient + moved, c, (weight > 0).sum(axis=1))

r"""
Stars whose pixels can be outliers: their labels and the weights of their pixels, in rounds until both stay.

Given labels l and hidden components h of a star, a pixel with the residual z = (f - C (v(l), h)) / d has the mean
precision u(z) in units of 1 / d^2 (:mod:`bayescannon.numerics.outlier_mixture`). Given u, the likelihood is the quartic
of :mod:`bayescannon.stars.quartic` with the weights u w. Rounds of both end where the gradient of the mixture's log
density by (l, h) vanishes (expectation maximisation). Most pixels have u = 1 to a part in a thousand; those are left
alone, and A, b and c change by the products of the others only, so that a star without a suspect pixel costs one
residual. What is returned is the quartic at the last weights, which is taken for the likelihood of the labels.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayescannon.models.label_vector import label_vector
from bayescannon.models.pixel_weights import pixel_weights
from bayescannon.numerics.compiled import compiled
from bayescannon.numerics.label_density import LabelDensity
from bayescannon.numerics.outlier_mixture import OUTLYING, OutlierShare, outlier_weight
from bayescannon.numerics.packing import pack_products, unpack_symmetric
from bayescannon.numerics.threads import map_blocks
from bayescannon.numerics.typing import FloatArray
from bayescannon.stars.hidden import HiddenPosterior, integrate_hidden
from bayescannon.stars.quartic import Quartic, chi2_derivatives, compress, minimise

_BLOCK = 256
_MOST_ROUNDS = 20
# rounds end when no factor u of a star changes by more: the labels then move by less than 0.01 formal errors
_SETTLED = 0.02
# or when the labels move by less, in formal errors, which hardly changes a residual
_NEARBY = 0.1
# fluxes this many deviations outside of the span have no part in the first optimum, but for a trace of their weight
_FAR, _TRACE = 10.0, 1e-12


@dataclass(frozen=True)
class StarPixels:
    """
    The pixels of N stars under a trained model.

    Attributes
    ----------
    columns : float array of shape (pixel, T + R)
        theta and the loadings of hidden components.
    n_term : int
        T.
    scatter : float array of shape (pixel,)
        s; inf in dead pixels.
    flux, ivar : float arrays of shape (star, pixel)
        `ivar` is divided by kappa^2.
    span : float array of shape (2, pixel), optional
        The lowest and the highest flux that labels can give, for the first optimum: fluxes far outside have no part in
        it, as a single one could draw it to where all others seem to be outliers.
    """

    columns: FloatArray
    n_term: int
    scatter: FloatArray
    flux: FloatArray
    ivar: FloatArray
    span: FloatArray | None = None

    @property
    def n_hidden(self) -> int:
        """R."""
        return int(self.columns.shape[1]) - self.n_term


@dataclass(frozen=True)
class OutlierFit:
    """
    The likelihoods of N stars at the weights where the rounds ended.

    Attributes
    ----------
    ivar : float array of shape (star, pixel)
        The inverse variances with which the weights are u w.
    outlying : int array of shape (star,)
        Pixels with less than half of their weight.
    whole : Quartic
        In the label vector and the hidden components.
    quartic : Quartic
        In the scaled labels.
    hidden : HiddenPosterior or None
        The hidden components given the labels; None without any.
    """

    ivar: FloatArray
    outlying: NDArray[np.int64]
    whole: Quartic
    quartic: Quartic
    hidden: HiddenPosterior | None


def settle_outliers(
    pixels: StarPixels,
    outliers: OutlierShare,
    starts: FloatArray,
    *,
    density: LabelDensity | None = None,
    workers: int | None = None,
) -> OutlierFit:
    """
    Find the weights of the pixels of N stars at the optimum of their labels.

    Parameters
    ----------
    pixels : StarPixels
    outliers : OutlierShare
    starts : float array of shape (start, K)
        Scaled labels from which the first optimum, that without outliers, is searched.
    density : LabelDensity, optional
        Prior of the labels; by default flat.
    workers : int or None
        Threads; None takes every core.

    Returns
    -------
    fit : OutlierFit
    """
    ivar, outlying = screened_ivar(pixels, workers=workers), np.zeros(len(pixels.flux), dtype=np.int64)
    whole = compress(pixels.columns, pixels.scatter, pixels.flux, ivar, workers=workers)
    quartic, hidden = _without_hidden(whole, pixels.n_hidden)
    found = minimise(quartic, starts, density=density, workers=workers)
    best = found.chi2.argmin(axis=1)
    labels = found.labels[np.arange(len(best)), best]
    moving = np.arange(len(labels))
    for _ in range(_MOST_ROUNDS):
        if len(moving) == 0:
            break
        vectors = _with_hidden(labels[moving], None if hidden is None else hidden.select(moving))
        change = _reweigh(pixels, outliers, whole, (ivar, outlying), vectors, moving, workers)
        moving = moving[change > _SETTLED]
        again, posterior = _without_hidden(whole.select(moving), pixels.n_hidden)
        if hidden is not None and posterior is not None:
            hidden.map[moving], hidden.covariance[moving] = posterior.map, posterior.covariance
        better = minimise(again, labels[moving][:, None], density=density, workers=workers).labels[:, 0]
        moved = better - labels[moving]
        labels[moving] = better
        if hidden is None:
            gauss = chi2_derivatives(again, better, density=density).gauss_newton / 2
            moving = moving[np.einsum("ni,nij,nj->n", moved, gauss, moved) > _NEARBY**2]
    # of the last weights, also where their change was too small for another round
    return OutlierFit(ivar, outlying, whole, *_without_hidden(whole, pixels.n_hidden))


def screened_ivar(pixels: StarPixels, *, workers: int | None = None) -> FloatArray:
    """Return inverse variances (star, pixel) with a trace of those of fluxes far outside of the span."""
    ivar = np.array(pixels.ivar)
    if pixels.span is not None:
        (low, high), s2 = pixels.span, np.where(np.isfinite(pixels.scatter), pixels.scatter, 0.0) ** 2
        map_blocks(lambda part: _screen(pixels.flux[part], ivar[part], low, high, s2), len(ivar), _BLOCK, workers)
    return ivar


def count_outlying(scatter: FloatArray, ivar: FloatArray, used: FloatArray) -> NDArray[np.int64]:
    """
    Count the outliers of N stars: pixels with less than half of their weight.

    Parameters
    ----------
    scatter : float array of shape (pixel,)
    ivar, used : float arrays of shape (star, pixel)
        Inverse variances divided by kappa^2, and those with which the weights are u w.

    Returns
    -------
    outlying : int array of shape (star,)
    """
    result: NDArray[np.int64] = (remaining_weight(scatter, ivar, used) < OUTLYING).sum(axis=1)
    return result


def remaining_weight(scatter: FloatArray, ivar: FloatArray, used: FloatArray) -> FloatArray:
    """Return u of the pixels of stars, shape (star, pixel), as :func:`count_outlying` takes it; 1 in dead pixels."""
    whole = pixel_weights(scatter, ivar)
    live = whole > 0
    result: FloatArray = np.where(live, pixel_weights(scatter, used) / np.where(live, whole, 1.0), 1.0)
    return result


def _without_hidden(whole: Quartic, n_hidden: int) -> tuple[Quartic, HiddenPosterior | None]:
    if n_hidden == 0:
        return whole, None
    quartic, hidden, _ = integrate_hidden(whole, n_hidden)
    return quartic, hidden


def _with_hidden(labels: FloatArray, hidden: HiddenPosterior | None) -> FloatArray:
    """Return label vectors and mean hidden components side by side, shape (N, T + R)."""
    vectors: FloatArray = label_vector(labels)
    if hidden is None:
        return vectors
    return np.concatenate([vectors, np.einsum("nht,nt->nh", hidden.map, vectors)], axis=1)


def _reweigh(
    pixels: StarPixels,
    outliers: OutlierShare,
    whole: Quartic,
    used: tuple[FloatArray, NDArray[np.int64]],
    vectors: FloatArray,
    rows: NDArray[np.intp],
    workers: int | None,
) -> NDArray[np.float64]:
    """Give the pixels of some stars their weights, in `used` and `whole`; return the largest change of each star."""
    change = np.zeros(len(rows))
    live = np.isfinite(pixels.scatter)
    columns = np.where(live[:, None], pixels.columns, 0.0)
    products = pack_products(columns)
    s2 = np.where(live, np.where(live, pixels.scatter, 0.0) ** 2, -1.0)
    bound = (outliers.share, outliers.scale, outliers.suspect**2)
    size = columns.shape[1]

    def one(part: slice) -> None:
        stars = rows[part]
        prediction = vectors[part] @ columns.T
        added = np.zeros((len(stars), products.shape[1])), np.zeros((len(stars), size)), np.zeros(len(stars))
        change[part] = _update(
            pixels.flux, pixels.ivar, used, prediction, (columns, products, s2), bound, stars, added
        )  # fmt: skip
        whole.a[stars] += unpack_symmetric(added[0], size)
        whole.b[stars] += added[1]
        whole.c[stars] += added[2]

    map_blocks(one, len(rows), _BLOCK, workers)
    return change


@compiled(nogil=True)
def _screen(flux, ivar, low, high, s2):  # type: ignore[no-untyped-def]
    """Leave a trace of the weight of fluxes far outside of what labels can give, so that they stay live."""
    for n in range(flux.shape[0]):
        for p in range(flux.shape[1]):
            off = max(low[p] - flux[n, p], flux[n, p] - high[p])
            if off > 0 and ivar[n, p] * off * off > _FAR**2 * (1 + s2[p] * ivar[n, p]):
                ivar[n, p] *= _TRACE


@compiled(nogil=True)
def _update(flux, ivar, now, prediction, model, bound, rows, added):  # type: ignore[no-untyped-def]
    """Set the inverse variances that are used, and sum what the weights change in packed A, b and c."""
    used, outlying = now
    columns, products, s2 = model
    share, scale, suspect2 = bound
    a, b, c = added
    change = np.zeros(len(rows))
    for k in range(len(rows)):
        n = rows[k]
        outlying[n] = 0
        for p in range(flux.shape[1]):
            iv = ivar[n, p]
            offset = flux[n, p] - prediction[k, p]
            # the square of the residual is iv offset^2 / (1 + s^2 iv); a dead pixel fails the comparison
            if not iv * offset * offset > suspect2 * (1 + s2[p] * iv) and used[n, p] == iv:
                continue
            if s2[p] < 0:
                continue
            weight = iv / (1 + s2[p] * iv)
            z2 = weight * offset * offset
            factor = outlier_weight(z2, share, scale) if z2 > suspect2 else 1.0
            outlying[n] += factor < OUTLYING
            more = factor * weight - used[n, p] / (1 + s2[p] * used[n, p])
            used[n, p] = factor * iv / (1 + (1 - factor) * s2[p] * iv)
            change[k] = max(change[k], abs(more) / weight)
            offset = flux[n, p] - columns[p, 0]
            c[k] += more * offset * offset
            for i in range(columns.shape[1]):
                b[k, i] += more * offset * columns[p, i]
            for i in range(products.shape[1]):
                a[k, i] += more * products[p, i]
    return change

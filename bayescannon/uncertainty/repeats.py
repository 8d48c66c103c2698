"""Stars that were observed more than once: what their labels differ by is an error that no model has to explain."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayescannon.numerics.errors import InputError
from bayescannon.numerics.typing import FloatArray

# LAMOST's fibres are 3.3 arcsec wide; positions of the same star differ by less
RADIUS = 3.0


def repeat_groups(
    columns: Mapping[str, NDArray[Any]], *, radius: float = RADIUS, column: str | None = None
) -> NDArray[np.int64]:
    """
    Find which spectra are of the same star, by position or by name.

    Parameters
    ----------
    columns : mapping of str to array of shape (N,)
        Of the spectra, ``ra`` and ``dec`` [deg] among them: see :class:`bayescannon.data.spectra.Spectra`.
    radius : float
        In arcsec: spectra this near are of one star, and so are those linked by others.
    column : str, optional
        Column whose equal values name the star, instead of the position.

    Returns
    -------
    group : int array of shape (N,)
        Number of the star; that of a spectrum without position or name is its own.

    Raises
    ------
    ValueError
        A radius that is not positive, or spectra without the columns.
    """
    needed = ("ra", "dec") if column is None else (column,)
    missing = [name for name in needed if name not in columns]
    if not radius > 0:
        raise InputError(f"repeats need a positive radius, got {radius}")
    if missing:
        raise InputError(
            f"repeats need the columns {', '.join(needed)}; the spectra have {', '.join(columns) or 'none'}. Give them "
            "positions, or name a column whose equal values name a star"
        )
    if column is not None:
        values = columns[column]
        named = values != "" if values.dtype.kind in "USO" else np.isfinite(values)
        group = np.arange(len(values)) + len(values)
        group[named] = np.unique(values[named], return_inverse=True)[1]
        return np.unique(group, return_inverse=True)[1].astype(np.int64)

    import astropy.units as u
    from astropy.coordinates import SkyCoord, search_around_sky
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    ra, dec = (np.asarray(columns[name], dtype=np.float64) for name in needed)
    known = np.flatnonzero(np.isfinite(ra) & np.isfinite(dec))
    first = second = np.empty(0, dtype=np.intp)
    if len(known) > 1:
        place = SkyCoord(ra[known], dec[known], unit="deg")
        first, second, _, _ = search_around_sky(place, place, radius * u.arcsec)
    links = coo_array((np.ones(len(first)), (known[first], known[second])), shape=(len(ra), len(ra)))
    result: NDArray[np.int64] = connected_components(links, directed=False)[1].astype(np.int64)
    return result


@dataclass(frozen=True)
class RepeatErrors:
    """
    Errors from repeated observations.

    Attributes
    ----------
    error : float array of shape (N, K)
        Root mean square of the deviations of a star's labels from their mean, times sqrt(m / (m - 1)) for m spectra;
        NaN for stars with one spectrum.
    mean : float array of shape (N, K)
        Mean labels of the star.
    n_spectra : int array of shape (N,)
        m, spectra with labels; 0 for a spectrum without.
    pooled : float array of shape (K,)
        Over all stars: root of the sum of squared deviations over the sum of m - 1; NaN if there are no repeats.
    """

    error: NDArray[np.float64]
    mean: NDArray[np.float64]
    n_spectra: NDArray[np.int64]
    pooled: NDArray[np.float64]


def repeat_errors(labels: FloatArray, group: NDArray[np.int64]) -> RepeatErrors:
    """
    Compare the labels of spectra of the same stars.

    Parameters
    ----------
    labels : float array of shape (N, K)
        NaN for spectra that could not be labelled; they do not count.
    group : int array of shape (N,)
        Number of each spectrum's star, from :func:`repeat_groups`.

    Returns
    -------
    errors : RepeatErrors
    """
    good = np.isfinite(labels).all(axis=1)
    size = int(group.max(initial=-1)) + 1
    count = np.bincount(group[good], minlength=size)
    mean = np.zeros((size, labels.shape[1]))
    np.add.at(mean, group[good], labels[good])
    with np.errstate(divide="ignore", invalid="ignore"):
        mean /= count[:, None]
        squares = np.zeros_like(mean)
        np.add.at(squares, group[good], (labels[good] - mean[group[good]]) ** 2)
        error = np.sqrt(squares / np.maximum(count - 1, 0)[:, None])
        pooled = np.sqrt(squares.sum(axis=0) / np.maximum(count - 1, 0).sum())
    several = good & (count[group] > 1)
    return RepeatErrors(
        error=np.where(several[:, None], error[group], np.nan),
        mean=np.where(good[:, None], mean[group], np.nan),
        n_spectra=np.where(good, count[group], 0),
        pooled=pooled,
    )

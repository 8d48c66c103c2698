"""Errors from repeated observations: the spread of the labels of stars with more than one spectrum."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayescannon.numerics.errors import InputError
from bayescannon.numerics.typing import FloatArray

# in arcsec; LAMOST's fibres are 3.3 arcsec wide, and positions of the same star differ by less
RADIUS = 3.0


def repeat_groups(
    columns: Mapping[str, NDArray[Any]], *, radius: float = RADIUS, column: str | None = None
) -> NDArray[np.int64]:
    """
    Group spectra of the same star, by position or by name.

    Parameters
    ----------
    columns : mapping of str to array of shape (N,)
        Columns of the spectra, with ``ra`` and ``dec`` [deg]: see :class:`bayescannon.data.spectra.Spectra`.
    radius : float
        Spectra within this distance in arcsec are of the same star, as are spectra that are linked through others.
    column : str, optional
        Column whose equal values identify a star, instead of the position.

    Returns
    -------
    group : int array of shape (N,)
        Number of the star; a spectrum without position or name is a group of its own.

    Raises
    ------
    InputError
        The radius is not positive, or the spectra lack the columns.
    """
    needed = ("ra", "dec") if column is None else (column,)
    missing = [name for name in needed if name not in columns]
    if not radius > 0:
        raise InputError(f"the radius of repeats must be positive; got {radius}")
    if missing:
        raise InputError(
            f"repeats need the columns {', '.join(needed)}; the spectra have {', '.join(columns) or 'none'}. Add "
            "positions, or give a column whose equal values identify a star"
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
        m, the number of spectra of the star with labels; 0 for a spectrum without labels.
    pooled : float array of shape (K,)
        The error pooled over all stars: the square root of the sum of squared deviations divided by the sum of m - 1;
        NaN without repeats.
    """

    error: NDArray[np.float64]
    mean: NDArray[np.float64]
    n_spectra: NDArray[np.int64]
    pooled: NDArray[np.float64]


def repeat_errors(labels: FloatArray, group: NDArray[np.int64]) -> RepeatErrors:
    """
    Evaluate the spread of labels over the spectra of each star.

    Parameters
    ----------
    labels : float array of shape (N, K)
        NaN for spectra that could not be labelled, which are left out.
    group : int array of shape (N,)
        Number of the star of each spectrum, from :func:`repeat_groups`.

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

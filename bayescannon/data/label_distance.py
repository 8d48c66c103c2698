r"""
The label distance of Ho et al. (2017), eq. 7: how far a star's labels are from those of the reference stars.

.. math:: D = \sum_\ell (\ell_L - \ell_A)^2 / K_\ell^2

between labels of two stars, over Teff, log g and [Fe/H] with K = 100 K, 0.20 and 0.10 dex; a star's distance is the
mean of D over its ten nearest reference stars, and the paper keeps stars with D < 2.5. The released code takes the
square root of D before the mean (``root=True``).
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayescannon.data.labels import LabelError, labels_from_names
from bayescannon.data.tally import TallyRow
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.neighbours import mean_distance
from bayescannon.numerics.typing import FloatArray

# Ho et al. 2017, eq. 7 and section 5
PAPER_SCALES: Mapping[str, float] = {"teff": 100.0, "logg": 0.20, "fe_h": 0.10}
PAPER_NEIGHBOURS = 10
PAPER_CUT = 2.5
_SOURCE = "Ho et al. 2017, eq. 7"


def distance_scales(
    label_names: Sequence[str], scales: Mapping[str, float] | None = None
) -> tuple[list[int], NDArray[np.float64]]:
    """
    Return which of the labels count in the distance, and the scale K of each.

    Parameters
    ----------
    label_names : sequence of K str
        Labels that are there.
    scales : mapping of label name to float, optional
        K of each label that counts, in its unit; the paper's three, as far as they are there, unless given.

    Returns
    -------
    columns : list of int
        Indices into `label_names`.
    scale : float array, one for each of them

    Raises
    ------
    LabelError
        None of the labels counts, one that should count is not there, or a scale is not positive.
    """
    names = list(label_names)
    labels_from_names(names)
    if scales is None:
        scales = {name: scale for name, scale in PAPER_SCALES.items() if name in names}
        if not scales:
            raise LabelError(
                f"none of {', '.join(PAPER_SCALES)} is among the labels {', '.join(names)}; say which labels "
                "count in the distance, and their scales"
            )
    for name, scale in scales.items():
        if name not in names:
            raise LabelError(f"label {name!r} counts in the distance, but the labels are {', '.join(names)}")
        if not (np.isfinite(scale) and scale > 0):
            raise LabelError(f"the distance's scale of {name} must be positive; got {scale}")
    if not scales:
        raise LabelError("no label counts in the distance; give the scale of at least one")
    return [names.index(name) for name in scales], np.array(list(scales.values()), dtype=np.float64)


def label_distance(
    labels: ArrayLike,
    reference_labels: ArrayLike,
    label_names: Sequence[str],
    *,
    scales: Mapping[str, float] | None = None,
    neighbours: int = PAPER_NEIGHBOURS,
    root: bool = False,
    workers: int | None = None,
) -> NDArray[np.float64]:
    """
    Evaluate the label distance of N stars to a reference set (Ho et al. 2017, eq. 7).

    Parameters
    ----------
    labels : array of shape (N, K)
        In the labels' units: Survey B's own, or the inferred ones.
    reference_labels : array of shape (M, K)
    label_names : sequence of K str
    scales : mapping of label name to float, optional
        K_l of the labels that count; the paper's unless given.
    neighbours : int
        m, the reference stars that the mean is over.
    root : bool
        The square root of D before the mean, as in the released code.
    workers : int or None
        Threads; None takes every core.

    Returns
    -------
    distance : float array of shape (N,)
        NaN where a label that counts is not finite.

    Raises
    ------
    LabelError
        See :func:`distance_scales`, or a reference label is not finite.
    ValueError
        Fewer reference stars than `neighbours`.
    """
    columns, scale = distance_scales(label_names, scales)
    points, reference = (np.asarray(x, dtype=np.float64)[:, columns] / scale for x in (labels, reference_labels))
    if not np.isfinite(reference).all():
        raise LabelError("reference labels must be finite; leave stars with missing labels out of the reference set")
    return mean_distance(points, reference, neighbours=neighbours, root=root, workers=workers)


def select_by_distance(
    distance: FloatArray, *, cut: float = PAPER_CUT
) -> tuple[NDArray[np.bool_], tuple[TallyRow, ...]]:
    """
    Keep the stars nearer than the cut, as a named selection with a tally.

    Parameters
    ----------
    distance : float array of shape (N,)
    cut : float
        The paper keeps D < 2.5.

    Returns
    -------
    keep : bool array of shape (N,)
        A star without a distance is not kept.
    tally : tuple of TallyRow
        Stars without a distance, if there are any, and ``distance cut 2.5``.
    """
    if not cut > 0:
        raise InputError(f"the cut in label distance must be positive; got {cut}")
    known = np.isfinite(distance)
    keep = known & (np.where(known, distance, np.inf) < cut)
    n_unknown, n_kept = int((~known).sum()), int(keep.sum())
    tally = [TallyRow("no label distance: a label is missing", n_unknown, len(distance) - n_unknown)] * (n_unknown > 0)
    tally.append(TallyRow(f"distance cut {cut:g}", int(known.sum()) - n_kept, n_kept, _SOURCE))
    return keep, tuple(tally)

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

# Ho et al. 2017, section 4: eq. 7, its scales, ten neighbours and the cut
PAPER_SCALES: Mapping[str, float] = {"teff": 100.0, "logg": 0.20, "fe_h": 0.10}
PAPER_NEIGHBOURS = 10
PAPER_CUT = 2.5
_SOURCE = "Ho et al. 2017, eq. 7"


def distance_scales(
    label_names: Sequence[str], scales: Mapping[str, float] | None = None
) -> tuple[list[int], NDArray[np.float64]]:
    """
    Return which labels count in the distance, and the scale K of each.

    Parameters
    ----------
    label_names : sequence of K str
        The labels of the stars.
    scales : mapping of label name to float, optional
        K of each label that counts, in its unit. By default those of the paper's three labels that are in
        `label_names`.

    Returns
    -------
    columns : list of int
        Indices into `label_names`.
    scale : float array of the same length

    Raises
    ------
    LabelError
        None of the labels counts, one that should count is not in `label_names`, or a scale is not positive.
    """
    names = list(label_names)
    labels_from_names(names)
    if scales is None:
        scales = {name: scale for name, scale in PAPER_SCALES.items() if name in names}
        if not scales:
            raise LabelError(
                f"the distance of the paper needs one of the labels {', '.join(PAPER_SCALES)}; got {', '.join(names)}. "
                "Give the labels that count in the distance, and their scales"
            )
    for name, scale in scales.items():
        if name not in names:
            raise LabelError(
                f"labels that count in the distance must be among {', '.join(names)}; got {name!r}. Leave it out of "
                "scales"
            )
        if not (np.isfinite(scale) and scale > 0):
            raise LabelError(f"the scale of {name} in the distance must be positive; got {scale}")
    if not scales:
        raise LabelError("at least one label must count in the distance; got none. Give the scale of at least one")
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
        Labels in their units: those that Survey B published, or the inferred ones.
    reference_labels : array of shape (M, K)
    label_names : sequence of K str
    scales : mapping of label name to float, optional
        K_l of the labels that count; by default the paper's, see :func:`distance_scales`.
    neighbours : int
        Number of nearest reference stars in the mean.
    root : bool
        Take the square root of D before the mean, as the released code does.
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
    InputError
        Fewer reference stars than `neighbours`.
    """
    columns, scale = distance_scales(label_names, scales)
    points, reference = (np.asarray(x, dtype=np.float64)[:, columns] / scale for x in (labels, reference_labels))
    if not np.isfinite(reference).all():
        raise LabelError("reference labels must be finite; leave out reference stars with missing labels")
    return mean_distance(points, reference, neighbours=neighbours, root=root, workers=workers)


def pair_distance(
    labels: ArrayLike, others: ArrayLike, label_names: Sequence[str], *, scales: Mapping[str, float] | None = None
) -> NDArray[np.float64]:
    """
    Evaluate D between two sets of labels of the same N stars (Ho et al. 2017, eq. 7, of one pair).

    Parameters
    ----------
    labels, others : arrays of shape (N, K)
        In their units.
    label_names, scales
        As in :func:`label_distance`.

    Returns
    -------
    distance : float array of shape (N,)
        NaN where a label that counts is not finite.

    Raises
    ------
    LabelError
        See :func:`distance_scales`.
    """
    columns, scale = distance_scales(label_names, scales)
    points, partners = (np.asarray(x, dtype=np.float64)[:, columns] / scale for x in (labels, others))
    distance: NDArray[np.float64] = np.sum((points - partners) ** 2, axis=1)
    return distance


def select_by_distance(
    distance: FloatArray, *, cut: float = PAPER_CUT
) -> tuple[NDArray[np.bool_], tuple[TallyRow, ...]]:
    """
    Select the stars whose label distance is below a cut.

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
        A row for stars without a distance, if there are any, and a row such as ``distance cut 2.5``.

    Raises
    ------
    InputError
        The cut is not positive.
    """
    if not cut > 0:
        raise InputError(f"the cut in label distance must be positive; got {cut}")
    known = np.isfinite(distance)
    keep = known & (np.where(known, distance, np.inf) < cut)
    n_unknown, n_kept = int((~known).sum()), int(keep.sum())
    tally = [
        TallyRow("no label distance: the star or one of its labels is missing", n_unknown, len(distance) - n_unknown)
    ] * (n_unknown > 0)
    tally.append(TallyRow(f"distance cut {cut:g}", int(known.sum()) - n_kept, n_kept, _SOURCE))
    return keep, tuple(tally)

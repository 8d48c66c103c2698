"""
A cap on the number of reference stars in a cell of label space, so that frequent kinds do not drown rare ones.

Stars are drawn at random, and not by S/N: the brightest stars have another noise than those that are labelled, so that
the scatter s and the calibrated errors of a model would be theirs, and S/N goes with distance and so with labels. The
draw depends on the labels alone.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from bayescannon.data.labels import KNOWN_LABELS
from bayescannon.data.star_groups import first_rows, star_numbers
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.typing import BoolArray, FloatArray
from bayescannon.numerics.whole_numbers import whole_number

# widths of a cell, in the labels' units: some errors of a label, and narrow against the range of giants
CELL_WIDTHS: Mapping[str, float] = {"teff": 250.0, "logg": 0.5, "fe_h": 0.25}


def within_cap(
    labels: FloatArray,
    label_names: Sequence[str],
    star: Sequence[str],
    rank: Sequence[int],
    *,
    most: int,
    seed: int,
) -> BoolArray:
    """
    Tell which spectra stay when every cell keeps `most` stars at most.

    Stars of the lowest rank come first, and of the same rank they are drawn at random. All spectra of a star stay, or
    none; its cell is that of its first spectrum.

    Parameters
    ----------
    labels : float array of shape (N, K)
    label_names : sequence of K str
        Cells are of those that have a width in `CELL_WIDTHS`.
    star : sequence of N str
        Names of the spectra's stars.
    rank : sequence of N int
    most : int
    seed : int
        Decides the draw.

    Returns
    -------
    kept : bool array of shape (N,)

    Raises
    ------
    InputError
        `most` is no positive whole number, or none of the labels has a width.

    Examples
    --------
    >>> labels = np.array([[4800.0], [4810.0], [4820.0], [6000.0]])
    >>> within_cap(labels, ["teff"], ["a", "b", "c", "d"], [1, 1, 0, 1], most=1, seed=0).tolist()
    [False, False, True, True]
    """
    most = whole_number(most, "max_per_cell", least=1)
    columns = [k for k, name in enumerate(label_names) if name in CELL_WIDTHS]
    if not columns:
        raise InputError(
            f"cells are of {', '.join(CELL_WIDTHS)}, and none of them is among the labels {', '.join(label_names)}; "
            "leave max_per_cell out"
        )
    number = star_numbers(star)
    first = first_rows(number)
    widths = [CELL_WIDTHS[label_names[k]] for k in columns]
    cells = np.floor(labels[first][:, columns] / widths).astype(np.int64)
    order = np.lexsort((np.random.default_rng(seed).permutation(len(first)), np.asarray(rank)[first], *cells.T))
    starts = np.r_[True, (np.diff(cells[order], axis=0) != 0).any(axis=1)][: len(first)]
    begin = np.maximum.accumulate(np.where(starts, np.arange(len(first)), 0))
    kept = np.empty(len(first), dtype=bool)
    kept[order] = np.arange(len(first)) - begin < most
    found: BoolArray = kept[number]
    return found


def describe_cells(label_names: Sequence[str]) -> str:
    """
    Name the cells of these labels in words.

    Examples
    --------
    >>> describe_cells(["teff", "logg", "a_k"])
    'teff 250 K, logg 0.5 dex'
    """
    named = [name for name in label_names if name in CELL_WIDTHS]
    return ", ".join(f"{name} {CELL_WIDTHS[name]:g} {KNOWN_LABELS[name].unit}" for name in named)

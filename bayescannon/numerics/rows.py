"""Rows of a table by name."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray


def rows_of(names: Iterable[object], wanted: Iterable[object]) -> NDArray[np.intp]:
    """
    Find the rows with the wanted names.

    Parameters
    ----------
    names : N names
        Compared as text. Of several rows with the same name the last one is found; an empty name is never found.
    wanted : n names

    Returns
    -------
    rows : int array of shape (n,)
        -1 where no row has the name.
    """
    row_of = {str(name): row for row, name in enumerate(names)}
    row_of.pop("", None)
    return np.array([row_of.get(str(name), -1) for name in wanted], dtype=np.intp)

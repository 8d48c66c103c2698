"""Where the symmetric coefficients of a quartic in the labels are among the numbers of a star."""

from functools import cache
from itertools import combinations_with_replacement
from math import factorial
from typing import Any

import numpy as np

from bayescannon.models.label_vector import term_pairs


@cache
def symmetric_places(n_label: int) -> tuple[Any, ...]:
    """
    Return where a star's numbers are: c, g (K), H_2 (pair), then the coefficients of degree 3 and of degree 4.

    With U and V of the weighted numbers, H_3 of a pair p is the sum over labels k of U[cubic[p, k]] x_k, and H_4 the
    sum over pairs q of V[quartics[p, q]] (2 - delta) x_i x_j.

    Parameters
    ----------
    n_label : int
        K.

    Returns
    -------
    i, j : int arrays of shape (pair,)
        The labels of a pair.
    cubic : int array of shape (pair, K)
    quartics : int array of shape (pair, pair)
    weights : float array of shape (number,)
        By which the coefficients of monomials are multiplied.

    Examples
    --------
    >>> *_, weights = symmetric_places(5)
    >>> len(weights)
    126
    """
    i, j = (np.ascontiguousarray(one, dtype=np.int64) for one in term_pairs(n_label))
    first = 1 + n_label + len(i)
    monomials = [key for degree in (3, 4) for key in combinations_with_replacement(range(n_label), degree)]
    place = {key: first + number for number, key in enumerate(monomials)}
    weights = np.ones(first + len(monomials))
    for key, number in place.items():
        # a second derivative of x^4 has the factor 12, one of x^3 the factor 6, over the number of equal terms
        orders = np.prod([factorial(key.count(label)) for label in set(key)])
        weights[number] = (12.0 if len(key) == 4 else 6.0) * orders / factorial(len(key))
    pairs = list(zip(i.tolist(), j.tolist(), strict=True))
    cubic = np.array([[place[tuple(sorted((*pair, k)))] for k in range(n_label)] for pair in pairs], dtype=np.int64)
    quartics = np.array([[place[tuple(sorted(one + two))] for two in pairs] for one in pairs], dtype=np.int64)
    return i, j, cubic, quartics, weights

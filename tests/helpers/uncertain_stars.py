"""Numbers of the tree of uncertainties that tests share, and its labels as arrays."""

import numpy as np
import toy

N_STAR, N_DRAWS, N_BOOTSTRAP = 6, 2000, 12
# of the stars, the one without live pixels
BAD = 4


def stacked(group):
    """The labels of a group as one array, shape (..., star, K)."""
    return np.stack([group[name].to_numpy() for name in toy.NAMES], axis=-1)

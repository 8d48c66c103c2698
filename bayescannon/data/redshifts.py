"""Redshifts as tables and files give them: z = v/c or velocities, some of which stand for a missing value."""

import numpy as np
from numpy.typing import NDArray

from bayescannon.data.raw_spectrum import SPEED_OF_LIGHT
from bayescannon.data.sentinels import looks_missing
from bayescannon.numerics.typing import FloatArray

# names of columns and arrays, in lower case; a velocity without a unit is in km/s
REDSHIFT_NAMES = ("redshift", "z")
VELOCITY_NAMES = ("rv", "velocity", "radial_velocity", "v_rad", "vrad")
# no star is as fast as these, z and km/s, so that a number such as -9999 is no measurement
_TOO_FAST, _TOO_FAST_KM_S = 1.0, 990.0
# a star above this, 1500 km/s, would be the fastest known
UNLIKELY = 0.005


def known_redshifts(values: FloatArray, *, velocity: bool = False) -> NDArray[np.float64]:
    """
    Return z = v/c of redshifts, or of velocities in km/s; NaN for numbers that stand for a missing one.

    Those are numbers as surveys write them (:func:`bayescannon.data.sentinels.looks_missing`), such as -9999, from 1 in
    z and from 990 km/s.

    Examples
    --------
    >>> known_redshifts(np.array([1e-4, -9999.0])).tolist()
    [0.0001, nan]
    >>> known_redshifts(np.array([29.9792458, -999.0]), velocity=True).tolist()
    [0.0001, nan]
    """
    given = np.asarray(values, dtype=np.float64)
    fast = np.abs(given) >= (_TOO_FAST_KM_S if velocity else _TOO_FAST)
    gone = np.zeros(given.shape, dtype=np.bool_)
    if fast.any():
        gone[fast] = [looks_missing(value) for value in given[fast].tolist()]
    return np.where(gone, np.nan, given * (1e3 / SPEED_OF_LIGHT if velocity else 1.0))

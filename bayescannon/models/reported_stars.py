"""The data of reference stars: reported labels with errors, and spectra."""

from dataclasses import dataclass
from typing import Any

from bayescannon.numerics.typing import FloatArray


@dataclass(frozen=True)
class ReportedStars:
    """
    The data of the reference stars.

    Attributes
    ----------
    observed, variance : float arrays of shape (star, K)
        Reported scaled labels and the variances of their errors.
    flux, ivar : float arrays of shape (star, pixel)
        Normalised flux and its inverse variance, 0 in dead pixels.
    """

    observed: FloatArray
    variance: FloatArray
    flux: FloatArray
    ivar: FloatArray

    def select(self, index: Any) -> "ReportedStars":
        """Return some of the stars: a slice, a mask or an index array."""
        return ReportedStars(self.observed[index], self.variance[index], self.flux[index], self.ivar[index])

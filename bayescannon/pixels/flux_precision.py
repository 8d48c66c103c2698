"""What a fit of the pixels takes for the precision of each flux, beside its reported inverse variance."""

from dataclasses import dataclass

from bayescannon.numerics.typing import FloatArray


@dataclass(frozen=True)
class FluxPrecision:
    """
    Scale of the noise, and the mean precisions of fluxes that may be outliers.

    Attributes
    ----------
    kappa : float, or float array of shape (pixel,)
        The variance is kappa^2 / ivar + s^2.
    factors : float array of shape (star, pixel) or None
        u, the mean precision of a flux in units of the inverse of its variance: see
        :mod:`bayescannon.pixels.outliers`. None is 1.
    """

    kappa: FloatArray | float = 1.0
    factors: FloatArray | None = None

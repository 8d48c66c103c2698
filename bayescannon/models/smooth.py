"""Prior of the spectral model under which neighbouring pixels have similar coefficients."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayescannon.models.priors import _sizes, shrunk_terms


@dataclass(frozen=True)
class SmoothCoefficients:
    """
    theta_pk of each shrunk term is a stationary Ornstein-Uhlenbeck process along wavelength.

    theta_1k ~ Normal(0, tau_k) and theta_pk ~ Normal(rho_p theta_{p-1,k}, tau_k sqrt(1 - rho_p^2)), with
    rho_p = exp(-distance / length): a line-spread function couples the pixels. Its exact solver is
    :func:`bayescannon.smooth_fit.fit_pixels_smooth`.

    Attributes
    ----------
    length : float
        Correlation length in pixels.
    scale : array that broadcasts to (n_shrunk,), or None
        tau in normalised flux; None is learned by marginal likelihood (the joint posterior of theta and tau has no
        maximum: it grows without bound as tau goes to 0).
    terms : {"quadratic", "all"}
    position : array of shape (pixel,), optional
        Ascending positions of the model's pixels, in pixels; 0, 1, 2 ... unless given.
    """

    length: float = 3.0
    scale: ArrayLike | None = None
    terms: str = "quadratic"
    position: ArrayLike | None = None

    def __post_init__(self) -> None:
        if not (np.isfinite(self.length) and self.length > 0):
            raise ValueError(f"the correlation length must be positive and finite; got {self.length}")
        if self.scale is not None and not (np.asarray(self.scale) > 0).all():
            raise ValueError("the scale of a coefficient prior must be positive")
        shrunk_terms(1, self.terms)

    def correlations(self, n_pixel: int) -> NDArray[np.float64]:
        """Return rho between each pixel and the next, shape (n_pixel - 1,)."""
        position = np.arange(n_pixel) if self.position is None else np.asarray(self.position, dtype=np.float64)
        if position.shape != (n_pixel,) or not (np.diff(position) > 0).all():
            raise ValueError(f"position must have {n_pixel} ascending values, one for each pixel")
        return np.exp(-np.diff(position) / self.length)

    def declare_theta(self) -> Any:
        """Return theta, one random variable; the terms that are not shrunk are flat."""
        import pymc as pm
        import pytensor.tensor as pt

        n_pixel, n_term, n_label = _sizes()
        shrunk = np.flatnonzero(shrunk_terms(n_label, self.terms))
        rho = self.correlations(n_pixel)[:, None]
        if self.scale is None:
            pm.modelcontext(None).add_coord("shrunk_term", shrunk)
            tau = pm.HalfFlat("tau", dims="shrunk_term", initval=np.full(len(shrunk), 0.01))
        else:
            tau = np.broadcast_to(np.asarray(self.scale, dtype=np.float64), len(shrunk))

        def logp(theta: Any, mean: Any, tau: Any) -> Any:
            import pymc as pm

            x = (theta - mean)[:, shrunk]
            first = pm.logp(pm.Normal.dist(0.0, tau), x[0])
            later = pm.logp(pm.Normal.dist(rho * x[:-1], tau * np.sqrt(1 - rho**2)), x[1:])
            return first.sum() + later.sum()

        return pm.CustomDist(
            "theta",
            np.zeros((n_pixel, n_term)),
            tau,
            logp=logp,
            support_point=lambda *_: pt.zeros((n_pixel, n_term)),
            signature="(pixel,term),(shrunk)->(pixel,term)",
            dims=("pixel", "term"),
        )

"""The prior of coefficients that are smooth along wavelength, as an object that declares them in a ``pm.Model``."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayescannon.models.coefficient_priors import check_scale, joined_theta, model_sizes, shrunk_terms
from bayescannon.models.form import PLAIN, WEAK_TAU, Form
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.real_numbers import real_number


@dataclass(frozen=True)
class SmoothCoefficients:
    """
    theta_pk of each shrunk term is a stationary Ornstein-Uhlenbeck process along wavelength.

    theta_1k ~ Normal(0, tau_k) and theta_pk ~ Normal(rho_p theta_{p-1,k}, tau_k sqrt(1 - rho_p^2)), with
    rho_p = exp(-distance / length), since the line-spread function correlates neighbouring pixels. Its exact solver is
    :func:`bayescannon.pixels.smooth.fit_pixels_smooth`.

    Attributes
    ----------
    length : float
        Correlation length in pixels.
    scale : array that broadcasts to (n_shrunk,), or None
        tau in normalised flux; with None it is learned by marginal likelihood (the joint posterior of theta and tau
        has no maximum: it grows without bound as tau goes to 0).
    terms : {"quadratic", "all"}
    position : array of shape (pixel,), optional
        Ascending positions of the model's pixels, in pixels; by default 0, 1, 2 ...

    Examples
    --------
    >>> import bayescannon as bc
    >>> bc.SmoothCoefficients(length=2.0).correlations(3).round(3).tolist()
    [0.607, 0.607]
    """

    length: float = 3.0
    scale: ArrayLike | None = None
    terms: str = "quadratic"
    position: ArrayLike | None = None

    def __post_init__(self) -> None:
        real_number(self.length, "the correlation length", above=0)
        if self.scale is not None:
            check_scale(self.scale)
        shrunk_terms(1, self.terms)

    def correlations(self, n_pixel: int) -> NDArray[np.float64]:
        """Return rho between each pixel and the next, shape (n_pixel - 1,)."""
        position = np.arange(n_pixel) if self.position is None else np.asarray(self.position, dtype=np.float64)
        if position.shape != (n_pixel,) or not (np.diff(position) > 0).all():
            raise InputError(
                f"position must have {n_pixel} ascending values, one per pixel; got shape {position.shape}"
                + (", not ascending" if position.shape == (n_pixel,) else "")
            )
        return np.exp(-np.diff(position) / self.length)

    def declare_theta(self, form: Form = PLAIN) -> Any:
        """Return theta; centred it is one random variable whose terms that are not shrunk are flat."""
        import pymc as pm
        import pytensor.tensor as pt

        n_pixel, n_term, n_label = model_sizes()
        shrunk = np.flatnonzero(shrunk_terms(n_label, self.terms))
        correlation = self.correlations(n_pixel)
        rho = correlation[:, None]
        pm.modelcontext(None).add_coord("shrunk_term", shrunk)
        if self.scale is None:
            tau = form.positive("tau", width=WEAK_TAU, dims="shrunk_term")
        else:
            tau = np.broadcast_to(np.asarray(self.scale, dtype=np.float64), len(shrunk))

        if form.proper or not form.centred:
            unit = pm.Normal("unit", 0.0, 1.0, dims=("pixel", "shrunk_term"))
            return joined_theta(tau * pt.dot(_root(correlation), unit), shrunk, form)

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


def _root(correlation: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the Cholesky factor of the process, (pixel, pixel), from rho between neighbours (pixel - 1,)."""
    innovation = np.sqrt(1 - np.concatenate([[0.0], correlation]) ** 2)
    log_rho = np.concatenate([[0.0], np.cumsum(np.log(correlation))])
    root: NDArray[np.float64] = np.tril(np.exp(np.minimum(log_rho[:, None] - log_rho, 0.0))) * innovation
    return root

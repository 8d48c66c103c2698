"""Priors of the spectral model under which most coefficients are 0, or nearly so."""

from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayescannon.models.priors import FLAT_SCALE, _sizes, shrunk_terms


@dataclass(frozen=True)
class LaplaceCoefficients:
    """
    theta_pk ~ Laplace(0, scale) for the shrunk terms (Casey et al. 2016): many coefficients are 0 at the maximum.

    :func:`bayescannon.sparse_fit.fit_pixels_sparse` is its exact solver.

    Attributes
    ----------
    scale : array that broadcasts to (pixel, term)
        In normalised flux, positive.
    terms : {"quadratic", "all"}
    """

    scale: ArrayLike = 0.01
    terms: str = "quadratic"

    def __post_init__(self) -> None:
        if not (np.asarray(self.scale) > 0).all():
            raise ValueError("the scale of a coefficient prior must be positive")
        shrunk_terms(1, self.terms)

    def parameters(self, n_pixel: int, n_label: int) -> NDArray[np.float64]:
        """Return the scale of every coefficient, (pixel, term); inf where it is not shrunk."""
        shrunk = shrunk_terms(n_label, self.terms)
        shape = (n_pixel, len(shrunk))
        return np.where(shrunk, np.broadcast_to(np.asarray(self.scale, dtype=np.float64), shape), np.inf)

    def declare_theta(self) -> Any:
        """Return theta ~ Laplace(0, scale)."""
        import pymc as pm

        n_pixel, _, n_label = _sizes()
        scale = np.minimum(self.parameters(n_pixel, n_label), FLAT_SCALE)
        return pm.Laplace("theta", 0.0, scale, dims=("pixel", "term"))


@dataclass(frozen=True)
class HorseshoeCoefficients:
    """
    Regularised horseshoe (Piironen & Vehtari 2017): null terms are shrunk hard, large ones hardly.

    theta_pk = z tau lambda c / sqrt(c^2 + tau^2 lambda^2) for the shrunk terms, with z ~ Normal(0, 1) and
    lambda_pk ~ HalfCauchy(1). Its joint density has no maximum (it grows without bound as lambda goes to 0), so it is
    for sampling only, best with :func:`bayescannon.models.compressed.compressed_model`.

    Attributes
    ----------
    global_scale : float
        tau_0 in normalised flux.
    learn_scale : bool
        tau ~ HalfCauchy(tau_0) if true, else tau = tau_0.
    slab : float
        c, the scale of large coefficients.
    terms : {"quadratic", "all"}
    """

    global_scale: float = 1e-3
    learn_scale: bool = True
    slab: float = 0.05
    terms: str = "quadratic"

    def __post_init__(self) -> None:
        if not (self.global_scale > 0 and self.slab > 0):
            raise ValueError(f"global_scale and slab must be positive; got {self.global_scale} and {self.slab}")
        shrunk_terms(1, self.terms)

    def parameters(self, n_pixel: int, n_label: int) -> NoReturn:
        """
        Refuse to give an exact solver its numbers.

        Raises
        ------
        NotImplementedError
            Always: there is no maximum to solve for.
        """
        raise NotImplementedError(
            "HorseshoeCoefficients has no exact solver: its joint density has no maximum. Fit the scatters with "
            "another prior, compress the pixels (bayescannon.compressed.compress_pixels) and sample "
            "bayescannon.models.compressed.compressed_model with NUTS"
        )

    def declare_theta(self) -> Any:
        """Return theta, a function of non-centred random variables."""
        import pymc as pm
        import pytensor.tensor as pt

        n_pixel, n_term, n_label = _sizes()
        shrunk = shrunk_terms(n_label, self.terms)
        model = pm.modelcontext(None)
        model.add_coord("shrunk_term", np.flatnonzero(shrunk))
        model.add_coord("flat_term", np.flatnonzero(~shrunk))
        tau = pm.HalfCauchy("tau", self.global_scale) if self.learn_scale else self.global_scale
        local = pm.HalfCauchy("local", 1.0, dims=("pixel", "shrunk_term"))
        unit = pm.Normal("unit", 0.0, 1.0, dims=("pixel", "shrunk_term"))
        flat = pm.Flat("theta_flat", dims=("pixel", "flat_term"))
        wide = tau * local
        theta = pt.zeros((n_pixel, n_term))
        theta = pt.set_subtensor(theta[:, np.flatnonzero(~shrunk)], flat)
        theta = pt.set_subtensor(theta[:, np.flatnonzero(shrunk)], unit * wide / pt.sqrt(1 + (wide / self.slab) ** 2))
        return pm.Deterministic("theta", theta, dims=("pixel", "term"))

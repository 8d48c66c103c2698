"""
Priors of the spectral model, as small objects that declare their random variables inside a ``pm.Model``.

Each coefficient prior takes ``terms``: ``"quadratic"`` shrinks the products of labels only, ``"all"`` the linear
terms too. The constant is never shrunk. PyMC is imported when a prior is declared and not before: the exact solvers
know the priors by their parameters.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Scale that stands for "no information": large and finite, so that no gradient is ever NaN
FLAT_SCALE = 1e10

TERMS = ("quadratic", "all")


class PriorError(ValueError):
    """A prior that the exact solver does not know, or priors that do not go together."""


def shrunk_terms(n_label: int, terms: str) -> NDArray[np.bool_]:
    """
    Tell which terms a prior shrinks, shape (T,).

    Raises
    ------
    ValueError
        `terms` is neither ``"quadratic"`` nor ``"all"``.
    """
    if terms not in TERMS:
        raise ValueError(f"terms must be 'quadratic' or 'all'; got {terms!r}")
    n_term = 1 + n_label + n_label * (n_label + 1) // 2
    return np.arange(n_term) >= (1 + n_label if terms == "quadratic" else 1)


def _sizes() -> tuple[int, int, int]:
    """Return the numbers of pixels, terms and labels of the model on the stack."""
    import pymc as pm

    coords = pm.modelcontext(None).coords
    n_term = len(coords["term"])
    n_label = round((np.sqrt(8 * n_term + 1) - 3) / 2)
    return len(coords["pixel"]), n_term, n_label


class CoefficientPrior(Protocol):
    """Declares theta with dims (pixel, term) in the model on the stack."""

    def declare_theta(self) -> Any:
        """Return the random variable."""


class ScatterPrior(Protocol):
    """Declares s >= 0 with dims (pixel,) in the model on the stack."""

    def declare_scatter(self, *, boundary: bool) -> Any:
        """Return the random variable; with `boundary`, on its own scale so that s = 0 can be reached."""


class NoisePrior(Protocol):
    """Declares kappa in the model on the stack: the variance is kappa^2 sigma^2 + s^2."""

    def declare_kappa(self) -> Any:
        """Return a number, or a random variable without dims or with dims (pixel,)."""


@dataclass(frozen=True)
class FlatCoefficients:
    """No preference for any coefficient, as in the paper."""

    def declare_theta(self) -> Any:
        """Return theta ~ Flat."""
        import pymc as pm

        return pm.Flat("theta", dims=("pixel", "term"))


@dataclass(frozen=True)
class NormalCoefficients:
    """
    theta_pk ~ Normal(mean, scale) for the shrunk terms.

    Attributes
    ----------
    scale, mean : array that broadcasts to (pixel, term)
        In normalised flux; `scale` is positive.
    terms : {"quadratic", "all"}
    """

    scale: ArrayLike = 0.01
    mean: ArrayLike = 0.0
    terms: str = "quadratic"

    def __post_init__(self) -> None:
        if not (np.asarray(self.scale) > 0).all():
            raise ValueError("the scale of a coefficient prior must be positive")
        shrunk_terms(1, self.terms)

    def parameters(self, n_pixel: int, n_label: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return mean and standard deviation of every coefficient, (pixel, term); inf where it is not shrunk."""
        shrunk = shrunk_terms(n_label, self.terms)
        shape = (n_pixel, len(shrunk))
        mean = np.where(shrunk, np.broadcast_to(np.asarray(self.mean, dtype=np.float64), shape), 0.0)
        return mean, np.where(shrunk, np.broadcast_to(np.asarray(self.scale, dtype=np.float64), shape), np.inf)

    def declare_theta(self) -> Any:
        """Return theta ~ Normal(mean, scale)."""
        import pymc as pm

        n_pixel, _, n_label = _sizes()
        mean, scale = self.parameters(n_pixel, n_label)
        return pm.Normal("theta", mean, np.minimum(scale, FLAT_SCALE), dims=("pixel", "term"))


@dataclass(frozen=True)
class PooledCoefficients:
    """
    theta_pk ~ Normal(mu_k, tau_k lambda_p): scales learned from all pixels, with an activity of each pixel.

    Most pixels carry little information on the labels and few carry much; lambda_p lets the few keep it. mu, tau and
    lambda are learned by marginal likelihood (:mod:`bayescannon.population`): the joint posterior of theta and
    tau has no maximum, it grows without bound as tau goes to 0.

    Attributes
    ----------
    terms : {"quadratic", "all"}
    activity_spread : float
        Prior standard deviation of ln lambda_p, whose mean is 0.
    """

    terms: str = "quadratic"
    activity_spread: float = 1.0

    def __post_init__(self) -> None:
        shrunk_terms(1, self.terms)
        if not self.activity_spread > 0:
            raise ValueError(f"activity_spread must be positive; got {self.activity_spread}")

    def declare_hyperparameters(self, n_shrunk: int) -> tuple[Any, Any, Any]:
        """Return mu and tau (shrunk_term) and lambda (pixel)."""
        import pymc as pm
        import pytensor.tensor as pt

        pm.modelcontext(None).add_coord("shrunk_term", np.arange(n_shrunk))
        mu = pm.Flat("mu", dims="shrunk_term")
        tau = pm.HalfFlat("tau", dims="shrunk_term", initval=np.full(n_shrunk, 0.01))
        log_activity = pm.Normal("log_activity", 0.0, self.activity_spread, dims="pixel")
        return mu, tau, pt.exp(log_activity)

    def declare_theta(self) -> Any:
        """Return theta with its population."""
        import pymc as pm
        import pytensor.tensor as pt

        n_pixel, n_term, n_label = _sizes()
        shrunk = np.flatnonzero(shrunk_terms(n_label, self.terms))
        mu, tau, activity = self.declare_hyperparameters(len(shrunk))
        mean = pt.set_subtensor(pt.zeros((n_pixel, n_term))[:, shrunk], pt.broadcast_to(mu, (n_pixel, len(shrunk))))
        wide = pt.full((n_pixel, n_term), FLAT_SCALE)
        scale = pt.set_subtensor(wide[:, shrunk], tau[None, :] * activity[:, None])
        return pm.Normal("theta", mean, scale, dims=("pixel", "term"))


@dataclass(frozen=True)
class FlatScatter:
    """No preference for any scatter s >= 0, as in the paper."""

    def declare_scatter(self, *, boundary: bool) -> Any:
        """Return s ~ Flat on [0, inf)."""
        import pymc as pm

        options: dict[str, Any] = {"default_transform": None} if boundary else {}
        n_pixel = len(pm.modelcontext(None).coords["pixel"])
        return pm.HalfFlat("scatter", dims="pixel", initval=np.full(n_pixel, 0.01), **options)


@dataclass(frozen=True)
class HalfNormalScatter:
    """
    s ~ HalfNormal(scale).

    Attributes
    ----------
    scale : float
        In normalised flux.
    """

    scale: float = 0.02

    def __post_init__(self) -> None:
        if not self.scale > 0:
            raise ValueError(f"the scale of the scatter prior must be positive; got {self.scale}")

    def declare_scatter(self, *, boundary: bool) -> Any:
        """Return s ~ HalfNormal(scale)."""
        import pymc as pm

        options: dict[str, Any] = {"default_transform": None} if boundary else {}
        return pm.HalfNormal("scatter", self.scale, dims="pixel", **options)


@dataclass(frozen=True)
class PooledScatter:
    """
    ln s_p ~ Normal(centre, width): a population of scatters learned from all pixels, so that none is ever 0.

    Attributes
    ----------
    centre, width : float or None
        Parameters of the population; None are learned by marginal likelihood.
    """

    centre: float | None = None
    width: float | None = None

    def declare_scatter(self, *, boundary: bool) -> Any:  # noqa: ARG002 - no boundary: ln s is unbounded
        """Return s, with ln s ~ Normal(centre, width)."""
        import pymc as pm
        import pytensor.tensor as pt

        centre = pm.Flat("scatter_centre", initval=-4.0) if self.centre is None else self.centre
        width = pm.HalfFlat("scatter_width", initval=1.0) if self.width is None else self.width
        return pt.exp(pm.Normal("log_scatter", centre, width, dims="pixel"))


@dataclass(frozen=True)
class FixedNoise:
    """
    The reported errors times a fixed kappa; the paper's is 1.

    Attributes
    ----------
    kappa : float
    """

    kappa: float = 1.0

    def __post_init__(self) -> None:
        if not self.kappa > 0:
            raise ValueError(f"kappa must be positive; got {self.kappa}")

    def declare_kappa(self) -> Any:
        """Return the number."""
        return self.kappa


@dataclass(frozen=True)
class GlobalNoise:
    """One kappa for the whole survey, flat on (0, inf)."""

    def declare_kappa(self) -> Any:
        """Return kappa ~ Flat on (0, inf)."""
        import pymc as pm

        return pm.HalfFlat("kappa", initval=1.0)


@dataclass(frozen=True)
class PixelNoise:
    """
    ln kappa_p ~ Normal(centre, width): a kappa for every pixel, from a population.

    Attributes
    ----------
    centre, width : float or None
        Parameters of the population; None are learned by marginal likelihood.
    """

    centre: float | None = None
    width: float | None = None

    def declare_kappa(self) -> Any:
        """Return kappa (pixel), with ln kappa ~ Normal(centre, width)."""
        import pymc as pm
        import pytensor.tensor as pt

        centre = pm.Flat("kappa_centre", initval=0.0) if self.centre is None else self.centre
        width = pm.HalfFlat("kappa_width", initval=0.3) if self.width is None else self.width
        return pt.exp(pm.Normal("log_kappa", centre, width, dims="pixel"))

"""
Priors of the coefficients, as small objects that declare their random variables inside a ``pm.Model``.

Each prior takes ``terms``: ``"quadratic"`` shrinks the products of labels only, ``"all"`` the linear terms too. The
constant is never shrunk. PyMC is imported only when a prior is declared, because the exact solvers use only the
parameters of a prior.
"""

from dataclasses import dataclass
from typing import Any, NoReturn, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayescannon.data.convert import numbers
from bayescannon.models.form import PLAIN, WEAK_QUADRATIC, WEAK_TAU, Form, weak_coefficients
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.real_numbers import positive_number
from bayescannon.numerics.truth import truth

# scale of a flat prior and of a dead pixel's error: large but finite, so that no gradient is NaN
FLAT_SCALE = 1e10

TERMS = ("quadratic", "all")


class PriorError(InputError):
    """A prior without an exact solver, or priors that cannot be combined."""


def shrunk_terms(n_label: int, terms: str) -> NDArray[np.bool_]:
    """
    Return which terms a prior shrinks, shape (T,).

    Raises
    ------
    InputError
        `terms` is neither ``"quadratic"`` nor ``"all"``.
    """
    if terms not in TERMS:
        raise InputError(f"terms must be 'quadratic' or 'all'; got {terms!r}")
    n_term = 1 + n_label + n_label * (n_label + 1) // 2
    return np.arange(n_term) >= (1 + n_label if terms == "quadratic" else 1)


def check_scale(scale: ArrayLike) -> None:
    """Raise unless the scale of a prior consists of positive numbers."""
    name = "the scale of a coefficient prior"
    if not (numbers(scale, name)[0] > 0).all():
        raise InputError(f"{name} must be positive; got {scale!r}")


def model_sizes() -> tuple[int, int, int]:
    """Return the numbers of pixels, terms and labels of the model on the stack."""
    import pymc as pm

    coords = pm.modelcontext(None).coords
    n_term = len(coords["term"])
    n_label = round((np.sqrt(8 * n_term + 1) - 3) / 2)
    return len(coords["pixel"]), n_term, n_label


def joined_theta(some: Any, shrunk: NDArray[np.intp], form: Form) -> Any:
    """Return theta (pixel, term), a function of its shrunk terms (pixel, shrunk_term) and of other free ones."""
    import pymc as pm
    import pytensor.tensor as pt

    n_pixel, n_term, n_label = model_sizes()
    others = np.setdiff1d(np.arange(n_term), shrunk)
    pm.modelcontext(None).add_coord("flat_term", others)
    dims = ("pixel", "flat_term")
    if form.proper:
        mean, scale = weak_coefficients(n_label)
        flat = pm.Normal("theta_flat", mean[others], scale[others], dims=dims)
    else:
        flat = pm.Flat("theta_flat", dims=dims)
    theta = pt.zeros((n_pixel, n_term))
    theta = pt.set_subtensor(theta[:, others], flat)
    return pm.Deterministic("theta", pt.set_subtensor(theta[:, shrunk], some), dims=("pixel", "term"))


class CoefficientPrior(Protocol):
    """Declares theta with dims (pixel, term) in the model on the stack."""

    def declare_theta(self, form: Form = PLAIN) -> Any:
        """Return the random variable."""


@dataclass(frozen=True)
class FlatCoefficients:
    """
    A flat prior of every coefficient, as in the paper.

    Examples
    --------
    >>> import bayescannon as bc
    >>> bc.SpectralPriors(coefficients=bc.FlatCoefficients()).coefficients
    FlatCoefficients()
    """

    def declare_theta(self, form: Form = PLAIN) -> Any:
        """Return theta ~ Flat."""
        import pymc as pm

        if form.proper:
            return pm.Normal("theta", *weak_coefficients(model_sizes()[2]), dims=("pixel", "term"))
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

    Examples
    --------
    >>> import bayescannon as bc
    >>> mean, scale = bc.NormalCoefficients(0.02).parameters(1, 1)
    >>> scale.tolist()  # of 1, the label and its square: only the square is shrunk
    [[inf, inf, 0.02]]
    """

    scale: ArrayLike = 0.01
    mean: ArrayLike = 0.0
    terms: str = "quadratic"

    def __post_init__(self) -> None:
        check_scale(self.scale)
        numbers(self.mean, "the mean of a coefficient prior")
        shrunk_terms(1, self.terms)

    def parameters(self, n_pixel: int, n_label: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return mean and standard deviation of every coefficient, (pixel, term); inf where it is not shrunk."""
        shrunk = shrunk_terms(n_label, self.terms)
        shape = (n_pixel, len(shrunk))
        mean = np.where(shrunk, np.broadcast_to(np.asarray(self.mean, dtype=np.float64), shape), 0.0)
        return mean, np.where(shrunk, np.broadcast_to(np.asarray(self.scale, dtype=np.float64), shape), np.inf)

    def declare_theta(self, form: Form = PLAIN) -> Any:
        """Return theta ~ Normal(mean, scale)."""
        import pymc as pm

        n_pixel, _, n_label = model_sizes()
        mean, scale = self.parameters(n_pixel, n_label)
        if form.proper:
            weak_mean, weak_scale = weak_coefficients(n_label)
            mean, scale = np.where(np.isinf(scale), weak_mean, mean), np.where(np.isinf(scale), weak_scale, scale)
        return pm.Normal("theta", mean, np.minimum(scale, FLAT_SCALE), dims=("pixel", "term"))


@dataclass(frozen=True)
class PooledCoefficients:
    """
    theta_pk ~ Normal(mu_k, tau_k lambda_p): scales learned from all pixels, times an activity lambda of each pixel.

    Most pixels depend weakly on the labels and a few strongly; lambda_p keeps the strong ones from being shrunk. mu and
    tau are learned by marginal likelihood with theta and lambda integrated out
    (:mod:`bayescannon.pixels.coefficient_population`), because the joint posterior of theta and tau has no maximum: it
    grows without bound as tau goes to 0. Coefficients are then shrunk with each pixel's most probable lambda given tau.

    That is empirical Bayes: the errors of mu, tau and lambda are not carried on. tau has no bias: on 1,500 to 4,000
    pixels with 12 terms and a spread of 1 in ln lambda, the mean ratio to the truth is within 10 % where the errors of
    the coefficients are a sixth to eight times tau. (If lambda were maximised with tau, the ratios would be 0.93 to
    3.8.) The PyMC model has the whole posterior; state it with ``centred=False`` for NUTS.

    Attributes
    ----------
    terms : {"quadratic", "all"}
    activity_spread : float
        Prior standard deviation of ln lambda_p, whose mean is 0.

    Examples
    --------
    >>> import bayescannon as bc
    >>> bc.PooledCoefficients(terms="all")
    PooledCoefficients(terms='all', activity_spread=1.0)
    """

    terms: str = "quadratic"
    activity_spread: float = 1.0

    def __post_init__(self) -> None:
        shrunk_terms(1, self.terms)
        positive_number(self.activity_spread, "activity_spread")

    def declare_hyperparameters(self, shrunk: NDArray[np.intp], form: Form = PLAIN) -> tuple[Any, Any, Any]:
        """Return mu and tau (shrunk_term) and lambda (pixel)."""
        import pymc as pm
        import pytensor.tensor as pt

        pm.modelcontext(None).add_coord("shrunk_term", shrunk)
        mu = form.unbounded("mu", centre=0.0, width=WEAK_QUADRATIC, dims="shrunk_term")
        tau = form.positive("tau", width=WEAK_TAU, dims="shrunk_term")
        log_activity = pm.Normal("log_activity", 0.0, self.activity_spread, dims="pixel")
        return mu, tau, pt.exp(log_activity)

    def declare_theta(self, form: Form = PLAIN) -> Any:
        """Return theta, with its population as random variables."""
        import pymc as pm
        import pytensor.tensor as pt

        n_pixel, n_term, n_label = model_sizes()
        shrunk = np.flatnonzero(shrunk_terms(n_label, self.terms))
        mu, tau, activity = self.declare_hyperparameters(shrunk, form)
        if not form.centred:
            unit = pm.Normal("unit", 0.0, 1.0, dims=("pixel", "shrunk_term"))
            return joined_theta(mu + tau * activity[:, None] * unit, shrunk, form)
        weak_mean, weak_scale = weak_coefficients(n_label)
        flat_mean = np.tile(weak_mean if form.proper else np.zeros(n_term), (n_pixel, 1))
        flat_scale = np.tile(weak_scale if form.proper else np.full(n_term, FLAT_SCALE), (n_pixel, 1))
        mean = pt.set_subtensor(pt.as_tensor(flat_mean)[:, shrunk], pt.broadcast_to(mu, (n_pixel, len(shrunk))))
        scale = pt.set_subtensor(pt.as_tensor(flat_scale)[:, shrunk], tau[None, :] * activity[:, None])
        return pm.Normal("theta", mean, scale, dims=("pixel", "term"))


@dataclass(frozen=True)
class LaplaceCoefficients:
    """
    theta_pk ~ Laplace(0, scale) for the shrunk terms: many coefficients are 0 at the maximum.

    Casey et al. 2016, arXiv:1603.03040, put it into The Cannon.

    Its exact solver is :class:`bayescannon.pixels.laplace.LaplacePrior`.

    Attributes
    ----------
    scale : array that broadcasts to (pixel, term)
        In normalised flux, positive.
    terms : {"quadratic", "all"}

    Examples
    --------
    >>> import bayescannon as bc
    >>> bc.LaplaceCoefficients(0.005, terms="all").parameters(1, 1).tolist()
    [[inf, 0.005, 0.005]]
    """

    scale: ArrayLike = 0.01
    terms: str = "quadratic"

    def __post_init__(self) -> None:
        check_scale(self.scale)
        shrunk_terms(1, self.terms)

    def parameters(self, n_pixel: int, n_label: int) -> NDArray[np.float64]:
        """Return the scale of every coefficient, (pixel, term); inf where it is not shrunk."""
        shrunk = shrunk_terms(n_label, self.terms)
        shape = (n_pixel, len(shrunk))
        return np.where(shrunk, np.broadcast_to(np.asarray(self.scale, dtype=np.float64), shape), np.inf)

    def declare_theta(self, form: Form = PLAIN) -> Any:
        """Return theta ~ Laplace(0, scale)."""
        import pymc as pm

        n_pixel, _, n_label = model_sizes()
        scale = self.parameters(n_pixel, n_label)
        if form.proper:
            shrunk = np.flatnonzero(shrunk_terms(n_label, self.terms))
            pm.modelcontext(None).add_coord("shrunk_term", shrunk)
            some = pm.Laplace("theta_shrunk", 0.0, scale[:, shrunk], dims=("pixel", "shrunk_term"))
            return joined_theta(some, shrunk, form)
        scale = np.minimum(scale, FLAT_SCALE)
        return pm.Laplace("theta", 0.0, scale, dims=("pixel", "term"))


@dataclass(frozen=True)
class HorseshoeCoefficients:
    """
    Regularised horseshoe (Piironen & Vehtari 2017, EJS 11, 5018): small coefficients are shrunk most.

    theta_pk = z tau lambda c / sqrt(c^2 + tau^2 lambda^2) for the shrunk terms, with z ~ Normal(0, 1) and
    lambda_pk ~ HalfCauchy(1). The joint density has no maximum, as it grows without bound when lambda goes to 0; the
    prior is for sampling only, best with :func:`bayescannon.models.compressed_pixels.compressed_model`.

    Attributes
    ----------
    global_scale : float
        tau_0 in normalised flux.
    learn_scale : bool
        tau ~ HalfCauchy(tau_0) if true, else tau = tau_0.
    slab : float
        c, the scale of large coefficients.
    terms : {"quadratic", "all"}

    Examples
    --------
    >>> import bayescannon as bc
    >>> bc.HorseshoeCoefficients(global_scale=2e-3).slab
    0.05
    """

    global_scale: float = 1e-3
    learn_scale: bool = True
    slab: float = 0.05
    terms: str = "quadratic"

    def __post_init__(self) -> None:
        positive_number(self.global_scale, "global_scale")
        positive_number(self.slab, "slab")
        truth(self.learn_scale, "learn_scale")
        shrunk_terms(1, self.terms)

    def parameters(self, n_pixel: int, n_label: int) -> NoReturn:
        """
        Raise an error, because this prior has no exact solver.

        Raises
        ------
        NotImplementedError
            Always: the joint density has no maximum.
        """
        raise NotImplementedError(
            "HorseshoeCoefficients has no exact solver: its joint density has no maximum. Fit the scatters with "
            "another prior, compress the pixels (bayescannon.pixels.compressed.compress_pixels) and sample "
            "bayescannon.models.compressed_pixels.compressed_model with NUTS"
        )

    def declare_theta(self, form: Form = PLAIN) -> Any:
        """Return theta, a function of non-centred random variables."""
        import pymc as pm
        import pytensor.tensor as pt

        _, _, n_label = model_sizes()
        shrunk = np.flatnonzero(shrunk_terms(n_label, self.terms))
        pm.modelcontext(None).add_coord("shrunk_term", shrunk)
        tau = pm.HalfCauchy("tau", self.global_scale) if self.learn_scale else self.global_scale
        local = pm.HalfCauchy("local", 1.0, dims=("pixel", "shrunk_term"))
        unit = pm.Normal("unit", 0.0, 1.0, dims=("pixel", "shrunk_term"))
        wide = tau * local
        return joined_theta(unit * wide / pt.sqrt(1 + (wide / self.slab) ** 2), shrunk, form)

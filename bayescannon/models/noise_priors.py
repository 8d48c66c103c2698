"""Priors of the scatters and of the noise scale, as small objects that declare them inside a ``pm.Model``."""

from dataclasses import dataclass
from typing import Any, Protocol

from bayescannon.models.form import PLAIN, WEAK_LOG_KAPPA, WEAK_SCATTER, Form
from bayescannon.numerics.real_numbers import positive_number, real_number


class ScatterPrior(Protocol):
    """Declares s >= 0 with dims (pixel,) in the model on the stack."""

    def declare_scatter(self, form: Form = PLAIN) -> Any:
        """Return the random variable."""


class NoisePrior(Protocol):
    """Declares kappa in the model on the stack: the variance is kappa^2 sigma^2 + s^2."""

    def declare_kappa(self, form: Form = PLAIN) -> Any:
        """Return a number, or a random variable that broadcasts against (star, pixel)."""


def _check_population(centre: float | None, width: float | None, what: str) -> None:
    """Raise unless the parameters of a population of logarithms are None, or a finite centre and a positive width."""
    if centre is not None:
        real_number(centre, f"the centre of {what}")
    if width is not None:
        positive_number(width, f"the width of {what}")


@dataclass(frozen=True)
class FlatScatter:
    """
    A flat prior of every scatter s >= 0, as in the paper.

    Examples
    --------
    >>> import bayescannon as bc
    >>> bc.SpectralPriors().scatter
    FlatScatter()
    """

    def declare_scatter(self, form: Form = PLAIN) -> Any:
        """Return s ~ Flat on [0, inf)."""
        options: dict[str, Any] = {"default_transform": None} if form.boundary else {}
        return form.positive("scatter", width=WEAK_SCATTER, dims="pixel", **options)


@dataclass(frozen=True)
class HalfNormalScatter:
    """
    s ~ HalfNormal(scale).

    Attributes
    ----------
    scale : float
        In normalised flux.

    Examples
    --------
    >>> import bayescannon as bc
    >>> bc.SpectralPriors(scatter=bc.HalfNormalScatter(0.01)).scatter
    HalfNormalScatter(scale=0.01)
    """

    scale: float = 0.02

    def __post_init__(self) -> None:
        positive_number(self.scale, "the scale of the scatter prior")

    def declare_scatter(self, form: Form = PLAIN) -> Any:
        """Return s ~ HalfNormal(scale)."""
        import pymc as pm

        options: dict[str, Any] = {"default_transform": None} if form.boundary else {}
        return pm.HalfNormal("scatter", self.scale, dims="pixel", **options)


@dataclass(frozen=True)
class PooledScatter:
    """
    ln s_p ~ Normal(centre, width): a population of scatters learned from all pixels, in which none is 0.

    Attributes
    ----------
    centre, width : float or None
        Parameters of the population; None is learned by marginal likelihood.

    Examples
    --------
    >>> import bayescannon as bc
    >>> bc.PooledScatter(centre=-4.6)  # a typical scatter of 0.01; the width is learned
    PooledScatter(centre=-4.6, width=None)
    """

    centre: float | None = None
    width: float | None = None

    def __post_init__(self) -> None:
        _check_population(self.centre, self.width, "the scatter prior")

    def declare_scatter(self, form: Form = PLAIN) -> Any:
        """Return s, with ln s ~ Normal(centre, width)."""
        import pymc as pm
        import pytensor.tensor as pt

        centre = form.unbounded("scatter_centre", centre=-4.5, width=1.0) if self.centre is None else self.centre
        width = form.positive("scatter_width", width=1.0) if self.width is None else self.width
        return pt.exp(pm.Normal("log_scatter", centre, width, dims="pixel"))


@dataclass(frozen=True)
class FixedNoise:
    """
    The reported errors multiplied by a fixed kappa, which is 1 in the paper.

    Attributes
    ----------
    kappa : float

    Examples
    --------
    >>> import bayescannon as bc
    >>> bc.FixedNoise(0.8).declare_kappa()
    0.8
    """

    kappa: float = 1.0

    def __post_init__(self) -> None:
        real_number(self.kappa, "kappa", above=0)

    def declare_kappa(self, form: Form = PLAIN) -> Any:  # noqa: ARG002 - the protocol has a form
        """Return the number."""
        return self.kappa


@dataclass(frozen=True)
class GlobalNoise:
    """
    One kappa for the whole survey, flat on (0, inf).

    Examples
    --------
    >>> import bayescannon as bc
    >>> bc.SpectralPriors(noise=bc.GlobalNoise()).noise
    GlobalNoise()
    """

    def declare_kappa(self, form: Form = PLAIN) -> Any:
        """Return kappa ~ Flat on (0, inf); if proper, ln kappa ~ Normal(0, 0.5)."""
        import pymc as pm

        return pm.LogNormal("kappa", 0.0, WEAK_LOG_KAPPA) if form.proper else pm.HalfFlat("kappa")


@dataclass(frozen=True)
class PixelNoise:
    """
    ln kappa_p ~ Normal(centre, width): one kappa per pixel, from a population.

    Attributes
    ----------
    centre, width : float or None
        Parameters of the population; None is learned by marginal likelihood.

    Examples
    --------
    >>> import bayescannon as bc
    >>> bc.PixelNoise(centre=0.0)  # kappa is 1 in a typical pixel; the width is learned
    PixelNoise(centre=0.0, width=None)
    """

    centre: float | None = None
    width: float | None = None

    def __post_init__(self) -> None:
        _check_population(self.centre, self.width, "the noise prior")

    def declare_kappa(self, form: Form = PLAIN) -> Any:
        """Return kappa (pixel), with ln kappa ~ Normal(centre, width)."""
        import pymc as pm
        import pytensor.tensor as pt

        centre = (
            form.unbounded("kappa_centre", centre=0.0, width=WEAK_LOG_KAPPA) if self.centre is None else self.centre
        )
        width = form.positive("kappa_width", width=WEAK_LOG_KAPPA) if self.width is None else self.width
        return pt.exp(pm.Normal("log_kappa", centre, width, dims="pixel"))


@dataclass(frozen=True)
class StarNoise:
    """
    ln kappa_n ~ Normal(centre, width): one kappa per star, from a population.

    Attributes
    ----------
    centre, width : float or None
        Parameters of the population; None is learned by marginal likelihood. A learned width of 0 is one kappa for all.

    Examples
    --------
    >>> import bayescannon as bc
    >>> bc.SpectralPriors(noise=bc.StarNoise()).noise
    StarNoise(centre=None, width=None)
    """

    centre: float | None = None
    width: float | None = None

    def __post_init__(self) -> None:
        _check_population(self.centre, self.width, "the noise prior")

    def declare_kappa(self, form: Form = PLAIN) -> Any:
        """Return kappa (star, 1), with ln kappa ~ Normal(centre, width)."""
        import pymc as pm
        import pytensor.tensor as pt

        centre = (
            form.unbounded("kappa_centre", centre=0.0, width=WEAK_LOG_KAPPA) if self.centre is None else self.centre
        )
        width = form.positive("kappa_width", width=WEAK_LOG_KAPPA) if self.width is None else self.width
        return pt.exp(pm.Normal("log_kappa", centre, width, dims="star"))[:, None]

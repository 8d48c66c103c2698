"""The populations of coefficients, scatters and noise scales, as learned in training."""

from dataclasses import dataclass

from bayescannon.numerics.outlier_mixture import OutlierShare
from bayescannon.numerics.typing import FloatArray
from bayescannon.pixels.coefficient_population import Population


@dataclass(frozen=True)
class LogNormalPopulation:
    """
    ln x ~ Normal(centre, width) over the pixels, or the stars.

    Attributes
    ----------
    centre, width : float
    """

    centre: float
    width: float


@dataclass(frozen=True)
class TrainingRound:
    """
    The result of one round of learning populations and noise scale.

    Attributes
    ----------
    objective : float
        Minus log posterior, summed over the pixels.
    kappa : float
        Median noise scale.
    moved : float
        Largest relative change of a parameter.
    """

    objective: float
    kappa: float
    moved: float


@dataclass(frozen=True)
class Populations:
    """
    Parameters of the populations; None for those that were not learned.

    Attributes
    ----------
    coefficients : Population or None
        Pooled coefficients: mu, tau and the activity of each pixel.
    smooth_scale : float array of shape (Q,) or None
        Smooth coefficients: the standard deviation of each shrunk term, in normalised flux.
    scatter, kappa : LogNormalPopulation or None
        Populations of the intrinsic scatters s, and of the noise scales kappa if every pixel has its own.
    star_kappa : LogNormalPopulation or None
        Population of the noise scales if every star has its own; its width may be 0.
    outliers : OutlierShare or None
        Share and scale of the pixels that are outliers; None where none can be.
    trace : tuple of TrainingRound
        One entry per round.
    converged : bool
        Whether the rounds converged; True if nothing had to be learned.
    """

    coefficients: Population | None = None
    smooth_scale: FloatArray | None = None
    scatter: LogNormalPopulation | None = None
    kappa: LogNormalPopulation | None = None
    star_kappa: LogNormalPopulation | None = None
    outliers: OutlierShare | None = None
    trace: tuple[TrainingRound, ...] = ()
    converged: bool = True

    @property
    def learned(self) -> tuple[str, ...]:
        """Names of the populations that were learned."""
        names = {
            "coefficients": self.coefficients,
            "smooth_scale": self.smooth_scale,
            "scatter": self.scatter,
            "kappa": self.kappa,
            "star_kappa": self.star_kappa,
            "outliers": self.outliers,
        }
        return tuple(name for name, value in names.items() if value is not None)

    def __repr__(self) -> str:
        ended = "converged" if self.converged else "not converged"
        return f"<Populations learned: {', '.join(self.learned) or 'none'}; {len(self.trace)} rounds, {ended}>"

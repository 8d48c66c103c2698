"""What training learned of the reference stars' true labels, where the reported ones have errors."""

from dataclasses import dataclass

from bayescannon.numerics.typing import FloatArray
from bayescannon.pixels.label_population import LabelPopulation
from bayescannon.pixels.latent_label_fit import LabelErrorStatus, LatentLabelFit


@dataclass(frozen=True)
class LearnedLabels:
    """
    What training on latent labels learned, in scaled labels; see :mod:`bayescannon.pixels.latent_label_fit`.

    Attributes
    ----------
    population : LabelPopulation
        Mean and covariance of the true labels.
    error_scale : float array of shape (K,) or None
        Errors of the reported labels in units of those that were given; None in models of versions before 0.5.
    trace : float array of shape (round,)
        Log posterior after every round.
    status : LabelErrorStatus
        How the rounds ended.
    n_failed : int
        Stars without a mode in the last round.
    """

    population: LabelPopulation
    error_scale: FloatArray | None
    trace: FloatArray
    status: LabelErrorStatus
    n_failed: int = 0

    @classmethod
    def of_fit(cls, fit: LatentLabelFit) -> "LearnedLabels":
        """Keep what belongs to the model, and leave the stars' own latent labels."""
        return cls(fit.population, fit.error_scale, fit.trace, fit.status, fit.n_failed)

    def __repr__(self) -> str:
        n_label = len(self.population.mean)
        return f"<LearnedLabels of {n_label} labels: {len(self.trace)} rounds, {self.status.name.lower()}>"

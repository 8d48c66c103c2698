"""What training learned of the reference stars' true labels, where the reported ones have errors."""

from dataclasses import dataclass

from bayescannon.numerics.typing import FloatArray
from bayescannon.pixels.label_population import AffineMap, LabelPopulation
from bayescannon.pixels.latent_label_fit import LabelErrorStatus, LatentLabelFit


@dataclass(frozen=True)
class LearnedLabels:
    """
    What training on latent labels learned, in scaled labels; see :mod:`bayescannon.pixels.latent_label_fit`.

    Attributes
    ----------
    population : LabelPopulation
        Mean and covariance of the true labels.
    slope_correction : AffineMap or None
        The map that was applied to the latent labels so that labels of new stars have slope 1 on true labels; None if
        spectra do not tell the labels apart.
    systematic_covariance : float array of shape (K, K) or None
        Covariance of labels from spectra around the true ones, found with that map.
    trace : float array of shape (round,)
        Log posterior after every round.
    status : LabelErrorStatus
        How the rounds ended.
    n_failed : int
        Stars without a mode in the last round.
    """

    population: LabelPopulation
    slope_correction: AffineMap | None
    systematic_covariance: FloatArray | None
    trace: FloatArray
    status: LabelErrorStatus
    n_failed: int = 0

    @classmethod
    def of_fit(cls, fit: LatentLabelFit) -> "LearnedLabels":
        """Keep what belongs to the model, and leave the stars' own latent labels."""
        return cls(fit.population, fit.slope_correction, fit.systematic, fit.trace, fit.status, fit.n_failed)

    def __repr__(self) -> str:
        n_label = len(self.population.mean)
        return f"<LearnedLabels of {n_label} labels: {len(self.trace)} rounds, {self.status.name.lower()}>"

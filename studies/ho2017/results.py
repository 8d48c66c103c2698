"""What the study found: the run, the 80/20 split, the bootstrap, and the stars of the catalogue."""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from stars import Stars

import bayescannon as bc
from bayescannon.app.result import RunResult
from bayescannon.cannon.reference import ReferenceSet
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.cannon.training import train
from bayescannon.cannon.validation import LabelStatistics, compare

SPLIT = "80/20"
# shares of the test stars with a lower S/N than each of the four stars of table 1
TABLE_1_PLACES = (0.05, 0.25, 0.75, 0.95)


@dataclass(frozen=True)
class Results:
    """
    The results that figures and numbers are made of.

    Attributes
    ----------
    run : RunResult
    stars : Stars
    split : tuple of LabelStatistics
        Of stars that were held out once, by a model that was trained on the others.
    budget : xarray.Dataset
        Errors of test stars, see :func:`bayescannon.error_budget`.
    cut : float
        In label distance.
    is_real : bool
        Of real spectra, and not of a mock survey.
    """

    run: RunResult
    stars: Stars
    split: tuple[LabelStatistics, ...]
    budget: xr.Dataset
    cut: float
    is_real: bool

    @property
    def model(self) -> TrainedModel:
        """The trained model."""
        model = self.run.model
        assert isinstance(model, TrainedModel)
        return model

    @property
    def reference(self) -> ReferenceSet:
        """The reference set after cuts and clip."""
        return self.run.reference

    @property
    def rows(self) -> list[LabelStatistics]:
        """The statistics of all three ways to validate."""
        return [*self.run.validation.rows, *self.split]

    @property
    def n_common(self) -> int:
        """Number of stars in common of both surveys, before cuts."""
        matched = next(row for row in self.model.tally if row.step.startswith("no labels"))
        return matched.remaining

    @property
    def table_1(self) -> NDArray[np.intp]:
        """Rows of the four stars of table 1: those at four places of the distribution of S/N."""
        rows = np.flatnonzero(self.stars.is_test & np.isfinite(self.stars.labels).all(axis=1))
        ordered = rows[np.argsort(self.stars.column("snr_g")[rows], kind="stable")]
        return ordered[np.round(np.array(TABLE_1_PLACES) * (len(ordered) - 1)).astype(int)]

    def row(self, method: str, label: str, *, bright: bool = True) -> LabelStatistics:
        """Return the statistics of a label by a method, of the bright stars or of all."""
        selection = f"snr > {self.run.config.validate.snr_min:g}" if bright else "all"
        found = [row for row in self.rows if (row.method, row.selection, row.label) == (method, selection, label)]
        return found[0]


def hold_out_once(
    model: TrainedModel, reference: ReferenceSet, *, share: float, snr_min: float, seed: int
) -> list[LabelStatistics]:
    """Train on all but a share of the stars, label those, and compare with their reference labels."""
    held = np.random.default_rng(seed).random(reference.n_stars)[reference.star_number] < share
    alone = train(reference.select(~held), options=model.settled_options)
    estimates = bc.label_spectra(alone, reference.spectra.select(held), seed=seed)
    return compare(estimates, reference.labels[held], method=SPLIT, snr_min=snr_min, star=reference.star_number[held])

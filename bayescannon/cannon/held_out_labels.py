"""Held-out labels, as a trained model keeps them: of the reference stars, each by a model of the other folds."""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayescannon.cannon.reference import ReferenceSet
from bayescannon.data.star_groups import counted, star_numbers
from bayescannon.numerics.rows import rows_of


@dataclass(frozen=True, repr=False)
class HeldOutLabels:
    """
    Labels of N spectra of reference stars, each by a model that was trained on the stars of the other folds.

    Attributes
    ----------
    estimates : xarray.Dataset
        See :func:`bayescannon.cannon.labelling.label_spectra`; spectra in the order of the reference set.
    folds : int
        Into which the stars were dealt at random.
    n_starts, seed : int
        As in :func:`bayescannon.cannon.held_out.hold_out`.
    star : str array of shape (N,), optional
        Names of the stars that were dealt; without them every spectrum was dealt by itself, as by version 0.3.
    """

    estimates: xr.Dataset
    folds: int
    n_starts: int
    seed: int
    star: NDArray[np.str_] | None = None

    def __len__(self) -> int:
        return self.estimates.sizes["star"]

    def __repr__(self) -> str:
        return f"<HeldOutLabels of {self.stars()} in {self.folds} folds>"

    def stars(self) -> str:
        """Say of how many stars and spectra they are."""
        return counted(len(self) if self.star is None else len(np.unique(self.star)), len(self))

    def of(self, reference: ReferenceSet, *, folds: int, n_starts: int, seed: int) -> xr.Dataset | None:
        """
        Return the estimates of a reference set's stars, in its order.

        None if they were made with other folds, starts or seed, of other spectra, or if other spectra counted as one
        star.
        """
        if (folds, n_starts, seed) != (self.folds, self.n_starts, self.seed):
            return None
        rows = rows_of(self.estimates["star"].to_numpy().astype(np.str_), reference.spectra.id)
        if len(rows) != len(self) or (rows < 0).any():
            return None
        dealt = np.arange(len(self)) if self.star is None else self.star
        if not np.array_equal(star_numbers(dealt[rows]), reference.star_number):
            return None
        return self.estimates.isel(star=rows)

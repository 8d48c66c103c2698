"""Every star of the catalogue beside Survey B's own labels, and which of them are the reference and the test set."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

from bayescannon.cannon.name_matching import match_names
from bayescannon.cannon.reference import ReferenceSet
from bayescannon.data.flags import FitStatus
from bayescannon.data.label_distance import PAPER_SCALES, label_distance
from bayescannon.io.tables import read_labels
from bayescannon.numerics.typing import FloatArray

# the labels that the label distance takes, eq. 7
PIPELINE_NAMES = tuple(PAPER_SCALES)


@dataclass(frozen=True)
class Stars:
    """
    N stars in the order of the catalogue.

    Attributes
    ----------
    catalogue : Table
    label_names : tuple of str
    labels : float array of shape (N, K)
        By the Cannon; NaN where the fit failed.
    pipeline : float array of shape (N, 3)
        Survey B's own Teff, log g and [Fe/H]; NaN where there are none.
    distance : float array of shape (N,)
        Label distance of those to the reference set (Ho et al. 2017, eq. 7); NaN where there are none.
    is_reference, is_test : bool arrays of shape (N,)
        Of the reference set; of the test set: no reference star, and nearer than the cut.
    """

    catalogue: Table
    label_names: tuple[str, ...]
    labels: FloatArray
    pipeline: FloatArray
    distance: FloatArray
    is_reference: NDArray[np.bool_]
    is_test: NDArray[np.bool_]

    @classmethod
    def of(
        cls, catalogue: Table, reference: ReferenceSet, pipeline: Path, columns: dict[str, str], *, cut: float
    ) -> "Stars":
        """Match Survey B's own labels, and compute their distance to the labels of the reference set."""
        names = [str(name) for name in catalogue["id"]]
        table = read_labels(pipeline, label_names=PIPELINE_NAMES, columns=columns)
        matched = match_names(names, table.id.tolist(), np.arange(len(table)), of=pipeline.name)
        own = np.where(matched.rows[:, None] >= 0, table.matrix(list(PIPELINE_NAMES))[matched.rows], np.nan)
        known = np.isfinite(own).all(axis=1)
        distance = np.full(len(names), np.nan)
        place = [reference.label_names.index(name) for name in PIPELINE_NAMES]
        distance[known] = label_distance(own[known], reference.labels[:, place], PIPELINE_NAMES)
        is_reference = np.isin(names, reference.spectra.id)
        labels = np.column_stack([np.asarray(catalogue[name], dtype=np.float64) for name in reference.label_names])
        labels[np.asarray(catalogue["status"]) != FitStatus.CONVERGED] = np.nan
        return cls(
            catalogue, tuple(reference.label_names), labels, own, distance, is_reference,
            ~is_reference & (distance < cut),
        )  # fmt: skip

    def __getitem__(self, name: str) -> FloatArray:
        """Return one label of every star, by the Cannon."""
        return self.labels[:, self.label_names.index(name)]

    def column(self, name: str) -> FloatArray:
        """Return a column of the catalogue as numbers."""
        return np.asarray(self.catalogue[name], dtype=np.float64)

    @property
    def in_catalogue(self) -> NDArray[np.bool_]:
        """The stars of the paper's catalogue: reference and test set."""
        return self.is_reference | self.is_test

    def reference_rows(self, reference: ReferenceSet) -> NDArray[np.intp]:
        """Return the row of each reference spectrum."""
        row_of = {str(name): row for row, name in enumerate(self.catalogue["id"])}
        return np.array([row_of[str(name)] for name in reference.spectra.id])

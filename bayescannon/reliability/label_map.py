"""A linear map of one survey's labels on the scale of another's, with its errors."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bayescannon.numerics.typing import BoolArray, FloatArray

# said of labels without a map
AS_THEY_ARE = "taken as they are"


@dataclass(frozen=True)
class LabelMap:
    r"""
    The map y = pivot + a + M (x - pivot) of K labels, in the labels' units.

    Attributes
    ----------
    label_names : tuple of K str
    pivot, offset : float arrays of shape (K,)
        The mean labels of the stars in common, and a: how far the labels are off there, to be added.
    slopes : float array of shape (K, K)
        M; row i tells how label i depends on all labels.
    scatter : float array of shape (K,)
        tau: scatter of the mapped labels around the truth, beyond the reported errors.
    covariance : float array of shape (K + K^2, K + K^2)
        Of a and the elements of M, row by row. Slopes that were not fitted have the variance of their prior.
    low, high : float arrays of shape (K,)
        Range of the stars in common, without wrong ones, in the labels that are mapped.
    n_stars : int
        Number of stars in common; 0 if the scales were taken as equal.
    n_wrong : float
        Expected number of stars in common with wrong labels.
    form : {"linear", "diagonal", "constant", "none"}
        What was fitted: all of M, its diagonal, a alone, or nothing.
    """

    label_names: tuple[str, ...]
    pivot: FloatArray
    offset: FloatArray
    slopes: FloatArray
    scatter: FloatArray
    covariance: FloatArray
    low: FloatArray
    high: FloatArray
    n_stars: int
    n_wrong: float
    form: str

    @classmethod
    def equal(cls, label_names: Sequence[str]) -> "LabelMap":
        """
        Return the map of labels that are taken as they are.

        Examples
        --------
        >>> LabelMap.equal(["teff"]).apply(np.array([[4800.0]])).tolist()
        [[4800.0]]
        """
        n_label = len(label_names)
        nothing, everything = np.zeros(n_label), np.full(n_label, np.inf)
        covariance = np.zeros((n_label + n_label**2,) * 2)
        return cls(
            tuple(label_names), nothing, nothing, np.eye(n_label), nothing, covariance, -everything, everything, 0, 0.0,
            "none",
        )  # fmt: skip

    def apply(self, labels: FloatArray) -> FloatArray:
        """Return labels of N stars on the other scale, shape (N, K)."""
        return self.pivot + self.offset + (labels - self.pivot) @ self.slopes.T

    def errors(self, labels: FloatArray, errors: FloatArray) -> FloatArray:
        r"""
        Return the standard errors of mapped labels, shape (N, K).

        They are the roots of the diagonal of :math:`M \Sigma_n M^T + T + J_n C J_n^T`, with the reported variances
        :math:`\Sigma_n`, the scatter T and the covariance C of the map, which grows with the distance from the pivot.

        Parameters
        ----------
        labels, errors : float arrays of shape (N, K)
            As the survey gave them; a NaN error of labels that are taken as they are stays one, and counts as 0 where
            there is a scatter.
        """
        if self.form == "none":
            return errors.copy()
        n_label = len(self.pivot)
        reported = np.nan_to_num(errors) ** 2 @ (self.slopes**2).T
        vectors = np.column_stack([np.ones(len(labels)), labels - self.pivot])
        variance = reported + self.scatter**2
        for k in range(n_label):
            # of label k: its offset, and its row of M
            rows = np.r_[k, n_label + k * n_label + np.arange(n_label)]
            variance[:, k] += np.einsum("ni,ij,nj->n", vectors, self.covariance[np.ix_(rows, rows)], vectors)
        found: FloatArray = np.sqrt(variance)
        return found

    def outside(self, labels: FloatArray) -> BoolArray:
        """Tell which of N stars are outside the range of the stars in common, shape (N,)."""
        found: BoolArray = ((labels < self.low) | (labels > self.high)).any(axis=1)
        return found

    @property
    def offset_error(self) -> FloatArray:
        """Standard errors of the offsets, shape (K,)."""
        found: FloatArray = np.sqrt(np.diag(self.covariance)[: len(self.pivot)])
        return found

    def describe(self) -> str:
        """Say in a phrase what the map is."""
        if self.form == "none":
            return AS_THEY_ARE
        error = self.offset_error
        parts = [
            f"{name} {self.offset[k]:+.3g} +- {error[k]:.2g} at {self.pivot[k]:.4g}, slope {self.slopes[k, k]:.3g}, "
            f"scatter {self.scatter[k]:.2g}"
            for k, name in enumerate(self.label_names)
        ]
        return f"{self.form} map of {self.n_stars} stars in common ({self.n_wrong:.0f} wrong): {'; '.join(parts)}"

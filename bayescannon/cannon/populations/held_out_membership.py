"""Reference stars by survey models that never saw them: labels of the mixture, and membership."""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayescannon.cannon.held_out_labels import HeldOutLabels
from bayescannon.cannon.model_layout import held_out_group, read_held_out
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.typing import BoolArray, FloatArray

_REPORTED, _SHARES = "reported_labels", "shares"


@dataclass(frozen=True, repr=False)
class HeldOutMembership:
    """
    Reference stars out of fold.

    Attributes
    ----------
    labels : HeldOutLabels
        Of the mixture; its estimates have the membership.
    reported : float array of shape (N, K)
        The reported labels.
    shares : float array of shape (N, M)
        pi_m at the reported labels.
    """

    labels: HeldOutLabels
    reported: FloatArray
    shares: FloatArray

    def __post_init__(self) -> None:
        if self.shares.shape != self.membership.shape or len(self.reported) != len(self.labels):
            raise InputError(
                f"shares must have the shape of membership, {self.membership.shape}, and as many stars have reported "
                f"labels; got {self.shares.shape} and {self.reported.shape}"
            )

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        return f"<HeldOutMembership of {self.labels.stars()} in {', '.join(self.names)}>"

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the populations, in order."""
        return tuple(str(name) for name in self.labels.estimates["population_name"].to_numpy())

    @property
    def membership(self) -> NDArray[np.float64]:
        """Probabilities of the populations, shape (N, M); NaN for a star without labels."""
        values: NDArray[np.float64] = (
            self.labels.estimates["membership"].transpose("star", "population_name").to_numpy()
        )
        return values

    @property
    def members(self) -> BoolArray:
        """Which star is of which population by its reported labels, shape (N, M)."""
        members: BoolArray = self.shares > 0.5
        return members

    def log_score(self) -> float:
        """Return the mean of sum_m pi_m ln p_m over the stars: how well membership is told."""
        return float(log_scores(self.membership, self.shares).mean())

    def to_xarray(self) -> xr.Dataset:
        """Return the stars as a Dataset."""
        return held_out_group(self.labels).assign(
            {
                _REPORTED: (("star", "stellar_label"), self.reported),
                _SHARES: (("star", "population_name"), self.shares),
            }
        )

    @classmethod
    def from_xarray(cls, dataset: xr.Dataset, label_names: tuple[str, ...]) -> "HeldOutMembership":
        """Undo :meth:`to_xarray`."""
        reported, shares = dataset[_REPORTED].to_numpy(), dataset[_SHARES].to_numpy()
        return cls(read_held_out(dataset.drop_vars([_REPORTED, _SHARES]), label_names), reported, shares)


def log_scores(membership: FloatArray, shares: FloatArray) -> FloatArray:
    """Return sum_m pi_m ln p_m of the stars that have membership: larger is better."""
    known = np.isfinite(membership).all(axis=1)
    # one star that is far off must not decide alone
    scores: FloatArray = (shares[known] * np.log(np.maximum(membership[known], 1e-6))).sum(axis=1)
    return scores

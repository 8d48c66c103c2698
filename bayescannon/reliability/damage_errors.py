"""The part of labels' errors that comes from lost pixels: its size given the information that is left."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayescannon.numerics.tiles import star_product
from bayescannon.numerics.typing import BoolArray, FloatArray


@dataclass(frozen=True)
class InformationLeft:
    """
    The information in the live pixels of N stars, at labels of other stars.

    Attributes
    ----------
    typical : float array of shape (N, K)
        Formal errors that the pixels give at the labels of the reference stars
        (:func:`bayescannon.stars.information.typical_information`), in units of the scaled labels; inf where they
        determine nothing.
    gaps : float array of shape (N, 2)
        From :func:`bayescannon.data.lost_pixels.gap_measures`.
    live : float array of shape (N,)
        Share of the grid's pixels that are live.
    """

    typical: FloatArray
    gaps: FloatArray
    live: FloatArray

    def select(self, index: Any) -> "InformationLeft":
        """Return some of the stars: a slice, a mask or an index array."""
        return InformationLeft(self.typical[index], self.gaps[index], self.live[index])


@dataclass(frozen=True)
class Loss:
    """
    What N stars have lost against complete ones of their S/N.

    Attributes
    ----------
    log_excess : float array of shape (N, K)
        Logarithm of T without the factor of gamma; -inf for complete stars.
    shrink : float array of shape (N, K)
        e^-d, the typical error of a complete star over t; at most 1.
    features : float array of shape (N, K, 6)
        psi, see :class:`DamageErrors`.
    """

    log_excess: FloatArray
    shrink: FloatArray
    features: FloatArray


@dataclass(frozen=True, eq=False)
class DamageErrors:
    r"""
    The additional variance of the labels of stars that lost pixels.

    With the typical error t of a star (its pixels, at other stars' labels), the one that complete stars of the same S/N
    do not exceed, t_0, and the measures g and c of its gaps beyond those of complete stars, the error of scaled label k
    has the additional variance

    .. math::
        T^2 = t^2 \left(1 - e^{-2 d} (1 - g) (1 - c)^2\right) e^{2 \gamma_k \cdot \psi}, \qquad
        d = \ln^+ (t / t_0), \qquad \ln t_0 = \rho_k \cdot (1, L, L^2 - 1), \qquad
        \psi = (1, d, g, c, L, \ln (f / t)).

    It vanishes for complete stars. The formal error f of a damaged star is that at its own labels, which are often far
    off where f is too small; therefore t, and not f, measures the loss.

    Attributes
    ----------
    complete : float array of shape (K, 3)
        rho.
    usual_gaps : float array of shape (2,)
        Measures of gaps that complete stars do not exceed.
    scale : float array of shape (K, 6)
        gamma.
    dof : float array of shape (K,)
        Degrees of freedom of errors that are all from lost pixels.
    offset_range : float array of shape (K, 2)
        Lowest and highest ln (f / t); it is clamped to them.
    limit : float array of shape (K,)
        Largest t of the copies in the fit, or of complete stars, in scaled labels.
    least_live : float
        Smallest share of live pixels of the copies in the fit.
    reach : float
        Of the measures of gaps [Angstrom].
    n_copies : int
        Number of damaged copies of held-out stars in the fit.
    """

    complete: FloatArray
    usual_gaps: FloatArray
    scale: FloatArray
    dof: FloatArray
    offset_range: FloatArray
    limit: FloatArray
    least_live: float
    reach: float
    n_copies: int

    def loss(self, formal: FloatArray, level: FloatArray, left: InformationLeft) -> Loss:
        """
        Return what N stars have lost.

        Parameters
        ----------
        formal : float array of shape (N, K)
            Formal errors in units of the scaled labels.
        level : float array of shape (N,)
            L, the standardised logarithm of S/N.
        left : InformationLeft
        """
        return find_loss(formal, level, left, self.complete, self.usual_gaps, self.offset_range)

    def widen(self, scale: FloatArray, dof: FloatArray, loss: Loss) -> tuple[FloatArray, FloatArray]:
        """
        Return scale and degrees of freedom with the additional variance, shapes (N, K).

        Parameters
        ----------
        scale, dof : float arrays of shape (N, K)
            Those that the stars would have if they were complete.
        loss : Loss
        """
        excess = np.exp(loss.log_excess + np.einsum("nkf,kf->nk", loss.features, self.scale))
        wide = np.hypot(scale, excess)
        return wide, np.exp(mix_dof(np.log(dof), np.log(self.dof), (excess / wide) ** 2))

    def too_little(self, left: InformationLeft) -> BoolArray:
        """Return which of N stars have less information on a label, or fewer pixels, than any star of the fit."""
        result: BoolArray = ~(left.typical <= self.limit).all(axis=1) | (left.live < self.least_live)
        return result

    def arrays(self) -> dict[str, NDArray[np.float64]]:
        """Return all attributes as arrays, by name, for a file."""
        return {item.name: np.asarray(getattr(self, item.name), dtype=np.float64) for item in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "DamageErrors":
        """Undo :meth:`arrays`."""
        values: dict[str, Any] = {name: array if array.ndim else float(array) for name, array in arrays.items()}
        return cls(**{**values, "n_copies": int(arrays["n_copies"])})


def mix_dof(log_dof: FloatArray, of_damage: FloatArray, share: FloatArray) -> FloatArray:
    """Return the log degrees of freedom of an error with a share of its variance from lost pixels."""
    return (1 - share) * log_dof + share * of_damage


def level_features(level: FloatArray) -> FloatArray:
    """Return (1, L, L^2 - 1), shape (N, 3)."""
    return np.column_stack([np.ones_like(level), level, level**2 - 1])


def find_loss(
    formal: FloatArray,
    level: FloatArray,
    left: InformationLeft,
    complete: FloatArray,
    usual_gaps: FloatArray,
    offset_range: FloatArray,
) -> Loss:
    """Return what N stars have lost; see :class:`DamageErrors` for the parameters."""
    # the pixels of a star may determine its labels where they are, and nothing elsewhere
    log_typical = np.log(np.where(np.isfinite(left.typical), left.typical, formal))
    lost = np.maximum(log_typical - star_product(level_features(level), complete.T), 0)
    offset = np.clip(np.log(formal) - log_typical, offset_range[:, 0], offset_range[:, 1])
    gaps = np.clip((left.gaps - usual_gaps) / (1 - usual_gaps), 0, 1)
    shrink = np.exp(-lost)
    share = 1 - shrink**2 * ((1 - gaps[:, 0]) * (1 - gaps[:, 1]) ** 2)[:, None]
    with np.errstate(divide="ignore"):
        log_excess = log_typical + np.log(share) / 2
    of_star = [np.broadcast_to(one[:, None], lost.shape) for one in (*gaps.T, level)]
    return Loss(log_excess, shrink, np.stack([np.ones_like(lost), lost, *of_star, offset], axis=2))

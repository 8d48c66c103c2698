"""Calibrated errors: the predictive distribution of (inferred - true label), and its arrays for a file."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, ndtri, stdtr, stdtrit

from bayescannon.numerics.errors import InputError
from bayescannon.numerics.student_t import convolved_t_below
from bayescannon.numerics.tiles import star_product
from bayescannon.numerics.typing import FloatArray
from bayescannon.reliability.damage_errors import DamageErrors, InformationLeft
from bayescannon.reliability.error_frame import ErrorFrame

# probability within one standard deviation of a Gaussian, the 68.3 % of all intervals
ONE_SIGMA = 0.6826894921370859
# range of the degrees of freedom: at 1 a Student-t has no mean, at 200 it is nearly Gaussian
DOF_RANGE = (1.2, 200.0)
# steps of an interval's width, and the relative one after which the next would be of the size of rounding errors
_NEWTON_STEPS, _SETTLED = 15, 1e-6
# begins the names of the arrays of a DamageErrors
_DAMAGE = "damage_"


@dataclass(frozen=True)
class PredictiveErrors:
    """
    Distributions of (inferred - true) of N stars and K labels: Student-t, in units of the scaled labels.

    Attributes
    ----------
    location, scale, dof : float arrays of shape (N, K)
        NaN for a star without formal error.
    formal : float array of shape (N, K), optional
        Formal errors; no interval is narrower than theirs.
    """

    location: FloatArray
    scale: FloatArray
    dof: FloatArray
    formal: FloatArray | None = None

    def interval(self, probability: float = ONE_SIGMA) -> FloatArray:
        """
        Return h such that the true label is within h of the inferred one with this probability, shape (N, K).

        The interval is centred on the inferred label, which is what a catalogue lists, and not on (inferred -
        location); a location that is not 0 therefore widens it. It is not below the Gaussian interval of the formal
        error, which noise alone gives.
        """
        if not 0 < probability < 1:
            raise InputError(f"the probability of an interval must be between 0 and 1; got {probability}")
        result = _half_width(np.abs(self.location) / self.scale, self.dof, probability) * self.scale
        if self.formal is not None:
            # NaN where either is
            result = np.maximum(result, self.formal * ndtri((1 + probability) / 2))
        return result

    def corrected(self) -> "PredictiveErrors":
        """Return the errors of labels from which the location was subtracted."""
        return replace(self, location=np.where(np.isnan(self.location), np.nan, 0.0))

    def pit(self, error: FloatArray, noise: FloatArray | None = None) -> FloatArray:
        """
        Return the probability of an error smaller than the actual one, shape (N, K); uniform if calibrated.

        Parameters
        ----------
        error : float array of shape (N, K)
            Inferred minus true label, in units of the scaled labels.
        noise : float array of shape (N, K), optional
            Standard deviation of the Gaussian error of the label that is used as the true one; by default 0.
        """
        if noise is None:
            result: FloatArray = stdtr(self.dof, (error - self.location) / self.scale)
            return result
        out = np.full(error.shape, np.nan)
        use = np.isfinite(error - self.location) & np.isfinite(noise) & np.isfinite(self.scale)
        out[use] = convolved_t_below((error - self.location)[use], self.scale[use], self.dof[use], noise[use])
        return out


def _half_width(shift: FloatArray, dof: FloatArray, probability: float) -> FloatArray:
    """Return h with this probability of a Student-t variable in (-h - shift, h - shift), in the shape of `shift`."""
    quantile = stdtrit(dof, (1 + probability) / 2)
    result: FloatArray = np.array(np.broadcast_to(quantile, np.shape(shift)), dtype=np.float64)
    result[np.isnan(shift)] = np.nan
    # without a shift it is the quantile
    rest = np.flatnonzero(np.ravel(shift > 0))
    shift, dof = np.ravel(shift)[rest], np.ravel(np.broadcast_to(dof, np.shape(shift)))[rest]
    half = np.ravel(result)[rest]
    low, high = np.zeros_like(shift), shift + half
    half = np.minimum(np.sqrt(half**2 + shift**2), high)
    norm = gammaln((dof + 1) / 2) - gammaln(dof / 2) - np.log(np.pi * dof) / 2
    moving = np.arange(len(rest))
    for _ in range(_NEWTON_STEPS):
        if not len(moving):
            break
        at, off, nu = half[moving], shift[moving], dof[moving]
        inner, outer = at - off, at + off
        excess = stdtr(nu, inner) - stdtr(nu, -outer) - probability
        low[moving], high[moving] = (
            np.where(excess < 0, at, low[moving]),
            np.where(excess < 0, high[moving], at),
        )
        densities = [np.exp(norm[moving] - (nu + 1) / 2 * np.log1p(x**2 / nu)) for x in (inner, outer)]
        slope = densities[0] + densities[1]
        bend = -sum(density * (nu + 1) * x / (nu + x**2) for density, x in zip(densities, (inner, outer), strict=True))
        # Halley's step, or the middle of the bracket if the step leaves it
        step = excess / slope
        step = step / np.maximum(1 - 0.5 * step * bend / slope, 0.5)
        new = at - step
        inside = (new >= low[moving]) & (new <= high[moving])
        half[moving] = np.where(inside, new, (low[moving] + high[moving]) / 2)
        moving = moving[~(inside & (np.abs(step) <= _SETTLED * at))]
    result.flat[rest] = half
    return result


@dataclass(frozen=True, eq=False, repr=False)
class ErrorCalibration:
    r"""
    The distribution of the errors of labels, given formal error f, S/N and position in label space.

    The error of scaled label k is Student-t with location, scale and degrees of freedom

    .. math::
        m = \mu_k \cdot (1, L, z, B(z), L z, (L^2 - 1) z), \qquad
        \sigma^2 = f^2 e^{2 \alpha_k} + e^{2 \beta_k \cdot \phi}, \qquad
        \ln \nu = \delta_k + L \delta'_k, \qquad
        \phi = (1, L, L^2 - 1, z, B(z)), \qquad
        z = W^T (x - c),

    where x are the K inferred scaled labels and L the standardised logarithm of S/N, both clamped to the range of the
    reference stars; L = 0 where S/N is unknown. B are the columns of a smooth function
    (:class:`bayescannon.reliability.error_frame.SmoothPlace`), which is 0 far from the reference stars.

    The location is the mean of (inferred - true) of stars with these *inferred* labels, which is what a user of a
    catalogue has. It depends on the population of the reference stars: inferred labels of rare stars are often those of
    frequent stars with large errors. It also depends on the errors of the reference labels where these depend on the
    label itself; independent ones average out.

    The position z has only the axes along which the spread of the reference stars exceeds the errors, and B is of the
    two widest. What each part earns is measured in studies/beyond_formal_errors.

    Attributes
    ----------
    location : float array of shape (K, 2 + P + M + 2 P)
        mu; of shape (K, 2 + P) without nodes.
    formal : float array of shape (K, 1)
        alpha. Of versions before 0.5.0 it is of shape (K, 3 + P), the coefficients of phi.
    floor : float array of shape (K, 3 + P + M)
        beta.
    dof, dof_slope : float arrays of shape (K,)
        exp(delta), which is nu at L = 0, and delta', which only versions before 0.5.0 fitted; nu is clipped to 1.2 to
        200.
    scale_error : float array of shape (K,)
        Standard deviation of the estimated mean of log sigma over the reference stars: the relative uncertainty of the
        label's errors.
    label_range : float array of shape (K, 2)
        Lowest and highest value of x.
    axes : float array of shape (K, P)
        W, for z of unit variance; P may be 0.
    centre : float array of shape (K,)
        c.
    snr_range : float array of shape (2,)
        Lowest and highest logarithm of S/N.
    snr_centre, snr_width : float
        Mean and standard deviation of the logarithm.
    bias : float array of shape (K,)
        Mean location over the reference stars, in scaled labels.
    wrong_fraction : float
        Estimated fraction of reference stars with the labels of another star.
    n_stars : int
        Number of reference stars in the fit.
    damage : DamageErrors, optional
        The additional variance of stars that lost pixels; there is none unless given.
    nodes : float array of shape (M, P), optional
        Positions that define B. Files of versions before 0.5.0 have none, and M is 0.
    """

    location: FloatArray
    formal: FloatArray
    floor: FloatArray
    dof: FloatArray
    dof_slope: FloatArray
    scale_error: FloatArray
    label_range: FloatArray
    axes: FloatArray
    centre: FloatArray
    snr_range: FloatArray
    snr_centre: float
    snr_width: float
    bias: FloatArray
    wrong_fraction: float
    n_stars: int
    damage: DamageErrors | None = None
    nodes: FloatArray | None = None

    def __repr__(self) -> str:
        degrees = ", ".join(f"{value:.3g}" for value in self.dof)
        return f"<ErrorCalibration of {len(self.dof)} labels from {self.n_stars} stars: Student-t with nu = {degrees}>"

    def predict(
        self, scaled: FloatArray, formal: FloatArray, snr: FloatArray, left: InformationLeft | None = None
    ) -> PredictiveErrors:
        """
        Return the distribution of the errors of N stars.

        Parameters
        ----------
        scaled, formal : float arrays of shape (N, K)
            Inferred scaled labels and their formal errors, in the same units.
        snr : float array of shape (N,)
        left : InformationLeft, optional
            What their pixels tell; as much as those of complete stars unless given.
        """
        if self.damage is None or left is None:
            return replace(self.of_complete(scaled, formal, snr), formal=formal)
        loss = self.damage.loss(formal, self.frame.level(snr), left)
        # with the formal errors that the stars would have if they were complete
        whole = self.of_complete(scaled, formal * loss.shrink, snr)
        scale, dof = self.damage.widen(whole.scale, whole.dof, loss)
        return PredictiveErrors(whole.location, scale, dof, formal)

    def of_complete(self, scaled: FloatArray, formal: FloatArray, snr: FloatArray) -> PredictiveErrors:
        """Return the distribution of the errors of stars that lost no pixels; parameters as in :meth:`predict`."""
        vector, features = self.frame.features(scaled, snr)
        level = features[:, 1:2]
        factor = np.exp(star_product(features[:, : self.formal.shape[1]], self.formal.T))
        scale = np.hypot(formal * factor, np.exp(star_product(features, self.floor.T)))
        missing = np.isnan(scale)
        location = star_product(vector, self.location.T)
        dof = np.clip(self.dof * np.exp(level * self.dof_slope), *DOF_RANGE)
        return PredictiveErrors(np.where(missing, np.nan, location), scale, np.where(missing, np.nan, dof))

    @property
    def frame(self) -> ErrorFrame:
        """What the errors depend on."""
        return ErrorFrame(**{item.name: getattr(self, item.name) for item in fields(ErrorFrame)})

    @property
    def hash(self) -> str:
        """First 12 hexadecimal digits of the SHA-256 of all numbers of the calibration."""
        digest = hashlib.sha256()
        for values in self.arrays().values():
            digest.update(np.ascontiguousarray(values, dtype="<f8").tobytes())
        return digest.hexdigest()[:12]

    def describe(self) -> str:
        """Return a phrase in ASCII that tells the origin of the errors, for provenance."""
        return f"calibrated on {self.n_stars} reference stars out of fold ({self.hash})"

    def arrays(self) -> dict[str, NDArray[np.float64]]:
        """Return all attributes as arrays, by name, for a file."""
        own = {
            item.name: np.asarray(getattr(self, item.name), dtype=np.float64)
            for item in fields(self)
            if item.name != "damage" and getattr(self, item.name) is not None
        }
        damage = {} if self.damage is None else self.damage.arrays()
        return own | {f"{_DAMAGE}{name}": values for name, values in damage.items()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "ErrorCalibration":
        """Undo :meth:`arrays`."""
        damage = {name.removeprefix(_DAMAGE): x for name, x in arrays.items() if name.startswith(_DAMAGE)}
        values: dict[str, Any] = {
            name: array if array.ndim else float(array)
            for name, array in arrays.items()
            if not name.startswith(_DAMAGE)
        }
        values |= {"n_stars": int(arrays["n_stars"]), "damage": DamageErrors.from_arrays(damage) if damage else None}
        return cls(**values)

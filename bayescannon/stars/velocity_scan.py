r"""
Spectra that were shifted to rest by a wrong redshift: chi2 of a few model spectra at many velocities.

With spectra m_s(x - v / c) of S labels spread over the reference set, chi2 of star n is, but for a constant,
-2 sum_p w_np f_np m_sp + sum_p w_np m_sp^2: two products of matrices for all velocities, labels and stars. At each
velocity the best of the labels counts, at 0 as elsewhere, so that velocities are compared like with like.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayescannon.data.raw_spectrum import SPEED_OF_LIGHT
from bayescannon.models.label_vector import label_vector
from bayescannon.models.pixel_weights import pixel_weights
from bayescannon.numerics.log_spline import LogSpline
from bayescannon.numerics.threads import map_blocks
from bayescannon.numerics.typing import FloatArray

_C_KM_S = SPEED_OF_LIGHT / 1000
# largest velocity and step of the scan [km/s], about half a pixel of surveys of R = 1800
REACH, STEP = 1000.0, 35.0
_BLOCK = 256


@dataclass(frozen=True)
class VelocityScan:
    """
    The model spectra of a scan.

    Attributes
    ----------
    velocity : float array of shape (V,)
        Ascending, with 0 in the middle [km/s].
    spectra : float array of shape (V, S, P)
        Less 1, which a continuum is; 0 in dead pixels.
    scatter : float array of shape (P,)
    """

    velocity: FloatArray
    spectra: FloatArray
    scatter: FloatArray

    @classmethod
    def of(
        cls,
        wavelength: FloatArray,
        theta: FloatArray,
        scatter: FloatArray,
        scaled: FloatArray,
        *,
        reach: float = REACH,
        step: float = STEP,
    ) -> "VelocityScan":
        """Shift the spectra of scaled labels (S, K) by velocities up to `reach` [km/s]."""
        live = np.isfinite(scatter)
        spline = LogSpline.of(wavelength, theta @ label_vector(scaled).T, live)
        n_step = int(reach / step)
        velocity = step * np.arange(-n_step, n_step + 1)
        shifted = np.stack([spline.at(shift=v / _C_KM_S)[0].T for v in velocity])
        return cls(velocity, np.where(live, shifted - 1.0, 0.0).astype(np.float32), scatter)

    def chi2(self, flux: FloatArray, ivar: FloatArray, *, workers: int | None = None) -> FloatArray:
        """
        Return the chi2 of the best labels at each velocity, shape (N, V).

        Parameters
        ----------
        flux, ivar : float arrays of shape (N, P)
        workers : int or None
        """
        n_velocity, n_label, n_pixel = self.spectra.shape
        flat = self.spectra.reshape(-1, n_pixel)
        square = flat**2
        result = np.empty((len(flux), n_velocity))

        def one(part: slice) -> None:
            weight = pixel_weights(self.scatter, ivar[part])
            off = np.where(weight > 0, flux[part] - 1.0, 0.0)
            total = (weight * off**2).sum(axis=1)
            kinds = weight.astype(np.float32), (weight * off).astype(np.float32)
            moved = kinds[0] @ square.T - 2 * (kinds[1] @ flat.T)
            result[part] = total[:, None] + moved.reshape(-1, n_velocity, n_label).min(axis=2)

        map_blocks(one, len(flux), _BLOCK, workers)
        return result

    def best_shift(self, chi2: FloatArray, n_live: NDArray[np.integer]) -> tuple[FloatArray, FloatArray]:
        """
        Return by how much a velocity other than 0 is better, and the best velocity [km/s], both of shape (N,).

        Parameters
        ----------
        chi2 : float array of shape (N, V)
        n_live : int array of shape (N,)
            Numbers of live pixels.

        Returns
        -------
        gain : float array
            (chi2 at 0 - least chi2 elsewhere) over the reduced chi2 at 0.
        velocity : float array
            Between the velocities of the scan by a parabola. Positive where the lines are at longer wavelengths.
        """
        middle, rows = len(self.velocity) // 2, np.arange(len(chi2))
        elsewhere = chi2.copy()
        elsewhere[:, middle] = np.inf
        reduced = np.where(chi2[:, middle] > 0, chi2[:, middle], 1.0) / np.maximum(n_live, 1)
        gain = (chi2[:, middle] - elsewhere.min(axis=1)) / reduced
        best = chi2.argmin(axis=1).clip(1, len(self.velocity) - 2)
        before, at, after = (chi2[rows, best + k] for k in (-1, 0, 1))
        bend = np.maximum(before - 2 * at + after, 1e-300)
        place = np.clip(0.5 * (before - after) / bend, -1, 1)
        velocity = self.velocity[best] + place * (self.velocity[1] - self.velocity[0])
        live = np.asarray(n_live) > 0
        return np.where(live, gain, np.nan), np.where(live, velocity, np.nan)

"""
Spectral emulators of red giants, dwarfs and hot stars: continuum-normalised spectra at R = 1800 from six labels.

The data files in this folder hold principal components of some thousand synthetic spectra and, for each component, a
polynomial of fourth degree in the labels; ``scripts/distill_emulator.py`` made them. The emulators give the true
spectra of the mock survey. Their degree is deliberately higher than that of the label vector, so that a quadratic model
of their spectra has model errors.

The giants' spectra were computed with bossbrain 1.0.12 (D. Nidever, MIT licence). Its networks end at log g = 3.5 and
6000 K, and no package with spectra of dwarfs or hot stars was found, so those were made by
``scripts/synthesise_grid.py``, from two parts:

* lines of metals and molecules: those of bossbrain at log g = 3.45 and at most 5850 K, deformed. The logarithm of a
  line's depth goes on with log g, and with 5040 K / Teff above 5850 K, at the rate that the networks have next to the
  limit; lines that become deeper do so linearly, and those of ions not beyond 7500 K. The pressure broadening of strong
  neutral lines is added, 25 % per dex of log g at most.
* lines of hydrogen: LTE line formation in the model atmospheres of atmosnet 1.0.1 (Nidever and Ting, MIT licence; the
  C3K grid) with the Stark profiles of Lemke (1997, A&AS 122, 285), as distributed with synspec 1.0.3.
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files
from itertools import combinations_with_replacement
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayescannon.data.labels import LabelError
from bayescannon.numerics.typing import FloatArray

# what there is an emulator of
POPULATIONS = ("giant", "dwarf", "hot")
EMULATOR_LABELS = ("teff", "logg", "m_h", "alpha_m", "c_m", "n_m")
KELVIN_OF_THETA = 5040.0
# log10 of the first wavelength of the grid in Angstrom, and the step from pixel to pixel
LOG_FIRST, LOG_STEP = 3.5682, 1e-4


def data_file(population: str) -> str:
    """
    Return the name of the data file of one of `POPULATIONS`.

    Raises
    ------
    LabelError
        There is no emulator of that population.
    """
    if population not in POPULATIONS:
        raise LabelError(f"there are emulators of {', '.join(POPULATIONS)}; got {population!r}")
    return f"{population}_emulator.npz"


def polynomial_terms(x: FloatArray, degree: int) -> FloatArray:
    """
    Evaluate all monomials of the columns of `x` up to `degree`, in order of increasing degree.

    Parameters
    ----------
    x : array of shape (star, label)
    degree : int

    Returns
    -------
    terms : array of shape (star, term)
    """
    n_star, n_label = x.shape
    columns: dict[tuple[int, ...], FloatArray] = {(): np.ones(n_star)}
    for order in range(1, degree + 1):
        for index in combinations_with_replacement(range(n_label), order):
            columns[index] = columns[index[:-1]] * x[:, index[-1]]
    return np.stack(list(columns.values()), axis=1)


def emulator_coordinates(labels: FloatArray) -> FloatArray:
    """Replace Teff by 5040 K / Teff, on which line strengths depend more smoothly; shape (star, 6) to (star, 6)."""
    return np.concatenate([KELVIN_OF_THETA / labels[:, :1], labels[:, 1:]], axis=1)


def unit_coordinates(labels: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
    """Map the box from `low` to `high`, in the emulator's coordinates, onto -1 to 1; shape (star, 6)."""
    limits = emulator_coordinates(np.stack([low, high]))
    middle, half = limits.mean(axis=0), np.abs(limits[1] - limits[0]) / 2
    result: FloatArray = (emulator_coordinates(labels) - middle) / half
    return result


@dataclass(frozen=True)
class Emulator:
    """
    An emulator; :meth:`load` returns the packaged ones.

    Attributes
    ----------
    wavelength : float64 array of shape (P,)
        Vacuum rest wavelength in Angstrom, 10^(3.5682 + 1e-4 i).
    low, high : float64 arrays of shape (6,)
        Range of each label, in its unit, in the order of `EMULATOR_LABELS`.
    inverse_root : float64 array of shape (term, term)
        Inverse of the Cholesky factor of the fit's normal matrix G; the leverage of a star with terms t is
        t G^-1 t.
    max_leverage : float
        A star with a larger leverage is an extrapolation and outside the range.
    degree : int
        Degree of the polynomials.
    mean : float64 array of shape (P,)
        Mean spectrum.
    components : float64 array of shape (component, P)
        Principal components.
    coefficients : float64 array of shape (term, component)
        Polynomial coefficients of the components' amplitudes.
    """

    wavelength: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    inverse_root: NDArray[np.float64]
    max_leverage: float
    degree: int
    mean: NDArray[np.float64]
    components: NDArray[np.float64]
    coefficients: NDArray[np.float64]

    @classmethod
    def load(cls, population: str = "giant") -> "Emulator":
        """Return the packaged emulator of one of `POPULATIONS`, which is read only once."""
        return _packaged_emulator(data_file(population))

    @classmethod
    def read(cls, path: Path) -> "Emulator":
        """Read an emulator from the .npz file that ``scripts/distill_emulator.py`` writes."""
        with np.load(path, allow_pickle=False) as data:
            # the components are stored as integers, with one step per component
            step = data["component_step"].astype(np.float64)[:, None]
            return cls(
                np.power(10.0, LOG_FIRST + LOG_STEP * np.arange(data["mean"].size), dtype=np.float64),
                data["low"].astype(np.float64),
                data["high"].astype(np.float64),
                data["inverse_root"].astype(np.float64),
                float(data["max_leverage"]),
                int(data["degree"]),
                data["mean"].astype(np.float64),
                step * data["components"].astype(np.float64),
                data["coefficients"].astype(np.float64),
            )

    def inside(self, labels: ArrayLike) -> NDArray[np.bool_]:
        """
        Return which stars are in the box from `low` to `high` and have a leverage of at most `max_leverage`.

        Parameters
        ----------
        labels : array of shape (star, 6)
            In the order of `EMULATOR_LABELS`.

        Returns
        -------
        inside : bool array of shape (star,)
        """
        values = self._checked_shape(labels)
        in_box = np.all((values >= self.low) & (values <= self.high), axis=1)
        inside = np.zeros(len(values), dtype=bool)
        leverage = ((self._terms(values[in_box]) @ self.inverse_root.T) ** 2).sum(axis=1)
        inside[in_box] = leverage <= self.max_leverage
        return inside

    def flux(self, labels: ArrayLike) -> NDArray[np.float64]:
        """
        Return the continuum-normalised spectra of stars.

        Parameters
        ----------
        labels : array of shape (star, 6)
            Teff [K], log g, [M/H], [alpha/M], [C/M], [N/M].

        Returns
        -------
        flux : array of shape (star, P)

        Raises
        ------
        LabelError
            A star is outside the emulator's range; the message names the label.
        """
        values = self._checked_shape(labels)
        self._require_inside(values)
        amplitudes = self._terms(values) @ self.coefficients
        return self.mean + amplitudes @ self.components

    def _terms(self, values: FloatArray) -> FloatArray:
        return polynomial_terms(unit_coordinates(values, self.low, self.high), self.degree)

    @staticmethod
    def _checked_shape(labels: ArrayLike) -> NDArray[np.float64]:
        values = np.asarray(labels, dtype=np.float64)
        if values.ndim != 2 or values.shape[1] != len(EMULATOR_LABELS):
            raise LabelError(
                f"labels must have shape (star, {len(EMULATOR_LABELS)}) for {', '.join(EMULATOR_LABELS)}; "
                f"got {values.shape}"
            )
        return values

    def _require_inside(self, values: FloatArray) -> None:
        bad = np.flatnonzero(~self.inside(values))
        if not len(bad):
            return
        star = bad[0]
        for name, value, low, high in zip(EMULATOR_LABELS, values[star], self.low, self.high, strict=True):
            if not low <= value <= high:
                raise LabelError(
                    f"{len(bad)} of {len(values)} stars are outside the emulator's range: star {star} has "
                    f"{name} = {value:.4g}, which is not in {low:.4g} to {high:.4g}; select with inside()"
                )
        text = ", ".join(f"{name} = {v:.4g}" for name, v in zip(EMULATOR_LABELS, values[star], strict=True))
        raise LabelError(
            f"{len(bad)} of {len(values)} stars are outside the emulator's range: star {star} with {text} is "
            "far from every spectrum of the grid; select with inside()"
        )


@cache
def _packaged_emulator(name: str) -> Emulator:
    with as_file(files("bayescannon.mock") / name) as path:
        return Emulator.read(path)

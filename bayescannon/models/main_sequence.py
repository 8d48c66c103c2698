r"""
The main sequence of a reference set, and the light of two stars on it: what makes pairs a family of few parameters.

Both stars of a pair have the same age and composition, so that the second one's labels follow from the first one's and
from the ratio q of the masses, with T = ln(Teff / 5777 K) and m = [Fe/H]:

    ln Teff_2 = ln Teff_1 + ln(q) / 1.7,
    log g_2   = g(T_2, m) + (log g_1 - g(T_1, m)) exp(-(1 - q) / 0.1),

and all other labels are equal. g is a quadratic in T and m, fitted to the dwarfs of the reference set. On the main
sequence from K5 to F0, M is about Teff^1.7 (Pecaut & Mamajek 2013, ApJS 208, 9, and their table of dwarfs). A star that
is above the main sequence because it has evolved has a companion that has evolved less, the less mass it has: the
second term lets q = 1 be the same star and lets stars of little less mass be on the sequence. A companion that is
cooler than all dwarfs of the reference set gets the spectrum of the coolest ones.

The ratio of the stars' continua at one wavelength is that of masses, surfaces (M / g) and Planck functions B,

    ln r = ln q + ln(10) (log g_1 - log g_2) + ln B(Teff_2) - ln B(Teff_1) + width * rho,    rho ~ Normal(0, 1),

where rho stands for what labels with errors do not say of the radii, and the second star's share of the light is
w = r / (1 + r). One share is taken for all wavelengths: that at the wavelength at which the labels are mostly measured.
"""

from dataclasses import dataclass
from types import ModuleType
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from bayescannon.data.labels import LabelScaler
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.typing import FloatArray

# exponent of M as a power of Teff, and the decrease of mass that makes a companion e times less evolved
MASS_EXPONENT, LESS_EVOLVED = 1.7, 0.1
# of the logarithm of the ratio of the light: log g of a dwarf is known to about 0.1 dex
LIGHT_WIDTH = 0.25
# ratios of masses are uniform from here to 1: below, a companion gives less than a thousandth of the light
LEAST_RATIO = 0.2
# of pairs with two velocities: standard deviations [km/s] of the velocity of the mean light, which single stars have
# too, of the difference of velocities, and of the root of the change of the lines' variance
MEAN_WIDTH, DIFFERENCE_WIDTH, SPREAD_WIDTH = 20.0, 120.0, 50.0
# the Sun's Teff; hc/k in Angstrom Kelvin
SOLAR_TEFF, SECOND_RADIATION = 5777.0, 1.438777e8
# dwarfs have larger log g and are cooler; beyond, M and Teff do not go together in this way
LEAST_DWARF_LOGG, HOTTEST_DWARF = 3.8, 7500.0
_FEWEST_DWARFS = 20
# rounds of leaving out dwarfs that are off by so many robust standard deviations
_ROUNDS, _OFF = 10, 3.0


class PopulationError(InputError):
    """A reference set without a main sequence; the message says what it lacks."""


class Companion(NamedTuple):
    """
    The second star of a pair: what a first star and a ratio of masses say of it.

    Attributes
    ----------
    labels : array of shape (..., K)
    log_light : array of shape (...)
        ln r at rho = 0.
    """

    labels: Any
    log_light: Any


@dataclass(frozen=True)
class MainSequence:
    """
    The dwarfs of a reference set.

    Attributes
    ----------
    names : tuple of K str
        The labels; teff and logg are among them.
    coefficients : float array of shape (6,)
        Of 1, T, T^2, m, T m, m^2 in log g; the last three are 0 without fe_h.
    coolest : float
        Teff [K] of the coolest dwarfs.
    wavelength : float
        At which the ratio of the light is taken, in Angstrom.
    light_width : float
        Standard deviation of ln r.
    """

    names: tuple[str, ...]
    coefficients: NDArray[np.float64]
    coolest: float
    wavelength: float
    light_width: float = LIGHT_WIDTH

    @classmethod
    def fit(cls, labels: FloatArray, names: tuple[str, ...], wavelength: float) -> Self:
        """
        Fit the main sequence to labels (N, K) of a reference set, of which the dwarfs are taken.

        Raises
        ------
        PopulationError
            There are fewer than 20 dwarfs, or Teff or log g is no label.
        """
        for name in ("teff", "logg"):
            if name not in names:
                raise PopulationError(
                    f"pairs of stars are on a main sequence, which needs the label {name}; the labels are "
                    f"{', '.join(names)}"
                )
        rows = is_dwarf(labels, names)
        if rows.sum() < _FEWEST_DWARFS:
            raise PopulationError(
                f"a main sequence needs {_FEWEST_DWARFS} dwarfs (log g above {LEAST_DWARF_LOGG:g}, Teff below "
                f"{HOTTEST_DWARF:g} K); {int(rows.sum())} of the {len(labels)} reference stars are dwarfs. Train on "
                "a population with dwarfs"
            )
        teff, logg, metals = (_column(labels[rows], names, name) for name in ("teff", "logg", "fe_h"))
        terms = _terms(np.log(teff / SOLAR_TEFF), metals, np)
        kept = np.ones(len(terms), dtype=bool)
        coefficients = np.zeros(terms.shape[1])
        for _ in range(_ROUNDS):
            coefficients = np.linalg.lstsq(terms[kept], logg[kept], rcond=None)[0]
            off = logg - terms @ coefficients
            kept = np.abs(off) <= _OFF * 1.4826 * np.median(np.abs(off[kept]))
        return cls(tuple(names), coefficients, float(np.quantile(teff, 0.01)), float(wavelength))

    def logg(self, teff: Any, metals: Any, xp: ModuleType = np) -> Any:
        """Return log g on the main sequence at Teff [K] and [Fe/H]."""
        return (_terms(xp.log(teff / SOLAR_TEFF), metals, xp) * self.coefficients).sum(axis=-1)

    def companion(self, labels: Any, q: Any, xp: ModuleType = np) -> Companion:
        """
        Return the second star of pairs.

        Parameters
        ----------
        labels : array of shape (..., K)
            Of the first star, in the labels' units.
        q : array of shape (...)
            Ratio of the masses, above 0 and at most 1.
        xp : module
            ``numpy``, or ``pytensor.tensor`` for symbols.
        """
        teff, logg, metals = (_column(labels, self.names, name) for name in ("teff", "logg", "fe_h"))
        true_teff = teff * q ** (1 / MASS_EXPONENT)
        second = xp.minimum(teff, xp.maximum(true_teff, self.coolest))
        evolved = (logg - self.logg(teff, metals, xp)) * xp.exp(-(1 - q) / LESS_EVOLVED)
        second_logg = self.logg(second, metals, xp) + evolved
        changed = {"teff": second, "logg": second_logg}
        columns = [changed.get(name, labels[..., k]) for k, name in enumerate(self.names)]
        brightness = _planck_ratio(teff, true_teff, self.wavelength, xp)
        return Companion(xp.stack(columns, axis=-1), xp.log(q) + np.log(10) * (logg - second_logg) + brightness)

    def colour(self, labels: Any, q: Any, wavelength: Any, xp: ModuleType = np) -> Any:
        """Return ln r at wavelengths (P,) [Angstrom] less that at the sequence's, for one pair of stars."""
        teff = _column(labels, self.names, "teff")
        cooler = teff * q ** (1 / MASS_EXPONENT)
        return _planck_ratio(teff, cooler, wavelength, xp) - _planck_ratio(teff, cooler, self.wavelength, xp)

    def arrays(self, scaler: LabelScaler) -> tuple[Any, ...]:
        """Return the numbers that compiled kernels take: places of the labels, scaler, and what is above."""
        place = [self.names.index(name) if name in self.names else -1 for name in ("teff", "logg", "fe_h")]
        numbers = np.array([self.coolest, self.wavelength, self.light_width])
        return (np.array(place), np.array(scaler.pivot), np.array(scaler.scale), self.coefficients, numbers)


def is_dwarf(labels: FloatArray, names: tuple[str, ...]) -> NDArray[np.bool_]:
    """Return which labels (N, K) are those of dwarfs; NaN is none."""
    teff, logg = (_column(labels, names, name) for name in ("teff", "logg"))
    result: NDArray[np.bool_] = (logg > LEAST_DWARF_LOGG) & (teff < HOTTEST_DWARF)
    return result


def _column(labels: Any, names: tuple[str, ...], name: str) -> Any:
    """Return a label of labels (..., K); 0 if it is not among them."""
    return labels[..., names.index(name)] if name in names else 0.0 * labels[..., 0]


def _planck_ratio(teff: Any, other: Any, wavelength: Any, xp: ModuleType) -> Any:
    """Return ln B(other) - ln B(teff) at a wavelength."""
    one, two = (SECOND_RADIATION / (wavelength * t) for t in (teff, other))
    return xp.log(xp.expm1(one)) - xp.log(xp.expm1(two))


def _terms(t: Any, m: Any, xp: ModuleType) -> Any:
    """Return 1, T, T^2, m, T m, m^2 along a last dimension; what m does not vary over is left to a minimal norm."""
    return xp.stack([xp.ones_like(t), t, t * t, m, t * m, m * m], axis=-1)

"""
Named features of optical spectra: lines and bands of stars, interstellar bands, and marks of the air and instrument.

Lines are in air as the NIST Atomic Spectra Database lists them. The bands G, CN 4160, C2 4668 and MgH 5100 are the
passbands of the Lick/IDS indices G4300, CN1, Fe4668 and Mg1 (Worthey et al. 1994, ApJS 94, 687); other molecular bands
are from about their heads to where they overlap with others (Pearse & Gaydon 1976, The Identification of Molecular
Spectra), rounded. Telluric bands are the visible ones of O2 and H2O, rounded. Diffuse interstellar bands are those that
Ho et al. (2017, section 3) name. Everything is converted to vacuum once.

Telluric bands, sky lines and the join of the arms are at rest with the observer, so that spectra at rest have them at
wavelengths that differ by some Angstrom from star to star.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

import numpy as np

from bayescannon.data.air import to_vacuum
from bayescannon.data.preset import ARM_JOIN, SKY_HALF_WIDTH, SKY_LINES
from bayescannon.numerics.typing import BoolArray, FloatArray

# pixels this near to a line [Angstrom] are of the line: lines of a survey of R 1800 have a full width of 3 A
LINE_HALF_WIDTH = 6.0
# stellar velocities and the redshift move what is at rest with the observer by this much [Angstrom]
_OBSERVED_MARGIN = 3.0


class FeatureKind(StrEnum):
    """What causes a feature."""

    LINE = "line"
    MOLECULE = "molecule"
    INTERSTELLAR = "interstellar"
    TELLURIC = "telluric"
    SKY = "sky"
    INSTRUMENT = "instrument"


@dataclass(frozen=True)
class Feature:
    """
    A named feature.

    Attributes
    ----------
    name : str
        Plain text.
    kind : FeatureKind
    spans : tuple of pairs of float
        The wavelengths that it covers, in vacuum [Angstrom].
    centres : tuple of float
        Where a figure marks it.
    symbol : str
        Its name in a figure.

    Examples
    --------
    >>> from bayescannon.data.spectral_features import features_at
    >>> features_at(5176.0)[0]
    Feature(name='Mg b', kind=<FeatureKind.LINE: 'line'>, ...)
    """

    name: str
    kind: FeatureKind
    spans: tuple[tuple[float, float], ...]
    centres: tuple[float, ...]
    symbol: str = ""

    def covers(self, wavelength: FloatArray) -> BoolArray:
        """Return which wavelengths (P,) it covers."""
        return np.any([(wavelength >= low) & (wavelength <= high) for low, high in self.spans], axis=0)

    @property
    def width(self) -> float:
        """The sum of its spans [Angstrom]."""
        return sum(high - low for low, high in self.spans)


@dataclass(frozen=True)
class DiffuseBand:
    """
    A diffuse interstellar band.

    Attributes
    ----------
    air : float
        The rounded air wavelength that is its name in the paper.
    wavelength : float
        In vacuum [Angstrom].
    fwhm : float
        Full width at half maximum [Angstrom].
    """

    air: float
    wavelength: float
    fwhm: float


INTERSTELLAR_BANDS = (
    DiffuseBand(4428.0, 4429.3, 16.0),
    DiffuseBand(4882.0, 4883.4, 20.0),
    DiffuseBand(5780.0, 5782.1, 2.6),
    DiffuseBand(5797.0, 5798.7, 1.3),
    DiffuseBand(6203.0, 6205.0, 3.5),
    DiffuseBand(6283.0, 6285.4, 5.5),
    DiffuseBand(6614.0, 6615.4, 1.7),
    DiffuseBand(8621.0, 8623.4, 5.0),
)
# vacuum wavelengths [Angstrom] of the sodium doublet
SODIUM_D = (5891.58, 5897.56)

# name, half width [Angstrom] and air wavelengths [Angstrom]; Balmer lines, H and K have wings
_LINES = (
    ("Ca II K", 15.0, (3933.66,)),
    ("Ca II H", 15.0, (3968.47,)),
    ("Mn I 4031", LINE_HALF_WIDTH, (4030.75, 4033.06, 4034.48)),
    ("Fe I 4046", LINE_HALF_WIDTH, (4045.81, 4063.59, 4071.74)),
    ("Sr II 4078", LINE_HALF_WIDTH, (4077.71,)),
    ("H delta", 12.0, (4101.74,)),
    ("Sr II 4216", 4.0, (4215.52,)),
    ("Ca I 4227", LINE_HALF_WIDTH, (4226.73,)),
    ("Fe I 4272", LINE_HALF_WIDTH, (4271.76,)),
    ("Fe I 4326", LINE_HALF_WIDTH, (4325.76,)),
    ("H gamma", 12.0, (4340.47,)),
    ("Fe I 4384", LINE_HALF_WIDTH, (4383.55, 4404.75)),
    ("Ba II 4554", LINE_HALF_WIDTH, (4554.03,)),
    ("H beta", 12.0, (4861.33,)),
    ("Ba II 4934", LINE_HALF_WIDTH, (4934.08,)),
    ("Fe I 4957", LINE_HALF_WIDTH, (4957.30, 4957.60)),
    ("Mg b", LINE_HALF_WIDTH, (5167.32, 5172.68, 5183.60)),
    ("Cr I 5206", LINE_HALF_WIDTH, (5204.51, 5206.04, 5208.42)),
    ("Fe I 5270", LINE_HALF_WIDTH, (5269.54,)),
    ("Fe I 5328", LINE_HALF_WIDTH, (5328.04,)),
    ("Fe I 5371", LINE_HALF_WIDTH, (5371.49,)),
    ("Fe I 5406", LINE_HALF_WIDTH, (5405.77,)),
    ("Fe I 5430", LINE_HALF_WIDTH, (5429.70, 5434.52, 5446.92, 5455.61)),
    ("Mg I 5528", LINE_HALF_WIDTH, (5528.40,)),
    ("Ca I 5589", LINE_HALF_WIDTH, (5588.75, 5594.46)),
    ("Ca I 6122", LINE_HALF_WIDTH, (6102.72, 6122.22, 6162.17)),
    ("Ca I 6439", LINE_HALF_WIDTH, (6439.08,)),
    ("Ba II 6497", LINE_HALF_WIDTH, (6496.90,)),
    ("H alpha", 12.0, (6562.80,)),
    ("Li I 6708", LINE_HALF_WIDTH, (6707.8,)),
    ("K I 7699", LINE_HALF_WIDTH, (7698.96,)),
    ("O I 7774", LINE_HALF_WIDTH, (7771.94, 7774.17, 7775.39)),
    ("Na I 8190", LINE_HALF_WIDTH, (8183.26, 8194.82)),
    ("Ca II triplet", 10.0, (8498.02, 8542.09, 8662.14)),
    ("Fe I 8688", LINE_HALF_WIDTH, (8688.62,)),
    ("Mg I 8807", LINE_HALF_WIDTH, (8806.76,)),
)
# name and range of air wavelengths [Angstrom]
_MOLECULES = (
    ("CN 3883", 3846.0, 3884.0),
    ("CN 4160", 4142.125, 4177.125),
    ("CN 4215", 4177.125, 4217.0),
    ("G band (CH)", 4281.375, 4316.375),
    ("C2 4668", 4634.0, 4738.0),
    ("TiO 4955", 4954.0, 5000.0),
    ("MgH 5100", 5069.125, 5134.125),
    ("C2 5165", 5134.125, 5166.0),
    ("TiO 5448", 5448.0, 5500.0),
    ("C2 5635", 5540.0, 5636.0),
    ("TiO 5759", 5759.0, 5810.0),
    ("TiO 5847", 5847.0, 5880.0),
    ("TiO 6159", 6159.0, 6272.0),
    ("TiO 6651", 6651.0, 6720.0),
    ("CaH 6800", 6750.0, 6860.0),
    ("TiO 7054", 7054.0, 7160.0),
    ("CN 7900", 7872.0, 8060.0),
    ("TiO 8432", 8432.0, 8490.0),
    ("TiO 8859", 8859.0, 8930.0),
)
_TELLURIC = (
    ("O2 6276", 6276.0, 6320.0),
    ("B band (O2)", 6867.0, 6944.0),
    ("H2O 7200", 7160.0, 7340.0),
    ("A band (O2)", 7593.0, 7700.0),
    ("H2O 8200", 8130.0, 8350.0),
    ("H2O 9000", 8940.0, 9800.0),
)
_GREEK = {"alpha": r"$\alpha$", "beta": r"$\beta$", "gamma": r"$\gamma$", "delta": r"$\delta$"}


def _symbol(name: str) -> str:
    head, _, tail = name.partition(" ")
    return head + _GREEK[tail] if tail in _GREEK else name


def _vacuum(values: Sequence[float]) -> tuple[float, ...]:
    return tuple(float(value) for value in to_vacuum(np.asarray(values)))


def _lines(name: str, half_width: float, centres: tuple[float, ...], kind: FeatureKind) -> Feature:
    return Feature(name, kind, tuple((c - half_width, c + half_width) for c in centres), centres, _symbol(name))


def _band(name: str, ends: tuple[float, ...], kind: FeatureKind) -> Feature:
    low, high = ends
    return Feature(name, kind, ((low, high),), ((low + high) / 2,), name)


@cache
def known_features() -> tuple[Feature, ...]:
    """
    Return all features, by wavelength.

    Examples
    --------
    >>> [feature.name for feature in known_features() if feature.kind == "interstellar"][:3]
    ['DIB 4428', 'DIB 4882', 'DIB 5780']
    """
    features = [_lines(name, half, _vacuum(air), FeatureKind.LINE) for name, half, air in _LINES]
    features.append(_lines("Na D", LINE_HALF_WIDTH, SODIUM_D, FeatureKind.LINE))
    features += [_band(name, _vacuum(ends), FeatureKind.MOLECULE) for name, *ends in _MOLECULES]
    for band in INTERSTELLAR_BANDS:
        half = max(LINE_HALF_WIDTH, band.fwhm / 2)
        features.append(_lines(f"DIB {band.air:.0f}", half, (band.wavelength,), FeatureKind.INTERSTELLAR))
    features += [_band(name, _vacuum(ends), FeatureKind.TELLURIC) for name, *ends in _TELLURIC]
    sky = SKY_HALF_WIDTH + _OBSERVED_MARGIN
    features += [_lines(f"sky {line:.0f}", sky, _vacuum([line]), FeatureKind.SKY) for line in SKY_LINES]
    features.append(_band("arm join", ARM_JOIN, FeatureKind.INSTRUMENT))
    return tuple(sorted(features, key=lambda feature: feature.spans[0]))


def features_within(wavelength: FloatArray) -> tuple[Feature, ...]:
    """Return the features that cover at least one pixel of a grid (P,), by wavelength."""
    return tuple(feature for feature in known_features() if feature.covers(wavelength).any())


def features_at(wavelength: float) -> tuple[Feature, ...]:
    """
    Return the features that cover a vacuum wavelength, the narrowest first.

    Examples
    --------
    >>> [[feature.name for feature in features_at(at)] for at in (6564.0, 5870.0, 4800.0)]
    [['H alpha'], ['TiO 5847', 'arm join'], []]
    """
    around = [feature for feature in known_features() if feature.covers(np.array([wavelength]))[0]]
    return tuple(sorted(around, key=lambda feature: feature.width / len(feature.spans)))


def named_feature(name: str) -> Feature:
    """Return the feature of a name; a KeyError if there is none."""
    return _by_name()[name]


@cache
def _by_name() -> dict[str, Feature]:
    return {feature.name: feature for feature in known_features()}

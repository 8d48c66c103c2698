"""
Odd stars among the test stars, each class with its truth: what a survey finds that no model of single stars describes.

==================  ================================================================================================
``binary``          two stars whose velocities differ by less than 60 km/s, which R = 1800 does not separate
``double-lined``    two stars of similar light whose velocities differ by 150 to 400 km/s
``emission``        the Balmer lines have cores of emission, in H alpha with an equivalent width of 1 to 15 A
``carbon``          giants with the bands of C2 and CN of a carbon star
``wrong-redshift``  the header's redshift is off by 50 to 600 km/s; in a fifth of them by 1500 to 6000 km/s
``sky``             half to nearly all of the light is the moonlit sky, the S/N is below 8, sky lines are left over
==================  ================================================================================================

Both stars of a pair have the same metallicity and age: two dwarfs on the main sequence with masses in a ratio of 0.4 to
1, or two giants on the giant branch. Each gives light in proportion to its mass, its surface (M / g) and Planck's law
at 5500 A; where the second star is outside the range of the emulator, both stars are alike.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayescannon.cannon.choice_fields import ChoiceError
from bayescannon.cannon.mock_choices import MOCK_ODD
from bayescannon.mock.dwarfs import MASS_EXPONENT, SOLAR_TEFF, sequence_logg
from bayescannon.mock.emulator import EMULATOR_LABELS, Emulator
from bayescannon.mock.optics import C_KM_S, COLOUR_TEMPERATURE, PLANCK_CONSTANT
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.typing import FloatArray
from bayescannon.numerics.whole_numbers import whole_number

# populations whose stars can be of a class
ELIGIBLE = {
    "binary": ("giant", "dwarf"),
    "double-lined": ("giant", "dwarf"),
    "emission": ("giant", "dwarf", "hot"),
    "carbon": ("giant",),
    "wrong-redshift": ("giant", "dwarf", "hot"),
    "sky": ("giant", "dwarf", "hot"),
}
# differences of velocity in km/s
BLENDED, SEPARATE = (0.0, 60.0), (150.0, 400.0)
# ratios of masses of dwarfs in pairs
MASS_RATIO = {"binary": (0.4, 1.0), "double-lined": (0.8, 1.0)}
# how much larger log g of the second giant can be, and the slope of the giant branch [K/dex]
GIANT_STEP = {"binary": 0.8, "double-lined": 0.3}
BRANCH_SLOPE = 450.0
# least and largest: equivalent width [A], strength of bands, errors of redshift [km/s], share of sky, S/N
EMISSION_RANGE, CARBON_RANGE = (1.0, 15.0), (0.4, 1.5)
WRONG, BADLY_WRONG, BADLY_WRONG_SHARE = (50.0, 600.0), (1500.0, 6000.0), 0.2
SKY_RANGE, SKY_SNR = (0.5, 0.95), (3.0, 8.0)
# labels of the sun, whose light the moonlit sky has
SUN = dict(zip(EMULATOR_LABELS, (5772.0, 4.44, 0.0, 0.0, 0.0, 0.0), strict=True))

# what is known of odd stars: columns of the truth
ODD_TRUTH = ("odd", "companion_teff", "companion_logg", "companion_m_h", "companion_velocity", "light_ratio",
             "emission", "carbon", "redshift_offset", "sky_share")  # fmt: skip

Stars = dict[str, NDArray[Any]]


def checked_odd(odd: Mapping[str, int]) -> dict[str, int]:
    """
    Return the number of stars of each class of `MOCK_ODD`, in that order.

    Raises
    ------
    ChoiceError
        There is no such class.
    InputError
        A number is not a whole one, or negative.
    """
    if not isinstance(odd, Mapping) or not set(odd) <= set(MOCK_ODD):
        raise ChoiceError(f"odd must map names among {', '.join(MOCK_ODD)} to numbers of stars; got {odd!r}")
    return {name: whole_number(odd[name], f"odd[{name!r}]") for name in MOCK_ODD if name in odd}


def make_odd(stars: Stars, odd: Mapping[str, int], rng: np.random.Generator) -> None:
    """
    Make some of the test stars odd, in place.

    Parameters
    ----------
    stars : dict of arrays of shape (star,)
        Of :func:`bayescannon.mock.stars.draw_stars`. It gains the columns of `ODD_TRUTH` and the other labels and the
        population of companions; velocity, redshift and S/N of odd stars change.
    odd : mapping of str to int
        The number of stars of each class.
    rng : numpy.random.Generator

    Raises
    ------
    InputError
        There are too few test stars of the populations that a class can have.
    """
    n_star = len(stars["teff"])
    stars["odd"] = np.full(n_star, "none", dtype=f"<U{max(map(len, MOCK_ODD))}")
    stars["companion_population"] = stars["population"].copy()
    for name in EMULATOR_LABELS:
        stars[f"companion_{name}"] = np.full(n_star, np.nan)
    stars["companion_velocity"] = np.full(n_star, np.nan)
    for name in ("light_ratio", "emission", "carbon", "redshift_offset", "sky_share"):
        stars[name] = np.zeros(n_star)
    # the classes with the fewest eligible stars choose first
    for name in sorted(checked_odd(odd), key=lambda name: len(ELIGIBLE[name])):
        free = np.flatnonzero(
            (stars["odd"] == "none") & ~stars["is_reference"] & np.isin(stars["population"], ELIGIBLE[name])
        )
        if odd[name] > len(free):
            raise InputError(
                f"{odd[name]} stars of the class {name!r} are wanted; only {len(free)} test stars of the populations "
                f"{', '.join(ELIGIBLE[name])} are left. Raise n_test or lower the number"
            )
        rows = rng.choice(free, odd[name], replace=False)
        stars["odd"][rows] = name
        _CHANGES[name](stars, rows, rng)


def _pair(stars: Stars, rows: NDArray[np.intp], rng: np.random.Generator) -> None:
    """Give stars of one class a companion."""
    if not len(rows):
        return
    name = str(stars["odd"][rows[0]])
    first = {label: stars[label][rows] for label in EMULATOR_LABELS}
    dwarf = stars["population"][rows] == "dwarf"
    mass = (first["teff"] / SOLAR_TEFF) ** MASS_EXPONENT
    ratio = np.where(dwarf, rng.uniform(*MASS_RATIO[name], len(rows)), 1.0)
    step = rng.uniform(0, GIANT_STEP[name], len(rows))
    teff = np.where(dwarf, SOLAR_TEFF * (mass * ratio) ** (1 / MASS_EXPONENT), first["teff"] + BRANCH_SLOPE * step)
    on_sequence = np.maximum(sequence_logg(teff), first["logg"])
    second = {**first, "teff": teff, "logg": np.where(dwarf, on_sequence, first["logg"] + step)}
    values = np.stack([second[label] for label in EMULATOR_LABELS], axis=1)
    alone = np.zeros(len(rows), dtype=bool)
    for population in ("giant", "dwarf"):
        own = stars["population"][rows] == population
        alone[own] = ~Emulator.load(population).inside(values[own])
    second = {label: np.where(alone, first[label], second[label]) for label in EMULATOR_LABELS}
    ratio = np.where(alone, 1.0, ratio)
    brightness = _planck(second["teff"]) / _planck(first["teff"])
    light = ratio * 10 ** (first["logg"] - second["logg"]) * brightness
    sign = rng.choice([-1.0, 1.0], len(rows))
    difference = sign * rng.uniform(*(BLENDED if name == "binary" else SEPARATE), len(rows))
    # both move about their common centre of mass; the redshift is that of the mean light
    velocity = stars["velocity"][rows] - difference * ratio / (1 + ratio)
    stars["z"][rows] += (velocity + difference * light / (1 + light) - stars["velocity"][rows]) / C_KM_S
    stars["velocity"][rows] = velocity
    stars["companion_velocity"][rows] = velocity + difference
    stars["light_ratio"][rows] = light
    for label in EMULATOR_LABELS:
        stars[f"companion_{label}"][rows] = second[label]


def _planck(teff: FloatArray) -> FloatArray:
    """Planck's law at 5500 A, in arbitrary units."""
    result: FloatArray = 1 / np.expm1(PLANCK_CONSTANT / (5500.0 * COLOUR_TEMPERATURE * teff))
    return result


def _log_uniform(limits: tuple[float, float], n_star: int, rng: np.random.Generator) -> FloatArray:
    low, high = limits
    result: FloatArray = low * (high / low) ** rng.random(n_star)
    return result


def _emit(stars: Stars, rows: NDArray[np.intp], rng: np.random.Generator) -> None:
    stars["emission"][rows] = _log_uniform(EMISSION_RANGE, len(rows), rng)


def _enrich(stars: Stars, rows: NDArray[np.intp], rng: np.random.Generator) -> None:
    stars["carbon"][rows] = rng.uniform(*CARBON_RANGE, len(rows))


def _misplace(stars: Stars, rows: NDArray[np.intp], rng: np.random.Generator) -> None:
    badly = rng.random(len(rows)) < BADLY_WRONG_SHARE
    size = _log_uniform(WRONG, len(rows), rng)
    size[badly] = rng.uniform(*BADLY_WRONG, int(badly.sum()))
    offset = rng.choice([-1.0, 1.0], len(rows)) * size
    stars["redshift_offset"][rows] = offset
    stars["z"][rows] += offset / C_KM_S


def _drown(stars: Stars, rows: NDArray[np.intp], rng: np.random.Generator) -> None:
    share = rng.uniform(*SKY_RANGE, len(rows))
    stars["sky_share"][rows] = share
    stars["light_ratio"][rows] = share / (1 - share)
    stars["snr"][rows] = rng.uniform(*SKY_SNR, len(rows))
    stars["companion_population"][rows] = "dwarf"
    stars["companion_velocity"][rows] = 0.0
    for label, value in SUN.items():
        stars[f"companion_{label}"][rows] = value


_CHANGES = {
    "binary": _pair, "double-lined": _pair, "emission": _emit, "carbon": _enrich, "wrong-redshift": _misplace,
    "sky": _drown,
}  # fmt: skip

"""
Tables of the mock survey: labels of Survey A with errors and flags, labels of Survey B with biases, true labels.

The table of Survey A has the columns of APOGEE's allStar file of DR12. Its labels have Gaussian errors whose root mean
squares are `APOGEE_ERRORS`; 3 % of the stars have the labels of another star, 5 % are flagged and most of those have
wrong or missing labels, and 1 % have a missing label without a flag.

The labels of Survey B (LASP, LAMOST's pipeline) deviate from the truth by trends like those in figure 1 of Ho et al.
(2017): Teff is too high by 50 to 100 K, log g is too high on the upper giant branch, and [Fe/H] is compressed. The
sizes of the trends are assumptions. Their noise is small, because they come from the same spectra, and has outliers;
its sizes are chosen so that a Cannon trained on them reproduces them as well as it does LASP's labels of real giants.

In a field sample the errors of Survey A are larger for dwarfs, and those of both surveys much larger for hot stars,
which have few lines of metals; hot stars have no [C/M] and [N/M] in Survey A. LASP's log g of dwarfs is drawn half-way
to the main sequence: the spectra of real dwarfs change more with LASP's log g than those of the mock survey with the
true one, by a factor of about two, whether because LASP's labels are drawn together or because the spectra of the mock
dwarfs respond too little to gravity.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from astropy.coordinates import SkyCoord
from astropy.table import Table
from numpy.typing import NDArray

from bayescannon.io.apogee_flags import AspcapFlagDR12 as Flag
from bayescannon.mock.dwarfs import sequence_logg
from bayescannon.mock.odd_stars import ODD_TRUTH

Stars = Mapping[str, NDArray[Any]]

# standard deviations of the label errors of Survey A
APOGEE_ERRORS = {
    "teff": 45.0, "logg": 0.09, "m_h": 0.06, "alpha_m": 0.018, "a_k": 0.025, "c_m": 0.05, "n_m": 0.07,
}  # fmt: skip
# errors of both surveys' labels relative to those of giants; A_K is measured as well in all stars
ERROR_FACTORS = {"giant": 1.0, "dwarf": 1.3, "hot": 4.0}
LASP_FACTORS = {"giant": 1.0, "dwarf": 0.6, "hot": 4.0}
# share of the distance to the main sequence by which LASP's log g of dwarfs is drawn to it
LASP_COMPRESSION = 0.5
# the trend of LASP's Teff ends this far above 4700 K
LASP_LAST_TREND = 1100.0
# scatter of the logarithm of the stars' errors
ERROR_LOG_WIDTH = 0.3
APOGEE_COLUMNS = {
    "teff": "TEFF",
    "logg": "LOGG",
    "m_h": "PARAM_M_H",
    "alpha_m": "PARAM_ALPHA_M",
    "a_k": "AK_WISE",
}
# columns of the truth, where they are not named after labels
TRUTH_COLUMNS = {"fe_h": "m_h"}
# drawn apart from the others, whose noise does not depend on them
APOGEE_ABUNDANCES = {"c_m": "PARAM_C_M", "n_m": "PARAM_N_M"}
# FITS has no unit dex
APOGEE_UNITS = {"teff": "K", "a_k": "mag"}
# degrees of freedom of the noise of LASP's labels, which has outliers
LASP_FREEDOM = 2.5
MISSING = -9999.0
# fractions of the reference stars
MISLABELLED = 0.03
WARNED = 0.01
BAD = 0.03
NO_RESULT = 0.01
INCOMPLETE = 0.01

SUBCLASSES = ((9000.0, "A1"), (8000.0, "A5"), (7000.0, "A9"), (6500.0, "F2"), (6150.0, "F5"), (5900.0, "F9"),
              (5400.0, "G2"), (5150.0, "G5"), (4950.0, "G8"), (4750.0, "K0"), (4500.0, "K1"),
              (4250.0, "K3"), (4000.0, "K5"), (0.0, "K7"))  # fmt: skip


def spread_errors(stars: Stars, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
    """
    Choose which reference stars are mislabelled, flagged or incomplete.

    Parameters
    ----------
    stars : mapping
        With a bool column ``is_reference`` of shape (star,).
    rng : numpy.random.Generator

    Returns
    -------
    flaws : dict
        ``mislabelled`` and ``incomplete``, bool, and ``aspcapflag``, uint32, of shape (star,). No star has more than
        one of them.
    """
    is_reference = stars["is_reference"]
    reference = rng.permutation(np.flatnonzero(is_reference))
    shares = np.array([MISLABELLED, WARNED, BAD, NO_RESULT, INCOMPLETE])
    ends = np.round(np.cumsum(shares) * len(reference)).astype(int)
    mislabelled, warned, bad, no_result, incomplete = np.split(reference[: ends[-1]], ends[:-1])
    n_star = len(is_reference)
    flaws = {
        "mislabelled": np.zeros(n_star, dtype=bool),
        "incomplete": np.zeros(n_star, dtype=bool),
        "aspcapflag": np.zeros(n_star, dtype=np.uint32),
    }
    flaws["mislabelled"][mislabelled] = True
    flaws["incomplete"][incomplete] = True
    flaws["aspcapflag"][warned] = Flag.STAR_WARN | Flag.TEFF_WARN
    flaws["aspcapflag"][bad] = Flag.STAR_BAD | np.where(rng.random(len(bad)) < 0.5, Flag.TEFF_BAD, Flag.CHI2_BAD)
    flaws["aspcapflag"][no_result] = Flag.NO_ASPCAP_RESULT
    return flaws


def apogee_table(stars: Stars, rng: np.random.Generator) -> Table:
    """
    Make the table of Survey A for the reference stars, in the layout of APOGEE's allStar of DR12.

    Parameters
    ----------
    stars : mapping
        The survey's stars with the columns of :func:`spread_errors`.
    rng : numpy.random.Generator

    Returns
    -------
    table : astropy.table.Table
        Missing labels are -9999, as APOGEE writes them.
    """
    chosen = stars["is_reference"]
    n_star = int(chosen.sum())
    flag = stars["aspcapflag"][chosen]
    mislabelled = np.flatnonzero(stars["mislabelled"][chosen])
    factor = population_factors(stars["population"][chosen], ERROR_FACTORS)
    hot = stars["population"][chosen] == "hot"
    source = np.arange(n_star)
    # a shift by 1 to n - 1 rows, so that no star gets its own labels
    source[mislabelled] = (mislabelled + rng.integers(1, max(n_star, 2), len(mislabelled))) % n_star
    table = Table()
    table["APOGEE_ID"] = apogee_names(stars["ra"][chosen], stars["dec"][chosen])
    # positions of the surveys differ by 0.2 arcsec per coordinate
    cos_dec = np.cos(np.deg2rad(stars["dec"][chosen]))
    table["RA"] = stars["ra"][chosen] + rng.normal(0, 0.2 / 3600, n_star) / cos_dec
    table["DEC"] = stars["dec"][chosen] + rng.normal(0, 0.2 / 3600, n_star)
    (abundance_rng,) = rng.spawn(1)
    for name, column in (APOGEE_COLUMNS | APOGEE_ABUNDANCES).items():
        draws = abundance_rng if name in APOGEE_ABUNDANCES else rng
        error = APOGEE_ERRORS[name] * np.exp(ERROR_LOG_WIDTH * draws.standard_normal(n_star) - ERROR_LOG_WIDTH**2)
        if name != "a_k":
            error *= factor
        value = (stars[name][chosen] + error * draws.standard_normal(n_star))[source]
        value = np.where(flag & Flag.STAR_BAD, value + 8 * error * draws.standard_normal(n_star), value)
        value[(flag & Flag.NO_ASPCAP_RESULT) != 0] = MISSING
        if name in APOGEE_ABUNDANCES:
            value[hot] = MISSING
        table[column] = value.astype(np.float32)
        table[f"{column}_ERR"] = np.where(value == MISSING, MISSING, error).astype(np.float32)
        if name in APOGEE_UNITS:
            table[column].unit = table[f"{column}_ERR"].unit = APOGEE_UNITS[name]
    incomplete = np.flatnonzero(stars["incomplete"][chosen])
    columns = np.array(list(APOGEE_COLUMNS.values()))[rng.integers(0, len(APOGEE_COLUMNS), len(incomplete))]
    for row, column in zip(incomplete, columns, strict=True):
        table[column][row] = table[f"{column}_ERR"][row] = MISSING
    table["SNR"] = (180 * np.exp(0.45 * rng.standard_normal(n_star))).astype(np.float32)
    # APOGEE stores the flags as signed integers, in which bit 31 is the sign
    table["ASPCAPFLAG"] = flag.view(np.int32)
    table["LAMOST_ID"] = np.char.add(stars["id"][chosen], ".fits")
    return table


def lasp_table(stars: Stars, rng: np.random.Generator) -> Table:
    """
    Make the table of Survey B's labels of all stars: file, ra, dec, snrg, z, subclass, teff, logg, fe_h.

    Parameters
    ----------
    stars : mapping
        The survey's stars.
    rng : numpy.random.Generator
    """
    n_star = len(stars["id"])
    teff, logg, m_h = stars["teff"], stars["logg"], stars["m_h"]
    # errors increase toward low S/N and are constant at high S/N
    size = np.sqrt(1 + (30 / stars["snr"]) ** 2)
    noise = size * rng.standard_t(LASP_FREEDOM, (3, n_star))
    noise *= population_factors(stars["population"], LASP_FACTORS)
    trend = np.minimum(teff - 4700, LASP_LAST_TREND)
    drawn = np.where(stars["population"] == "dwarf", LASP_COMPRESSION * (logg - sequence_logg(teff)), 0.0)
    table = Table()
    table["file"] = np.char.add(stars["id"], ".fits")
    for name in ("ra", "dec", "snrg", "z"):
        table[name] = stars[name]
    table["subclass"] = stars["subclass"]
    table["teff"] = np.round(teff + 70 + 0.06 * trend + 20 * noise[0], 2)
    table["logg"] = np.round(logg + 0.05 + 0.16 * np.clip(2.6 - logg, -0.5, None) - drawn + 0.05 * noise[1], 3)
    table["fe_h"] = np.round(0.86 * m_h - 0.03 + 0.027 * noise[2], 3)
    return table


def truth_table(stars: Stars) -> Table:
    """
    Make the table of true labels, one row per star, reference stars first.

    A field sample has ``population`` and ``v_sin_i`` too, a survey with odd stars the columns of
    :data:`bayescannon.mock.odd_stars.ODD_TRUTH`.
    """
    names = ("id", "teff", "logg", "m_h", "alpha_m", "c_m", "n_m", "mass", "a_k", "velocity", "snrg")
    flaws = ("is_reference", "mislabelled", "incomplete", "aspcapflag")
    kinds = ("population", "v_sin_i") if (stars["population"] != "giant").any() else ()
    odd = ODD_TRUTH if "odd" in stars else ()
    return Table({name: stars[name] for name in (*names, *flaws, *kinds, *odd)})


def population_factors(population: NDArray[Any], factors: Mapping[str, float]) -> NDArray[np.float64]:
    """Return the factor of each star's population, shape (star,)."""
    result: NDArray[np.float64] = np.select([population == name for name in factors], list(factors.values()))
    return result


def subclasses(teff: NDArray[np.floating[Any]]) -> NDArray[np.str_]:
    """Return the spectral subclass by effective temperature, shape (star,)."""
    limits = np.array([limit for limit, _ in SUBCLASSES])
    return np.array([name for _, name in SUBCLASSES])[np.argmax(teff[:, None] >= limits, axis=1)]


def lamost_designations(ra: NDArray[Any], dec: NDArray[Any]) -> list[str]:
    """Return names by position in LAMOST's form, ``"LAMOST J041615.64+451723.3"``."""
    return [f"LAMOST J{text}" for text in _sexagesimal(ra, dec, 2, 1, ".")]


def apogee_names(ra: NDArray[Any], dec: NDArray[Any]) -> list[str]:
    """Return names by position in 2MASS's form, ``"2M06561343+2737243"``."""
    return [f"2M{text}" for text in _sexagesimal(ra, dec, 2, 1, "")]


def _sexagesimal(ra: NDArray[Any], dec: NDArray[Any], ra_digits: int, dec_digits: int, point: str) -> list[str]:
    if not len(ra):
        return []
    position = SkyCoord(ra, dec, unit="deg")
    hours = position.ra.to_string(unit="hour", sep="", precision=ra_digits, pad=True)
    degrees = position.dec.to_string(sep="", precision=dec_digits, pad=True, alwayssign=True)
    return [f"{h}{d}".replace(".", point) for h, d in zip(hours, degrees, strict=True)]

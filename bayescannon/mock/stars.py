"""The stars of the mock survey: true labels, names, positions and header values."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayescannon.cannon.choice_fields import ChoiceError
from bayescannon.cannon.mock_choices import MOCK_POPULATIONS
from bayescannon.mock import catalogues
from bayescannon.mock.field import PAPER_SHARES, REFERENCE_SHARES, draw_field
from bayescannon.mock.optics import C_KM_S
from bayescannon.mock.population import draw_population
from bayescannon.mock.releases import DR2, Release
from bayescannon.numerics.errors import InputError

Stars = dict[str, NDArray[Any]]

# a plate has 16 spectrographs of 250 fibres
FIBRES, SPECTROGRAPHS = 250, 16
FIRST_MJD = 55859
DECLINATION_RANGE = (-8.0, 60.0)
# standard deviation of the header's redshift, in km/s
REDSHIFT_ERROR = 4.0
# fraction of the files that lack pixels at an end, and the largest number of pixels that they lack
TRIM_SHARE, LONGEST_TRIM = 0.2, 16


def draw_stars(
    n_reference: int, n_test: int, rng: np.random.Generator, *, release: Release = DR2, populations: str = "giants"
) -> Stars:
    """
    Draw the survey's stars, reference stars first.

    Parameters
    ----------
    n_reference, n_test : int
        Numbers of stars with and without labels from Survey A.
    rng : numpy.random.Generator
    release : Release
        Distribution of S/N.
    populations : "giants", "field" or "paper"
        Giants alone, or the sample of :func:`bayescannon.mock.field.draw_field`, whose reference stars are giants for
        "paper".

    Returns
    -------
    stars : dict of arrays of shape (star,)
        The columns of :func:`~bayescannon.mock.field.draw_field` and of
        :func:`~bayescannon.mock.catalogues.spread_errors`, and ``id``, ``designation``, ``subclass``,
        ``is_reference``, ``ra``, ``dec`` [deg], ``z`` and ``z_error`` (header redshift), ``mjd``, ``plate``,
        ``spectrograph``, ``fibre``, ``trim_blue``, ``trim_red`` (pixels that the file lacks).

    Raises
    ------
    InputError
        A negative number of stars, or none at all.
    ChoiceError
        There is no such sample.
    """
    if populations not in MOCK_POPULATIONS:
        raise ChoiceError(f"populations must be one of {', '.join(MOCK_POPULATIONS)}; got {populations!r}")
    if min(n_reference, n_test) < 0 or n_reference + n_test == 0:
        raise InputError(
            f"the numbers of stars must not be negative, nor both 0; got n_reference = {n_reference} and "
            f"n_test = {n_test}"
        )
    n_star = n_reference + n_test
    if populations != "giants":
        shares = PAPER_SHARES if populations == "paper" else REFERENCE_SHARES
        stars = draw_field(n_reference, n_test, rng, release=release, reference_shares=shares)
    else:
        stars = draw_population(n_star, rng, release=release)
        stars["population"] = np.full(n_star, "giant")
        stars["v_sin_i"] = np.zeros(n_star)
    index = np.arange(n_star)
    plate, place = np.divmod(index, FIBRES * SPECTROGRAPHS)
    spectrograph, fibre = np.divmod(place, FIBRES)
    stars["plate"], stars["spectrograph"], stars["fibre"] = plate + 1, spectrograph + 1, fibre + 1
    stars["mjd"] = FIRST_MJD + plate
    places = zip(*(stars[name] for name in ("mjd", "plate", "spectrograph", "fibre")), strict=True)
    stars["id"] = np.array([f"spec-{mjd}-MOCK{p:02d}_sp{s:02d}-{f:03d}" for mjd, p, s, f in places])
    stars["is_reference"] = index < n_reference
    stars["ra"] = np.round(rng.uniform(0, 360, n_star), 6)
    # uniform on the sphere between the declinations that the telescope reaches
    sin_low, sin_high = np.sin(np.deg2rad(DECLINATION_RANGE))
    stars["dec"] = np.round(np.rad2deg(np.arcsin(rng.uniform(sin_low, sin_high, n_star))), 6)
    error = REDSHIFT_ERROR * rng.standard_normal(n_star)
    stars["z"] = np.round((stars["velocity"] + error) / C_KM_S, 8)
    stars["z_error"] = np.full(n_star, REDSHIFT_ERROR / C_KM_S)
    stars["designation"] = np.array(catalogues.lamost_designations(stars["ra"], stars["dec"]))
    stars["subclass"] = catalogues.subclasses(stars["teff"])
    for end in ("trim_blue", "trim_red"):
        stars[end] = np.where(rng.random(n_star) < TRIM_SHARE, rng.integers(1, LONGEST_TRIM + 1, n_star), 0)
    stars.update(catalogues.spread_errors(stars, rng))
    return stars

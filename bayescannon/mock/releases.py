"""
Data releases that the mock survey can be like: how far reported variances are off, and the distribution of S/N.

The reported variances of DR2 are about three times the true ones (Ho et al. 2017, section 4 and table 1: the reduced
chi2 is low by about three). Those of DR10 are nearly right: with the factors here, residuals of giants with S/N below
25 have the same width in units of the reported errors as those of real ones, 0.63 in the blue arm and 0.73 in the red
one after resampling.
"""

from dataclasses import dataclass

from bayescannon.cannon.choice_fields import ChoiceError
from bayescannon.cannon.mock_choices import MOCK_RELEASES


@dataclass(frozen=True)
class Release:
    """
    What differs between data releases.

    Attributes
    ----------
    variance_overestimate : tuple of two float
        Reported over true variances in the blue and in the red arm.
    snr_median, snr_log_width : float
        Median of the header's S/N in the g band, and standard deviation of its natural logarithm.
    snr_range : tuple of two float
        Smallest and largest header S/N.
    """

    variance_overestimate: tuple[float, float]
    snr_median: float
    snr_log_width: float
    snr_range: tuple[float, float]


# S/N of 10,733 giants common to LAMOST DR2 and APOGEE DR12
DR2 = Release((3.0, 3.0), 47.6, 0.764, (8.0, 400.0))
# S/N of 172 DR10 giants
DR10 = Release((1.65, 1.3), 57.0, 0.96, (7.5, 840.0))
RELEASES = dict(zip(MOCK_RELEASES, (DR2, DR10), strict=True))


def choose_release(release: str | Release) -> Release:
    """
    Return the release of a name of `RELEASES`, or the release itself.

    Raises
    ------
    ChoiceError
        An unknown name.
    """
    if isinstance(release, Release):
        return release
    if not isinstance(release, str) or release not in RELEASES:
        raise ChoiceError(f"release must be one of {', '.join(RELEASES)}, or a Release; got {release!r}")
    return RELEASES[release]

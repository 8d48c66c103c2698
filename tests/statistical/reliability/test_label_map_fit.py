"""Maps between surveys' labels over many surveys: are they right, and are their errors, with 4 % wrong labels?"""

import numpy as np
import pytest
from expect import expect_between, expect_fraction, expect_mean, expect_scatter

from bayescannon.reliability.label_map_fit import fit_label_map

NAMES = ("teff", "logg", "fe_h")
CENTRE, WIDTH = np.array([4800.0, 2.5, -0.3]), np.array([250.0, 0.6, 0.25])
OFFSET = np.array([-70.0, 0.1, 0.03])
SLOPES = np.array([[1.06, 20.0, 0.0], [1e-4, 0.9, 0.0], [0.0, 0.02, 0.88]])
TRUSTED_ERRORS, OTHER_ERRORS = np.array([45.0, 0.09, 0.06]), np.array([50.0, 0.1, 0.05])
SCATTER = np.array([40.0, 0.08, 0.04])


def mapped(true):
    return CENTRE + OFFSET + (true - CENTRE) @ SLOPES.T


def draw_survey(n_star, seed, *, wrong=0.04):
    """Labels of stars in common in two surveys, of which a share is of another star in the first."""
    rng = np.random.default_rng(seed)
    true = rng.normal(CENTRE, WIDTH, (n_star, 3))
    other = true + OTHER_ERRORS * rng.standard_normal(true.shape)
    trusted = mapped(true) + np.hypot(SCATTER, TRUSTED_ERRORS) * rng.standard_normal(true.shape)
    n_wrong = round(wrong * n_star)
    trusted[:n_wrong] = np.roll(trusted, 7, axis=0)[:n_wrong]
    return trusted, other


def fit(n_star, seed, **options):
    trusted, other = draw_survey(n_star, seed, **options)
    one = np.ones((n_star, 1))
    return fit_label_map(trusted, one * TRUSTED_ERRORS, other, one * OTHER_ERRORS, NAMES)


def test_offsets_and_slopes_are_within_their_errors_with_wrong_labels():
    pulls, n_wrong = [], []
    for seed in range(30):
        found = fit(150, seed)
        # the offset at the pivot of this survey
        offset = mapped(found.pivot[None])[0] - found.pivot
        true = np.r_[offset, SLOPES.ravel()]
        known = np.r_[found.offset, found.slopes.ravel()]
        pulls.append((known - true) / np.sqrt(np.diag(found.covariance)))
        n_wrong.append(found.n_wrong)
    pulls = np.array(pulls)
    expect_mean(pulls[:, 0], 0.0, what="pull of the offset of Teff")
    expect_mean(pulls[:, 7], 0.0, what="pull of the slope of log g")
    expect_scatter(pulls.ravel(), 1.0, rtol=0.12, what="pulls")
    expect_fraction(np.abs(pulls.ravel()) < 1, pulls.size, 0.63, 0.74, what="within one error")
    expect_between(float(np.mean(n_wrong)), 4.5, 6.5, what="wrong stars of 150, of which 6 are, some of them alike")


@pytest.mark.parametrize(
    ("n_star", "low", "high"), [(6, 0.68, 1.0), (12, 0.68, 1.0), (20, 0.6, 0.76), (200, 0.64, 0.72)]
)
def test_errors_of_mapped_stars_hold_also_beyond_the_stars_in_common(n_star, low, high):
    """Stars that are mapped are hotter dwarfs; few stars in common tell no slopes, and their errors are the prior's."""
    pulls = []
    for seed in range(15):
        found = fit(n_star, seed)
        rng = np.random.default_rng(1000 + seed)
        true = rng.normal(CENTRE + np.array([200, 1.0, 0]), 1.5 * WIDTH, (100, 3))
        reported = true + OTHER_ERRORS * rng.standard_normal(true.shape)
        truth = mapped(true) + SCATTER * rng.standard_normal(true.shape)
        errors = found.errors(reported, np.ones((100, 1)) * OTHER_ERRORS)
        pulls.append((found.apply(reported) - truth) / errors)
    pulls = np.array(pulls).ravel()
    expect_fraction(np.abs(pulls) < 1, pulls.size, low, high, what="within one error")
    expect_fraction(np.abs(pulls) < 3, pulls.size, 0.98, what="within three errors")


def test_wrong_labels_do_not_move_the_map():
    """4 % of the labels are of other stars; a least-squares fit takes them for a slope and a scatter."""
    trusted, other = draw_survey(1000, 5, wrong=0.04)
    unknown = np.full(other.shape, np.nan)
    found = fit_label_map(trusted, unknown, other, unknown, NAMES)
    clean = fit_label_map(*(part for one in (trusted[40:], other[40:]) for part in (one, unknown[40:])), NAMES)
    shift = np.abs(found.offset - clean.offset) / clean.offset_error
    expect_between(shift.max(), 0.0, 1.0, what="largest shift of an offset in its errors")
    expect_between((found.scatter / clean.scatter).max(), 0.9, 1.1, what="largest ratio of scatters")
    expect_between(found.n_wrong, 25.0, 50.0, what="wrong stars, of which 40 are")
    plain = np.std(trusted - mapped(other), axis=0)
    expect_between((plain / found.scatter).max(), 1.3, 5.0, what="plain standard deviation over the scatter")

"""Hidden components and latent labels of data with gaps, copies and too little in them."""

from dataclasses import replace

import numpy as np
import pytest
from latent_survey import survey

from bayescannon.models.reported_stars import ReportedStars
from bayescannon.numerics.errors import InputError
from bayescannon.pixels.latent_label_fit import LatentLabelOptions, fit_latent_labels


@pytest.fixture(params=["exact", "latent"])
def stars(request):
    _, observed, variance, flux, ivar = survey(n_hidden=2, hidden=0.01)
    return ReportedStars(observed, variance if request.param == "latent" else 0 * variance, flux, ivar)


def fit(stars, n_hidden=2):
    found = fit_latent_labels(stars, options=LatentLabelOptions(n_hidden=n_hidden, learn_errors=True), workers=1)
    for values in (found.pixels.theta, found.loadings, found.labels, found.covariance, found.trace):
        assert np.isfinite(values).all()
    assert found.n_failed == 0
    return found


def test_dead_pixels_have_no_coefficients_and_no_loadings(stars):
    ivar = stars.ivar.copy()
    ivar[:, 11:14] = 0
    ivar[5:, 20] = 0  # fewer live stars than terms
    found = fit(replace(stars, ivar=ivar))
    dead = np.array([11, 12, 13, 20])
    assert np.flatnonzero(~found.pixels.live).tolist() == dead.tolist()
    assert (found.loadings[dead] == 0).all()
    assert (found.pixels.theta[dead] == 0).all()
    # the others are those of the survey without these pixels
    live = found.pixels.live
    without = fit(replace(stars, flux=stars.flux[:, live], ivar=ivar[:, live]))
    np.testing.assert_allclose(found.pixels.theta[live], without.pixels.theta, atol=1e-3)


def test_a_star_without_pixels_says_nothing(stars):
    ivar = stars.ivar.copy()
    ivar[3] = 0
    empty = fit(replace(stars, ivar=ivar))
    # latent labels of such a star are what is reported and what is usual
    assert np.abs(empty.labels[3] - stars.observed[3]).max() < 1.0
    flux = stars.flux.copy()
    flux[3] = 7.0
    np.testing.assert_array_equal(fit(replace(stars, flux=flux, ivar=ivar)).loadings, empty.loadings)
    ivar[3, :2] = 1e4
    fit(replace(stars, ivar=ivar))


def test_copies_of_stars_count_and_do_not_harm(stars):
    def twice(values):
        return np.concatenate([values, values])

    copies = ReportedStars(*(twice(x) for x in (stars.observed, stars.variance, stars.flux, stars.ivar)))
    one, two = fit(stars), fit(copies)
    explained = [np.sum(found.loadings**2) for found in (one, two)]
    np.testing.assert_allclose(*explained, rtol=0.25)
    few = ReportedStars(
        *(np.repeat(x[:20], 4, axis=0) for x in (stars.observed, stars.variance, stars.flux, stars.ivar))
    )
    # 20 stars have at most 14 directions besides 6 terms
    assert fit(few, n_hidden=18).loadings.shape == (40, 18)


def test_components_beyond_the_data_are_small(stars):
    found = fit(stars, n_hidden=12)
    size = (found.loadings**2).sum(axis=0)
    assert (np.diff(size) <= 1e-3 * size[0]).all()
    assert size[2:].max() < size[1]
    still = replace(stars, flux=np.ones_like(stars.flux))
    np.testing.assert_allclose(fit(still).loadings, 0, atol=1e-12)
    with pytest.raises(InputError, match="less than half of the stars and of the pixels"):
        fit(stars, n_hidden=20)


@pytest.mark.parametrize("latent", [False, True])
@pytest.mark.parametrize("n_hidden", [0, 1, 3])
def test_one_label(latent, n_hidden):
    _, observed, variance, flux, ivar = survey(n_label=1, n_hidden=1, hidden=0.01)
    found = fit(ReportedStars(observed, variance if latent else 0 * variance, flux, ivar), n_hidden)
    assert found.loadings.shape == (40, n_hidden)


def test_flux_that_is_not_finite_is_refused_even_in_dead_pixels(stars):
    flux = np.where(stars.ivar > 0, stars.flux, np.nan)
    with pytest.raises(InputError, match="flux and ivar must be finite"):
        fit(replace(stars, flux=flux))

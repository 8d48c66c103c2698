"""The latent-label model against its densities written out one by one."""

import numpy as np
import pytest
from latent_survey import NAMES, survey
from scipy import stats

from bayescannon.models.coefficient_priors import FLAT_SCALE
from bayescannon.models.label_vector import label_vector
from bayescannon.models.latent_labels import latent_label_model
from bayescannon.models.noise_priors import FixedNoise
from bayescannon.models.reported_stars import ReportedStars
from bayescannon.models.spectral_priors import SpectralPriors
from bayescannon.models.starting_point import starting_point
from bayescannon.numerics.errors import InputError

POPULATION = (np.array([0.1, -0.2]), np.array([[1.2, 0.4], [0.4, 0.8]]))
KAPPA = 0.8


def point_of(n_star, n_pixel, n_hidden, rng):
    point = {
        "labels": rng.normal(size=(n_star, 2)),
        "theta": 0.03 * rng.normal(size=(n_pixel, 6)),
        "scatter": rng.uniform(0.001, 0.02, n_pixel),
    }
    if n_hidden:
        point |= {"hidden": rng.normal(size=(n_star, n_hidden)), "loadings": rng.normal(size=(n_pixel, n_hidden))}
    return point


def slow_logp(stars, point, population, n_hidden):
    mean = label_vector(point["labels"]) @ point["theta"].T
    value = stats.multivariate_normal(*population).logpdf(point["labels"]).sum()
    value += stats.norm.logpdf(stars.observed, point["labels"], np.sqrt(stars.variance)).sum()
    if n_hidden:
        mean = mean + point["hidden"] @ point["loadings"].T
        value += stats.norm.logpdf(point["hidden"]).sum()
    live = stars.ivar > 0
    deviation = np.sqrt(point["scatter"] ** 2 + KAPPA**2 / np.where(live, stars.ivar, 1.0))
    return value + stats.norm.logpdf(stars.flux, mean, deviation)[live].sum()


@pytest.mark.parametrize("n_hidden", [0, 2])
@pytest.mark.parametrize("measure", [False, True])
def test_logp_is_the_sum_of_its_densities(n_hidden, measure):
    _, observed, variance, flux, ivar = survey(n_star=12, n_pixel=7)
    stars = ReportedStars(observed, variance, flux, ivar)
    model = latent_label_model(
        stars, label_names=NAMES[:2], n_hidden=n_hidden, population=POPULATION, boundary=True,
        priors=SpectralPriors(noise=FixedNoise(KAPPA)), reference_measure=measure,
    )  # fmt: skip
    logp = model.compile_logp(jacobian=False, mode="FAST_COMPILE")
    rng = np.random.default_rng(1)
    dead = (ivar == 0).sum() * stats.norm.logpdf(0, 0, FLAT_SCALE)
    for _ in range(3):
        point = point_of(12, 7, n_hidden, rng)
        expected = slow_logp(stars, point, POPULATION, n_hidden) + dead
        if measure:
            v = label_vector(point["labels"])
            expected += 7 / 2 * np.linalg.slogdet(v.T @ v)[1]
        assert logp(point) == pytest.approx(expected, rel=1e-9)


def test_a_learned_population_has_a_mean_and_a_covariance():
    _, observed, variance, flux, ivar = survey(n_star=12, n_pixel=3)
    stars = ReportedStars(observed, variance, flux, ivar)
    model = latent_label_model(stars, label_names=NAMES[:2], boundary=True)
    names = {variable.name for variable in model.free_RVs}
    assert names == {"label_mean", "omega", "labels", "theta", "scatter"}
    np.testing.assert_allclose(starting_point(model)["labels"], observed)
    assert model.named_vars_to_dims["reported"] == ("star", "stellar_label")


def test_exact_labels_need_a_small_variance():
    _, observed, variance, flux, ivar = survey(n_star=12, n_pixel=3)
    variance[4, 1] = 0
    with pytest.raises(InputError, match="Give exact labels a small variance"):
        latent_label_model(ReportedStars(observed, variance, flux, ivar), label_names=NAMES[:2])

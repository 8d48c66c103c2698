"""The latent-label solver against brute force, the PyMC model and its posterior."""

import numpy as np
import pytest
from latent_survey import NAMES, nodes, survey
from pixel_fits import fit_latent

from bayescannon.models.label_vector import label_vector
from bayescannon.models.latent_labels import latent_label_model
from bayescannon.pixels.fit import fit_pixels
from bayescannon.pixels.label_moments import packed_moments
from bayescannon.pixels.label_population import LabelPopulation, ReferenceErrorError
from bayescannon.pixels.latent_label_fit import EXACT_ERROR, LabelErrorStatus
from bayescannon.pixels.latent_label_step import ReportedStars, infer_latent
from bayescannon.pixels.prior import PixelPrior
from bayescannon.pixels.solver import Solver


@pytest.mark.parametrize(("n_label", "n_hidden"), [(2, 0), (3, 0), (2, 2)])
def test_objective_rises_to_a_fixed_point_fast(n_label, n_hidden):
    _, observed, variance, flux, ivar = survey(n_label=n_label, n_hidden=n_hidden, hidden=0.01)
    found = fit_latent(observed, variance, flux, ivar, n_hidden=n_hidden, anchor=False, tolerance=1e-3, max_rounds=60)
    assert found.status == LabelErrorStatus.CONVERGED
    assert (np.diff(found.trace) >= 0).all()
    assert found.n_failed == 0
    if n_hidden == 0:
        assert len(found.trace) <= 16


def test_map_of_the_latent_space_saves_most_rounds():
    _, observed, variance, flux, ivar = survey(n_label=2)
    data = ReportedStars(observed, variance, flux, ivar)
    fast = fit_latent(observed, variance, flux, ivar, n_hidden=0, anchor=False, tolerance=1e-4, max_rounds=60)
    fit, starts = fit_pixels(label_vector(observed), flux, ivar), observed[:, None]
    population = LabelPopulation.of_reported(observed, variance)
    for _ in range(len(fast.trace)):
        latent = infer_latent(fit.theta, fit.scatter, data, population, starts)
        value = latent.log_likelihood.sum() - (fit.objective - 0.5 * fit.chi2).sum()
        fit = fit_pixels(packed_moments(latent.products), flux, ivar, start=fit.scatter)
        population = LabelPopulation.of_latent(latent.mean, latent.covariance)
        starts = latent.mean[:, None]
    assert value < fast.trace[-1] - 0.5


def scaled_gradients(observed, variance, flux, ivar, population, latent, fit):
    """
    Gradients of the PyMC model by labels, theta and scatter in units of their errors.

    By the labels at their modes; by the pixels' parameters averaged over the latent labels, exactly with three nodes,
    since that is of degree four in the labels.
    """
    labels, covariance = latent
    model = latent_label_model(
        ReportedStars(observed, variance, flux, ivar), label_names=NAMES[: observed.shape[1]], boundary=True,
        population=(population.mean, population.covariance),
    )  # fmt: skip
    gradient = model.compile_dlogp(jacobian=False, mode="FAST_COMPILE")
    names = [value.name for value in model.continuous_value_vars]
    assert names == ["labels", "theta", "scatter"]
    point = {"labels": labels, "theta": fit.theta, "scatter": fit.scatter}
    sizes = np.cumsum([point[name].size for name in names])[:-1]
    root = np.linalg.cholesky(covariance)
    to_labels = np.split(gradient(point), sizes)[0].reshape(labels.shape)
    average = np.zeros(sizes[-1] + fit.scatter.size)
    for node, share in zip(*nodes(labels.shape[1], 3), strict=True):
        average += share * gradient({**point, "labels": labels + root @ node})
    _, to_theta, to_scatter = np.split(average, sizes)
    errors = [np.sqrt(np.diagonal(c, axis1=1, axis2=2)) for c in (covariance, fit.covariance)]
    return to_labels * errors[0], to_theta * errors[1].ravel(), to_scatter * fit.scatter


@pytest.mark.long
def test_gradients_of_the_pymc_model_vanish_where_plain_rounds_end():
    _, observed, variance, flux, ivar = survey(n_label=2)
    data = ReportedStars(observed, variance, flux, ivar)
    fit, population = fit_pixels(label_vector(observed), flux, ivar), LabelPopulation.of_reported(observed, variance)
    starts = observed
    for _ in range(350):
        latent = infer_latent(fit.theta, fit.scatter, data, population, starts[:, None])
        fit = fit_pixels(packed_moments(latent.products), flux, ivar, start=fit.scatter, solver=Solver(tolerance=1e-3))
        population, starts = LabelPopulation.of_latent(latent.mean, latent.covariance), latent.mean
    latent = infer_latent(fit.theta, fit.scatter, data, population, starts[:, None])
    gradients = scaled_gradients(observed, variance, flux, ivar, population, (latent.mean, latent.covariance), fit)
    assert max(np.abs(gradient).max() for gradient in gradients) < 1e-5


def test_gradients_of_the_pymc_model_are_small_at_the_solution():
    _, observed, variance, flux, ivar = survey(n_label=2)
    found = fit_latent(observed, variance, flux, ivar, n_hidden=0, anchor=False, tolerance=1e-9, max_rounds=300)
    to_labels, to_theta, to_scatter = scaled_gradients(
        observed, variance, flux, ivar, found.population, (found.labels, found.covariance), found.pixels
    )
    assert np.abs(to_labels).max() < 1e-5
    # mode and mean of a star's posterior differ, which plain rounds feel in the scale of the labels and the map does
    # not: the solution is a little off their end, and higher in the objective
    assert np.sqrt((to_theta**2).mean()) < 0.03
    assert np.abs(to_scatter).max() < 0.02


@pytest.mark.filterwarnings("ignore:PyTensor could not link to a BLAS installation:UserWarning")
@pytest.mark.long
def test_latent_labels_are_those_of_the_full_posterior():
    import nutpie

    _, observed, variance, flux, ivar = survey(n_label=2)
    found = fit_latent(observed, variance, flux, ivar, n_hidden=0, anchor=False, tolerance=1e-6, max_rounds=100)
    model = latent_label_model(
        ReportedStars(observed, variance, flux, ivar), label_names=NAMES[:2], reference_measure=True
    )
    compiled = nutpie.compile_pymc_model(model)
    trace = nutpie.sample(compiled, draws=400, tune=500, chains=2, seed=1, progress_bar=False)
    posterior = trace.posterior
    labels, theta = (posterior[name].to_numpy().reshape(-1, *posterior[name].shape[2:]) for name in ("labels", "theta"))
    label_pull = (found.labels - labels.mean(axis=0)) / labels.std(axis=0)
    theta_pull = (found.pixels.theta - theta.mean(axis=0)) / theta.std(axis=0)
    # measured: 0.10 both. Means of a posterior and the type II maximum differ by its skewness
    assert np.sqrt((label_pull**2).mean()) < 0.2
    assert np.sqrt((theta_pull**2).mean()) < 0.2
    # the spread of a label given the coefficients leaves out the coefficients' own part
    ratio = np.sqrt(np.diagonal(found.covariance, axis1=1, axis2=2)) / labels.std(axis=0)
    assert 0.6 < np.median(ratio) < 1.0


def test_without_errors_the_fit_is_the_flat_one():
    truth, _, _, flux, ivar = survey()
    found = fit_latent(truth, np.zeros_like(truth), flux, ivar, n_hidden=0, anchor=False)
    flat = fit_pixels(label_vector(truth), flux, ivar)
    assert np.abs(found.labels - truth).max() < 0.1 * EXACT_ERROR
    np.testing.assert_allclose(found.pixels.theta, flat.theta, atol=1e-5)
    np.testing.assert_allclose(found.pixels.scatter, flat.scatter, atol=1e-5)


def test_one_exact_label_stays_where_it_is():
    truth, observed, variance, flux, ivar = survey()
    observed[7], variance[7] = truth[7], 0.0
    found = fit_latent(observed, variance, flux, ivar, n_hidden=0, anchor=False)
    np.testing.assert_allclose(found.labels[7], truth[7], atol=3 * EXACT_ERROR)
    assert np.isfinite(found.pixels.theta).all()


def test_wrong_label_errors_are_refused_by_name():
    _, observed, variance, flux, ivar = survey()
    broken = variance.copy()
    broken[11, 1] = np.nan
    with pytest.raises(
        ReferenceErrorError, match=r"this fails for 1 reference stars, the first .* star number 11, label number 1"
    ):
        fit_latent(observed, broken, flux, ivar)
    with pytest.raises(ReferenceErrorError, match="must be smaller than the spread"):
        fit_latent(observed, variance + 4.0, flux, ivar)
    with pytest.raises(ReferenceErrorError, match=r"shape \(star, label\) = \(60, 2\)"):
        fit_latent(observed, variance[:, :1], flux, ivar)
    with pytest.raises(ValueError, match="must be finite"):
        fit_latent(np.where(observed > 2, np.nan, observed), variance, flux, ivar)
    with pytest.raises(ValueError, match="max_rounds"):
        fit_latent(observed, variance, flux, ivar, max_rounds=0)
    with pytest.raises(ValueError, match="must be positive"):
        latent_label_model(ReportedStars(observed, 0 * variance, flux, ivar), label_names=NAMES[:2])


def test_dead_pixels_priors_and_kappa_are_passed_on():
    _, observed, variance, flux, ivar = survey(n_hidden=1, hidden=0.01)
    ivar[:, 5] = 0
    prior = PixelPrior(np.zeros((40, 6)), np.where(np.arange(6) > 2, 1e4, 0.0) * np.ones((40, 1)))
    found = fit_latent(observed, variance, flux, ivar, n_hidden=1, prior=prior, kappa=0.9, max_rounds=20, anchor=False)
    assert (np.diff(found.trace) >= 0).all()
    assert np.isinf(found.pixels.scatter[5])
    assert (found.pixels.theta[5] == 0).all()
    assert (found.loadings[5] == 0).all()
    assert found.pixels.theta.shape == (40, 6)
    flat = fit_latent(observed, variance, flux, ivar, n_hidden=1, kappa=0.9, max_rounds=20)
    assert np.abs(found.pixels.theta[:, 3:]).mean() < np.abs(flat.pixels.theta[:, 3:]).mean()
    assert found.pixels.covariance.shape == (40, 6, 6)


def test_workers_do_not_change_the_result():
    _, observed, variance, flux, ivar = survey(n_hidden=1, hidden=0.01)
    one = fit_latent(observed, variance, flux, ivar, n_hidden=1, max_rounds=2, workers=1)
    two = fit_latent(observed, variance, flux, ivar, n_hidden=1, max_rounds=2, workers=2)
    np.testing.assert_array_equal(one.pixels.theta, two.pixels.theta)

"""The latent-label solver against brute force, the PyMC model and its posterior."""

import numpy as np
import pytest
from pixel_fits import fit_latent

from bayescannon.models.label_vector import label_vector, n_terms
from bayescannon.models.latent_labels import latent_label_model
from bayescannon.pixels.fit import fit_pixels
from bayescannon.pixels.label_moments import packed_moments, vector_map, vector_products
from bayescannon.pixels.label_population import AffineMap, LabelPopulation, ReferenceErrorError, regress_reported
from bayescannon.pixels.latent_label_fit import EXACT_ERROR, LabelErrorStatus
from bayescannon.pixels.latent_label_step import ReportedStars, infer_latent, leave_one_out
from bayescannon.pixels.prior import PixelPrior
from bayescannon.pixels.solver import Solver
from bayescannon.stars.hidden import first_loadings, integrate_hidden
from bayescannon.stars.quartic import compress, minimise

NAMES = ("teff", "logg", "fe_h")


def survey(n_star=60, n_pixel=40, n_label=2, *, error=0.3, sigma=0.02, hidden=0.0, n_hidden=0, seed=3):
    """Spectra of stars whose reported labels have errors; scaled labels, some dead data."""
    rng = np.random.default_rng(seed)
    mixing = np.eye(n_label) + 0.4 * np.tri(n_label, k=-1)
    truth = rng.normal(size=(n_star, n_label)) @ mixing.T
    variance = (error * np.exp(rng.normal(0, 0.2, size=truth.shape))) ** 2
    observed = truth + np.sqrt(variance) * rng.normal(size=truth.shape)
    theta = 0.03 * rng.normal(size=(n_pixel, n_terms(n_label)))
    theta[:, 1 + n_label :] *= 0.2
    theta[:, 0] = 0.9
    scatter = 0.006
    noise = sigma * np.exp(rng.normal(0, 0.3, size=(n_star, n_pixel)))
    flux = label_vector(truth) @ theta.T + np.hypot(noise, scatter) * rng.normal(size=noise.shape)
    if n_hidden:
        flux += hidden * rng.normal(size=(n_star, n_hidden)) @ rng.normal(size=(n_hidden, n_pixel))
    ivar = 1 / noise**2
    ivar[rng.random(ivar.shape) < 0.03] = 0
    return truth, observed, variance, flux, ivar


def nodes(n_label, order=7):
    """Gauss-Hermite nodes (node, K) and weights of the standard normal."""
    x, w = np.polynomial.hermite_e.hermegauss(order)
    grid = np.stack(np.meshgrid(*[x] * n_label, indexing="ij"), axis=-1).reshape(-1, n_label)
    weight = np.prod(np.stack(np.meshgrid(*[w / w.sum()] * n_label, indexing="ij"), axis=-1).reshape(-1, n_label), 1)
    return grid, weight


def covariances(n_star, n_label, seed=0):
    root = np.random.default_rng(seed).normal(size=(n_star, n_label, n_label))
    return root @ root.transpose(0, 2, 1)


@pytest.mark.parametrize("n_label", [1, 2, 3, 5])
def test_moments_are_those_of_quadrature(n_label):
    mean, covariance = np.random.default_rng(1).normal(size=(4, n_label)), covariances(4, n_label)
    products = vector_products(mean, covariance)
    grid, weight = nodes(n_label, 5)
    for n in range(4):
        v = label_vector(mean[n] + grid @ np.linalg.cholesky(covariance[n]).T)
        np.testing.assert_allclose(products[n], np.einsum("q,qi,qj->ij", weight, v, v), rtol=1e-10, atol=1e-10)
    packed = packed_moments(products)
    np.testing.assert_allclose(packed.mean, products[:, 0])
    assert (vector_products(mean, 0 * covariance)[:, 0] == label_vector(mean)).all()


@pytest.mark.parametrize("n_label", [1, 2, 5])
def test_affine_maps_of_labels_are_linear_maps_of_the_label_vector(n_label):
    rng = np.random.default_rng(2)
    matrix, offset, x = rng.normal(size=(n_label, n_label)), rng.normal(size=n_label), rng.normal(size=(9, n_label))
    moved = label_vector(x @ matrix.T + offset)
    np.testing.assert_allclose(label_vector(x) @ vector_map(matrix, offset).T, moved, rtol=1e-10, atol=1e-12)


def test_hidden_components_integrate_out_of_the_quartic():
    rng = np.random.default_rng(4)
    theta, loadings = 0.03 * rng.normal(size=(50, 6)), 0.02 * rng.normal(size=(50, 2))
    _, _, _, flux, ivar = survey(5, 50)
    scatter = np.full(50, 0.004)
    quartic, posterior, log_determinant = integrate_hidden(
        compress(np.concatenate([theta, loadings], axis=1), scatter, flux, ivar), 2
    )
    at = rng.normal(size=(5, 2))
    u = label_vector(at)
    u[:, 0] = 0
    for n in range(5):
        live = ivar[n] > 0
        variance = np.diag(scatter[live] ** 2 + 1 / ivar[n, live])
        total = variance + loadings[live] @ loadings[live].T
        residual = flux[n, live] - label_vector(at[n]) @ theta[live].T
        expected = residual @ np.linalg.solve(total, residual)
        found = quartic.c[n] - 2 * quartic.b[n] @ u[n] + u[n] @ quartic.a[n] @ u[n]
        assert found == pytest.approx(expected, rel=1e-9)
        determinants = np.linalg.slogdet(total)[1] - np.linalg.slogdet(variance)[1]
        assert log_determinant[n] == pytest.approx(determinants, rel=1e-9)
        centre = posterior.covariance[n] @ (loadings[live].T @ np.linalg.solve(variance, residual))
        np.testing.assert_allclose(posterior.map[n] @ label_vector(at[n]), centre, rtol=1e-8)


def test_marginal_objective_is_that_of_quadrature():
    truth, observed, variance, flux, ivar = survey(n_label=2, error=0.3)
    fit = fit_pixels(label_vector(truth), flux, ivar)
    population = LabelPopulation.of_reported(observed, variance)
    latent = infer_latent(fit.theta, fit.scatter, ReportedStars(observed, variance, flux, ivar), population,
                          observed[:, None])  # fmt: skip
    grid, weight = nodes(2, 31)
    own = np.linalg.inv(population.covariance)
    for n in range(10):
        x = latent.mean[n] + grid @ np.linalg.cholesky(latent.covariance[n]).T
        residual = flux[n] - label_vector(x) @ fit.theta.T
        w = ivar[n] / (1 + fit.scatter**2 * ivar[n])
        logs = -0.5 * (w * residual**2).sum(axis=1)
        logs -= 0.5 * ((observed[n] - x) ** 2 / variance[n] + np.log(2 * np.pi * variance[n])).sum(axis=1)
        away = x - population.mean
        logs -= 0.5 * (np.einsum("qi,ij,qj->q", away, own, away) - np.linalg.slogdet(own / (2 * np.pi))[1])
        # importance weights against the Gaussian of the nodes
        logs += 0.5 * (grid**2).sum(axis=1) + 0.5 * np.linalg.slogdet(2 * np.pi * latent.covariance[n])[1]
        exact = np.log(weight @ np.exp(logs - logs.max())) + logs.max()
        assert latent.log_likelihood[n] == pytest.approx(exact, abs=0.01)


@pytest.mark.parametrize(("n_label", "n_hidden"), [(2, 0), (3, 0), (2, 2)])
def test_objective_rises_to_a_fixed_point_fast(n_label, n_hidden):
    _, observed, variance, flux, ivar = survey(n_label=n_label, n_hidden=n_hidden, hidden=0.01)
    found = fit_latent(
        observed, variance, flux, ivar, n_hidden=n_hidden, calibrate=False, tolerance=1e-3, max_rounds=60
    )
    assert found.status == LabelErrorStatus.CONVERGED
    assert (np.diff(found.trace) >= 0).all()
    assert found.n_failed == 0
    if n_hidden == 0:
        assert len(found.trace) <= 16


def test_map_of_the_latent_space_saves_most_rounds():
    _, observed, variance, flux, ivar = survey(n_label=2)
    data = ReportedStars(observed, variance, flux, ivar)
    fast = fit_latent(observed, variance, flux, ivar, n_hidden=0, calibrate=False, tolerance=1e-4, max_rounds=60)
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
    found = fit_latent(observed, variance, flux, ivar, n_hidden=0, calibrate=False, tolerance=1e-9, max_rounds=300)
    to_labels, to_theta, to_scatter = scaled_gradients(
        observed, variance, flux, ivar, found.population, (found.labels, found.covariance), found.pixels
    )
    assert np.abs(to_labels).max() < 1e-5
    # mode and mean of a star's posterior differ, which plain rounds feel in the scale of the labels and the map does
    # not: the solution is a little off their end, and higher in the objective
    assert np.sqrt((to_theta**2).mean()) < 0.03
    assert np.abs(to_scatter).max() < 0.02


def test_logp_of_the_pymc_model_is_the_folded_quartic():
    _, observed, variance, flux, ivar = survey(n_label=2, n_hidden=2, hidden=0.01)
    rng = np.random.default_rng(0)
    fit = fit_pixels(label_vector(observed), flux, ivar)
    loadings = 0.01 * rng.normal(size=(40, 2))
    coefficients = np.concatenate([fit.theta, loadings], axis=1)
    population = LabelPopulation.of_reported(observed, variance)
    model = latent_label_model(
        ReportedStars(observed, variance, flux, ivar), label_names=NAMES[:2], boundary=True, n_hidden=2,
        population=(population.mean, population.covariance),
    )  # fmt: skip
    logp = model.compile_logp(jacobian=False, mode="FAST_COMPILE")
    quartic, hidden, _ = integrate_hidden(compress(coefficients, fit.scatter, flux, ivar), 2)
    mean, precision, _ = population.given_reported(observed, variance)
    values, expected = [], []
    for _ in range(4):
        x = rng.normal(size=observed.shape)
        v = label_vector(x)
        # at the best hidden components the joint density is the integrated one, but for a constant
        h = np.einsum("nht,nt->nh", hidden.map, v)
        v[:, 0] = 0
        chi2 = quartic.c - 2 * (quartic.b * v).sum(axis=1) + np.einsum("ni,nij,nj->n", v, quartic.a, v)
        chi2 += np.einsum("ni,nij,nj->n", x - mean, precision, x - mean)
        expected.append(-0.5 * chi2.sum())
        values.append(logp({"labels": x, "theta": fit.theta, "scatter": fit.scatter, "hidden": h,
                            "loadings": loadings}))  # fmt: skip
    np.testing.assert_allclose(np.diff(values), np.diff(expected), rtol=1e-8)


@pytest.mark.filterwarnings("ignore:PyTensor could not link to a BLAS installation:UserWarning")
@pytest.mark.long
def test_latent_labels_are_those_of_the_full_posterior():
    import nutpie

    _, observed, variance, flux, ivar = survey(n_label=2)
    found = fit_latent(observed, variance, flux, ivar, n_hidden=0, calibrate=False, tolerance=1e-6, max_rounds=100)
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


def test_leave_one_out_labels_are_those_of_refits():
    truth, observed, _, flux, ivar = survey(n_star=120, n_label=2, error=0.05, n_hidden=1, hidden=0.01)
    w = np.concatenate([label_vector(truth), np.random.default_rng(8).normal(size=(120, 1))], axis=1)
    fit = fit_pixels(w, flux, ivar)
    data = ReportedStars(observed, np.full_like(observed, 0.05**2), flux, ivar)
    labels, variance, good = leave_one_out(fit.theta, fit.scatter, fit.covariance, data, w, n_label=2)
    assert good.all()
    whole, _, _ = integrate_hidden(compress(fit.theta, fit.scatter, flux, ivar), 1)
    seen = minimise(whole, truth[:, None]).labels[:, 0]
    for n in range(0, 120, 6):
        others = np.arange(120) != n
        theta = fit.theta.copy()
        for p in range(flux.shape[1]):
            weight = ivar[others, p] / (1 + fit.scatter[p] ** 2 * ivar[others, p])
            normal = w[others].T @ (weight[:, None] * w[others])
            theta[p] = np.linalg.solve(normal, w[others].T @ (weight * flux[others, p]))
        quartic, _, _ = integrate_hidden(compress(theta, fit.scatter, flux[[n]], ivar[[n]]), 1)
        refit = minimise(quartic, truth[[n], None]).labels[0, 0]
        moved = (refit - seen[n]) / np.sqrt(variance[n])
        np.testing.assert_allclose(
            (labels[n] - seen[n]) / np.sqrt(variance[n]), moved, atol=0.03 + 0.2 * abs(moved).max()
        )


def test_without_errors_the_fit_is_the_flat_one():
    truth, _, _, flux, ivar = survey()
    found = fit_latent(truth, np.zeros_like(truth), flux, ivar, n_hidden=0, calibrate=False)
    flat = fit_pixels(label_vector(truth), flux, ivar)
    assert np.abs(found.labels - truth).max() < 0.1 * EXACT_ERROR
    np.testing.assert_allclose(found.pixels.theta, flat.theta, atol=1e-5)
    np.testing.assert_allclose(found.pixels.scatter, flat.scatter, atol=1e-5)


def test_one_exact_label_stays_where_it_is():
    truth, observed, variance, flux, ivar = survey()
    observed[7], variance[7] = truth[7], 0.0
    found = fit_latent(observed, variance, flux, ivar, n_hidden=0, calibrate=False)
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
    found = fit_latent(observed, variance, flux, ivar, n_hidden=1, prior=prior, kappa=0.9, max_rounds=20)
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


def test_regression_of_reported_labels_undoes_a_map():
    truth, observed, variance, *_ = survey(n_star=4000)
    wrong = AffineMap(np.array([[2.0, 0.3], [-0.4, 0.7]]), np.array([0.5, -1.0]))
    moved, _ = wrong.apply(truth, np.zeros((4000, 2, 2)))
    back = regress_reported(moved, np.zeros((4000, 2, 2)), observed, variance)
    again, _ = back.apply(moved, np.zeros((4000, 2, 2)))
    np.testing.assert_allclose(again, truth, atol=0.05)


def test_first_loadings_span_the_hidden_components():
    truth, _, _, flux, ivar = survey(n_star=400, n_pixel=60, n_hidden=2, hidden=0.03, sigma=0.005)
    fit = fit_pixels(label_vector(truth), flux, ivar)
    found = first_loadings(label_vector(truth), fit.theta, fit.scatter, flux, ivar, 2)
    assert found.shape == (60, 2)
    explained = found @ found.T
    residual = np.where(ivar > 0, flux - label_vector(truth) @ fit.theta.T, 0)
    total = residual.T @ residual / 400
    assert np.trace(explained) > 0.7 * np.trace(total)
    again = first_loadings(label_vector(truth), fit.theta, fit.scatter, flux, ivar, 2)
    np.testing.assert_array_equal(found, again)

"""The significance of templates in residuals, and the excess near to lines of the sky."""

import numpy as np
import pytest

from bayescannon.reliability.template_scores import excess_near, template_scores

N_PIXEL, N_LABEL = 200, 2


def fitted(n_star, *, amplitude=0.0, seed=0):
    """Residuals of stars after a linear fit, weights, columns, slopes and a template that was added."""
    rng = np.random.default_rng(seed)
    columns = rng.normal(size=(N_PIXEL, 3))
    template = rng.normal(size=(N_PIXEL, 1)) + 0.5 * columns[:, 1:2]
    weight = rng.uniform(0.5, 2.0, size=(n_star, N_PIXEL))
    weight[rng.random(weight.shape) < 0.1] = 0.0
    noise = rng.normal(size=weight.shape) / np.sqrt(np.where(weight > 0, weight, 1.0))
    data = noise + amplitude * template[:, 0]
    slopes = np.zeros((n_star, 3, N_LABEL))
    slopes[:, 1:] = np.eye(2)
    tangent = columns[:, 1:]
    residual = np.empty_like(data)
    for n in range(n_star):
        matrix = tangent.T @ (weight[n][:, None] * tangent)
        residual[n] = data[n] - tangent @ np.linalg.solve(matrix, tangent.T @ (weight[n] * data[n]))
    return residual, weight, columns, slopes, template


def test_z_is_standard_normal_without_the_template():
    residual, weight, columns, slopes, template = fitted(2000)
    z = template_scores(residual, weight, columns, slopes, template)[:, 0]
    assert abs(z.mean()) < 0.08
    assert z.std() == pytest.approx(1.0, abs=0.06)


def test_z_grows_as_the_amplitude_over_its_error():
    residual, weight, columns, slopes, template = fitted(50, amplitude=0.5)
    z = template_scores(residual, weight, columns, slopes, template)[:, 0]
    both = np.concatenate([columns[:, 1:], template], axis=1)
    for n in range(50):
        information = both.T @ (weight[n][:, None] * both)
        amplitude = np.linalg.solve(information, both.T @ (weight[n] * residual[n]))[-1]
        assert z[n] == pytest.approx(amplitude / np.sqrt(np.linalg.inv(information)[-1, -1]), rel=1e-8)
    assert z.mean() > 4


def test_stars_may_have_templates_of_their_own():
    residual, weight, columns, slopes, template = fitted(5, amplitude=0.5)
    own = np.broadcast_to(template, (5, *template.shape))
    np.testing.assert_allclose(
        template_scores(residual, weight, columns, slopes, own),
        template_scores(residual, weight, columns, slopes, template, workers=1),
    )


def test_a_template_that_labels_describe_or_no_pixel_sees_has_no_score():
    residual, weight, columns, slopes, _ = fitted(4)
    dead = np.zeros((N_PIXEL, 1))
    z = template_scores(residual, weight, columns, slopes, np.concatenate([columns[:, 1:2], dead], axis=1))
    assert np.isnan(z).all()


def test_a_prior_leaves_some_of_what_a_parameter_describes():
    residual, weight, columns, slopes, _ = fitted(4)
    prior = np.full(N_LABEL, 1e3)
    assert np.isfinite(template_scores(residual, weight, columns, slopes, columns[:, 1:2], prior=prior)).all()


def test_excess_near_lines():
    rng = np.random.default_rng(1)
    residual, near = rng.normal(size=(3, 400)), np.zeros((3, 400), dtype=bool)
    near[:, 100:140] = True
    near[2] = False
    residual[1, 100:140] *= 3
    excess = excess_near(residual, np.ones((3, 400)), near)
    assert abs(excess[0]) < 0.6
    assert excess[1] == pytest.approx(2 * np.log(3), abs=0.6)
    assert np.isnan(excess[2])

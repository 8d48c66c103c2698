"""Information averaged over other stars' labels against loops over pixels, and matrices that are singular."""

import numpy as np

from bayescannon.models.label_vector import label_vector_jacobian, n_terms
from bayescannon.stars.information import errors_of, invert_information, typical_information
from bayescannon.stars.quartic import compress


def test_it_is_the_mean_of_the_information_at_the_labels():
    rng = np.random.default_rng(0)
    theta, scatter = rng.normal(size=(40, n_terms(3))), rng.uniform(0.1, 0.3, 40)
    flux, ivar = rng.normal(size=(5, 40)), rng.uniform(1, 9, (5, 40))
    ivar[2, 10:] = 0
    labels = rng.normal(size=(7, 3))
    found = typical_information(compress(theta, scatter, flux, ivar), labels)
    for n in range(5):
        weight = np.where(ivar[n] > 0, 1 / (scatter**2 + 1 / np.where(ivar[n] > 0, ivar[n], 1)), 0)
        mean = np.zeros((3, 3))
        for one in labels:
            slopes = theta @ label_vector_jacobian(one)
            mean += slopes.T @ (slopes * weight[:, None]) / len(labels)
        np.testing.assert_allclose(found[n], mean, rtol=1e-10)
        np.testing.assert_allclose(errors_of(found)[n], np.sqrt(np.diag(np.linalg.inv(mean))), rtol=1e-8)


def test_singular_matrices_have_no_covariance_and_infinite_errors():
    good = np.array([[2.0, 0.5], [0.5, 1.0]])
    flat, negative, none = np.ones((2, 2)), np.diag([1.0, -1.0]), np.full((2, 2), np.nan)
    both = np.array([good, flat, negative, none, np.zeros((2, 2))])
    covariance, definite = invert_information(both)
    assert definite.tolist() == [True, False, False, False, False]
    np.testing.assert_allclose(covariance[0], np.linalg.inv(good))
    assert np.isnan(covariance[1:]).all()
    assert np.isinf(errors_of(both)[1:]).all()

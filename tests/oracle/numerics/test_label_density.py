"""A prior as the exact solvers take it against its PyMC statement, and optima under priors against scipy."""

import numpy as np
import pytest
from label_prior_cases import PRIORS, RNG, SCALER, stars
from scipy.optimize import minimize

from bayescannon.stars.quartic import chi2_derivatives, minimise


@pytest.mark.parametrize("name", PRIORS)
def test_derivatives_are_those_of_finite_differences(name):
    density = PRIORS[name].density(SCALER)
    quartic = stars()
    x = RNG.uniform(-0.4, 0.35, size=(5, 3))
    at, step = chi2_derivatives(quartic, x, density=density), 1e-5
    for k in range(3):
        shift = step * np.eye(3)[k]
        above, below = (chi2_derivatives(quartic, x + sign * shift, density=density) for sign in (1, -1))
        np.testing.assert_allclose((above.chi2 - below.chi2) / (2 * step), at.gradient[:, k], rtol=1e-6, atol=1e-5)
        difference = (above.gradient - below.gradient) / (2 * step)
        np.testing.assert_allclose(difference, at.hessian[:, k], rtol=1e-6, atol=1e-4)
    # the damped steps need a matrix that is never indefinite
    assert (np.linalg.eigvalsh(at.gauss_newton)[:, 0] > 0).all()


@pytest.mark.parametrize("name", PRIORS)
def test_optimum_is_never_worse_than_scipys(name):
    density = PRIORS[name].density(SCALER)
    quartic = stars(n_star=5, sigma=0.6)
    starts = np.random.default_rng(2).normal(size=(7, 3))
    optima = minimise(quartic, starts, density=density)
    best = optima.chi2.min(axis=1)
    assert optima.converged.mean() > 0.98
    walls = list(zip(density.lower, density.upper, strict=True))
    for n in range(5):
        one = quartic.select([n])

        def objective(x, one=one):
            found = chi2_derivatives(one, np.clip(x, density.lower, density.upper)[None], density=density)
            return found.chi2[0], found.gradient[0]

        peers = [
            minimize(objective, np.clip(x, density.lower, density.upper), jac=True, method="L-BFGS-B", bounds=walls).fun
            for x in starts
        ]
        assert best[n] <= min(peers) + 1e-6
        inside = optima.labels[n, optima.chi2[n].argmin()]
        assert (inside >= density.lower).all()
        assert (inside <= density.upper).all()

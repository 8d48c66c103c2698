"""What the kernels of pairs integrate, against the compiled PyMC model."""

import numpy as np
import pytest
from star_pairs import DENSITY, PRIOR, SCALER, SEQUENCE, Stars

from bayescannon.models.binary_star import pair_model
from bayescannon.models.label_vector import term_pairs
from bayescannon.models.main_sequence import LEAST_RATIO
from bayescannon.stars.binary_kernels import minus_two_log, second_star
from bayescannon.stars.quartic import pseudo_observations


def test_the_kernel_integrates_the_density_of_the_pymc_model():
    stars = Stars(3, pairs=1.0, sigma=0.02)
    roots, ys = pseudo_observations(stars.quartic)
    model = pair_model(roots[0], ys[0], sequence=SEQUENCE, scaler=SCALER, prior=PRIOR, least_ratio=LEAST_RATIO)
    logp = model.compile_logp(jacobian=False, mode="FAST_COMPILE")
    numbers, rng = SEQUENCE.arrays(SCALER), np.random.default_rng(0)
    for n in range(3):
        model.set_data("R", roots[n])
        model.set_data("y_observed", ys[n])
        stated, exact = [], []
        for _ in range(4):
            first, q, rho = stars.first[n] + 0.2 * rng.normal(size=3), rng.uniform(0.25, 0.98), rng.normal()
            at = {"labels": first, "mass_ratio_interval__": np.log((q - LEAST_RATIO) / (1 - q)), "rho": rho}
            stated.append(logp(at))
            quartic = tuple(x[n] for x in stars.quartic.arrays)
            point = np.append(first, rho)
            exact.append(-0.5 * minus_two_log(quartic, term_pairs(3), DENSITY.arrays, numbers, point, q))
        np.testing.assert_allclose(np.diff(stated), np.diff(exact), rtol=1e-7, atol=1e-7)


def test_the_second_star_is_that_of_the_statement():
    stars = Stars(20)
    second = np.empty(3)
    for n in range(20):
        w = second_star(SEQUENCE.arrays(SCALER), stars.first[n], stars.q[n], stars.rho[n], second)
        assert w == pytest.approx(stars.w[n], rel=1e-10)
        np.testing.assert_allclose(second, stars.second[n], atol=1e-10)

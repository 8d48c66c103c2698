"""The model of an unresolved pair against its density written out."""

import numpy as np
import pytest
from scipy import stats
from star_pairs import PRIOR, SCALER, SEQUENCE, Stars, pair_vectors

from bayescannon.models.binary_star import pair_model
from bayescannon.models.main_sequence import LEAST_RATIO
from bayescannon.numerics.errors import InputError
from bayescannon.stars.quartic import pseudo_observations


def test_the_density_is_that_of_t_numbers_and_the_priors():
    stars = Stars(2, sigma=0.02)
    root, y = pseudo_observations(stars.quartic)
    model = pair_model(root[0], y[0], sequence=SEQUENCE, scaler=SCALER, prior=PRIOR, least_ratio=LEAST_RATIO)
    assert model.named_vars_to_dims["companion"] == ("stellar_label",)
    logp = model.compile_logp(jacobian=False, mode="FAST_COMPILE")
    rng = np.random.default_rng(3)
    for _ in range(4):
        first, q, rho = stars.first[:1] + 0.1 * rng.normal(size=(1, 3)), rng.uniform(0.3, 1, 1), rng.normal(size=1)
        u, _, _ = pair_vectors(first, q, rho)
        expected = stats.norm.logpdf(y[0], root[0] @ u[0], 1).sum() + stats.norm.logpdf(rho[0]) - np.log(0.8)
        labels = SCALER.from_scaled(first[0])
        expected += stats.multivariate_normal(PRIOR.mean[0], PRIOR.covariance[0]).logpdf(labels)
        expected += np.log(SCALER.scale).sum()
        transformed = np.log((q[0] - LEAST_RATIO) / (1 - q[0]))
        found = logp({"labels": first[0], "mass_ratio_interval__": transformed, "rho": rho[0]})
        assert found == pytest.approx(expected, rel=1e-9)


def test_shapes_that_do_not_go_together_are_refused():
    with pytest.raises(InputError, match="need R of shape"):
        pair_model(np.eye(3), np.ones(3), sequence=SEQUENCE, scaler=SCALER, prior=PRIOR, least_ratio=0.2)

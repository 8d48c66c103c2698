"""
Simulation-based calibration of the label posterior (Talts et al. 2018): ranks of the truth among draws are uniform.

Labels are drawn from a proper prior, spectra from the model, and each is sampled. Whatever is wrong with likelihood,
prior, weights or resampling bends the ranks.
"""

import numpy as np
import pytest
from expect import expect_fraction, expect_uniform_ranks

from bayescannon.data.flags import PosteriorStatus
from bayescannon.models.label_vector import label_vector, n_terms
from bayescannon.numerics.label_density import LabelDensity
from bayescannon.stars.importance import sample_labels, star_seeds
from bayescannon.stars.quartic import compress

N_STAR, N_PIXEL, N_LABEL, N_DRAW = 2000, 80, 3, 199
SIGMA = 0.2
MIXING = np.array([[1.0, 0.0, 0.0], [0.6, 0.8, 0.0], [-0.3, 0.1, 0.9]])


def ranks(seed, *, sigma_given=SIGMA, prior_width=1.0):
    """Ranks of the true labels, (star, label), and the shares of the statuses."""
    model = np.random.default_rng(8)
    theta = 0.05 * model.normal(size=(N_PIXEL, n_terms(N_LABEL)))
    theta[:, 1 + N_LABEL :] *= 0.5
    rng = np.random.default_rng(seed)
    labels = rng.normal(size=(N_STAR, N_LABEL)) @ MIXING.T
    scatter = 0.03 * np.ones(N_PIXEL)
    flux = label_vector(labels) @ theta.T + np.hypot(SIGMA, scatter) * rng.normal(size=(N_STAR, N_PIXEL))
    quartic = compress(theta, scatter, flux, np.full(flux.shape, sigma_given**-2))
    precision = np.linalg.inv(MIXING @ MIXING.T) / prior_width**2
    density = LabelDensity.components(np.zeros(1), np.zeros((1, N_LABEL)), precision[None])
    seeds = star_seeds([f"{seed} {n}" for n in range(N_STAR)], seed)
    found = sample_labels(quartic, rng.normal(size=(7, N_LABEL)), seeds, density=density, n_draws=4000, n_keep=N_DRAW)
    # the few that NUTS would get keep their ranks: to leave them out would be a selection
    expect_fraction(found.status > PosteriorStatus.ADAPTED, N_STAR, 0, 0.003, what="unreliable")
    # between a spectrum that says all and one that says nothing (1): prior and likelihood both matter
    assert 0.2 < np.sqrt(found.covariance[:, 0, 0]).mean() < 0.8
    return (found.draws < labels[:, None, :]).sum(axis=1)


@pytest.mark.parametrize("seed", [1, 2])
def test_ranks_of_the_truth_are_uniform(seed):
    found = ranks(seed)
    for k in range(N_LABEL):
        expect_uniform_ranks(found[:, k], N_DRAW, what=f"label {k}")


@pytest.mark.parametrize("wrong", [{"sigma_given": 0.8 * SIGMA}, {"prior_width": 0.5}])
def test_a_wrong_likelihood_or_prior_is_found_out(wrong):
    found = ranks(1, **wrong)
    with pytest.raises(AssertionError, match=r"at least 0\.001 is expected"):
        expect_uniform_ranks(found[:, 0], N_DRAW)

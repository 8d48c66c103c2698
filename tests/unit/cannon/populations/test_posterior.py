"""Posteriors of the mixture: of one model where one is open, and weighted by membership where several are."""

import numpy as np
import pytest
from toy_survey import toy_survey

from bayescannon.cannon.populations.labelling import route_stars
from bayescannon.cannon.populations.posterior import mixed_posterior, sample_survey
from bayescannon.cannon.posterior import sample_posterior

N_DRAWS = 400


@pytest.fixture(scope="module")
def both():
    toy = toy_survey()
    routed = route_stars(toy.model, toy.spectra)
    return routed, mixed_posterior(routed, n_draws=N_DRAWS, n_keep=200)


def test_a_star_of_one_population_has_the_posterior_of_its_model(both):
    toy, (routed, mixed) = toy_survey(), both
    rows = np.flatnonzero((routed.open.sum(axis=1) == 1) & (routed.best == 1))
    alone = sample_posterior(toy.model.model_of(1), toy.spectra.select(rows), n_draws=N_DRAWS, n_keep=200)
    for name in ("posterior_mean", "posterior_quantile", "posterior_draws", "k_hat"):
        np.testing.assert_allclose(mixed[name][rows], alone[name], rtol=1e-8)


def test_a_star_between_populations_has_draws_of_both(both):
    routed, mixed = both
    rows = np.flatnonzero((routed.open.sum(axis=1) > 1) & (routed.membership.max(axis=1) < 0.9))
    mean, quantile = mixed["posterior_mean"].to_numpy()[rows], mixed["posterior_quantile"].to_numpy()[rows]
    width = np.sqrt(np.diagonal(mixed["posterior_covariance"].to_numpy()[rows], axis1=1, axis2=2))
    assert (np.diff(quantile, axis=1) > 0).all()
    assert (np.abs(quantile[:, 2] - mean) < 0.3 * width).all()
    np.testing.assert_allclose((quantile[:, 3] - quantile[:, 1]) / 2, width, rtol=0.25)
    draws = mixed["posterior_draws"].to_numpy()[rows]
    assert (np.abs(draws.mean(axis=1) - mean) < 0.35 * width).all()


def test_the_same_stars_have_the_same_draws_alone_and_among_others():
    toy = toy_survey()
    every = sample_survey(toy.model, toy.spectra, n_draws=200, n_keep=20)
    few = sample_survey(toy.model, toy.spectra.select(np.arange(4)), n_draws=200, n_keep=20)
    np.testing.assert_allclose(few["posterior_draws"], every["posterior_draws"][:4], rtol=1e-8)
    assert few.attrs["model_hash"] == toy.model.hash

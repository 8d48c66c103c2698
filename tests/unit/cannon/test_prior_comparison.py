"""What each label prior does to the same stars."""

from dataclasses import replace

import numpy as np
import pytest
import toy

from bayescannon.cannon.prior_comparison import compare_priors
from bayescannon.cannon.training import train
from bayescannon.data.flags import FitStatus, PosteriorStatus
from bayescannon.models.label_priors import FlatLabels


@pytest.fixture(scope="module")
def model():
    return train(toy.toy_reference(300))


@pytest.fixture(scope="module")
def stars():
    return toy.toy_spectra(toy.toy_labels(60, seed=5), seed=5, sigma=0.05)


def test_comparison_says_what_each_prior_does(model, stars):
    comparison = compare_priors(model, stars)
    assert list(comparison["prior"].to_numpy()) == ["flat", "box", "gaussian", "mixture", "coverage"]
    flat, gaussian = comparison.sel(prior="flat"), comparison.sel(prior="gaussian")
    np.testing.assert_array_equal(flat["shift"], 0)
    np.testing.assert_array_equal(flat["prior_sensitivity"], 0)
    np.testing.assert_array_equal(flat["contraction"], 1)
    assert (flat["likelihood_sensitivity"] > 0.05).all()
    # a proper prior pulls towards its centre and makes the posterior narrower
    pulled = (gaussian["mean"] - flat["mean"]) * (flat["mean"] - model.scaler.pivot)
    assert float((pulled < 0).mean()) > 0.7
    assert (gaussian["width"].mean("star") < flat["width"].mean("star")).all()
    assert ((gaussian["contraction"] > 0) & (gaussian["contraction"] < 1)).mean() > 0.95
    assert float(gaussian["prior_sensitivity"].mean()) > 0


def test_comparison_of_a_star_without_pixels_is_nan_with_a_status(model, stars):
    ivar = stars.ivar.copy()
    ivar[3] = 0
    dead = replace(stars, ivar=ivar)
    comparison = compare_priors(model, dead, {"flat again": FlatLabels()})
    row = comparison.isel(star=3).sel(prior="flat again")
    assert np.isnan(row["mean"]).all()
    assert np.isnan(row["prior_sensitivity"]).all()
    assert int(row["posterior_status"]) == PosteriorStatus.NO_POSTERIOR
    assert int(row["status"]) == FitStatus.FEW_PIXELS

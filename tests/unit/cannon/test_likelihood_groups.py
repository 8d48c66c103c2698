"""Groups of an ArviZ tree for a Gaussian likelihood: against SciPy, and what is too much."""

import numpy as np
import pytest
import scipy.stats
from expect import expect_mean, expect_scatter

from bayescannon.cannon.likelihood_groups import MOST_VALUES, likelihood_groups, require_few_values
from bayescannon.numerics.errors import InputError

N_DRAW, N_OBSERVATION = 40, 30


@pytest.fixture
def numbers():
    rng = np.random.default_rng(1)
    return rng.normal(size=N_OBSERVATION), rng.normal(size=(N_DRAW, N_OBSERVATION)), rng.uniform(0.1, 2, N_OBSERVATION)


def groups_of(observed, expected, sigma, seed=2):
    return likelihood_groups(
        "flux", observed, expected, sigma, coords={"pixel": np.arange(N_OBSERVATION)},
        attrs={"long_name": "normalised flux", "units": "1"}, rng=np.random.default_rng(seed),
    )  # fmt: skip


def test_the_log_likelihood_is_scipys(numbers):
    observed, expected, sigma = numbers
    groups = groups_of(*numbers)
    assert set(groups) == {"observed_data", "log_likelihood", "posterior_predictive"}
    found = groups["log_likelihood"]["flux"]
    assert found.dims == ("chain", "draw", "observation")
    np.testing.assert_allclose(found[0], scipy.stats.norm.logpdf(observed, expected, sigma), rtol=1e-12)
    np.testing.assert_array_equal(groups["observed_data"]["flux"], observed)


def test_replications_are_drawn_around_the_expected_values(numbers):
    _, expected, sigma = numbers
    pull = ((groups_of(*numbers)["posterior_predictive"]["flux"][0] - expected) / sigma).to_numpy().ravel()
    expect_mean(pull, 0.0, what="replications less expected, in sigmas")
    expect_scatter(pull, 1.0, rtol=0.1, what="their scatter")
    again = groups_of(*numbers)["posterior_predictive"]["flux"][0]
    np.testing.assert_array_equal((again - expected) / sigma, pull.reshape(N_DRAW, N_OBSERVATION))
    assert not np.allclose(groups_of(*numbers, seed=3)["posterior_predictive"]["flux"][0], again)


def test_every_group_knows_its_observations_and_units(numbers):
    groups = groups_of(*numbers)
    for group in groups.values():
        assert group["pixel"].dims == ("observation",)
        assert group["flux"].attrs["units"] == "1"
    assert groups["log_likelihood"]["flux"].attrs["long_name"] == "log likelihood of the normalised flux"
    assert groups["posterior_predictive"]["flux"].attrs["long_name"] == "normalised flux"


def test_more_values_than_memory_holds_are_refused_before_they_are_made():
    require_few_values(1000, MOST_VALUES // 1000)
    with pytest.raises(InputError, match=r"likelihood of 10001 observations for 1000 draws.*take fewer stars"):
        require_few_values(1000, MOST_VALUES // 1000 + 1)

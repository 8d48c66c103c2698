"""The tail of reference scores against SciPy's generalised Pareto distribution, ranks, and bad input."""

import json

import numpy as np
import pytest
from scipy.stats import genpareto

from bayescannon.numerics.errors import InputError
from bayescannon.numerics.p_values import empirical_p_value
from bayescannon.numerics.tail_distribution import TailDistribution, log_survival


def scores(n, seed=0):
    return np.random.default_rng(seed).standard_t(5, size=n)


@pytest.mark.parametrize("shape", [-0.4, -1e-10, 0.0, 1e-9, 0.3])
def test_survival_is_that_of_scipy(shape):
    x = np.array([0.0, 0.1, 1.0, 4.0, 50.0])
    np.testing.assert_allclose(log_survival(x, shape, 1.7), genpareto.logsf(x, shape, scale=1.7), atol=1e-7)


def test_the_posterior_is_that_of_sums_over_a_grid():
    found = TailDistribution.fit(reference := scores(169))
    tail = np.sort(reference)[-found.n_tail :] - found.threshold
    assert len(tail) == 169 // 5
    n_censored = 2
    seen, largest = tail[:-n_censored], tail[-n_censored - 1]

    shape = np.linspace(-0.9, 1.3, 150)[:, None]
    log_scale = np.linspace(found.log_scale - 2, found.log_scale + 2, 151)
    scale = np.exp(log_scale)
    log_density = sum(genpareto.logpdf(one, shape, scale=scale) for one in seen)
    log_density += n_censored * genpareto.logsf(largest, shape, scale=scale)
    density = np.exp(log_density - 0.5 * ((shape - 0.05) / 0.3) ** 2)

    def mean(values):
        return (values * density).sum() / density.sum()

    np.testing.assert_allclose([found.shape, found.log_scale], [mean(shape), mean(log_scale)], atol=0.003)
    np.testing.assert_allclose(found.shape_error**2, mean((shape - mean(shape)) ** 2), rtol=0.01)
    for x in (0.5, 2.0, 6.0):
        exact = mean(genpareto.sf(x, shape, scale=scale))
        np.testing.assert_allclose(found.p_value([found.threshold + x])[0], exact * found.tail_share, rtol=0.06)


def test_many_scores_have_the_tail_that_maximum_likelihood_finds():
    reference = genpareto.rvs(0.2, size=40_000, random_state=1)
    found = TailDistribution.fit(reference)
    tail = np.sort(reference)[-found.n_tail :] - found.threshold
    shape, _, scale = genpareto.fit(tail, floc=0)
    assert abs(found.shape - shape) < 2 * found.shape_error
    assert abs(found.log_scale - np.log(scale)) < 2 * found.log_scale_error


@pytest.mark.parametrize("n", [10, 30, 169, 3000])
def test_p_values_are_those_of_ranks_in_the_body_and_go_on_smoothly(n):
    reference = scores(n)
    found = TailDistribution.fit(reference)
    ordered = np.sort(reference)
    body = ordered[ordered <= found.threshold]
    np.testing.assert_allclose(found.p_value(body), empirical_p_value(body, reference) - 1 / (n + 1), atol=6e-3)
    near = body[-n // 10 :]
    np.testing.assert_allclose(found.p_value(near), empirical_p_value(near, reference) - 1 / (n + 1), rtol=0.02)
    join = found.p_value(np.nextafter(found.threshold, [-np.inf, np.inf]))
    np.testing.assert_allclose(join, found.tail_share, rtol=1e-9)
    p = found.p_value(np.linspace(-40, 300, 20_000))
    assert (np.diff(p) <= 0).all()
    assert p[0] == 1
    assert p[-1] >= found.smallest > 0
    assert found.smallest == pytest.approx(found.smallest_by_rank / 1000)
    assert (np.diff(p[p > found.smallest][: np.argmax(p < 1 / (n + 1))]) < 0)[-5:].all()


def test_limits_are_where_p_values_are():
    found = TailDistribution.fit(scores(200))
    for rate in (0.5, 0.1, 0.03, 0.01, 1e-4):
        limit = found.limit(rate)
        assert found.p_value([limit.value])[0] == pytest.approx(rate, rel=1e-6)
        assert limit.low < limit.value < limit.high
        assert found.limit(rate, level=0.95).high > limit.high
    # few scores know less
    widths = [np.subtract(*TailDistribution.fit(scores(n)).limit(0.01)[:0:-1]) for n in (60, 600, 6000)]
    assert widths[0] > 2 * widths[1] > 4 * widths[2]


@pytest.mark.parametrize("n_outliers", [1, 2])
def test_how_absurd_one_or_two_outliers_are_does_not_matter(n_outliers):
    factors = []
    for seed in range(20):
        clean = np.random.default_rng(seed).normal(size=200 - n_outliers)
        middle = np.median(clean)
        with_outliers = [TailDistribution.fit([*clean, *[value] * n_outliers]).limit(0.01).value for value in (50, 1e9)]
        np.testing.assert_allclose(*with_outliers, rtol=1e-6)
        factors.append((with_outliers[0] - middle) / (TailDistribution.fit(clean).limit(0.01).value - middle))
    print(f"{n_outliers} outliers of 200: limit from the median {np.median(factors):.2f}, at most {max(factors):.2f}")
    assert np.median(factors) < 1.3
    assert max(factors) < 1.7


def test_it_is_a_few_numbers():
    found = TailDistribution.fit(scores(20_000))
    again = TailDistribution.from_dict(json.loads(json.dumps(found.to_dict())))
    x = np.linspace(-3, 20, 500)
    np.testing.assert_array_equal(again.p_value(x), found.p_value(x))
    assert again.limit(0.01) == found.limit(0.01)
    assert len(found.body) <= 101


def test_scores_without_a_tail_have_p_values_of_ranks():
    few = TailDistribution.fit([3.0, 1.0, 2.0, np.nan])
    assert (few.n_reference, few.n_tail) == (3, 0)
    np.testing.assert_allclose(
        few.p_value([0.0, 1.0, 2.0, 3.0, 3.1, np.inf, np.nan]), [1, 0.75, 0.5, 0.25, 0.25, 0.25, np.nan]
    )
    equal = TailDistribution.fit(np.ones(100))
    np.testing.assert_allclose(equal.p_value([0.0, 1.0, 2.0]), [1.0, 100 / 101, 1 / 101])
    assert equal.limit(0.5).value == 1.0
    # most scores are at a bound: the tail is that of the others
    tied = TailDistribution.fit(np.r_[np.zeros(950), np.random.default_rng(0).exponential(size=50)])
    np.testing.assert_allclose(tied.p_value([0.0, 1e-9, 1.0]), [1000 / 1001, 51 / 1001, 0.05 * np.exp(-1)], rtol=0.3)


def test_wrong_calls_are_refused():
    with pytest.raises(InputError, match="at least one that is finite"):
        TailDistribution.fit([np.nan])
    found = TailDistribution.fit(scores(169))
    with pytest.raises(InputError, match=r"no p-values below 5\.9e-06.*ask for a larger one"):
        found.limit(1e-6)
    with pytest.raises(InputError, match="rate must be"):
        found.limit(0.0)
    with pytest.raises(InputError, match="level must be"):
        found.limit(0.1, level=1)

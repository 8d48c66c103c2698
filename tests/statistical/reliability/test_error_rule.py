"""The rule of four parameters is found again from errors drawn from it, and scores them as SciPy does."""

import numpy as np
from expect import expect_between

from bayescannon.reliability.error_rule import ErrorRule


def test_parameters_are_found_again():
    rng = np.random.default_rng(2)
    formal, noise = rng.uniform(5, 40, 20000), np.full(20000, 8.0)
    off = 4 + np.sqrt((1.5 * formal) ** 2 + 20**2 + noise**2) * rng.standard_t(5, size=20000)
    rule = ErrorRule.fit(off, formal, noise)
    expect_between(rule.location, 3, 5, what="location")
    expect_between(rule.share, 1.42, 1.58, what="share")
    expect_between(rule.floor, 18, 22, what="floor")
    expect_between(rule.dof, 4.5, 5.6, what="degrees of freedom")


def test_a_density_integrates_to_one_and_a_worse_rule_scores_less():
    rule = ErrorRule(1.0, 2.0, 3.0, 4.0)
    off = np.linspace(-4000, 4000, 800001)
    density = np.exp(rule.log_density(off, np.full(off.shape, 2.0), np.full(off.shape, 1.0)))
    assert abs(density.sum() * (off[1] - off[0]) - 1) < 1e-5
    rng = np.random.default_rng(3)
    formal = rng.uniform(1, 3, 3000)
    drawn = formal * rng.normal(size=3000)
    found = ErrorRule.fit(drawn, formal, np.zeros(3000))
    assert (
        found.log_density(drawn, formal, np.zeros(3000)).sum()
        > ErrorRule(0.5, 1.5, 0.1, 30).log_density(drawn, formal, np.zeros(3000)).sum()
    )


def test_equal_differences_have_a_rule():
    rule = ErrorRule.fit(np.zeros(20), np.ones(20), np.zeros(20))
    assert np.isfinite(rule.log_density(np.zeros(3), np.ones(3), np.zeros(3))).all()

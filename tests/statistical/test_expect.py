"""The helper of the statistical tests accepts what it should and can fail."""

import numpy as np
import pytest
from expect import expect_between, expect_fraction, expect_mean, expect_scatter

VALUES = np.random.default_rng(1).normal(3.0, 2.0, 10_000)


def test_mean():
    expect_mean(VALUES, 3.0)
    with pytest.raises(AssertionError, match=r"height: 2\.9.* sigma from 3\.2; at most 4 are allowed"):
        expect_mean(VALUES, 3.2, what="height")


def test_scatter_is_that_of_the_core():
    expect_scatter(np.concatenate([VALUES, [1e6] * 20]), 2.0, rtol=0.03)
    for wrong in (1.8, 2.2):
        with pytest.raises(AssertionError, match=r"expected 1 \+- 0.03"):
            expect_scatter(VALUES, wrong, rtol=0.03)


def test_fraction():
    expect_fraction(VALUES > 3, len(VALUES), 0.47, 0.53)
    expect_fraction(50, 100, 0.5, 0.5)
    with pytest.raises(AssertionError, match=r"agreeing: 98 of 100 = 0\.98000; expected from 0\.99 to 1"):
        expect_fraction(98, 100, 0.99, what="agreeing")


def test_between():
    expect_between(0.3, 0.3, 0.4, what="chi2")
    with pytest.raises(AssertionError, match=r"chi2 is 0\.5; expected from 0\.3 to 0\.4"):
        expect_between(0.5, 0.3, 0.4, what="chi2")


@pytest.mark.parametrize("values", [[1.0] * 5, [*VALUES[:50], np.nan], VALUES.reshape(100, 100)])
def test_what_is_no_sample_is_refused(values):
    with pytest.raises(AssertionError, match=r"too few|not finite|one value a star"):
        expect_mean(values, 3.0)

"""What a statistical test may ask, with its threshold stated: mean, scatter, fraction; the numbers seen are printed."""

import numpy as np
from scipy.stats import chi2


def _finite(values):
    values = np.asarray(values, dtype=float)
    assert values.ndim == 1, f"expected one value a star; got shape {values.shape}"
    assert len(values) >= 20, f"{len(values)} values are too few for statistics; at least 20 are needed"
    assert np.isfinite(values).all(), f"{(~np.isfinite(values)).sum()} of {len(values)} values are not finite"
    return values


def expect_mean(values, expected, *, n_sigma=4.0, what="mean"):
    """The mean is within `n_sigma` of its standard errors of what is expected."""
    values = _finite(values)
    error = values.std(ddof=1) / np.sqrt(len(values))
    off = (values.mean() - expected) / error
    text = f"{what}: {values.mean():.4g} +- {error:.2g} of {len(values)}, {off:+.2f} sigma from {expected:g}"
    print(text)
    assert abs(off) <= n_sigma, f"{text}; at most {n_sigma:g} are allowed"


def expect_scatter(values, expected, *, rtol, what="scatter"):
    """Half the width that holds the central 68.27 % is as expected, but for a factor of 1 +- `rtol`."""
    values = _finite(values)
    low, high = np.quantile(values, [0.158655, 0.841345])
    width = (high - low) / 2
    text = f"{what}: {width:.4g} of {len(values)}, {width / expected:.3f} of {expected:g}"
    print(text)
    assert abs(width / expected - 1) <= rtol, f"{text}; expected 1 +- {rtol:g}"


def expect_fraction(successes, n, low, high=1.0, *, what="fraction"):
    """The fraction of `n` is from `low` to `high`; `successes` is their number, or a bool array of length `n`."""
    count = int(np.sum(successes))
    assert n > 0, "a fraction of nothing"
    text = f"{what}: {count} of {n} = {count / n:.5f}"
    print(text)
    assert low <= count / n <= high, f"{text}; expected from {low:g} to {high:g}"


def expect_between(value, low, high, *, what):
    """One number is from `low` to `high`."""
    print(f"{what}: {value:.5g}")
    assert low <= value <= high, f"{what} is {value:.5g}; expected from {low:g} to {high:g}"


def expect_uniform_ranks(ranks, n_draw, *, n_bin=20, least_p=1e-3, what="ranks"):
    """Ranks among `n_draw` draws, 0 to n_draw, are uniform: the p-value of chi2 over `n_bin` bins is not tiny."""
    ranks = np.asarray(ranks)
    assert len(ranks) >= 10 * n_bin, f"{len(ranks)} ranks are too few for {n_bin} bins"
    assert (n_draw + 1) % n_bin == 0, f"{n_draw} + 1 ranks do not fall into {n_bin} equal bins"
    counts = np.bincount(ranks * n_bin // (n_draw + 1), minlength=n_bin)
    expected = len(ranks) / n_bin
    statistic = float(((counts - expected) ** 2).sum() / expected)
    p = float(chi2.sf(statistic, n_bin - 1))
    text = f"{what}: chi2 {statistic:.1f} of {n_bin} bins, p = {p:.2g}"
    print(text)
    assert p >= least_p, f"{text}; at least {least_p:g} is expected; counts {counts.tolist()}"


def slopes(inferred, truth):
    """Slope of the least-squares line of each inferred label on the true one, shapes (star, K) to (K,)."""
    return np.array([np.polyfit(true, found, 1)[0] for found, true in zip(inferred.T, truth.T, strict=True)])

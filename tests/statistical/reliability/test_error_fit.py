"""Calibrated errors are what they say: on stars drawn from a known distribution, and on fresh mock stars."""

import numpy as np
import pytest
from expect import expect_between, expect_fraction
from known_errors import N_LABEL, ONE, SNR_BINS, TWO, draw_clumped_stars, draw_stars, known_calibration
from scipy import stats

from bayescannon.reliability.error_fit import fit_calibration

# they take a minute in all, and are run with the long tests
pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def learned():
    """A calibration of 6000 stars, 3 % of them with the labels of another star, and 40,000 fresh stars."""
    stars, _, mislabelled = draw_stars(6000, seed=10, wrong=0.03)
    return fit_calibration(stars), mislabelled, draw_stars(40_000, seed=11)


def _expect_coverage(draw):
    """
    Three calibrations of 6000 stars, and 20,000 fresh stars for each: coverage by label and S/N of all together.

    The level of 6000 stars' errors is known to 2 %, which is 0.4 % of the coverage of 95 % intervals.
    """
    inside, snr = [], []
    for seed in (10, 20, 30):
        stars, fresh, true = draw(seed)
        predicted = fit_calibration(stars).predict(fresh.scaled, fresh.formal, fresh.snr)
        off = np.abs(fresh.scaled - true)
        inside.append([off < predicted.interval(probability) for probability in (0.6827, 0.95)])
        snr.append(fresh.snr)
    within, snr = np.concatenate(inside, axis=1), np.concatenate(snr)
    for low, high in SNR_BINS:
        use = (snr >= low) & (snr < high)
        for k in range(N_LABEL):
            for row, name, (least, most) in ((0, "68 %", ONE), (1, "95 %", TWO)):
                expect_fraction(
                    within[row][use, k], use.sum(), least, most, what=f"label {k}, S/N {low}-{high}, {name}"
                )


def test_intervals_cover_fresh_stars_of_a_known_distribution():
    def draw(seed):
        fresh, true, _ = draw_stars(20_000, seed=seed + 1)
        return draw_stars(6000, seed=seed, wrong=0.03)[0], fresh, true

    _expect_coverage(draw)


def test_intervals_cover_errors_that_are_of_no_family():
    """Stars of a clumped population, whose errors given the inferred labels no parameters make exact."""
    _expect_coverage(lambda seed: (draw_clumped_stars(6000, seed=seed)[0], *draw_clumped_stars(20_000, seed=seed + 1)))


def test_few_stars_do_not_make_intervals_too_narrow_and_say_how_well_they_are_known():
    """
    What a fit takes for its location is given back: 20 sets of 300 stars, less the parameters, cover on average.

    Their labels' own errors are larger than the scatter.
    """
    fresh, true, _ = draw_stars(4000, seed=21)
    off, covered, level, said = np.abs(fresh.scaled - true), [], [], []
    for seed in range(20):
        stars, _, _ = draw_stars(300, seed=100 + seed, noise=0.15)
        calibration = fit_calibration(stars)
        predicted = calibration.predict(fresh.scaled, fresh.formal, fresh.snr)
        covered.append((off < predicted.interval()).mean())
        level.append(np.log(predicted.interval()).mean(axis=0))
        said.append(calibration.scale_error)
    expect_between(np.mean(covered), 0.683, 0.72, what="mean coverage of 68.3 % intervals from 300 stars")
    # a standard deviation of 20 sets is known to 16 %
    for ratio in np.std(level, axis=0, ddof=1) / np.mean(said, axis=0):
        expect_between(ratio, 0.6, 1.5, what="scatter of the error's level over what the calibration says of it")


@pytest.mark.parametrize("wrong", [0.0, 0.03])
def test_errors_that_go_together_are_not_wrong_labels(wrong):
    stars, _, mislabelled = draw_stars(6000, seed=31, wrong=wrong, together=True)
    calibration = fit_calibration(stars)
    expect_between(
        calibration.wrong_fraction - mislabelled.mean(), -0.006, 0.004, what="wrong labels found beyond the true ones"
    )
    fresh, true, _ = draw_stars(40_000, seed=32, together=True)
    inside = np.abs(fresh.scaled - true) < calibration.predict(fresh.scaled, fresh.formal, fresh.snr).interval(0.95)
    for k in range(N_LABEL):
        expect_fraction(inside[:, k], len(inside), *TWO, what=f"95 % intervals of label {k}")


def test_the_distribution_itself_is_found(learned):
    calibration, mislabelled, (fresh, true, _) = learned
    truth = known_calibration().predict(fresh.scaled, fresh.formal, fresh.snr)
    found = calibration.predict(fresh.scaled, fresh.formal, fresh.snr)
    for k in range(N_LABEL):
        # 6000 stars say a constant scale to 1 %, without noise; here it is a function, seen through noise
        ratio = np.log(found.scale / truth.scale)[:, k]
        expect_between(np.sqrt(np.mean(ratio**2)), 0, 0.08, what=f"error of log scale of label {k}")
        off = (found.location - truth.location)[:, k] / truth.scale[:, k]
        expect_between(np.sqrt(np.mean(off**2)), 0, 0.12, what=f"error of the offset of label {k} in scales")
        expect_between(found.dof[0, k] / truth.dof[0, k], 0.6, 1.7, what=f"ratio of degrees of freedom of label {k}")
    expect_between(calibration.wrong_fraction / mislabelled.mean(), 0.7, 1.3, what="found of the wrong labels")
    pit = found.pit(fresh.scaled - true)
    for k in range(N_LABEL):
        expect_between(stats.kstest(pit[:, k], "uniform").statistic, 0, 0.015, what=f"largest gap of PIT of label {k}")


def test_the_reference_labels_own_errors_are_taken_out(learned):
    calibration, _, (fresh, true, _) = learned
    stars, _, _ = draw_stars(6000, seed=10, wrong=0.03)
    stars.noise[:] = 0.0
    untold = fit_calibration(stars).predict(fresh.scaled, fresh.formal, fresh.snr).interval()
    told = calibration.predict(fresh.scaled, fresh.formal, fresh.snr).interval()
    off = np.abs(fresh.scaled - true)
    # the thresholds can fail: without that knowledge the intervals are far too wide
    expect_fraction((off < untold)[:, 0], len(off), 0.72, what="covered by intervals with the reference's errors in")
    assert (untold > told).mean() > 0.8


def test_pit_of_noisy_references_is_uniform(learned):
    calibration, _, (fresh, _, _) = learned
    predicted = calibration.predict(fresh.scaled, fresh.formal, fresh.snr)
    pit = predicted.pit(fresh.scaled - fresh.reference, fresh.noise)
    for k in range(N_LABEL):
        expect_between(stats.kstest(pit[:, k], "uniform").statistic, 0, 0.015, what=f"largest gap of PIT of label {k}")


def test_cross_fitted_pit_values_are_uniform():
    stars, _, _ = draw_stars(1500, seed=12)
    fold = np.random.default_rng(0).permutation(len(stars)) % 3
    pit = np.empty(stars.scaled.shape)
    for k in range(3):
        own = stars.select(fold == k)
        predicted = fit_calibration(stars.select(fold != k)).predict(own.scaled, own.formal, own.snr)
        pit[fold == k] = predicted.pit(own.scaled - own.reference, own.noise)
    for k in range(N_LABEL):
        # 1500 values of a uniform distribution stay below 0.042 with 99 %
        expect_between(stats.kstest(pit[:, k], "uniform").statistic, 0, 0.05, what=f"largest gap of PIT of label {k}")

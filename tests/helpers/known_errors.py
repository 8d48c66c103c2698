"""Out-of-fold stars whose errors are drawn from a known distribution."""

from dataclasses import replace

import numpy as np
from scipy import stats

from bayescannon.reliability.damage_errors import DamageErrors, InformationLeft
from bayescannon.reliability.damage_fit import DamagedCopies, LostPixels
from bayescannon.reliability.error_distribution import ErrorCalibration
from bayescannon.reliability.out_of_fold import OutOfFold

N_LABEL = 2
SNR_BINS = ((10, 30), (30, 60), (60, np.inf))
# what is asked of intervals of 68.3 and 95 %
ONE, TWO = (0.66, 0.705), (0.94, 0.96)


def known_calibration():
    """Errors whose offset, scale and tails depend on S/N, and the first two on the place too."""
    location = np.array([[0.01, -0.02, 0.03, -0.02], [0.015, 0.01, 0.0, 0.015]])
    return ErrorCalibration(
        location=location,
        formal=np.array([[0.5], [0.2]]),
        floor=np.array([[-2.6, 0.1, 0.0, 0.3, -0.2], [-2.2, 0.0, 0.1, -0.2, 0.1]]),
        dof=np.array([4.0, 10.0]),
        dof_slope=np.array([0.0, -0.3]),
        scale_error=np.zeros(N_LABEL),
        label_range=np.tile([-2.5, 2.5], (N_LABEL, 1)),
        axes=np.array([[0.9, 0.3], [-0.2, 1.0]]),
        centre=np.zeros(N_LABEL),
        snr_range=np.log([8.0, 400.0]),
        snr_centre=np.log(45.0),
        snr_width=0.75,
        bias=location[:, 0],
        wrong_fraction=0.0,
        n_stars=0,
    )


def draw_stars(n_star, *, seed, noise=0.07, wrong=0.0, together=False):
    """
    Draw stars; return them, their true labels and a mask of those with the reference labels of another star.

    `noise` is the standard deviation of the reference labels' errors. With `together` the errors of a star's labels
    are correlated by 0.8, and large at the same time.
    """
    rng = np.random.default_rng(seed)
    scaled = rng.normal(size=(n_star, N_LABEL)).clip(-2.5, 2.5)
    snr = np.exp(np.log(45.0) + 0.75 * rng.normal(size=n_star)).clip(8, 400)
    formal = np.exp(0.2 * rng.normal(size=(n_star, N_LABEL))) * 2.0 / snr[:, None]
    predicted = known_calibration().predict(scaled, formal, snr)
    below = rng.random(scaled.shape)
    if together:
        joint = stats.multivariate_t(shape=[[1.0, 0.8], [0.8, 1.0]], df=5, seed=rng)
        below = stats.t.cdf(joint.rvs(n_star), 5)
    error = predicted.location + predicted.scale * stats.t.ppf(below, predicted.dof)
    true = scaled - error
    mislabelled = rng.random(n_star) < wrong
    # the labels of some other star
    source = np.where(mislabelled, rng.permutation(n_star), np.arange(n_star))
    reference = true[source] + noise * rng.normal(size=true.shape)
    return OutOfFold(scaled, formal, reference, np.full(true.shape, noise), snr), true, mislabelled


def draw_clumped_stars(n_star, *, seed, noise=0.12):
    """
    Draw stars of a population with a narrow clump, their errors independent of the true labels and not heavy-tailed.

    So the errors given the inferred labels are of no family: the noisier the spectrum, the more the population draws
    the true labels towards its mean and into its clump. Returns the stars and their true labels.
    """
    rng = np.random.default_rng(seed)
    along = np.where(rng.random(n_star) < 0.3, 0.3 + 0.08 * rng.normal(size=n_star), rng.normal(size=n_star))
    true = np.column_stack([along, 0.8 * along + 0.5 * rng.normal(size=n_star)])
    snr = np.exp(np.log(47.6) + 0.764 * rng.normal(size=n_star)).clip(8, 400)
    formal = np.exp(0.1 * true[:, :1] + 0.1 * rng.normal(size=(n_star, N_LABEL))) * 6.0 / snr[:, None]
    scaled = true + np.sqrt((1.2 * formal) ** 2 + 0.12**2) * rng.normal(size=true.shape)
    reference = true + noise * rng.normal(size=true.shape)
    return OutOfFold(scaled, formal, reference, np.full(true.shape, noise), snr), true


def known_damage():
    """Errors of lost pixels, of the same two labels as :func:`known_calibration`."""
    return DamageErrors(
        complete=np.array([[-3.0, -0.75, 0.0], [-3.0, -0.75, 0.05]]),
        usual_gaps=np.array([0.02, 0.04]),
        scale=np.array([[0.4, -0.1, 0.6, 0.3, 0.2, -0.5], [0.2, 0.1, 1.2, 0.5, 0.1, 0.0]]),
        dof=np.array([4.0, 8.0]),
        offset_range=np.tile([-0.5, 0.5], (N_LABEL, 1)),
        limit=np.array([2.0, 2.0]),
        least_live=0.01,
        reach=50.0,
        n_copies=0,
    )


def draw_copies(n_star, *, seed, noise=0.07):
    """
    Draw complete stars with what their pixels tell, and copies of them that lost pixels, by :func:`known_damage`.

    Returns the stars, the copies and the copies' true labels.
    """
    stars, _, _ = draw_stars(n_star, seed=seed, noise=noise)
    rng = np.random.default_rng(seed + 1000)
    calibration = replace(known_calibration(), damage=known_damage())
    level = calibration.frame.level(stars.snr)[:, None]
    typical = np.exp(-3.1 - 0.75 * level + 0.04 * rng.normal(size=stars.scaled.shape))
    stars = replace(
        stars, left=InformationLeft(typical, np.column_stack([0.02 * rng.random(n_star)] * 2), np.ones(n_star))
    )
    lost = rng.exponential(1.2, size=(n_star, 1)) + 0.1 * rng.random(stars.scaled.shape)
    gaps = np.column_stack([rng.random(n_star), 0.6 * rng.random(n_star)])
    left = InformationLeft(typical * np.exp(lost), gaps, np.full(n_star, 0.1))
    formal = left.typical * np.exp(0.2 * rng.normal(size=typical.shape))
    scaled = rng.normal(size=typical.shape).clip(-2.5, 2.5)
    predicted = calibration.predict(scaled, formal, stars.snr, left)
    true = scaled - predicted.location - predicted.scale * stats.t.ppf(rng.random(scaled.shape), predicted.dof)
    reference = true + noise * rng.normal(size=true.shape)
    copy = OutOfFold(scaled, formal, reference, np.full(true.shape, noise), stars.snr, left=left)
    return stars, DamagedCopies(copy, np.arange(n_star), 50.0), true


def lost_pixels(n_star, seed):
    """The likelihood of the first label of copies that lost pixels."""
    _, copies, _ = draw_copies(n_star, seed=seed)
    calibration, stars = known_calibration(), copies.stars
    loss = known_damage().loss(stars.formal, calibration.frame.level(stars.snr), stars.left)
    whole = calibration.of_complete(stars.scaled, stars.formal * loss.shrink, stars.snr)
    off = stars.scaled - stars.reference - whole.location
    return LostPixels(
        off[:, 0].copy(),
        whole.scale[:, 0],
        np.log(whole.dof[:, 0]),
        stars.noise[:, 0].copy(),
        loss.log_excess[:, 0],
        loss.features[:, 0],
    )

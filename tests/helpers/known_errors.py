"""Out-of-fold stars whose errors are drawn from a known distribution."""

import numpy as np

from bayescannon.calibration import ErrorCalibration
from bayescannon.calibration_fit import OutOfFold
from bayescannon.label_vector import n_terms

N_LABEL = 2


def known_calibration():
    """Errors whose offset, scale and tails depend on S/N, and the first two on both labels too."""
    location = np.zeros((N_LABEL, n_terms(N_LABEL)))
    location[0, :3], location[1, 3] = (0.02, 0.1, -0.05), 0.06
    location_slope = np.zeros((N_LABEL, N_LABEL + 1))
    location_slope[0, 1], location_slope[1, 0] = -0.08, 0.03
    return ErrorCalibration(
        location=location,
        location_slope=location_slope,
        formal=np.array([[0.5, 0.1, 0.0, 0.2, 0.0], [0.2, 0.0, -0.1, 0.0, -0.2]]),
        floor=np.array([[-2.0, 0.1, 0.0, 0.3, -0.2], [-1.6, 0.0, 0.1, -0.2, 0.1]]),
        dof=np.array([4.0, 10.0]),
        dof_slope=np.array([0.0, -0.3]),
        label_range=np.tile([-2.5, 2.5], (N_LABEL, 1)),
        snr_range=np.log([8.0, 400.0]),
        snr_centre=np.log(45.0),
        snr_width=0.75,
        bias=location[:, 0],
        wrong_fraction=0.0,
        n_stars=0,
    )


def draw_stars(n_star, *, seed, noise=0.12, wrong=0.0):
    """
    Draw stars; return them, their true labels and a mask of those with the reference labels of another star.

    `noise` is the standard deviation of the reference labels' errors.
    """
    rng = np.random.default_rng(seed)
    scaled = rng.normal(size=(n_star, N_LABEL)).clip(-2.5, 2.5)
    snr = np.exp(np.log(45.0) + 0.75 * rng.normal(size=n_star)).clip(8, 400)
    formal = np.exp(0.2 * rng.normal(size=(n_star, N_LABEL))) * 4.0 / snr[:, None]
    predicted = known_calibration().predict(scaled, formal, snr)
    error = predicted.location + predicted.scale * rng.standard_t(predicted.dof)
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

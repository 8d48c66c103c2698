"""Fit the calibration of errors by penalised maximum likelihood, with a component for wrong reference labels."""

from dataclasses import fields, replace

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

from bayescannon.data.star_groups import star_numbers
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.threads import map_items, one_blas_thread
from bayescannon.numerics.typing import FloatArray
from bayescannon.reliability.damage_fit import DamagedCopies, fit_damage
from bayescannon.reliability.error_distribution import ErrorCalibration
from bayescannon.reliability.error_frame import ErrorFrame, SmoothPlace
from bayescannon.reliability.error_likelihood import ErrorLikelihood, PriorWidths
from bayescannon.reliability.out_of_fold import OutOfFold
from bayescannon.reliability.wrong_labels import log_dependence, log_population, right_probability

# fewer stars do not constrain the tails
MIN_STARS = 50
# x is clamped to the central 98 % of the reference stars
_LABEL_QUANTILES = (0.01, 0.99)
# EM rounds for wrong labels: the weights of nearly all stars are 0 or 1 after the first
_ROUNDS = 5
# first guess of the widths of the priors, and the number of coefficients that it counts as
_GUESS, _GUESS_WEIGHT = 0.1, 2.0
# axes of the position: those along which the variance of the labels exceeds that of their errors by this factor. Along
# others, as across the narrow sequence of giants, inferred labels are mostly error
_SPREAD_OVER_ERRORS = 2.5
# smooth functions are of the widest axes only
_SMOOTH_AXES = 2
# smallest variance of the errors along an axis, in units of the mean variance of (inferred - reference)
_LEAST_LEFT = 0.01


class CalibrationError(InputError):
    """Errors that cannot be calibrated; the message says why."""


def too_few(n_stars: int) -> str:
    """Return the sentence that says that the stars are too few."""
    return (
        f"to calibrate errors at least {MIN_STARS} reference stars with labels and errors are needed; got {n_stars}. "
        "Use more reference stars"
    )


def fit_calibration(
    stars: OutOfFold, damaged: DamagedCopies | None = None, *, workers: int | None = None
) -> ErrorCalibration:
    r"""
    Fit the distribution of (inferred - true) to (inferred - reference), deconvolved from the errors of the reference.

    A reference star has its own labels with errors, :math:`p = c \prod_k t_k * {\cal N}(0, e_k^2)` with a t copula c,
    or, with a fitted probability, the labels of any star of the set, whose density is a Gaussian with their mean and
    covariance. Therefore stars need not be clipped before; stars that a clip removed should be included, because the
    tails depend on them.

    A star's spectra share the error of its reference label and whatever of the star is no label, so that their errors
    are not independent: each of m spectra counts 1 / m, and the priors, leave-one-out residuals and numbers of stars
    are those of as many stars. The uncertainty of the errors is `scale_error` of the result; it takes a star's spectra
    to say no more than one of them.

    Parameters
    ----------
    stars : OutOfFold
        Held-out results: each star labelled by a model that was trained on none of its spectra.
    damaged : DamagedCopies, optional
        Copies of them with fewer pixels, which the errors of damaged stars are fitted to, see
        :func:`bayescannon.reliability.damage_fit.fit_damage`; their rows are those of `stars`.
    workers : int or None
        Threads, at most one per label; None takes every core.

    Returns
    -------
    calibration : ErrorCalibration

    Raises
    ------
    CalibrationError
        Fewer than 50 stars with finite labels and errors.
    """
    every = stars
    use = np.isfinite(stars.scaled + stars.formal + stars.reference + stars.noise).all(axis=1)
    use &= (stars.formal > 0).all(axis=1)
    stars = stars.select(use)
    if stars.n_stars < MIN_STARS:
        raise CalibrationError(too_few(stars.n_stars))
    number = star_numbers(stars.star)
    share = 1 / np.bincount(number)[number]
    n_label = stars.scaled.shape[1]
    off = stars.scaled - stars.reference
    # the first round leaves out stars that are far off in any label, as the clip of the paper does
    near = (np.abs(off) < 6 * np.quantile(np.abs(off), 0.6827, axis=0)).all(axis=1)
    frame = _frame(stars, near)
    vector, features = frame.features(stars.scaled, stars.snr)
    problems = [
        ErrorLikelihood(
            off[:, k].copy(),
            np.log(stars.formal[:, k]),
            stars.noise[:, k].copy(),
            vector,
            features,
            number,
            n_changing=frame.n_changing,
        )
        for k in range(n_label)
    ]
    right, other = near.astype(float), log_population(stars.reference)
    found = [problem.start() for problem in problems]
    with one_blas_thread():
        fitted = problems
        for _ in range(_ROUNDS):
            found = map_items(lambda p, at: p.maximise(at, right * share), fitted, found, workers=workers)  # noqa: B023
            own = sum(map_items(lambda p, at: p.log_density(at)[0], problems, found, workers=workers))
            below = np.column_stack(map_items(lambda p, at: p.below(at), problems, found, workers=workers))
            right = right_probability(own + log_dependence(below, right * share), other, number)
            widths = _learned_widths(fitted, found, right * share)
            problems = [replace(p, widths=widths) for p in problems]
            fitted = [p.left_out(at, right * share) for p, at in zip(problems, found, strict=True)]
    cuts = problems[0].cuts
    mu, alpha, beta, delta = (np.array(part) for part in zip(*(np.split(p, cuts) for p in found), strict=True))
    calibration = ErrorCalibration(
        location=mu,
        formal=alpha,
        floor=beta,
        dof=np.exp(delta[:, 0]),
        dof_slope=np.zeros(n_label),
        scale_error=np.array([p.scale_error(at, right * share) for p, at in zip(fitted, found, strict=True)]),
        **{item.name: getattr(frame, item.name) for item in fields(frame)},
        bias=(right * share) @ (vector @ mu.T) / (right @ share),
        wrong_fraction=float(np.average(1 - right, weights=share)),
        n_stars=stars.n_stars,
    )
    if damaged is None:
        return calibration
    weight = np.zeros(len(every))
    weight[use] = right * share
    return replace(calibration, damage=fit_damage(damaged, every, calibration, weight, workers=workers))


def _frame(stars: OutOfFold, near: NDArray[np.bool_]) -> ErrorFrame:
    """Return what the errors depend on; L is 0 if no star has an S/N."""
    label_range = np.quantile(stars.scaled, _LABEL_QUANTILES, axis=0).T
    labels = np.clip(stars.scaled[near], label_range[:, 0], label_range[:, 1])
    log_snr = np.log(stars.snr[np.isfinite(stars.snr) & (stars.snr > 0)])
    if len(log_snr) == 0:
        log_snr = np.zeros(1)
    frame = ErrorFrame(
        label_range=label_range,
        axes=_steady_axes(labels, (stars.scaled - stars.reference)[near], stars.noise[near]),
        centre=labels.mean(axis=0),
        snr_range=np.array([log_snr.min(), log_snr.max()]),
        snr_centre=float(log_snr.mean()),
        snr_width=float(log_snr.std()) or 1.0,
    )
    return replace(frame, nodes=SmoothPlace.of(frame.place(stars.scaled[near])[:, :_SMOOTH_AXES]).nodes)


def _learned_widths(problems: list[ErrorLikelihood], found: list[FloatArray], weight: FloatArray) -> PriorWidths:
    """
    Return the widths that the marginal likelihood has its maximum at, one fixed-point step, pooled over the labels.

    Without stars that determine the coefficients they stay at the first guess, and with it the coefficients near 0.
    """
    squares, counts = (
        np.sum(parts, axis=0)
        for parts in zip(*(p.shrinkage(at, weight) for p, at in zip(problems, found, strict=True)), strict=True)
    )
    square = (squares + _GUESS_WEIGHT * _GUESS**2) / (counts + _GUESS_WEIGHT)
    return PriorWidths(*np.sqrt(square))


def _steady_axes(labels: FloatArray, off: FloatArray, noise: FloatArray) -> FloatArray:
    """
    Return the axes W (K, P) along which the spread of the stars exceeds the errors, widest first; z has unit variance.

    Parameters
    ----------
    labels, off, noise : float arrays of shape (N, K)
        Inferred labels; inferred minus reference labels; standard deviations of the errors of the reference labels.
    """
    errors = np.atleast_2d(np.cov(off.T)) - np.diag((noise**2).mean(axis=0))
    value, vector = np.linalg.eigh(errors)
    # the difference of the covariances may be small, or negative by chance
    value = np.maximum(value, _LEAST_LEFT * off.var(axis=0).mean())
    ratio, axes = eigh(np.atleast_2d(np.cov(labels.T)), (vector * value) @ vector.T)
    order = np.argsort(ratio)[::-1]
    axes = axes[:, order[ratio[order] > _SPREAD_OVER_ERRORS]]
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
    return np.asarray(axes / ((labels - labels.mean(axis=0)) @ axes).std(axis=0))

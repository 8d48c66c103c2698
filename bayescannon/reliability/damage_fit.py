"""Fit the errors of stars that lost pixels, to held-out stars whose pixels were removed on purpose."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma

from bayescannon.numerics.student_t import convolved_t
from bayescannon.numerics.threads import map_items, one_blas_thread
from bayescannon.numerics.typing import BoolArray, FloatArray
from bayescannon.reliability.damage_errors import (
    DamageErrors,
    InformationLeft,
    Loss,
    find_loss,
    level_features,
    mix_dof,
)
from bayescannon.reliability.error_distribution import DOF_RANGE, ErrorCalibration
from bayescannon.reliability.error_likelihood import DOF_PRIOR
from bayescannon.reliability.out_of_fold import OutOfFold
from bayescannon.reliability.penalised import maximise_penalised

# fewer copies do not constrain the seven parameters of a label
MIN_COPIES = 50
# share of complete stars that t_0 and the usual gaps are not exceeded by
_COMPLETE_QUANTILE = 0.99
# copies with a larger typical error, in standard deviations of the reference labels, are not fitted: their spectra say
# less of the label than the reference set does, and the quadratic model is not meant for labels so far off
_LARGEST_ERROR = 2.0
# the logarithm of formal over typical errors is clamped to the central 98 % of the copies
_OFFSET_QUANTILES = (0.01, 0.99)
# mean of the prior of the first of gamma: errors half as large again as the formal ones; width of those of all of gamma
_FACTOR = np.log(1.5)
_PRIOR_WIDTH = 1.0


@dataclass(frozen=True)
class DamagedCopies:
    """
    Held-out reference stars that were labelled again with fewer pixels.

    Attributes
    ----------
    stars : OutOfFold
        M copies, with `left`; NaN where there are no labels.
    row : int array of shape (M,)
        Row of the star that each is a copy of.
    reach : float
        Of the measures of gaps [Angstrom].
    """

    stars: OutOfFold
    row: NDArray[np.int64]
    reach: float


@dataclass(frozen=True)
class LostPixels:
    """The likelihood of one label of M copies, given the errors that they would have with all pixels."""

    off: FloatArray
    scale: FloatArray
    log_dof: FloatArray
    noise: FloatArray
    log_excess: FloatArray
    features: FloatArray

    def prior(self) -> tuple[FloatArray, FloatArray]:
        """Return means and inverse variances of the priors of gamma and ln nu."""
        mean = np.zeros(self.features.shape[1] + 1)
        mean[0], mean[-1] = _FACTOR, DOF_PRIOR[0]
        precision = np.full(len(mean), _PRIOR_WIDTH**-2.0)
        precision[-1] = DOF_PRIOR[1] ** -2.0
        return mean, precision

    def log_density(self, parameters: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the log density of every copy, shape (M,), and its gradient, shape (M, parameters)."""
        log_excess = self.log_excess + self.features @ parameters[:-1]
        log_scale = np.logaddexp(2 * log_excess, 2 * np.log(self.scale)) / 2
        share = np.exp(2 * (log_excess - log_scale))
        log_dof = mix_dof(self.log_dof, parameters[-1], share)
        low, high = np.log(DOF_RANGE)
        dof = np.exp(np.clip(log_dof, low, high))
        value, _, by_scale, by_dof = convolved_t(self.off, np.exp(log_scale), dof, self.noise, digamma(dof / 2))
        by_dof = by_dof * ((low < log_dof) & (log_dof < high))
        # the share grows by 2 share (1 - share) with the logarithm of T
        by_excess = share * by_scale + by_dof * (parameters[-1] - self.log_dof) * 2 * share * (1 - share)
        return value, np.column_stack([self.features * by_excess[:, None], by_dof * share])


def fit_damage(
    copies: DamagedCopies,
    stars: OutOfFold,
    calibration: ErrorCalibration,
    right: FloatArray,
    *,
    workers: int | None = None,
) -> DamageErrors | None:
    """
    Fit the additional variance of stars that lost pixels; that of complete stars stays as it is.

    Parameters
    ----------
    copies : DamagedCopies
    stars : OutOfFold
        The N held-out stars with all their pixels, with `left`.
    calibration : ErrorCalibration
        Fitted to them.
    right : float array of shape (N,)
        Probability that their reference labels are their own.
    workers : int or None
        Threads, at most one per label; None takes every core.

    Returns
    -------
    damage : DamageErrors or None
        None if fewer than 50 copies can be used.
    """
    if stars.left is None or copies.stars.left is None:
        return None
    known = np.isfinite(stars.left.typical).all(axis=1) & np.isfinite(stars.scaled).all(axis=1)
    complete, usual_gaps = _complete_stars(stars.left.select(known), calibration.frame.level(stars.snr[known]))
    usual_error = np.quantile(stars.left.typical[known], _COMPLETE_QUANTILE, axis=0)
    most = np.maximum(_LARGEST_ERROR * stars.reference.std(axis=0), usual_error)
    use = _usable(copies, most) & (right[copies.row] > 0)
    if use.sum() < MIN_COPIES:
        return None
    copy, weight = copies.stars.select(use), right[copies.row[use]]
    left = copies.stars.left.select(use)
    offset_range = np.quantile(np.log(copy.formal / left.typical), _OFFSET_QUANTILES, axis=0).T
    level = calibration.frame.level(copy.snr)
    loss = find_loss(copy.formal, level, left, complete, usual_gaps, offset_range)
    problems = _problems(copy, loss, calibration)
    with one_blas_thread():
        found = map_items(
            lambda one: maximise_penalised(one[0].log_density, one[0].prior(), one[0].prior()[0], weight[one[1]]),
            problems,
            workers=workers,
        )
    return DamageErrors(
        complete=complete,
        usual_gaps=usual_gaps,
        scale=np.array([one[:-1] for one in found]),
        dof=np.exp([one[-1] for one in found]),
        offset_range=offset_range,
        limit=np.maximum(left.typical.max(axis=0), usual_error),
        least_live=float(left.live.min()),
        reach=copies.reach,
        n_copies=int(use.sum()),
    )


def _complete_stars(left: InformationLeft, level: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return rho of t_0, shape (K, 3), and the usual measures of gaps, shape (2,)."""
    features, log_typical = level_features(level), np.log(left.typical)
    found, *_ = np.linalg.lstsq(features, log_typical, rcond=None)
    rest = np.quantile(log_typical - features @ found, _COMPLETE_QUANTILE, axis=0)
    found[0] += rest
    return found.T, np.minimum(np.quantile(left.gaps, _COMPLETE_QUANTILE, axis=0), 0.5)


def _usable(copies: DamagedCopies, most: FloatArray) -> BoolArray:
    """Return which copies have labels, errors, and enough information to be fitted, shape (M,)."""
    stars = copies.stars
    assert stars.left is not None
    known = np.isfinite(stars.scaled + stars.formal + stars.reference + stars.noise).all(axis=1)
    use: BoolArray = known & (stars.formal > 0).all(axis=1) & (stars.left.typical <= most).all(axis=1)
    return use


def _problems(copy: OutOfFold, loss: Loss, calibration: ErrorCalibration) -> list[tuple[LostPixels, BoolArray]]:
    """Return the likelihood of each label, and the copies that have lost anything of it."""
    whole = calibration.of_complete(copy.scaled, copy.formal * loss.shrink, copy.snr)
    off = copy.scaled - copy.reference - whole.location
    problems = []
    for k in range(copy.scaled.shape[1]):
        lost = np.isfinite(loss.log_excess[:, k])
        problem = LostPixels(
            off[lost, k],
            whole.scale[lost, k],
            np.log(whole.dof[lost, k]),
            copy.noise[lost, k].copy(),
            loss.log_excess[lost, k],
            loss.features[lost, k],
        )
        problems.append((problem, lost))
    return problems

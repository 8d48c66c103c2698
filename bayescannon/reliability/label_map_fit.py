r"""
Fit the linear map from one survey's labels to another's on stars that both have.

The model is :func:`bayescannon.models.label_map.label_map_model`: errors of both surveys, an intrinsic scatter, and a
share of stars whose labels are wrong (another star's, say), with the true labels and the wrong stars integrated out.
Its posterior is maximised in (a, M, ln tau, logit epsilon), the space in which PyMC samples, and its curvature there
gives the covariance.

Errors of the labels that are mapped would draw slopes toward 0. They enter by regression calibration (Carroll et al.
2006, Measurement Error in Nonlinear Models, chapter 4): the true labels of the stars in common are a Gaussian
population, fitted to the reported labels with their errors (:mod:`bayescannon.numerics.extreme_deconvolution`), and
given its reported label a star's true one is Gaussian. The map is then that of true labels, and holds for other
populations too. A survey without errors does not tell how much of its spread is noise: its labels are taken as exact,
the map is the regression on them, and the scatter holds their errors.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from bayescannon.models.label_map import OFFSET_WIDTH, SCATTER_WIDTH, SLOPE_WIDTH, WRONG_PRIOR, WRONG_WIDTH
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.extreme_deconvolution import fit_mixture
from bayescannon.numerics.typing import BoolArray, FloatArray
from bayescannon.reliability.label_map import LabelMap

FORMS = ("linear", "diagonal", "constant")
# stars in common for each parameter that a label has in the map
STARS_PER_PARAMETER = 5
_STEP = 1e-4
_LOG_2_PI = np.log(2 * np.pi)
# stars in common and label that the population of true labels needs
_STARS_PER_POPULATION = 4
# the scatter cannot be told from 0 below this, in scaled labels
_LEAST_SCATTER = 1e-6


class TooFewCommonError(InputError):
    """Too few stars have labels in both surveys; the message says how many are needed."""


def form_of(n_stars: int, n_label: int) -> str:
    """
    Return what so many stars in common can tell: every label has 1, 2 or K + 1 parameters, each needs 5 stars.

    Raises
    ------
    TooFewCommonError
        Fewer than 5 stars.

    Examples
    --------
    >>> [form_of(n, 3) for n in (5, 10, 20)]
    ['constant', 'diagonal', 'linear']
    """
    needed = {"linear": n_label + 1, "diagonal": 2, "constant": 1}
    for form, n_parameter in needed.items():
        if n_stars >= STARS_PER_PARAMETER * n_parameter:
            return form
    raise TooFewCommonError(
        f"{n_stars} stars have the labels of both; at least {STARS_PER_PARAMETER} are needed for an offset"
    )


@dataclass(frozen=True)
class CommonStars:
    """
    Scaled labels of N stars in two surveys: the data of the model.

    Attributes
    ----------
    trusted, variance : float arrays of shape (N, K)
        y and the diagonals of S.
    centre : float array of shape (N, K)
        Means of the true labels of the other survey.
    covariance : float array of shape (N, K, K)
        P, their covariances.
    fitted : bool array of shape (K, K)
        Elements of M that are free.
    """

    trusted: FloatArray
    variance: FloatArray
    centre: FloatArray
    covariance: FloatArray
    fitted: BoolArray

    @property
    def n_label(self) -> int:
        """K."""
        return int(self.trusted.shape[1])

    @property
    def start(self) -> FloatArray:
        """Where a search starts: median offsets, slopes of 1, the scatter of the middle stars, 5 per cent wrong."""
        off = self.trusted - self.centre
        middle = np.median(off, axis=0)
        width = 1.4826 * np.median(np.abs(off - middle), axis=0)
        unit = np.eye(self.n_label)[self.fitted]
        start: FloatArray = np.r_[middle, unit, np.log(np.clip(width, 1e-2, 1.0)), -3.0]
        return start

    def unpack(self, parameters: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, float]:
        """Return a, M, tau and epsilon."""
        n_label, n_slope = self.n_label, int(self.fitted.sum())
        matrix = np.eye(n_label)
        matrix[self.fitted] = parameters[n_label : n_label + n_slope]
        scatter = np.exp(parameters[n_label + n_slope : -1])
        return parameters[:n_label], matrix, scatter, float(expit(parameters[-1]))

    def log_posterior(self, parameters: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        """
        Return the log posterior with the Jacobian of (ln tau, logit epsilon), its gradient, and pi.

        Parameters
        ----------
        parameters : float array of shape (D,)
            a, the free elements of M row by row, ln tau and logit epsilon.

        Returns
        -------
        log_posterior : float
            Up to no constant: as PyMC gives it.
        gradient : float array of shape (D,)
        wrong : float array of shape (N,)
            pi, the probability that a star is wrong.
        """
        offset, matrix, scatter, share = self.unpack(parameters)
        residual = self.trusted - offset - self.centre @ matrix.T
        unit = np.eye(self.n_label)
        right = matrix @ self.covariance @ matrix.T + (self.variance[:, :, None] + scatter[:, None] ** 2) * unit
        logs, pulls, inverses = [], [], []
        for covariance, weight in ((right, 1 - share), (right + WRONG_WIDTH**2 * unit, share)):
            inverse = np.linalg.inv(covariance)
            pull = np.einsum("nij,nj->ni", inverse, residual)
            distance = np.einsum("ni,ni->n", residual, pull)
            log_det = np.linalg.slogdet(covariance)[1]
            logs.append(np.log(weight) - 0.5 * (distance + log_det + self.n_label * _LOG_2_PI))
            pulls.append(pull)
            inverses.append(inverse)
        total = np.logaddexp(*logs)
        wrong: FloatArray = np.exp(logs[1] - total)
        chances = (1 - wrong, wrong)
        pull = sum(q[:, None] * p for q, p in zip(chances, pulls, strict=True))
        # derivative by the covariance
        by_cov = sum(
            0.5 * q[:, None, None] * (p[:, :, None] * p[:, None, :] - v)
            for q, p, v in zip(chances, pulls, inverses, strict=True)
        )
        by_matrix = pull.T @ self.centre + 2 * np.einsum("nij,jk,nkl->il", by_cov, matrix, self.covariance)
        by_scatter = 2 * scatter**2 * np.einsum("nkk->k", by_cov)
        prior, gradient = self._log_prior(offset, matrix, scatter, share)
        gradient += np.r_[pull.sum(axis=0), by_matrix[self.fitted], by_scatter, (wrong - share).sum()]
        return float(total.sum()) + prior, gradient, wrong

    def _log_prior(
        self, offset: FloatArray, matrix: FloatArray, scatter: FloatArray, share: float
    ) -> tuple[float, FloatArray]:
        """Return the log prior density in (a, M, ln tau, logit epsilon) and its gradient."""
        off = (matrix - np.eye(self.n_label))[self.fitted]
        first, second = WRONG_PRIOR
        # Beta(1, b) has the normalising constant b
        log = -0.5 * (offset @ offset / OFFSET_WIDTH**2 + off @ off / SLOPE_WIDTH**2)
        log -= self.n_label * np.log(OFFSET_WIDTH) + len(off) * np.log(SLOPE_WIDTH)
        log -= 0.5 * (self.n_label + len(off)) * _LOG_2_PI
        log += np.sum(np.log(scatter / SCATTER_WIDTH) - 0.5 * (scatter / SCATTER_WIDTH) ** 2 + 0.5 * np.log(2 / np.pi))
        log += first * np.log(share) + second * np.log1p(-share) + np.log(second)
        gradient = np.r_[
            -offset / OFFSET_WIDTH**2,
            -off / SLOPE_WIDTH**2,
            1 - (scatter / SCATTER_WIDTH) ** 2,
            first * (1 - share) - second * share,
        ]
        return float(log), gradient

    def maximise(self) -> tuple[FloatArray, FloatArray]:
        """Return the parameters of the maximum, and their covariance from its curvature."""
        n_tau = self.n_label
        start = self.start
        bounds = [(None, None)] * (len(start) - n_tau - 1) + [(np.log(_LEAST_SCATTER), None)] * n_tau + [(-20, 5)]

        def minus(parameters: FloatArray) -> tuple[float, FloatArray]:
            log, gradient, _ = self.log_posterior(parameters)
            return -log, -gradient

        found = minimize(
            minus, start, jac=True, method="L-BFGS-B", bounds=bounds,
            options={"maxiter": 2000, "maxfun": 4000, "ftol": 1e-14, "gtol": 1e-7, "maxcor": 30},
        )  # fmt: skip
        best: FloatArray = found.x
        steps = _STEP * np.eye(len(best))
        rows = [(minus(best + step)[1] - minus(best - step)[1]) / (2 * _STEP) for step in steps]
        curvature = (np.array(rows) + np.array(rows).T) / 2
        values, vectors = np.linalg.eigh(curvature)
        # no direction can be known less well than its prior
        least = 1 / max(OFFSET_WIDTH, SLOPE_WIDTH, SCATTER_WIDTH) ** 2
        return best, (vectors / np.maximum(values, least)) @ vectors.T


def fit_label_map(
    trusted: FloatArray,
    trusted_errors: FloatArray,
    other: FloatArray,
    other_errors: FloatArray,
    label_names: Sequence[str],
    *,
    form: str | None = None,
) -> LabelMap:
    """
    Fit the map from labels of another survey to those of the trusted one.

    Parameters
    ----------
    trusted, other : float arrays of shape (N, K)
        Labels of the same N stars in the two surveys, in the labels' units.
    trusted_errors, other_errors : float arrays of shape (N, K)
        Their standard errors. Of a label without any the errors count as 0, and are part of the scatter; a single one
        that is missing is the median of the others.
    label_names : sequence of K str
    form : {"linear", "diagonal", "constant"}, optional
        As many parameters as the number of stars allows, see :func:`form_of`, unless given.

    Returns
    -------
    label_map : LabelMap

    Raises
    ------
    TooFewCommonError
        Fewer than 5 stars.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> teff = rng.normal(4800.0, 250.0, (200, 1))
    >>> unknown = np.full((200, 1), np.nan)
    >>> biased = teff + 70 + 30 * rng.standard_normal((200, 1))
    >>> found = fit_label_map(teff, unknown, biased, unknown, ["teff"])
    >>> bool(abs(found.offset[0] + 70) < 3 * found.offset_error[0]), found.form
    (True, 'linear')
    """
    n_stars, n_label = trusted.shape
    allowed = form_of(n_stars, n_label)
    form = form or allowed
    pivot = np.median(other, axis=0)
    spread = _spread(trusted)
    variance, other_variance = ((_known(errors) / spread) ** 2 for errors in (trusted_errors, other_errors))
    centre, covariance = _true_labels((other - pivot) / spread, other_variance)
    fitted = {"linear": np.ones((n_label, n_label), dtype=bool), "diagonal": np.eye(n_label, dtype=bool)}.get(
        form, np.zeros((n_label, n_label), dtype=bool)
    )
    stars = CommonStars((trusted - pivot) / spread, variance, centre, covariance, fitted)
    best, posterior = stars.maximise()
    offset, matrix, scatter, _ = stars.unpack(best)
    wrong = stars.log_posterior(best)[2]
    right = wrong < 0.5
    n_right = max(float(n_stars - wrong.sum()), 1.0)
    # the maximum leaves out that the map was fitted to the same stars
    n_parameter = 1 + fitted.sum() / n_label
    scatter = scatter * np.sqrt(n_right / max(n_right - n_parameter, 1.0))
    return LabelMap(
        tuple(label_names), pivot, offset * spread, matrix * spread[:, None] / spread, scatter * spread,
        _in_units(posterior, fitted, spread), other[right].min(axis=0, initial=np.inf),
        other[right].max(axis=0, initial=-np.inf), n_stars, float(wrong.sum()), form,
    )  # fmt: skip


def _spread(labels: FloatArray) -> FloatArray:
    """Return half the width of the central 68 per cent of each label, or what there is of a width; at least tiny."""
    low, high = np.quantile(labels, [0.158655, 0.841345], axis=0)
    width = np.where(high > low, (high - low) / 2, labels.std(axis=0))
    found: FloatArray = np.where(width > 0, width, np.maximum(1e-3 * np.abs(labels).max(axis=0), 1e-3))
    return found


def _known(errors: FloatArray) -> FloatArray:
    """Return errors without gaps: those of a label without any are 0, others the label's median."""
    known = np.isfinite(errors)
    usual = [np.median(column[there]) if there.any() else 0.0 for column, there in zip(errors.T, known.T, strict=True)]
    return np.where(known, errors, usual)


def _true_labels(reported: FloatArray, variance: FloatArray) -> tuple[FloatArray, NDArray[np.float64]]:
    """Return means and covariances of true labels given reported ones, for a Gaussian population of them."""
    n_star, n_label = reported.shape
    if not (variance > 0).any():
        return reported, np.zeros((n_star, n_label, n_label))
    if n_star < _STARS_PER_POPULATION * n_label:
        # too few for a population: as if it were infinitely wide
        return reported, variance[:, :, None] * np.eye(n_label)
    population = fit_mixture(reported, variance, 1)
    mean, width = population.mean[0], population.covariance[0]
    noisy = width + variance[:, :, None] * np.eye(n_label)
    gain = np.linalg.solve(noisy, np.broadcast_to(width, noisy.shape)).transpose(0, 2, 1)
    centre = mean + np.einsum("nij,nj->ni", gain, reported - mean)
    covariance = width - gain @ width
    return centre, (covariance + covariance.transpose(0, 2, 1)) / 2


def _in_units(posterior: FloatArray, fitted: BoolArray, spread: FloatArray) -> FloatArray:
    """Return the covariance of offsets and all slopes in the labels' units; held slopes have their prior's."""
    n_label = len(spread)
    free = np.r_[np.ones(n_label, dtype=bool), fitted.ravel()]
    covariance = np.diag(np.where(free, 0.0, SLOPE_WIDTH**2))
    n_free = int(free.sum())
    covariance[np.ix_(free, free)] = posterior[:n_free, :n_free]
    units = np.r_[spread, (spread[:, None] / spread).ravel()]
    found: FloatArray = covariance * units[:, None] * units
    return found

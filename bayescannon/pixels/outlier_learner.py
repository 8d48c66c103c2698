"""Learner of outliers: share and scale, and the factors of all fluxes, by rounds around the fit of the pixels."""

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayescannon.models.outliers import MixtureOutliers
from bayescannon.numerics.outlier_mixture import OutlierShare, fit_outliers
from bayescannon.pixels.fit import PixelFit
from bayescannon.pixels.outliers import ReferenceResiduals
from bayescannon.pixels.pixel_status import PixelStatus
from bayescannon.pixels.population_learners import State

# a pixel is settled when the last change of the factors moves its coefficients by less than this share of their errors
_SETTLED = 0.01
# a smaller relative change of share and scale needs no other round of the populations: settling does the rest
_SMALL_MOVE = 0.05
_MOST_ROUNDS = 40
_MOST_STEPS = 4


class OutlierLearner:
    """
    Learns share and scale of outliers, and evaluates the factors of all fluxes.

    Parameters
    ----------
    prior : MixtureOutliers
    fit : callable
        Fits the pixels given a state, as the learners of populations take it.
    residuals : ReferenceResiduals
        Of the stars that are fitted.
    """

    def __init__(self, prior: MixtureOutliers, fit: Callable[..., PixelFit], residuals: ReferenceResiduals) -> None:
        self.prior, self.fit, self.residuals = prior, fit, residuals

    def first(self, state: State, fit: PixelFit) -> State:
        """Return the state with the factors of a fit nearby."""
        return self._evaluated(state, fit)[0]

    def step(self, state: State, fit: PixelFit) -> tuple[State, PixelFit, float]:
        """Fit share and scale to the residuals, evaluate the factors and fit the pixels, until the share settles."""
        first = 0.0
        for number in range(_MOST_STEPS):
            state, move = self._evaluated(state, fit)
            fit = self.fit(state, fit.scatter)
            first = move if number == 0 else first
            if move < _SMALL_MOVE:
                break
        return state, fit, 0.0 if first < _SMALL_MOVE else first

    def settle(self, state: State, fit: PixelFit) -> tuple[State, PixelFit]:
        """
        Evaluate the factors and fit the pixels again and again, with share and scale held, until no pixel moves.

        Returns
        -------
        state : State
        fit : PixelFit
            With the objective of the mixture; pixels that still move have not converged.
        """
        outliers, factors = state.populations.outliers, state.factors
        if outliers is None or factors is None:
            return state, fit
        moving = np.flatnonzero(fit.live)
        for _ in range(_MOST_ROUNDS):
            some, part, kappa = self.residuals.select(moving), _selected(fit, moving), state.kappa[moving]
            change = some.factors(part, kappa, outliers) - factors[:, moving]
            far = some.moves(part, kappa, change) > _SETTLED
            moving = moving[far]
            if len(moving) == 0:
                break
            factors[:, moving] += change[:, far]
            fit = _merged(fit, self.fit(state, fit.scatter, moving), moving)
        fit = self.residuals.with_outliers(fit, state.kappa, outliers, factors)
        fit.status[moving] = PixelStatus.NOT_CONVERGED
        return state, fit

    def _evaluated(self, state: State, fit: PixelFit) -> tuple[State, float]:
        """Return the state with share, scale and factors of a fit, and the largest relative change of the two."""
        before = state.populations.outliers or self.prior.first
        found = before
        learned = {"learn_share": self.prior.share is None, "learn_scale": self.prior.scale is None}
        if any(learned.values()):
            found = fit_outliers(self.residuals.counts(fit, state.kappa), before, **learned)
        move = 1.0 if state.factors is None else _move(before, found)
        factors = self.residuals.factors(fit, state.kappa, found)
        return replace(state, populations=replace(state.populations, outliers=found), factors=factors), move


def _move(before: OutlierShare, found: OutlierShare) -> float:
    return float(max(abs(np.log(found.share / before.share)), abs(np.log(found.scale / before.scale))))


def _selected(fit: PixelFit, pixels: NDArray[np.intp]) -> PixelFit:
    """Return the fit of some of the pixels."""
    return PixelFit(**{item.name: getattr(fit, item.name)[pixels] for item in fields(PixelFit)})


def _merged(fit: PixelFit, part: PixelFit, pixels: NDArray[np.intp]) -> PixelFit:
    """Return a fit with that of some of its pixels replaced."""
    merged: dict[str, Any] = {}
    for item in fields(PixelFit):
        values = getattr(fit, item.name).copy()
        values[pixels] = getattr(part, item.name)
        merged[item.name] = values
    return replace(fit, **merged)

r"""
Choose the number of hidden components, and whether reference labels are latent, by stars that were not fitted.

Hidden components and latent labels are free to follow the noise of a small reference set, so they are taken only as far
as held-out stars gain from them:

* the number of components is the smallest with nearly the largest density of held-out spectra and reported labels;
  components of one fit are ordered by their variance, and what a smaller number leaves out is added to the scatter, so
  that one fit serves all numbers;
* exact labels without components, exact labels with them, and latent labels with them are compared by the density of
  the reported labels of held-out stars given their spectra, o_n ~ Normal(l(f_n), S), with S that of the held-out stars:
  its logarithm is -N/2 ln |S| without constants. The next of these three is taken if it gains more than one standard
  error over the one before it that was taken.

Large sets are judged on a sample of stars, since what a part of a set can carry, the whole set can too.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bayescannon.models.label_vector import label_vector, n_terms
from bayescannon.models.pixel_weights import pixel_weights
from bayescannon.models.reported_stars import ReportedStars
from bayescannon.numerics.typing import BoolArray, FloatArray
from bayescannon.pixels.fit import PixelFit, fit_pixels
from bayescannon.pixels.hidden_step import infer_hidden
from bayescannon.pixels.label_population import LabelPopulation
from bayescannon.pixels.latent_label_fit import (
    LatentLabelFit,
    LatentLabelOptions,
    check_label_variance,
    fit_latent_labels,
)
from bayescannon.pixels.latent_label_step import infer_latent
from bayescannon.pixels.prior import PixelPrior
from bayescannon.pixels.solver import Solver
from bayescannon.pixels.spectral_fit import SpectralFit
from bayescannon.stars.hidden import integrate_hidden
from bayescannon.stars.quartic import compress, minimise

# numbers of components that are compared; the largest bounds the time that labelling takes
NUMBERS = (0, 1, 2, 3, 4, 6, 8, 10, 12, 16)
# more stars are sampled; fewer than the second number are dealt into folds, and more into two parts
_MOST_STARS, _FEW_STARS = 1600, 800
_FOLDS = 4
_ROUNDS = 2
# the smallest number of components with this share of the largest gain is taken, since labelling takes longer with more
_SHARE_OF_GAIN = 0.98
# residuals beyond this many robust standard deviations count as being there
_CLIP = 5.0


@dataclass(frozen=True)
class ComponentChoice:
    """
    What held-out stars say of hidden components and latent labels.

    Attributes
    ----------
    n_hidden : int
        R.
    latent : bool
        Whether the reference labels are latent.
    numbers : int array of shape (number,)
        Numbers of components that were compared.
    density : float array of shape (number,)
        Log density of spectrum and reported labels per held-out star, less that without components.
    label_density : float array of shape (3,)
        Log density of the reported labels per held-out star: of exact labels without components, exact labels with R
        and latent labels with R components, less the first; NaN where it was not tried.
    label_error : float array of shape (3,)
        Its standard error, of the difference to the first.
    """

    n_hidden: int
    latent: bool
    numbers: NDArray[np.int64]
    density: FloatArray
    label_density: FloatArray
    label_error: FloatArray

    def describe(self) -> str:
        """
        Say in a sentence what was taken, and what held-out stars gain by it.

        Examples
        --------
        >>> density, gain, error = np.array([0.0, 9.0]), np.array([0.0, 0.31, 0.32]), np.array([0.0, 0.06, 0.06])
        >>> text = ComponentChoice(4, False, np.array([0, 4]), density, gain, error).describe()
        >>> text.partition("; ")[0]
        '4 hidden components and exact labels'
        >>> text.partition(": ")[2]
        '+0.31 +- 0.06 with components, +0.32 +- 0.06 with latent labels as well'
        """
        taken = f"{self.n_hidden or 'no'} hidden component{'s' * (self.n_hidden != 1)} and "
        taken += "latent labels" if self.latent else "exact labels"
        names = ("", "with components", "with latent labels as well")
        gains = [
            f"{gain:+.2f} +- {error:.2f} {name}"
            for name, gain, error in zip(names, self.label_density, self.label_error, strict=True)
            if name and np.isfinite(gain)
        ]
        if not gains:
            return taken
        unit = "ln density of the reported labels per held-out star, against exact labels without components"
        return f"{taken}; {unit}: {', '.join(gains)}"


def choose_components(
    stars: ReportedStars,
    reported: SpectralFit,
    number: NDArray[np.int64],
    *,
    n_hidden: int | None = None,
    latent: bool | None = None,
    seed: int = 0,
    workers: int | None = None,
) -> ComponentChoice:
    """
    Compare numbers of hidden components, and exact with latent labels.

    Parameters
    ----------
    stars : ReportedStars
        Reference stars; their variances count where labels are latent.
    reported : SpectralFit
        A fit to all of them with exact labels and without components, whose priors and kappa are used.
    number : int array of shape (star,)
        Spectra of one star have one number and are held out together.
    n_hidden : int, optional
        A number that is not to be chosen.
    latent : bool, optional
        Whether labels are latent, if that is not to be chosen.
    seed : int
        Decides sample and folds.
    workers : int or None
        Threads; None takes every core.

    Returns
    -------
    choice : ComponentChoice
    """
    folds = [
        _Fold(stars, reported.kappa, reported.fit, reported.prior, fitted, held, workers)
        for fitted, held in _folds(number, seed)
    ]
    largest = n_hidden
    if largest is None:
        fewest = min(fold.n_fitted for fold in folds)
        can_carry = min((fewest - 2 * n_terms(stars.observed.shape[1])) // 4, stars.flux.shape[1] // 4)
        largest = max(r for r in NUMBERS if r <= max(can_carry, 0))
    kinds = {"exact": latent is not True, "latent": latent is not False}
    fits = {
        name: [fold.fit(largest, latent=name == "latent") for fold in folds] for name, some in kinds.items() if some
    }
    numbers = np.array([r for r in NUMBERS if r <= largest] if n_hidden is None else [n_hidden])
    richest = list(fits)[-1]
    density = np.zeros(len(numbers))
    if n_hidden is None:
        for fold, fit in zip(folds, fits[richest], strict=True):
            density += [fold.density(_truncated(fit, r), latent=richest == "latent") for r in numbers]
        density /= sum(fold.n_held for fold in folds)
    # the largest density may owe a little to components that only take up what others left
    n_best = int(numbers[np.argmax(density - density[0] >= _SHARE_OF_GAIN * (density.max() - density[0]))])
    off = {"plain": np.concatenate([fold.off(fold.plain) for fold in folds])}
    for name, some in fits.items():
        off[name] = np.concatenate([fold.off(_truncated(fit, n_best)) for fold, fit in zip(folds, some, strict=True)])
    gain, error = _gains(off)
    taken = "plain"
    for name in ("exact", "latent"):
        step = _step(off, taken, name)
        if step is not None and step[0] > step[1]:
            taken = name
    if latent is True:
        taken = "latent"
    if taken == "plain" and n_hidden is not None:
        taken = "exact"
    return ComponentChoice(
        n_hidden=0 if taken == "plain" else n_best,
        latent=taken == "latent",
        numbers=numbers,
        density=density - density[0],
        label_density=gain,
        label_error=error,
    )


class _Fold:
    """Stars that are fitted and stars that are held out, for one comparison."""

    def __init__(
        self,
        stars: ReportedStars,
        kappa: FloatArray,
        start: PixelFit,
        prior: PixelPrior | None,
        fitted: BoolArray,
        held: BoolArray,
        workers: int | None,
    ) -> None:
        self.prior, self.workers = prior, workers
        parts = [stars.select(some) for some in (fitted, held)]
        self.fitted, self.held = (replace(part, ivar=part.ivar / kappa**2) for part in parts)
        base = fit_pixels(
            label_vector(self.fitted.observed), self.fitted.flux, self.fitted.ivar, prior=prior, start=start.scatter,
            solver=Solver(scatter="near", tolerance=0.01, workers=workers),
        )  # fmt: skip
        self.base = base
        self.plain = _Model(base.theta, np.zeros((len(base.theta), 0)), base.scatter, None)

    @property
    def n_fitted(self) -> int:
        """Number of fitted stars."""
        return len(self.fitted.observed)

    @property
    def n_held(self) -> int:
        """Number of held-out stars."""
        return len(self.held.observed)

    def fit(self, n_hidden: int, *, latent: bool) -> "_Model":
        """Fit hidden components, with exact or latent labels."""
        data = self.fitted if latent else replace(self.fitted, variance=np.zeros_like(self.fitted.variance))
        options = LatentLabelOptions(n_hidden=n_hidden, max_rounds=_ROUNDS, learn_errors=True)
        found = fit_latent_labels(data, options=options, prior=self.prior, start=self.base, workers=self.workers)
        return _Model.of_fit(found)

    def density(self, model: "_Model", *, latent: bool) -> float:
        """Return the log density of the held-out spectra and their reported labels, without constants."""
        weight = pixel_weights(model.scatter, self.held.ivar)
        logs = 0.5 * float(np.log(weight[weight > 0]).sum())
        if not latent:
            found = infer_hidden(model.columns, model.scatter, self.held, workers=self.workers)
        else:
            population = model.population or LabelPopulation.of_reported(self.held.observed, self.held.variance)
            variance = check_label_variance(self.held.variance, self.held.observed.shape)
            data = replace(self.held, variance=variance * model.error_scale**2)
            starts = data.observed[:, None]
            found = infer_latent(
                model.columns, model.scatter, data, population, starts, single=True, workers=self.workers
            )
        return logs + float(found.log_likelihood.sum())

    def off(self, model: "_Model") -> FloatArray:
        """Return labels from the spectra minus reported labels, scaled, shape (held-out star, K)."""
        whole = compress(model.columns, model.scatter, self.held.flux, self.held.ivar, workers=self.workers)
        left = integrate_hidden(whole, model.loadings.shape[1])[0]
        labels = minimise(left, self.held.observed[:, None], workers=self.workers).labels[:, 0]
        result: FloatArray = labels - self.held.observed
        return result


@dataclass(frozen=True)
class _Model:
    """What labels spectra: coefficients, loadings in order of their variance, scatter, and what is known of labels."""

    theta: FloatArray
    loadings: FloatArray
    scatter: FloatArray
    population: LabelPopulation | None
    error_scale: FloatArray | float = 1.0

    @classmethod
    def of_fit(cls, fit: LatentLabelFit) -> "_Model":
        return cls(fit.pixels.theta, fit.loadings, fit.pixels.scatter, fit.population, fit.error_scale)

    @property
    def columns(self) -> FloatArray:
        """Theta and the loadings side by side."""
        return np.concatenate([self.theta, self.loadings], axis=1)


def _truncated(model: _Model, n_hidden: int) -> _Model:
    """Return the model with the first components only; the variance of the others is added to the scatter."""
    rest = (model.loadings[:, n_hidden:] ** 2).sum(axis=1)
    return replace(model, loadings=model.loadings[:, :n_hidden], scatter=np.sqrt(model.scatter**2 + rest))


def _folds(number: NDArray[np.int64], seed: int) -> list[tuple[BoolArray, BoolArray]]:
    """Deal stars into folds, or a sample of many stars into two parts; masks of fitted and held-out spectra."""
    rng = np.random.default_rng(seed)
    n_star = int(number.max()) + 1
    place = rng.permutation(n_star)
    if n_star <= _FEW_STARS:
        fold = (place % _FOLDS)[number]
        return [(fold != k, fold == k) for k in range(_FOLDS)]
    sample = min(n_star, _MOST_STARS)
    held = place < sample // _FOLDS
    return [(((place < sample) & ~held)[number], held[number])]


def _gains(off: dict[str, FloatArray]) -> tuple[FloatArray, FloatArray]:
    """Return the gains over exact labels without components, and their standard errors, shape (3,)."""
    steps = [(0.0, 0.0), *((_step(off, "plain", name) or (np.nan, np.nan)) for name in ("exact", "latent"))]
    gain, error = np.array(steps).T
    return gain, error


def _step(off: dict[str, FloatArray], before: str, after: str) -> tuple[float, float] | None:
    """Return the gain of log density of reported labels per star, and its standard error; None if it was not tried."""
    if after not in off:
        return None
    found = []
    usable = np.isfinite(off[before]).all(axis=1) & np.isfinite(off[after]).all(axis=1)
    for name in (before, after):
        clipped = _clipped(off[name][usable])
        covariance = clipped.T @ clipped / len(clipped)
        squares = np.einsum("ni,ni->n", clipped, np.linalg.solve(covariance, clipped.T).T)
        found.append((-0.5 * np.linalg.slogdet(covariance)[1], -0.5 * squares))
    # the influence of a star on -ln |S| / 2 is minus half its squared distance, less the mean
    influence = found[1][1] - found[0][1]
    return float(found[1][0] - found[0][0]), float(influence.std() / np.sqrt(len(influence)))


def _clipped(off: FloatArray) -> FloatArray:
    """Clip residuals at `_CLIP` robust standard deviations of each label."""
    low, high = np.quantile(off, [0.159, 0.841], axis=0)
    width = _CLIP * np.maximum((high - low) / 2, np.finfo(float).tiny)
    result: FloatArray = np.clip(off, -width, width)
    return result

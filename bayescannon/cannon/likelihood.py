"""The exact likelihoods of stars under a trained model: noise scale, coefficients, hidden components and nuisances."""

import warnings
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.data.spectra import Spectra, require_same_grid
from bayescannon.models.label_priors import LabelPrior
from bayescannon.models.label_vector import label_vector
from bayescannon.models.pixel_weights import equivalent_ivar, pixel_weights
from bayescannon.numerics.errors import BayesCannonWarning
from bayescannon.numerics.label_density import LabelDensity
from bayescannon.numerics.outlier_mixture import OutlierShare
from bayescannon.numerics.tile_size import STAR_TILE
from bayescannon.numerics.tiles import join_tiles, map_tiles
from bayescannon.numerics.typing import FloatArray
from bayescannon.stars.hidden import HiddenPosterior, integrate_hidden
from bayescannon.stars.noise_scale import star_scales
from bayescannon.stars.nuisance import REST, NuisanceModel
from bayescannon.stars.nuisance_rounds import NuisanceFit, settle
from bayescannon.stars.optimum import find_labels
from bayescannon.stars.outlier_rounds import StarPixels, count_outlying, screened_ivar, settle_outliers
from bayescannon.stars.quartic import Quartic, compress_pixels, minimise

# reference stars from which the labels are first searched where pixels can be outliers; all starts follow later
_N_FIRST = 2
# reference stars whose spectra give the span of fluxes that labels can give
_N_SPAN = 64
# of finding outliers and linearising nuisances
_TURNS = 2

# fields of StarLikelihood that hold one value, or more, for each star
_OF_STARS = ("ivar", "whole", "quartic", "hidden", "settled", "star_scale", "outlying")
# fits of labels and of the scale of the noise by turns; a third changes the scale by less than a tenth of its error
_NOISE_ROUNDS = 2


def scaled_ivar(model: TrainedModel, spectra: Spectra, *, workers: int | None = None) -> FloatArray:
    """
    Return 1 / (kappa^2 sigma^2), shape (star, pixel): the reported noise on the model's scale.

    Where stars have a kappa of their own, it is that of their best fit, see :meth:`StarLikelihood.of`.

    Raises
    ------
    GridError
        The spectra are on another grid than the model.
    """
    if model.star_noise_width:
        return StarLikelihood._by_tiles(model, spectra, None, None, workers).ivar
    return _common_ivar(model, spectra)


def _common_ivar(model: TrainedModel, spectra: Spectra) -> FloatArray:
    """Return the reported noise on the model's scale, the same for all stars."""
    require_same_grid(spectra.wavelength, model.wavelength, got_from="the spectra", want_from="the model")
    kappa = model.noise_scale
    if (kappa == 1).all():
        return spectra.ivar
    scaled: FloatArray = spectra.ivar / (kappa**2).astype(spectra.ivar.dtype)
    return scaled


@dataclass(frozen=True)
class StarLikelihood:
    """
    The likelihoods of N stars: their pixels compressed once, for optimum, posterior and residuals.

    Attributes
    ----------
    model : TrainedModel
    spectra : Spectra
        Of the N stars.
    ivar : float array of shape (N, pixel)
        From :func:`scaled_ivar`; of an outlier, that with which its weight is what is left of it.
    whole : Quartic
        Of label vector, hidden components and nuisances together.
    quartic : Quartic
        Of the scaled labels alone, hidden components and nuisances integrated out.
    hidden : HiddenPosterior or None
        Hidden components and nuisances given the labels; None where the model has none.
    settled : NuisanceFit or None
        Where the likelihoods are linearised; None for a model without nuisances.
    star_scale : float array of shape (N,) or None
        kappa of each star relative to the model's; None for a model whose stars have the same.
    outlying : int array of shape (N,) or None
        Pixels that are outliers, see :mod:`bayescannon.stars.outlier_rounds`; None for a model without outliers.
    """

    model: TrainedModel
    spectra: Spectra
    ivar: FloatArray
    whole: Quartic
    quartic: Quartic
    hidden: HiddenPosterior | None
    settled: NuisanceFit | None = None
    star_scale: FloatArray | None = None
    outlying: NDArray[np.int64] | None = None

    @classmethod
    def of(
        cls, model: TrainedModel, spectra: Spectra, *, prior: LabelPrior | None = None, workers: int | None = None
    ) -> "StarLikelihood":
        """
        Compress the spectra of N stars on the model's grid.

        Parameters
        ----------
        model : TrainedModel
        spectra : Spectra
        prior : prior object, optional
            Of the labels, at whose optimum nuisances are linearised; flat unless given.
        workers : int or None
            Threads; None takes every core.

        Warns
        -----
        BayesCannonWarning
            The spectra are of another release, or were prepared otherwise, than those of the training.

        Raises
        ------
        GridError
            The spectra are on another grid than the model.
        """
        mismatch = model.preparation_mismatch(spectra.attrs)
        if mismatch:
            warnings.warn(mismatch, BayesCannonWarning, stacklevel=2)
        return cls._by_tiles(model, spectra, None, prior, workers)

    @classmethod
    def _by_tiles(
        cls,
        model: TrainedModel,
        spectra: Spectra,
        ivar: FloatArray | None,
        prior: LabelPrior | None,
        workers: int | None,
    ) -> "StarLikelihood":
        """Compress with inverse variances without the scatter, or the model's; rounds are of one tile of stars each."""

        def one(part: slice, spectra: Spectra) -> StarLikelihood:
            if ivar is None:
                return cls._with_own_noise(model, spectra, prior, workers)
            return cls._of(model, spectra, ivar[part], prior, workers)

        rounds = model.star_noise_width > 0 or model.populations.outliers is not None or bool(model.options.nuisances)
        if not rounds or len(spectra) <= STAR_TILE:
            return one(slice(None), spectra)
        if model.nuisance_model is not None:  # made before several threads ask for it
            model.nuisance_model.at(REST)
        parts = map_tiles(lambda part: one(part, spectra.select(part)), len(spectra), workers)
        return cls(model, spectra, **{name: join_tiles([getattr(part, name) for part in parts]) for name in _OF_STARS})

    @classmethod
    def _with_own_noise(
        cls, model: TrainedModel, spectra: Spectra, prior: LabelPrior | None, workers: int | None
    ) -> "StarLikelihood":
        """Compress with the scale of each star's noise, by turns with its labels, where stars have one of their own."""
        common = _common_ivar(model, spectra)
        likelihood = cls._of(model, spectra, common, prior, workers)
        for _ in range(_NOISE_ROUNDS if model.star_noise_width else 0):
            scale = likelihood._own_scale(common, workers)
            likelihood = cls._of(model, spectra, common / scale[:, None] ** 2, prior, workers)
            likelihood = replace(likelihood, star_scale=scale)
        return likelihood

    def _own_scale(self, common: FloatArray, workers: int | None) -> FloatArray:
        """Return the scale of each star's noise at its best labels, hidden components and nuisances."""
        model, n_label = self.model, len(self.model.label_names)
        # the pivot, and steps from it along the labels
        starts = np.concatenate([np.zeros((1, n_label)), np.eye(n_label), -np.eye(n_label)])
        scaled = find_labels(self.quartic, starts, workers=workers).scaled
        known = np.isfinite(scaled).all(axis=1)
        at = np.where(known[:, None], scaled, 0.0)
        columns, means = coefficient_columns(model), self.hidden_means(at)
        freedom = np.full(len(at), float(n_label))
        if self.hidden is not None:
            # a component that the spectrum says nothing of keeps the variance of its prior, 1
            freedom += means.shape[1] - np.trace(self.hidden.covariance, axis1=1, axis2=2)
        vectors = np.concatenate([label_vector(at), means[:, : columns.shape[1] - model.theta.shape[1]]], axis=1)
        vectors[~known] = np.nan
        return star_scales(
            columns, model.scatter, self.clean_flux(at), common, vectors, freedom=freedom,
            width=model.star_noise_width, workers=workers,
        )  # fmt: skip

    @classmethod
    def _of(
        cls, model: TrainedModel, spectra: Spectra, noise: FloatArray, prior: LabelPrior | None, workers: int | None
    ) -> "StarLikelihood":
        density = None if prior is None else prior.density(model.scaler)
        changed, outliers = model.nuisance_model, model.populations.outliers
        if changed is not None:
            first = noise if outliers is None else screened_ivar(_star_pixels(model, spectra, noise), workers=workers)
            starts = np.zeros((1, len(model.label_names)))
            fit = settle(changed, spectra.flux, first, starts, density=density, workers=workers)
            linear = cls(model, spectra, noise, fit.whole, fit.quartic, fit.posterior, fit)
            return linear if outliers is None else linear._without_outliers(changed, outliers, density, workers)
        if outliers is not None:
            pixels = _star_pixels(model, spectra, noise)
            some = _spread_labels(model, _N_FIRST)
            found = settle_outliers(pixels, outliers, some, density=density, workers=workers)
            return cls(model, spectra, found.ivar, found.whole, found.quartic, found.hidden, outlying=found.outlying)
        whole = compress_pixels(
            model.pixel_columns, spectra.flux, noise, n_label=len(model.label_names), workers=workers
        )
        if model.loadings is None:
            return cls(model, spectra, noise, whole, whole, None)
        quartic, hidden, _ = integrate_hidden(whole, model.loadings.shape[1])
        return cls(model, spectra, noise, whole, quartic, hidden)

    def _without_outliers(
        self,
        changed: NuisanceModel,
        outliers: OutlierShare,
        density: LabelDensity | None,
        workers: int | None,
    ) -> "StarLikelihood":
        """Linearise nuisances and find outliers by turns, from the likelihoods without outliers."""
        model, noise, now = self.model, self.ivar, self
        columns = coefficient_columns(model)
        starts = np.zeros((1, len(model.label_names)))
        for _ in range(_TURNS):
            labels = minimise(now.quartic, starts, density=density, workers=workers).labels[:, 0]
            at = np.where(np.isfinite(labels).all(axis=1)[:, None], labels, 0.0)
            hidden = now.hidden_means(at)[:, : columns.shape[1] - model.theta.shape[1]]
            expected = np.concatenate([label_vector(at), hidden], axis=1) @ columns.T
            off = np.sqrt(pixel_weights(model.scatter, noise)) * (now.clean_flux(at) - expected)
            ivar = equivalent_ivar(model.scatter, noise, outliers.weights(off))
            fit = settle(changed, self.spectra.flux, ivar, starts, density=density, workers=workers)
            now = replace(self, ivar=ivar, whole=fit.whole, quartic=fit.quartic, hidden=fit.posterior, settled=fit)
        return replace(now, outlying=count_outlying(model.scatter, noise, now.ivar))

    def __len__(self) -> int:
        return len(self.quartic)

    @property
    def kappa(self) -> FloatArray | None:
        """The noise scale of each star, shape (N,); None for a model whose stars have the same."""
        return None if self.star_scale is None else self.star_scale * np.median(self.model.noise_scale)

    @cached_property
    def log_normalisation(self) -> FloatArray:
        """Ln p(f | l) + chi2(l) / 2 of each star, shape (N,): what its pixels and hidden components add."""
        weight = pixel_weights(self.model.scatter, self.ivar)
        live = weight > 0
        constant: FloatArray = 0.5 * np.where(live, np.log(np.where(live, weight, 1.0) / (2 * np.pi)), 0.0).sum(axis=1)
        if self.hidden is not None:
            constant = constant + 0.5 * np.linalg.slogdet(self.hidden.covariance)[1]
        return constant

    @property
    def snr(self) -> FloatArray:
        """Signal-to-noise ratios, shape (N,); NaN where the survey gave none."""
        return self.spectra.columns.get("snr", np.full(len(self), np.nan))

    def select(self, index: Any) -> "StarLikelihood":
        """Return the likelihoods of some of the stars: a mask or an index array."""
        return replace(
            self,
            spectra=self.spectra.select(index),
            ivar=self.ivar[index],
            whole=self.whole.select(index),
            quartic=self.quartic.select(index),
            hidden=None if self.hidden is None else self.hidden.select(index),
            settled=None if self.settled is None else self.settled.select(index),
            star_scale=None if self.star_scale is None else self.star_scale[index],
            outlying=None if self.outlying is None else self.outlying[index],
        )

    def directions(self, scaled: FloatArray) -> FloatArray:
        """Return how the nuisances of stars at rest change their spectra at scaled labels, shape (N, M, pixel)."""
        changed = self.model.nuisance_model
        if changed is None:
            return np.zeros((len(scaled), 0, len(self.model.wavelength)))
        return changed.at(REST).directions(scaled).swapaxes(0, 1)

    def hidden_means(self, scaled: FloatArray) -> FloatArray:
        """Return the means of hidden components and nuisances at scaled labels (N, K), shape (N, R + M)."""
        if self.hidden is None:
            return np.zeros((len(scaled), 0))
        means: FloatArray = np.einsum("nht,nt->nh", self.hidden.map, label_vector(scaled))
        return means

    def clean_flux(self, scaled: FloatArray) -> FloatArray:
        """Return the flux with what the nuisances add at finite scaled labels (N, K) taken out, shape (N, pixel)."""
        changed, fit = self.model.nuisance_model, self.settled
        if changed is None or fit is None:
            return self.spectra.flux
        amplitudes = self.hidden_means(scaled)[:, changed.n_hidden :]
        flux = self.spectra.flux - changed.added(fit.nodes, scaled, amplitudes)
        return np.where(self.ivar > 0, flux, self.spectra.flux)


def star_quartic(
    model: TrainedModel, spectra: Spectra, *, ivar: FloatArray | None = None, workers: int | None = None
) -> Quartic:
    """
    Compress the spectra of N stars to the quartics of their scaled labels, hidden components and nuisances integrated.

    Parameters
    ----------
    model : TrainedModel
    spectra : Spectra
        N stars on the model's grid.
    ivar : float array of shape (star, pixel), optional
        Inverse variance without the scatter; :func:`scaled_ivar` unless given.
    workers : int or None
        Threads; None takes every core.

    Returns
    -------
    quartic : Quartic

    Raises
    ------
    GridError
        The spectra are on another grid.
    """
    return StarLikelihood._by_tiles(model, spectra, ivar, None, workers).quartic


def used_ivar(
    model: TrainedModel, spectra: Spectra, *, labels: FloatArray | None = None, workers: int | None = None
) -> FloatArray:
    """
    Return :func:`scaled_ivar` with what is left of pixels that are outliers.

    Parameters
    ----------
    model : TrainedModel
    spectra : Spectra
        N stars on the model's grid.
    labels : float array of shape (N, K), optional
        Labels at which outliers are told, in their units; the best of each star unless given.
    workers : int or None
        Threads; None takes every core.

    Returns
    -------
    ivar : float array of shape (N, pixel)
    """
    noise, outliers = scaled_ivar(model, spectra), model.populations.outliers
    if outliers is None:
        return noise
    if labels is None:
        return StarLikelihood._by_tiles(model, spectra, noise, None, workers).ivar
    off = spectra.flux - label_vector(model.scaler.to_scaled(labels)) @ model.theta.T
    factors = outliers.weights(np.sqrt(pixel_weights(model.scatter, noise)) * off)
    return equivalent_ivar(model.scatter, noise, factors)


def _star_pixels(model: TrainedModel, spectra: Spectra, noise: FloatArray) -> StarPixels:
    """Return the pixels of stars with the span of fluxes that the labels of the reference stars give."""
    fluxes = label_vector(_spread_labels(model, _N_SPAN)) @ model.theta.T
    span = np.stack([fluxes.min(axis=0), fluxes.max(axis=0)])
    return StarPixels(coefficient_columns(model), model.theta.shape[1], model.scatter, spectra.flux, noise, span)


def _spread_labels(model: TrainedModel, most: int) -> FloatArray:
    """Return scaled labels of some reference stars from one end of the first label to the other, shape (n, K)."""
    labels = model.scaler.to_scaled(model.reference_labels[model.star_rows])
    rows = np.argsort(labels[:, 0], kind="stable")
    some = np.linspace(0, len(rows) - 1, min(most, len(rows)) + 2)[1:-1]
    chosen: FloatArray = labels[rows[np.rint(some).astype(int)]]
    return chosen


def coefficient_columns(model: TrainedModel) -> FloatArray:
    """Return theta and the loadings of the hidden components side by side, shape (pixel, T + R)."""
    return model.theta if model.loadings is None else np.concatenate([model.theta, model.loadings], axis=1)

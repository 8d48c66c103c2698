"""Scores of odd spectra under a trained model: pairs, emission, carbon, wide lines, wrong redshifts, and the sky."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayescannon.cannon.label_priors import mixture_prior
from bayescannon.cannon.likelihood import StarLikelihood, coefficient_columns, scaled_ivar
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.data.odd_features import carbon_template, emission_template, near_sky_lines
from bayescannon.data.spectra import Spectra
from bayescannon.models.label_vector import label_vector, label_vector_jacobian
from bayescannon.models.main_sequence import LEAST_RATIO, MainSequence, PopulationError, is_dwarf
from bayescannon.models.pixel_weights import pixel_weights
from bayescannon.numerics.label_density import LabelDensity
from bayescannon.numerics.log_spline import LogSpline
from bayescannon.numerics.spread import spread_rows
from bayescannon.numerics.typing import BoolArray, FloatArray
from bayescannon.reliability.odd_reference import (
    BINARY,
    BROAD,
    CARBON,
    DOUBLE_LINED,
    EMISSION,
    ODD_CLASSES,
    REDSHIFT,
    SKY,
)
from bayescannon.reliability.template_scores import excess_near, template_scores
from bayescannon.stars.binary import PairEvidence, pair_evidence
from bayescannon.stars.double_lined import DoubleLined, PairSpectra, fit_double_lined
from bayescannon.stars.velocity_scan import VelocityScan

# reference stars whose spectra are compared at other velocities; components of the prior of labels
_N_TEMPLATES, _N_COMPONENTS = 24, 2
# stars whose templates are in memory at once
_BLOCK = 128


@dataclass(frozen=True)
class OddScores:
    """
    Scores of N stars.

    Attributes
    ----------
    score : float array of shape (N, class)
        In the order of :data:`bayescannon.reliability.odd_reference.ODD_CLASSES`; NaN where there is none.
    log_snr : float array of shape (N,)
        Log of the median signal-to-noise ratio of a live pixel.
    velocity : float array of shape (N,)
        By which the lines are at longer wavelengths than those of the best of a few reference spectra [km/s].
    pair : PairEvidence or None
        None for a model without a main sequence.
    double : DoubleLined or None
        None if it was asked for no star.
    """

    score: NDArray[np.float64]
    log_snr: NDArray[np.float64]
    velocity: NDArray[np.float64]
    pair: PairEvidence | None
    double: DoubleLined | None


@dataclass(frozen=True)
class OddScorer:
    """
    What the scores of a model's stars need, made once.

    Attributes
    ----------
    model : TrainedModel
    sequence : MainSequence or None
        None for a model whose reference set has no main sequence: there are no pairs.
    no_pairs : str
        Why.
    """

    model: TrainedModel
    sequence: MainSequence | None
    no_pairs: str = ""

    @classmethod
    def of(cls, model: TrainedModel) -> "OddScorer":
        """Find the main sequence of a model's reference set, if it has one."""
        # where labels change the spectrum most, by their information
        live = np.isfinite(model.scatter)
        n_label = len(model.label_names)
        weight = np.where(live, (model.theta[:, 1 : 1 + n_label] ** 2).sum(axis=1), 0.0)
        wavelength = float(np.exp(np.average(np.log(model.wavelength), weights=weight)))
        try:
            return cls(model, MainSequence.fit(model.reference_labels, model.label_names, wavelength))
        except PopulationError as error:
            return cls(model, None, str(error))

    @cached_property
    def density(self) -> LabelDensity:
        """The prior of the labels of single stars and of the first stars of pairs."""
        return mixture_prior(self.model, n_components=_N_COMPONENTS).density(self.model.scaler)

    @cached_property
    def spline(self) -> LogSpline:
        """The coefficients as functions of ln lambda."""
        return LogSpline.of(self.model.wavelength, self.model.theta, np.isfinite(self.model.scatter))

    @cached_property
    def bend(self) -> FloatArray:
        """The second derivative of the coefficients (P, T) by ln lambda, in squares of the grid's step."""
        return np.asarray(self.spline.at()[2] * self.spline.step**2)

    @cached_property
    def templates(self) -> FloatArray:
        """Emission and carbon on the model's grid, shape (P, 2)."""
        grid = self.model.wavelength
        return np.stack([emission_template(grid), carbon_template(grid)], axis=1)

    @cached_property
    def scan(self) -> VelocityScan:
        """Spectra of reference stars at many velocities."""
        model = self.model
        labels = model.scaler.to_scaled(model.reference_labels[model.star_rows])
        rows = spread_rows(labels, min(_N_TEMPLATES, len(labels)), np.random.default_rng(0))
        return VelocityScan.of(model.wavelength, model.theta, model.scatter, labels[rows])

    def scores(
        self,
        likelihood: StarLikelihood,
        scaled: FloatArray,
        *,
        power: FloatArray | float = 1.0,
        workers: int | None = None,
    ) -> OddScores:
        """
        Score N stars at their scaled labels (N, K); pairs with two velocities are :meth:`with_double_lined`.

        Parameters
        ----------
        likelihood : StarLikelihood
        scaled : float array of shape (N, K)
            A star with NaN has NaN scores.
        power : float or float array of shape (N,)
            To which the likelihoods of pairs and of single stars are raised.
        workers : int or None
        """
        model, spectra = self.model, likelihood.spectra
        ivar = np.where(np.isfinite(model.scatter), scaled_ivar(model, spectra, workers=workers), 0.0)
        score = np.full((len(spectra), len(ODD_CLASSES)), np.nan)
        names = list(ODD_CLASSES)
        log_snr = np.full(len(spectra), np.nan)
        for n, row in enumerate(spectra.ivar):
            if (row > 0).any():
                log_snr[n] = 0.5 * np.log(np.median(row[row > 0]))
        known = np.isfinite(scaled).all(axis=1) & np.isfinite(log_snr)
        at = np.where(known[:, None], scaled, 0.0)
        for first in range(0, len(spectra), _BLOCK):
            part = slice(first, min(first + _BLOCK, len(spectra)))
            found = self._residual_scores(likelihood, at, ivar, part, workers)
            for name, values in found.items():
                score[part, names.index(name)] = values
        chi2 = self.scan.chi2(spectra.flux, ivar, workers=workers)
        gain, velocity = self.scan.best_shift(chi2, likelihood.quartic.n_live)
        score[:, names.index(REDSHIFT)] = gain
        pair = None
        if self.sequence is not None:
            pair = self.pairs(likelihood, np.where(known[:, None], at, np.nan), power=power, workers=workers)
            score[:, names.index(BINARY)] = pair.log_ratio
        score[~known] = np.nan
        return OddScores(score, log_snr, np.where(known, velocity, np.nan), pair, None)

    def with_double_lined(
        self,
        found: OddScores,
        likelihood: StarLikelihood,
        scaled: FloatArray,
        wanted: BoolArray,
        *,
        power: FloatArray | float = 1.0,
        workers: int | None = None,
    ) -> OddScores:
        """
        Add the evidences of pairs with two velocities of the `wanted` stars (N,); NaN of stars that are no dwarfs.

        Parameters are those of :meth:`scores`, which returned `found`.
        """
        model, sequence = self.model, self.sequence
        known = wanted & np.isfinite(scaled).all(axis=1) & np.isfinite(found.log_snr)
        at = np.where(known[:, None], scaled, 0.0)
        chosen = known & is_dwarf(model.scaler.from_scaled(at), model.label_names)
        if sequence is None or not chosen.any():
            return found
        parts = PairSpectra(self.spline, model.scatter, sequence, model.scaler, self.density)
        flux = likelihood.clean_flux(at)
        if model.loadings is not None:
            flux = flux - likelihood.hidden_means(at)[:, : model.loadings.shape[1]] @ model.loadings.T
        start = np.where(chosen[:, None], at, np.nan)
        double = fit_double_lined(parts, flux, likelihood.ivar, start, power=power, workers=workers)
        score = found.score.copy()
        score[:, list(ODD_CLASSES).index(DOUBLE_LINED)] = double.log_ratio
        return replace(found, score=score, double=double)

    def with_companions(self, spectra: Spectra, scaled: FloatArray, rng: np.random.Generator) -> Spectra:
        """
        Return the spectra as they are if each star had a companion of the same velocity, drawn from the pairs' priors.

        What the model misses of a spectrum stays in it, and so does its noise.

        Parameters
        ----------
        spectra : Spectra
            N stars.
        scaled : float array of shape (N, K)
            Of dwarfs; a star with NaN is left as it is.
        rng : numpy.random.Generator
        """
        model, sequence = self.model, self.sequence
        if sequence is None:
            raise PopulationError(self.no_pairs)
        q, rho = rng.uniform(LEAST_RATIO, 1, len(scaled)), rng.standard_normal(len(scaled))
        flux = np.array(spectra.flux, dtype=np.float64)
        for n in np.flatnonzero(np.isfinite(scaled).all(axis=1)):
            labels = model.scaler.from_scaled(scaled[n])
            other = sequence.companion(labels, q[n])
            log_light = other.log_light + sequence.light_width * rho[n]
            log_light = log_light + sequence.colour(labels, q[n], model.wavelength)
            change = model.theta @ (label_vector(model.scaler.to_scaled(other.labels)) - label_vector(scaled[n]))
            flux[n] += np.where(spectra.ivar[n] > 0, change / (1 + np.exp(-log_light)), 0.0)
        return replace(spectra, flux=flux)

    def _residual_scores(
        self, likelihood: StarLikelihood, at: FloatArray, ivar: FloatArray, part: slice, workers: int | None
    ) -> dict[str, Any]:
        """Return the scores of one block of stars that come from their residuals."""
        model, own = self.model, likelihood.select(part)
        columns = np.where(np.isfinite(model.scatter)[:, None], coefficient_columns(model), 0.0)
        vectors = label_vector(at[part])
        n_hidden = columns.shape[1] - vectors.shape[1]
        full = np.concatenate([vectors, own.hidden_means(at[part])[:, :n_hidden]], axis=1)
        residual = own.clean_flux(at[part]) - full @ columns.T
        weight = pixel_weights(model.scatter, ivar[part])
        n_label = at.shape[1]
        slopes = np.zeros((len(full), columns.shape[1], n_label + n_hidden))
        slopes[:, : vectors.shape[1], :n_label] = label_vector_jacobian(at[part])
        slopes[:, vectors.shape[1] :, n_label:] = np.eye(n_hidden)
        prior = np.concatenate([np.zeros(n_label), np.ones(n_hidden)])
        templates = np.empty((len(full), len(weight[0]), 3))
        templates[..., 0], templates[..., 1:] = vectors @ self.bend.T, self.templates
        z = template_scores(residual, weight, columns, slopes, templates, prior=prior, workers=workers)
        redshift = own.spectra.columns.get("redshift", np.full(len(full), np.nan))
        sky = excess_near(residual, weight, near_sky_lines(model.wavelength, redshift))
        return {BROAD: z[:, 0], EMISSION: z[:, 1], CARBON: z[:, 2], SKY: sky}

    def pairs(
        self,
        likelihood: StarLikelihood,
        scaled: FloatArray,
        *,
        power: FloatArray | float = 1.0,
        workers: int | None = None,
    ) -> PairEvidence:
        """Return the evidences of unresolved pairs; NaN of stars that are no dwarfs. Parameters are those of scores."""
        model, sequence = self.model, self.sequence
        if sequence is None:
            raise PopulationError(self.no_pairs)
        dwarf = is_dwarf(model.scaler.from_scaled(scaled), model.label_names)
        start = np.where(dwarf[:, None], scaled, np.nan)
        return pair_evidence(
            likelihood.quartic, start, sequence, model.scaler, density=self.density, power=power, workers=workers
        )

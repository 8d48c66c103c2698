"""Fits of pixels in one call, and what certifies a sparse one."""

import numpy as np

from bayescannon.models.reported_stars import ReportedStars
from bayescannon.pixels.block import LabelMoments
from bayescannon.pixels.compressed import normal_equations
from bayescannon.pixels.fit import fit_pixels
from bayescannon.pixels.laplace import LaplacePrior
from bayescannon.pixels.latent_label_fit import LatentLabelOptions, fit_latent_labels
from bayescannon.pixels.prior import PixelPrior
from bayescannon.pixels.smooth import SmoothPrior, fit_pixels_smooth

# Rounding of a sum whose terms cancel, against the size of the terms, with a margin
ROUNDING = 1e-7


def shape_of(vectors, flux):
    mean = vectors.mean if isinstance(vectors, LabelMoments) else vectors
    return flux.shape[1], mean.shape[1]


def fit_sparse(vectors, flux, ivar, *, scale, prior=None, **options):
    """Fit under Laplace(0, scale) coefficients; `prior` is of the scatter and of censored terms."""
    shape = shape_of(vectors, flux)
    prior = prior or PixelPrior.flat(*shape)
    scale = np.broadcast_to(np.asarray(scale, dtype=float), shape)
    laplace = LaplacePrior(prior.mean, prior.precision, prior.scatter, prior.scatter_parameters, scale=scale)
    return fit_pixels(vectors, flux, ivar, prior=laplace, **options)


def kkt_residual(fit, vectors, flux, ivar, *, scale, allowed=None):
    """
    Largest violation of the Karush-Kuhn-Tucker conditions in each pixel, given the scatters, shape (P,).

    With c = V^T W (f - V theta), the optimum has c_k = sign(theta_k) / b_k where theta_k is not 0 and |c_k| <= 1 / b_k
    where it is. The problem is convex, so that this proves the optimum. As a fraction of 1 / b_k, plus rounding.
    """
    normal, right = normal_equations(vectors, flux, ivar, fit.scatter, allowed=allowed)
    penalty = np.broadcast_to(1 / np.asarray(scale, dtype=float), right.shape)
    excess = right - np.einsum("pij,pj->pi", normal, fit.theta)
    active = (fit.theta != 0) | (penalty == 0)
    violation = np.where(active, np.abs(excess - penalty * np.sign(fit.theta)), np.maximum(np.abs(excess) - penalty, 0))
    terms = np.einsum("pij,pj->pi", np.abs(normal), np.abs(fit.theta)) + np.abs(right)
    size = penalty + ROUNDING * terms
    return np.divide(violation, size, out=np.zeros_like(size), where=size > 0).max(axis=1)


def fit_smooth(vectors, flux, ivar, *, shrunk, scale=None, length=3.0, position=None, prior=None, **options):
    """Fit under coefficients that are smooth along wavelength; `prior` is of the scatter and of censored terms."""
    prior = prior or PixelPrior.flat(*shape_of(vectors, flux))
    smooth = SmoothPrior(
        prior.mean, prior.precision, prior.scatter, prior.scatter_parameters, shrunk=shrunk, tau=scale, length=length,
        position=position,
    )  # fmt: skip
    return fit_pixels_smooth(vectors, flux, ivar, prior=smooth, **options)


def fit_latent(observed, variance, flux, ivar, *, kappa=1.0, prior=None, start=None, workers=None, **options):
    """Train on reported labels with errors; `options` are those of LatentLabelOptions."""
    return fit_latent_labels(
        ReportedStars(observed, variance, flux, ivar), options=LatentLabelOptions(**options), kappa=kappa, prior=prior,
        start=start, workers=workers,
    )  # fmt: skip

"""Dwarfs on a grid of optical wavelengths, and odd stars among them: one class at a time."""

from functools import cache

import numpy as np
from nuisance_stars import C_KM_S
from star_pairs import NAMES, SCALER, draw_labels, pair_vectors

from bayescannon.cannon.reference import ReferenceSet
from bayescannon.data.odd_features import carbon_template, emission_template, near_sky_lines
from bayescannon.data.spectra import Spectra
from bayescannon.models.label_vector import label_vector, n_terms
from bayescannon.models.main_sequence import MainSequence
from bayescannon.numerics.log_spline import LogSpline

GRID = np.exp(np.arange(np.log(4150.0), np.log(6700.0), 2.3e-4))
SIGMA = 0.01


def coefficients():
    """Of lines of two pixels' width."""
    rng = np.random.default_rng(31)
    centres = rng.uniform(0, len(GRID), 220)
    strength = rng.normal(size=(220, n_terms(3))) * 0.03
    strength[:, 0] = -rng.uniform(0.05, 0.3, 220)
    strength[:, 4:] *= 0.3
    theta = np.exp(-0.5 * (np.arange(len(GRID))[:, None] - centres) ** 2 / 2.0) @ strength
    theta[:, 0] += 1.0
    return theta


def spectra_of(flux, seed, redshift=None):
    """Spectra with noise and some dead pixels."""
    rng = np.random.default_rng(seed)
    flux = flux + SIGMA * rng.normal(size=flux.shape)
    ivar = np.full(flux.shape, SIGMA**-2)
    ivar[rng.random(flux.shape) < 0.01] = 0.0
    n_star = len(flux)
    z = rng.normal(0, 2e-4, n_star) if redshift is None else redshift
    ids = [f"{seed}-{n}" for n in range(n_star)]
    return Spectra(GRID, flux, ivar, ids, {"redshift": z, "snr": np.full(n_star, 100.0)})


def dwarf_reference(n_star=150, seed=0):
    """A reference set of dwarfs."""
    scaled = draw_labels(np.random.default_rng(seed), n_star)
    flux = label_vector(scaled) @ coefficients().T + 0.002 * np.random.default_rng(seed).normal(
        size=(n_star, len(GRID))
    )
    labels = SCALER.from_scaled(scaled)
    return ReferenceSet(spectra_of(flux, seed + 100), labels, np.full(labels.shape, np.nan), NAMES)


@cache
def sequence():
    """The main sequence of the reference set."""
    return MainSequence.fit(dwarf_reference().labels, NAMES, 5500.0)


def odd_stars(kind, n_star=20, seed=50):
    """Spectra of stars of a class; their scaled labels."""
    rng = np.random.default_rng(seed)
    theta, scaled = coefficients(), draw_labels(rng, n_star).clip(-1.5, 1.5)
    flux = label_vector(scaled) @ theta.T + 0.002 * rng.normal(size=(n_star, len(GRID)))
    z = rng.normal(0, 2e-4, n_star)
    spline = LogSpline.of(GRID, theta, np.ones(len(GRID), dtype=bool))
    if kind == "binary":
        flux = (
            flux
            + (pair_vectors(scaled, np.full(n_star, 0.7), np.zeros(n_star), sequence())[0] - label_vector(scaled))
            @ theta.T
        )
    elif kind == "double_lined":
        _, second, w = pair_vectors(scaled, np.full(n_star, 0.9), np.zeros(n_star), sequence())
        one, two = (spline.at(shift=v / C_KM_S)[0] for v in (-100.0, 130.0))
        flux = flux + (1 - w)[:, None] * (label_vector(scaled) @ one.T) + w[:, None] * (label_vector(second) @ two.T)
        flux -= label_vector(scaled) @ theta.T
    elif kind == "broad_lines":
        flux = flux + label_vector(scaled) @ (spline.at(variance=(1.5 * 2.3e-4) ** 2)[0] - theta).T
    elif kind == "emission":
        flux = flux + 0.3 * emission_template(GRID)
    elif kind == "carbon":
        flux = flux + 0.15 * carbon_template(GRID)
    elif kind == "redshift":
        flux = flux + label_vector(scaled) @ (spline.at(shift=250.0 / C_KM_S)[0] - theta).T
    elif kind == "sky":
        flux = flux + 0.1 * near_sky_lines(GRID, z) * rng.normal(size=flux.shape)
    return spectra_of(flux, seed, z), scaled

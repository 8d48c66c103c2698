"""Reference sets, and stars, of one model with two hidden abundances: any number of them, independent of each other."""

from dataclasses import replace

import numpy as np
import toy

from bayescannon.cannon.reference import ReferenceSet

WIDTHS = np.array([toy.WIDTH[name] for name in toy.NAMES])


def hidden_spectra(labels, seed, *, n_pixel=60, amplitude=0.01, **options):
    """Spectra of stars with these labels; the loadings depend on the number of pixels only."""
    spectra = toy.toy_spectra(labels, n_pixel=n_pixel, seed=seed, **options)
    loadings = amplitude * np.random.default_rng(99).normal(size=(2, n_pixel))
    moved = np.random.default_rng([seed, 1]).normal(size=(len(labels), 2)) @ loadings
    return replace(spectra, flux=spectra.flux + (spectra.ivar > 0) * moved)


def hidden_reference(n_star, seed, *, error=0.0, **options):
    """A reference set whose labels have errors of `error` widths."""
    truth = toy.toy_labels(n_star, seed=seed)
    errors = error * WIDTHS * np.ones((n_star, 1))
    reported = truth + errors * np.random.default_rng([seed, 2]).normal(size=truth.shape)
    return ReferenceSet(hidden_spectra(truth, seed, **options), reported, errors, toy.NAMES)

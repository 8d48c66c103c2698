"""Toy stars of various S/N, and a model of them with a coverage reference."""

import numpy as np
import toy

from bayescannon.cannon.novelty import attach_coverage
from bayescannon.cannon.training import train

N_PIXEL = 320


def stars(n_star, seed, shift=0.0, **options):
    """Labels of stars, moved by `shift`, and their spectra."""
    labels = toy.toy_labels(n_star, seed=seed) + shift
    rng = np.random.default_rng(seed)
    return labels, toy.toy_spectra(labels, seed=seed, n_pixel=N_PIXEL, snr=rng.uniform(20, 200, n_star), **options)


def model_with_coverage():
    """A model of 400 reference stars with its coverage reference, and the reference set."""
    reference = toy.toy_reference(400, n_pixel=N_PIXEL)
    model = train(reference)
    return attach_coverage(model, toy.fit_coverage(model, reference, folds=8)), reference

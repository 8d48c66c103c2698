"""Toy surveys: spectra drawn from a quadratic model with known coefficients, and tables to go with them."""

from dataclasses import replace

import numpy as np

from bayescannon.cannon.held_out import hold_out
from bayescannon.cannon.novelty import coverage_from_estimates
from bayescannon.cannon.reference import ReferenceSet
from bayescannon.data.label_table import LabelTable
from bayescannon.data.labels import KNOWN_LABELS
from bayescannon.data.spectra import Spectra
from bayescannon.models.label_vector import label_vector, n_terms

NAMES = ("teff", "logg", "fe_h")
CENTRE = {"teff": 4800.0, "logg": 2.5, "fe_h": -0.3, "alpha_m": 0.1, "a_k": 0.1}
WIDTH = {"teff": 250.0, "logg": 0.6, "fe_h": 0.25, "alpha_m": 0.08, "a_k": 0.05}


def toy_labels(n_star, names=NAMES, seed=0):
    """Labels of stars, shape (star, K), in their units."""
    rng = np.random.default_rng(seed)
    scaled = rng.normal(size=(n_star, len(names))).clip(-2.5, 2.5)
    return np.column_stack([CENTRE[n] + WIDTH[n] * scaled[:, k] for k, n in enumerate(names)])


def toy_spectra(labels, names=NAMES, *, n_pixel=120, sigma=0.01, scatter=0.004, seed=0, snr=None):
    """Spectra of stars with these labels; the coefficients depend on the number of labels and pixels only."""
    model = np.random.default_rng(1234)
    theta = 0.03 * model.normal(size=(n_pixel, n_terms(len(names))))
    theta[:, 1 + len(names) :] *= 0.2
    theta[:, 0] = 0.9
    scaled = np.column_stack([(labels[:, k] - CENTRE[n]) / WIDTH[n] for k, n in enumerate(names)])
    rng = np.random.default_rng(seed)
    n_star = len(labels)
    flux = label_vector(scaled) @ theta.T + np.hypot(sigma, scatter) * rng.normal(size=(n_star, n_pixel))
    ivar = np.full(flux.shape, 1 / sigma**2)
    dead = rng.random(flux.shape) < 0.02
    flux[dead], ivar[dead] = 1.0, 0.0
    columns = {
        "ra": rng.uniform(0, 360, n_star),
        "dec": rng.uniform(-60, 60, n_star),
        "redshift": np.zeros(n_star),
        "snr": np.full(n_star, 60.0) if snr is None else snr,
    }
    ids = np.array([f"spec-{seed}-{n:04d}" for n in range(n_star)])
    return Spectra(np.linspace(5000.0, 5400.0, n_pixel), flux, ivar, ids, columns, {"preset": "paper"})


def toy_table(spectra, labels, names=NAMES, **changes):
    """A label table of the stars of `spectra`, in the same order."""
    n_star = len(spectra)
    values = {
        "id": spectra.id.copy(),
        "survey_id": np.array([f"2M{n}" for n in range(n_star)]),
        "ra": spectra.columns["ra"].copy(),
        "dec": spectra.columns["dec"].copy(),
        "labels": {name: labels[:, k].copy() for k, name in enumerate(names)},
        "errors": {},
        "flags": np.zeros(n_star, dtype=np.uint64),
        "flag_type": None,
        "snr": np.full(n_star, 200.0),
        "source": "toy table",
    }
    return LabelTable(**{**values, **changes})


def toy_reference(n_star=200, names=NAMES, **options):
    """A reference set of stars that the model describes exactly."""
    labels = toy_labels(n_star, names, seed=options.pop("label_seed", 0))
    spectra = toy_spectra(labels, names, **options)
    return ReferenceSet(spectra, labels, np.full_like(labels, np.nan), tuple(names))


def noisy_reference(n_star=400, *, error=0.4, hidden=0.0, seed=5, **options):
    """
    A reference set whose labels have errors of `error` widths, and spectra that two hidden abundances move.

    Returns the set and the true labels.
    """
    reference = toy_reference(n_star, **options)
    rng = np.random.default_rng(seed)
    errors = error * np.array([WIDTH[name] for name in reference.label_names]) * np.ones((n_star, 1))
    spectra = reference.spectra
    loadings = hidden * np.random.default_rng(99).normal(size=(2, len(spectra.wavelength)))
    flux = spectra.flux + (spectra.ivar > 0) * (rng.normal(size=(n_star, 2)) @ loadings)
    labels = reference.labels + errors * rng.normal(size=errors.shape)
    noisy = replace(reference, spectra=replace(spectra, flux=flux), labels=labels, errors=errors)
    return noisy, reference.labels


def fit_coverage(model, reference, *, folds):
    """The coverage reference of a model, from held-out stars."""
    held_out = hold_out(reference, folds=folds)
    return coverage_from_estimates(model, reference.labels, held_out.estimates, held_out.residuals)


assert set(CENTRE) <= set(KNOWN_LABELS)

"""Reference sets of stars with several spectra."""

from dataclasses import replace

import numpy as np

from bayescannon.cannon.reference import ReferenceSet
from bayescannon.data.spectra import Spectra

NAMES = ("teff", "logg", "fe_h")
N_HIDDEN = 6


def two_spectra_each(reference):
    """The same set with every spectrum twice, the second one under another id: stars are told apart by position."""
    spectra = reference.spectra
    columns = {name: np.tile(values, 2) for name, values in spectra.columns.items()}
    ids = np.concatenate([spectra.id, [f"{name}-again" for name in spectra.id]])
    doubled = Spectra(
        spectra.wavelength, np.tile(spectra.flux, (2, 1)), np.tile(spectra.ivar, (2, 1)), ids, columns, spectra.attrs
    )
    return replace(
        reference,
        spectra=doubled,
        labels=np.tile(reference.labels, (2, 1)),
        errors=np.tile(reference.errors, (2, 1)),
        star=None,
        source=None,
    )


def repeated_survey(n_spectra, seed, *, step=4.0, by_position=True):
    """
    Stars with so many spectra each, whose spectra share what is no label: six hidden components, and the label's error.

    Returns the reference set and the true labels of its spectra.
    """
    rng, fixed = np.random.default_rng(seed), np.random.default_rng(11)
    wavelength = np.arange(4000.0, 4600.0, step)
    n_star, n_pixel = len(n_spectra), len(wavelength)
    truth = np.column_stack(
        [rng.uniform(4000, 5500, n_star), rng.uniform(0.5, 3.5, n_star), rng.normal(-0.3, 0.3, n_star)]
    )
    scaled = (truth - [4750, 2, -0.3]) / [430, 0.87, 0.3]
    linear, square, hidden = (fixed.normal(0, s, (k, n_pixel)) for k, s in ((3, 0.02), (3, 0.004), (N_HIDDEN, 0.01)))
    clean = 1 + scaled @ linear + scaled**2 @ square + rng.normal(size=(n_star, N_HIDDEN)) @ hidden
    star = np.repeat(np.arange(n_star), n_spectra)
    flux = clean[star] + rng.normal(size=(len(star), n_pixel)) / 200
    reported = truth + rng.normal(size=truth.shape) * [60, 0.1, 0.05]
    place = rng.uniform([0, -5], [360, 60], (n_star, 2))[star]
    columns = {"redshift": np.zeros(len(star)), "snr": np.full(len(star), 200.0)}
    if by_position:
        columns |= {"ra": place[:, 0], "dec": place[:, 1]}
    ids = np.array([f"spec-{n}" for n in range(len(star))])
    spectra = Spectra(wavelength, flux, np.full(flux.shape, 200.0**2), ids, columns)
    return ReferenceSet(spectra, reported[star], label_names=NAMES), truth[star]

"""A model, stars, and the tree of their uncertainties: made once, and never changed by a test."""

from dataclasses import replace

import numpy as np
import pytest
import toy
from uncertain_stars import BAD, N_BOOTSTRAP, N_DRAWS, N_STAR

from bayescannon.cannon.training import train
from bayescannon.uncertainty.datatree import uncertainty_tree


@pytest.fixture(scope="session")
def reference():
    return toy.toy_reference(150)


@pytest.fixture(scope="session")
def model(reference):
    return train(reference)


@pytest.fixture(scope="session")
def spectra():
    """Six stars; one of them has no live pixel."""
    spectra = toy.toy_spectra(toy.toy_labels(N_STAR, seed=9), seed=9)
    ivar = spectra.ivar.copy()
    ivar[BAD] = 0
    return replace(spectra, ivar=ivar)


@pytest.fixture(scope="session")
def table(spectra):
    """Labels of the stars from elsewhere, in another order, without the first one."""
    order = np.array([5, 3, 1, 2, 4])
    whole = toy.toy_table(spectra, toy.toy_labels(N_STAR, seed=9), errors={"teff": np.full(N_STAR, 50.0)})
    return whole.select(order)


@pytest.fixture(scope="session")
def tree(model, reference, spectra, table):
    return uncertainty_tree(
        model, spectra, reference=reference, observed=table, n_draws=N_DRAWS, n_bootstrap=N_BOOTSTRAP, seed=3
    )


@pytest.fixture(scope="session")
def stars():
    """Stars 0 to 9 twice: the second time 0.2 arcsec away, with other noise."""
    labels = np.tile(toy.toy_labels(10, seed=9), (2, 1))
    spectra = toy.toy_spectra(labels, seed=9)
    columns = {name: spectra.columns[name].copy() for name in spectra.columns}
    columns["ra"][10:] = columns["ra"][:10]
    columns["dec"][10:] = columns["dec"][:10] + 0.2 / 3600
    return replace(spectra, columns=columns)

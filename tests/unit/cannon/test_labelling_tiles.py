"""Labels, posteriors, coverage and odd scores of a star: the same bytes in blocks of any size, with any threads."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import toy
import xarray as xr
from toy_survey import toy_survey

from bayescannon.app.block_labels import BlockChoices, BlockLabeller
from bayescannon.cannon.qualification import qualify
from bayescannon.cannon.training import train
from bayescannon.models.nuisances import Nuisances
from bayescannon.numerics.outlier_mixture import OutlierShare
from bayescannon.numerics.tile_size import STAR_TILE
from bayescannon.pixels.populations import LogNormalPopulation

# two tiles and one star in a third; six terms in 120 pixels, so that products are in single precision
N_STAR, N_PIXEL, NAMES = 2 * STAR_TILE + 1, 120, ("teff", "logg")


@cache
def stars():
    """Stars of every S/N, some with few pixels or none."""
    labels = toy.toy_labels(N_STAR, NAMES, seed=3)
    snr = np.random.default_rng(3).uniform(5, 200, N_STAR)
    spectra = toy.toy_spectra(labels, NAMES, n_pixel=N_PIXEL, seed=3, snr=snr)
    ivar = spectra.ivar * np.exp(np.random.default_rng(4).normal(0, 1, (N_STAR, 1)))
    flux = spectra.flux.copy()
    ivar[[5, 140], 20:], ivar[[9, 200]], flux[[30, 256], 40:43] = 0.0, 0.0, 0.2
    return replace(spectra, flux=flux.astype(np.float32), ivar=ivar.astype(np.float32))


@cache
def models():
    """Models that take every way of a spectrum."""
    reference = toy.toy_reference(150, NAMES, n_pixel=N_PIXEL)
    plain = train(reference)
    qualified = qualify(plain, reference, folds=2)
    loadings = 0.01 * np.random.default_rng(5).normal(size=(N_PIXEL, 3))
    own = LogNormalPopulation(0.0, 0.2)
    hidden = replace(qualified, kappa=np.full(N_PIXEL, 1.3), loadings=loadings)
    return {
        "qualified": qualified,
        "kappa and hidden components": replace(hidden, coverage=replace(qualified.coverage, model_hash=hidden.hash)),
        "scale of each star's noise": replace(plain, populations=replace(plain.populations, star_kappa=own)),
        "outliers": replace(plain, populations=replace(plain.populations, outliers=OutlierShare())),
        "nuisances": replace(plain, options=replace(plain.options, nuisances=Nuisances("20km/s", continuum=0.01))),
    }


def labelled(model, spectra, block, *, workers=1, prior=None, n_draws=100, odd=False):
    """Label by blocks, and join the variables."""
    choices = BlockChoices(n_draws, 7, 0, "all", 0.01, odd, False, workers)
    label = BlockLabeller.of(model, choices, prior=prior, nuisances=None)
    parts = [label(spectra.select(slice(k, k + block))) for k in range(0, len(spectra), block)]
    return xr.concat(parts, dim="star", combine_attrs="override", data_vars="minimal")


def require_same_bytes(got, want):
    assert list(got.data_vars) == list(want.data_vars)
    for name in want.data_vars:
        off = int((got[name].to_numpy() != want[name].to_numpy()).sum()) if want[name].dtype.kind != "f" else None
        assert got[name].to_numpy().tobytes() == want[name].to_numpy().tobytes(), f"{name} differs {off or ''}"


CASES = (
    ("qualified", None),
    ("qualified", "mixture"),
    ("kappa and hidden components", "gaussian"),
    ("scale of each star's noise", None),
    ("outliers", None),
    ("nuisances", "mixture"),
)


@pytest.mark.parametrize(("name", "prior"), CASES)
def test_blocks_and_threads_change_no_byte(name, prior):
    model, spectra = models()[name], stars()
    whole = labelled(model, spectra, N_STAR, workers=1, prior=prior)
    assert np.isfinite(whole["labels"].to_numpy()).all(axis=1).mean() > 0.95
    for block, workers in ((STAR_TILE, 1), (2 * STAR_TILE, 2)):
        require_same_bytes(labelled(model, spectra, block, workers=workers, prior=prior), whole)


def test_stars_of_a_survey_model_are_computed_in_their_tiles():
    survey = toy_survey().model
    labels = toy.toy_labels(N_STAR, NAMES, seed=8)
    many = toy.toy_spectra(labels, NAMES, seed=8, sigma=0.03, n_pixel=60)
    whole = labelled(survey, many, N_STAR, n_draws=0)
    assert (whole["membership"].to_numpy() > 0.01).sum(axis=1).max() == 2
    require_same_bytes(labelled(survey, many, STAR_TILE, workers=2, n_draws=0), whole)

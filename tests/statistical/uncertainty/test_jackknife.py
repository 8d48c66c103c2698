"""On a mock survey the jackknife gives the spread of bootstraps, in the median over stars."""

import numpy as np
import pytest
from expect import expect_between

from bayescannon.cannon.labelling import label_spectra
from bayescannon.cannon.matching import build_reference
from bayescannon.cannon.training import train_clipped
from bayescannon.data.prepare import lamost_grid, prepare_spectra
from bayescannon.io.tables import read_labels
from bayescannon.mock.survey import simulate_survey
from bayescannon.uncertainty.bootstrap import bootstrap_labels
from bayescannon.uncertainty.jackknife import jackknife_covariance

N_REFERENCE, N_TEST = 600, 40


@pytest.mark.long
def test_the_jackknife_gives_the_spread_of_bootstraps():
    mock = simulate_survey(N_REFERENCE, N_TEST, seed=5)
    spectra = prepare_spectra(list(mock.spectra()), grid=lamost_grid()[::18])
    table = read_labels(mock.apogee, format="allstar-dr12")
    whole = build_reference(spectra.select(np.arange(N_REFERENCE)), table, ("teff", "logg", "fe_h"))
    stars = spectra.select(np.arange(N_REFERENCE, N_REFERENCE + N_TEST))
    model, reference = train_clipped(whole)
    # variances that are reported too large leave pixels without scatter, which the derivatives hold there
    expect_between((model.scatter == 0).mean(), 0.1, 0.7, what="pixels without scatter")
    estimates = label_spectra(model, stars)
    draws = bootstrap_labels(model, reference, stars, n_bootstrap=200, estimates=estimates)
    covariance = jackknife_covariance(model, reference, stars, estimates=estimates)
    ratio = np.sqrt(np.diagonal(covariance, axis1=1, axis2=2)) / draws["labels"].std("bootstrap", ddof=1).to_numpy()
    for k, name in enumerate(model.label_names):
        # a spread of 200 bootstraps is known to 5 %, and the stars share the same ones
        expect_between(np.median(ratio[:, k]), 0.88, 1.14, what=f"{name}: jackknife / bootstrap")

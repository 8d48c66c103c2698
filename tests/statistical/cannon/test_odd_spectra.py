"""The probability of a pair is calibrated on reference stars, also where the model misses something of spectra."""

from dataclasses import replace

import numpy as np
import pytest
from expect import expect_between, expect_fraction, expect_mean
from odd_survey import GRID, dwarf_reference, odd_stars

from bayescannon.cannon.labelling import label_spectra
from bayescannon.cannon.odd_fit import fit_odd_reference
from bayescannon.cannon.odd_scores import OddScorer
from bayescannon.cannon.odd_spectra import odd_spectra
from bayescannon.cannon.training import train


def with_misfit(spectra, seed, size=0.012):
    """The spectra of stars with three abundances that are no labels."""
    loadings = np.random.default_rng(77).normal(size=(3, len(GRID))) * (
        np.random.default_rng(78).random(len(GRID)) < 0.2
    )
    change = size * np.random.default_rng(seed).normal(size=(len(spectra), 3)) @ loadings
    return replace(spectra, flux=spectra.flux + change)


@pytest.mark.long
def test_the_probability_of_a_pair_is_calibrated_despite_a_misfit():
    reference = dwarf_reference(240, seed=4)
    reference = replace(reference, spectra=with_misfit(reference.spectra, 1))
    model = train(reference)
    odd = fit_odd_reference(model, reference, folds=4)
    spectra, scaled = odd_stars("none", 400, seed=60)
    spectra = with_misfit(spectra, 2)
    is_pair = np.arange(400) % 2 == 1
    scorer = OddScorer.of(model)
    estimates = label_spectra(model, spectra)
    scaled = model.scaler.to_scaled(estimates["labels"].to_numpy())
    scaled[~is_pair] = np.nan
    spectra = scorer.with_companions(spectra, scaled, np.random.default_rng(5))
    estimates = label_spectra(model, spectra)
    found = odd_spectra(model, spectra, estimates, odd, binary_share=0.5)
    p = found["p_binary"].to_numpy()
    known = np.isfinite(p)
    expect_fraction(known, 400, 0.9, what="dwarfs")
    p, y = p[known], is_pair[known]
    expect_mean(y - p, 0.0, n_sigma=4, what="pairs less their probability")
    for low, high in ((0.0, 0.45), (0.45, 0.75), (0.75, 1.01)):
        rows = (p >= low) & (p < high)
        if rows.sum() >= 20:
            error = 4 * np.sqrt((p[rows] * (1 - p[rows])).sum()) / rows.sum() + 0.05
            what = f"{rows.sum()} with p {low:g} to {high:g}"
            expect_between(float(y[rows].mean() - p[rows].mean()), -error, error, what=what)
    # single stars keep the rate of false alarms
    p_odd = found["p_odd"].sel(odd_class="binary").to_numpy()[known]
    expect_fraction(p_odd[~y] <= 0.05, int((~y).sum()), 0.0, 0.11, what="single stars with p below 5 %")

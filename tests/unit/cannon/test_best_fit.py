"""Model spectra with hidden components and nuisances, and of stars without labels."""

from dataclasses import replace

import numpy as np
import pytest
from hidden_survey import hidden_reference, hidden_spectra
from toy import toy_labels

from bayescannon.cannon.best_fit import best_fit
from bayescannon.cannon.labelling import label_spectra
from bayescannon.cannon.likelihood import StarLikelihood
from bayescannon.cannon.options import TrainingOptions
from bayescannon.cannon.training import train
from bayescannon.models.label_vector import label_vector
from bayescannon.models.nuisances import Nuisances


@pytest.fixture(scope="module")
def fitted():
    """Stars of a model with hidden components, one without labels."""
    model = train(hidden_reference(300, 1, error=0.2), options=TrainingOptions(n_hidden=2, label_errors="table"))
    stars = hidden_spectra(toy_labels(140, seed=5), 5)
    likelihood = StarLikelihood.of(model, stars)
    labels = label_spectra(model, stars)["labels"].to_numpy()
    labels[3] = np.nan
    return model, stars, likelihood, labels


def test_flux_is_that_of_the_labels_and_of_the_hidden_components(fitted):
    model, stars, likelihood, labels = fitted
    fit = best_fit(likelihood, labels)
    known = np.isfinite(labels).all(axis=1)
    scaled = model.scaler.to_scaled(labels[known])
    hidden = likelihood.select(known).hidden_means(scaled) @ model.loadings.T
    np.testing.assert_allclose(fit.components[known], hidden, atol=1e-6)
    np.testing.assert_allclose(fit.flux[known], label_vector(scaled) @ model.theta.T + hidden, atol=1e-6)
    assert fit.flux.dtype == fit.ivar.dtype == np.float32
    # the components take up what they were drawn with
    live = fit.ivar > 0
    without = np.where(live, stars.flux - (fit.flux - fit.components), 0)
    assert np.sqrt(np.mean(fit.residual[known] ** 2)) < 0.85 * np.sqrt(np.mean(without[known] ** 2))
    np.testing.assert_allclose((fit.flux + fit.residual)[live], stars.flux[live], atol=1e-6)


def test_a_star_without_labels_has_no_spectrum(fitted):
    _, _, likelihood, labels = fitted
    fit = best_fit(likelihood, labels)
    for values in vars(fit).values():
        assert np.isfinite(values).all()
        assert not values[3].any()


def test_spectra_do_not_depend_on_how_many_stars_there_are(fitted):
    _, _, likelihood, labels = fitted
    whole, last = best_fit(likelihood, labels), best_fit(likelihood.select(slice(128, None)), labels[128:])
    for name, values in vars(last).items():
        np.testing.assert_array_equal(getattr(whole, name)[128:], values)
    assert best_fit(likelihood.select(slice(0, 0)), labels[:0]).flux.shape == (0, 60)


def test_nuisances_are_in_the_components(fitted):
    _, stars, _, _ = fitted
    options = TrainingOptions(nuisances=Nuisances(continuum=0.02, continuum_order=1))
    model = train(hidden_reference(200, 2), options=options)
    tilted = replace(stars, flux=stars.flux * np.linspace(0.97, 1.03, 60)).select(slice(0, 40))
    labels = label_spectra(model, tilted)["labels"].to_numpy()
    fit = best_fit(StarLikelihood.of(model, tilted), labels)
    live = (fit.ivar > 0).all(axis=0)
    slope = np.median(fit.components, axis=0)[live]
    np.testing.assert_allclose(slope, (0.9 * np.linspace(-0.03, 0.03, 60))[live], atol=0.02)
    assert np.corrcoef(slope, np.linspace(-1, 1, 60)[live])[0, 1] > 0.9

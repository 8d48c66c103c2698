"""What the latent-label model buys: slope of inferred on true labels of stars that the training never saw."""

import numpy as np
import pytest
from expect import slopes
from pixel_fits import fit_latent

from bayescannon.models.label_vector import label_vector, n_terms
from bayescannon.pixels.fit import fit_pixels
from bayescannon.stars.hidden import integrate_hidden
from bayescannon.stars.quartic import compress, minimise

N_REFERENCE, N_NEW, N_PIXEL, N_LABEL = 600, 1500, 120, 3


SIGMA = 0.01


def population(n_star, rng):
    """Correlated scaled labels of unit variance."""
    mixing = np.array([[1.0, 0.0, 0.0], [0.6, 0.8, 0.0], [-0.3, 0.1, np.sqrt(0.9)]])
    return rng.normal(size=(n_star, N_LABEL)) @ mixing.T


def toy(n_star, rng, *, hidden=0.0):
    """Spectra of new stars of the toy survey, with hidden abundances that move pixels by `hidden`."""
    model = np.random.default_rng(77)
    theta = 0.015 * model.normal(size=(N_PIXEL, n_terms(N_LABEL)))
    theta[:, 1 + N_LABEL :] *= 0.15
    theta[:, 0] = 0.9
    loadings = hidden * model.normal(size=(N_PIXEL, 2))
    labels = population(n_star, rng)
    flux = label_vector(labels) @ theta.T + rng.normal(size=(n_star, 2)) @ loadings.T
    flux += SIGMA * rng.normal(size=flux.shape)
    return labels, flux, np.full(flux.shape, SIGMA**-2)


def infer(theta, loadings, scatter, flux, ivar):
    """Labels of new stars, from the population's mean on."""
    quartic = compress(np.concatenate([theta, loadings], axis=1), scatter, flux, ivar)
    left, _, _ = integrate_hidden(quartic, loadings.shape[1])
    optima = minimise(left, np.zeros((1, N_LABEL)))
    assert optima.converged.mean() > 0.99
    return optima.labels[:, 0]


def experiment(error, *, hidden=0.0, n_hidden=0, seed=1, **options):
    """Slopes and root mean squared errors of flat and latent training for one toy survey."""
    rng = np.random.default_rng(seed)
    truth, flux, ivar = toy(N_REFERENCE, rng, hidden=hidden)
    observed = truth + error * rng.normal(size=truth.shape)
    fit = fit_latent(
        observed, np.full_like(observed, error**2), flux, ivar, n_hidden=n_hidden, max_rounds=20, **options
    )
    flat = fit_pixels(label_vector(observed), flux, ivar)
    new, new_flux, new_ivar = toy(N_NEW, rng, hidden=hidden)
    nothing = np.zeros((N_PIXEL, 0))
    found = {
        "flat": infer(flat.theta, nothing, flat.scatter, new_flux, new_ivar),
        "latent": infer(fit.pixels.theta, fit.loadings, fit.pixels.scatter, new_flux, new_ivar),
    }
    return fit, *(
        {name: measure(labels, new) for name, labels in found.items()}
        for measure in (slopes, lambda x, t: np.sqrt(((x - t) ** 2).mean(axis=0)))
    )


@pytest.mark.parametrize(("error", "dilution"), [(0.15, 0.01), (0.45, 0.12)])
def test_slopes_come_back_to_one(error, dilution):
    runs = [experiment(error, seed=seed)[1:] for seed in range(1, 7)]
    slope, rms = (
        {name: np.mean([run[k][name] for run in runs], axis=0) for name in ("flat", "latent")} for k in (0, 1)
    )
    # label errors dilute the coefficients, and what is inferred with them is too wide: about 1 + error^2 / spread^2
    assert (slope["flat"] > 1 + dilution).all()
    assert (np.abs(slope["latent"] - 1) < 0.3 * np.abs(slope["flat"] - 1)).all()
    assert (rms["latent"] < rms["flat"]).all()


def test_latent_labels_beat_the_reported_ones():
    rng = np.random.default_rng(2)
    truth, flux, ivar = toy(N_REFERENCE, rng)
    observed = truth + 0.45 * rng.normal(size=truth.shape)
    fit = fit_latent(observed, np.full_like(observed, 0.45**2), flux, ivar, n_hidden=0)
    spread = fit.labels - truth
    assert (np.sqrt((spread**2).mean(axis=0)) < 0.15).all()
    covariance = np.cov(truth.T)
    assert np.abs(fit.population.covariance - covariance).max() < 0.15


def test_hidden_abundances_need_hidden_components():
    _, slope, rms = experiment(0.3, hidden=0.02, n_hidden=2)
    _, without, rms_without = experiment(0.3, hidden=0.02, n_hidden=0)
    assert (np.abs(slope["latent"] - 1) < 0.06).all()
    assert (rms["latent"] < rms["flat"]).all()
    assert (rms["latent"] < rms_without["latent"]).all()
    # without them the labels follow the hidden abundances, not the stars' own
    assert np.abs(without["latent"] - 1).max() > 3 * np.abs(slope["latent"] - 1).max()

"""Survey models with known coefficients: two populations divided in log g, around a router."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytensor
from toy import toy_labels, toy_spectra

from bayescannon.cannon.likelihood import StarLikelihood
from bayescannon.cannon.populations.survey_model import SurveyModel
from bayescannon.cannon.reference import ReferenceSet
from bayescannon.cannon.training import train
from bayescannon.data.spectra import Spectra
from bayescannon.models.label_regions import LabelRegion, LabelRegions
from bayescannon.models.label_vector import label_vector
from bayescannon.models.survey_mixture import CompressedStar
from bayescannon.stars.quartic import pseudo_observations

NAMES = ("teff", "logg")
BORDER = 2.5
REGIONS = LabelRegions(
    (LabelRegion("upper", ({"logg": (-np.inf, BORDER)},)), LabelRegion("lower", ({"logg": (BORDER, np.inf)},))),
    {"logg": 0.4},
)
SIGMA = 0.02


@cache
def known_survey(deviation=0.004, *, n_pixel=60, scatter=0.004, seed=0):
    """A survey model whose local coefficients deviate from the router's by random numbers of this size."""
    labels = toy_labels(80, NAMES, seed=seed)
    spectra = toy_spectra(labels, NAMES, n_pixel=n_pixel, seed=seed)
    router = train(ReferenceSet(spectra, labels, None, NAMES))
    router = replace(router, fit=replace(router.fit, scatter=np.full(n_pixel, scatter)))
    rng = np.random.default_rng(seed + 1)
    models = tuple(
        replace(router, fit=replace(router.fit, theta=router.theta + deviation * rng.normal(size=router.theta.shape)))
        for _ in REGIONS.regions
    )
    return SurveyModel(router, REGIONS, models, evidence_power=1.0)


def draw_stars(survey, n_star, *, seed, sigma=SIGMA, low=(4300.0, 1.3), high=(5300.0, 3.7)):
    """Labels from a box, the population from its shares there, and the spectrum from its model."""
    rng = np.random.default_rng(seed)
    labels = rng.uniform(low, high, size=(n_star, 2))
    shares = survey.regions.shares(labels, NAMES)
    population = (rng.random(n_star)[:, None] > np.cumsum(shares, axis=1)).sum(axis=1)
    flux = np.empty((n_star, len(survey.wavelength)))
    for m in range(len(survey.names)):
        mine, model = population == m, survey.model_of(m)
        flux[mine] = label_vector(model.scaler.to_scaled(labels[mine])) @ model.theta.T
    flux += np.sqrt(sigma**2 + survey.router.scatter**2) * rng.normal(size=flux.shape)
    names = np.array([f"star-{seed}-{n}" for n in range(n_star)])
    spectra = Spectra(survey.wavelength, flux, np.full(flux.shape, 1 / sigma**2), names, {"snr": np.full(n_star, 50.0)})
    return spectra, labels, population


def compressed(model, spectra):
    """One star under a model, as the mixture takes it."""
    likelihood = StarLikelihood.of(model, spectra)
    root, observed = pseudo_observations(likelihood.quartic)
    # -|y - R v|^2 / 2 is the log likelihood up to a constant: what it lacks at some labels
    at = np.zeros((1, len(NAMES)))
    off = observed[0] - root[0] @ label_vector(at)[0]
    constant = log_density(model, spectra, model.scaler.from_scaled(at)[0]) + 0.5 * off @ off
    return CompressedStar(root[0], observed[0], float(constant), model.scaler)


def log_density(model, spectra, labels):
    """The log density of the pixels, one by one."""
    variance = model.scatter**2 + 1 / spectra.ivar[0]
    off = spectra.flux[0] - label_vector(model.scaler.to_scaled(labels)) @ model.theta.T
    return float((-0.5 * off**2 / variance - 0.5 * np.log(2 * np.pi * variance)).sum())


def compiled_at_labels(model, names):
    """A function of the scaled labels that returns these variables of a PyMC model."""
    outputs = model.replace_rvs_by_values([model[name] for name in names])
    return pytensor.function([model.rvs_to_values[model["labels"]]], outputs, mode="FAST_COMPILE")

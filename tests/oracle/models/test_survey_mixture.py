"""The mixture in PyMC against the sum over populations of densities of all pixels, and its membership against it."""

import numpy as np
import pytest
from survey_models import NAMES, compiled_at_labels, compressed, draw_stars, known_survey, log_density

from bayescannon.models.survey_mixture import survey_mixture
from bayescannon.numerics.errors import InputError


@pytest.mark.parametrize(("rho", "beta"), [(1.0, 1.0), (0.3, 0.0), (0.5, 0.2)])
def test_the_likelihood_is_the_mixture_of_all_pixels(rho, beta):
    survey = known_survey()
    spectra, labels, _ = draw_stars(survey, 1, seed=5)
    stars = [compressed(model, spectra) for model in (survey.router, *survey.models)]
    model = survey_mixture(stars[0], stars[1:], survey.regions, rho=rho, beta=beta)
    scaled = survey.router.scaler.to_scaled(labels[0])
    logp = compiled_at_labels(model, ["spectrum"])
    values = []
    for step in ([0.0, 0.0], [0.2, -0.1], [-0.3, 0.4]):
        at = scaled + step
        physical = survey.router.scaler.from_scaled(at)
        shares = survey.regions.shares(physical[None], NAMES)[0]
        base = log_density(survey.router, spectra, physical)
        local = np.array([log_density(one, spectra, physical) for one in survey.models])
        expected = np.logaddexp.reduce(np.log(shares) + (rho - beta) * base + beta * local)
        values.append((float(logp(at)[0]), expected))
    got, want = np.array(values).T
    # products of pixels are in single precision
    np.testing.assert_allclose(got, want, rtol=2e-6)


def test_membership_at_given_labels_is_the_ratio_of_the_terms():
    survey = known_survey()
    spectra, labels, _ = draw_stars(survey, 1, seed=6)
    stars = [compressed(model, spectra) for model in (survey.router, *survey.models)]
    model = survey_mixture(stars[0], stars[1:], survey.regions)
    at = survey.router.scaler.to_scaled(labels[0])
    got = compiled_at_labels(model, ["membership"])(at)[0]
    terms = survey.regions.shares(labels, NAMES)[0] * np.exp(
        [log_density(one, spectra, labels[0]) - log_density(survey.router, spectra, labels[0]) for one in survey.models]
    )
    np.testing.assert_allclose(got, terms / terms.sum(), rtol=1e-5)


def test_powers_and_populations_that_do_not_go_together_are_refused():
    survey = known_survey()
    spectra, _, _ = draw_stars(survey, 1, seed=6)
    star = compressed(survey.router, spectra)
    with pytest.raises(InputError, match="2 regions need as many populations; got 1"):
        survey_mixture(star, [star], survey.regions)
    with pytest.raises(InputError, match="beta must be from 0 to rho"):
        survey_mixture(star, [star, star], survey.regions, rho=0.1, beta=0.5)

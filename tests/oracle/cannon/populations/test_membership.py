"""Membership against integrals of the PyMC mixture over a grid of labels."""

import numpy as np
import pytest
from survey_models import NAMES, compiled_at_labels, compressed, draw_stars, known_survey

from bayescannon.cannon.labelling import draw_starts, error_power, estimate_labels, search_optima
from bayescannon.cannon.likelihood import StarLikelihood
from bayescannon.cannon.populations.membership import evidence_membership, router_membership
from bayescannon.models.survey_mixture import survey_mixture
from bayescannon.pixels.label_moments import vector_map
from bayescannon.stars.quartic import chi2_derivatives


def on_a_grid(survey, spectra, rho, beta, centre, error, size=41):
    """P(m | f) of one star: the mixture's terms, summed over labels within seven errors."""
    stars = [compressed(model, spectra) for model in (survey.router, *survey.models)]
    model = survey_mixture(stars[0], stars[1:], survey.regions, rho=rho, beta=beta)
    both = compiled_at_labels(model, ["membership", "spectrum"])
    axes = [np.linspace(c - 7 * e, c + 7 * e, size) for c, e in zip(centre, error, strict=True)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
    terms = []
    for point in points:
        membership, logp = both(point)
        terms.append(np.append(membership, logp))
    terms = np.array(terms)
    weight = np.exp(terms[:, -1] - terms[:, -1].max())
    return weight @ terms[:, :-1] / weight.sum()


@pytest.mark.parametrize(("rho", "beta"), [pytest.param(1.0, 1.0, marks=pytest.mark.long), (0.4, 0.1)])
def test_membership_by_evidence_is_the_integral_of_the_mixture(rho, beta):
    survey = known_survey()
    spectra, _, _ = draw_stars(survey, 2, seed=11, low=(4500.0, 2.35), high=(5000.0, 2.65))
    router = StarLikelihood.of(survey.router, spectra)
    local = {m: StarLikelihood.of(model, spectra) for m, model in enumerate(survey.models)}
    starts = draw_starts(survey.router, 7, seed=0)
    found = evidence_membership(survey.regions, router, local, np.full(2, rho), beta, starts, seed=0)
    search = search_optima(router)
    estimates = estimate_labels(router, search)
    scaler = survey.router.scaler
    for n in range(2):
        centre = scaler.to_scaled(estimates["labels"].to_numpy()[n])
        error = np.sqrt(np.diag(estimates["formal_covariance"].to_numpy()[n])) / scaler.scale / np.sqrt(rho)
        expected = on_a_grid(survey, spectra.select([n]), rho, beta, centre, 1.4 * error)
        # 400 draws know a share to 0.03
        np.testing.assert_allclose(found[n], expected, atol=0.08)


def test_membership_without_evidence_is_that_of_the_routers_labels():
    survey = known_survey()
    spectra, _, _ = draw_stars(survey, 2, seed=12, low=(4500.0, 2.4), high=(5000.0, 2.6))
    likelihood = StarLikelihood.of(survey.router, spectra)
    search = search_optima(likelihood)
    estimates = estimate_labels(likelihood, search)
    np.testing.assert_array_equal(error_power(estimates), 1.0)
    found = router_membership(survey.regions, likelihood, estimates, workers=1)
    scaler = survey.router.scaler
    for n in range(2):
        centre = scaler.to_scaled(estimates["labels"].to_numpy()[n])
        error = np.sqrt(np.diag(estimates["formal_covariance"].to_numpy()[n])) / scaler.scale
        np.testing.assert_allclose(found[n], on_a_grid(survey, spectra.select([n]), 1.0, 0.0, centre, error), atol=0.08)


def test_a_quartic_in_the_scaling_of_another_model_has_the_same_values():
    survey = known_survey()
    spectra, labels, _ = draw_stars(survey, 5, seed=3)
    likelihood = StarLikelihood.of(survey.router, spectra)
    own = survey.router.scaler
    scale, pivot = own.scale * [1.7, 0.6], own.pivot + np.array([120.0, -0.4])
    change = vector_map(np.diag(scale / own.scale), (pivot - own.pivot) / own.scale)
    other = likelihood.quartic.rescaled(change)
    want = chi2_derivatives(likelihood.quartic, own.to_scaled(labels)).chi2
    np.testing.assert_allclose(chi2_derivatives(other, (labels - pivot) / scale).chi2, want, rtol=1e-9)
    assert survey.router.label_names == NAMES

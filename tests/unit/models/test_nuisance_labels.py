import numpy as np
import pytest
from nuisance_stars import NuisanceStars

from bayescannon.models.label_vector import label_vector
from bayescannon.models.nuisance_labels import nuisance_label_model
from bayescannon.models.nuisances import Nuisances


def test_the_model_is_the_expansion_with_normal_noise_and_priors():
    stars = NuisanceStars(10.0, n_star=1)
    nuisances = Nuisances(velocity=20, line_spread=40, continuum=0.01, continuum_order=1)
    response = stars.model(nuisances).at((0, 0)).response
    model = nuisance_label_model(
        response, stars.scatter, stars.flux[0], stars.ivar[0], nuisances=nuisances, label_names=["teff", "logg"]
    )
    live = np.flatnonzero(stars.ivar[0] > 0)
    assert list(model.coords["pixel"]) == live.tolist()
    assert model.coords["nuisance"] == nuisances.names
    labels, amplitudes = stars.labels[0] + 0.1, np.array([0.4, -0.3, 1.0, -2.0])
    logp = model.compile_logp(jacobian=False, mode="FAST_COMPILE")({"labels": labels, "amplitudes": amplitudes})
    expected = response.flux(label_vector(labels[None]), amplitudes[None], nuisances)[0]
    sigma = np.hypot(0.01, 0.002)
    chi2 = np.sum(((stars.flux[0] - expected)[live] / sigma) ** 2) + np.sum(amplitudes**2)
    constant = len(live) * np.log(2 * np.pi * sigma**2) + 4 * np.log(2 * np.pi)
    assert -2 * logp == pytest.approx(chi2 + constant, rel=1e-9)

"""Labels of mock stars whose redshift or resolution is wrong, against the truth."""

from dataclasses import replace

import numpy as np
import pytest
from expect import expect_between
from scipy.ndimage import gaussian_filter1d

import bayescannon as bc
from bayescannon.cannon.validation import robust_scatter
from bayescannon.data.flags import ResultFlag

LABELS = ("teff", "logg", "fe_h")
TRUE_NAMES = ("teff", "logg", "m_h")
NUISANCES = bc.Nuisances(velocity="20km/s", line_spread="40km/s")
N_REFERENCE = 400


@pytest.fixture(scope="module")
def survey():
    return bc.simulate_survey(N_REFERENCE, 300, seed=5)


@pytest.fixture(scope="module")
def model(survey):
    spectra = bc.prepare_spectra(list(survey.spectra())[:N_REFERENCE])
    reference = bc.build_reference(spectra, survey.apogee, LABELS, format="allstar-dr12")
    return bc.train_clipped(reference, max_rounds=1, noise="global")[0]


def errors_and_estimates(survey, model, change, nuisances):
    """Errors of the test stars' labels, whose spectra were changed, and the estimates."""
    spectra = bc.prepare_spectra([change(raw) for raw in list(survey.spectra())[N_REFERENCE:]])
    estimates = bc.label_spectra(model, spectra, nuisances=nuisances)
    truth = np.column_stack([np.asarray(survey.truth[name], dtype=float) for name in TRUE_NAMES])[N_REFERENCE:]
    return estimates["labels"].to_numpy() - truth, estimates


def redshifted(km_s):
    return lambda raw: replace(raw, redshift=(1 + raw.redshift) * (1 - km_s / 299792.458) - 1)


def blurred(pixels):
    return lambda raw: replace(raw, flux=gaussian_filter1d(raw.flux, pixels))


@pytest.mark.long
def test_labels_at_a_wrong_velocity_are_as_good_as_at_the_right_one(survey, model):
    plain, _ = errors_and_estimates(survey, model, redshifted(0), bc.Nuisances())
    at_rest, _ = errors_and_estimates(survey, model, redshifted(0), NUISANCES)
    for km_s in (5, 20):
        off, estimates = errors_and_estimates(survey, model, redshifted(km_s), NUISANCES)
        for k, name in enumerate(LABELS):
            width, own = robust_scatter(off[:, k]), robust_scatter(at_rest[:, k])
            expect_between(width / own, 0.0, 1.1, what=f"{name} at {km_s} km/s, width relative to 0 km/s")
            expect_between(own / robust_scatter(plain[:, k]), 0.0, 1.04, what=f"{name} at rest, relative to without")
            moved = abs(np.median(off[:, k]) - np.median(at_rest[:, k]))
            expect_between(moved / own, 0.0, 0.2, what=f"{name} at {km_s} km/s, change of the bias in widths")
        expect_between(float(estimates["rv_residual"].median()), km_s - 1.0, km_s + 1.5, what="rv_residual")
        assert ((estimates["flags"].to_numpy() & int(ResultFlag.LARGE_NUISANCE)) != 0).mean() < 0.02


@pytest.mark.long
def test_a_blur_does_not_bias_labels_and_is_flagged(survey, model):
    at_rest, _ = errors_and_estimates(survey, model, blurred(0.01), NUISANCES)
    off, estimates = errors_and_estimates(survey, model, blurred(1.2), NUISANCES)
    without, _ = errors_and_estimates(survey, model, blurred(1.2), bc.Nuisances())
    expect_between(np.median(without[:, 2]), -0.5, -0.15, what="[Fe/H] bias without nuisances")
    expect_between(np.median(off[:, 2]) - np.median(at_rest[:, 2]), -0.02, 0.02, what="[Fe/H] bias")
    # 1.2 pixels of 69 km/s
    expect_between(float(estimates["line_spread"].median()), 6500, 7200, what="line_spread")
    assert ((estimates["flags"].to_numpy() & int(ResultFlag.LARGE_NUISANCE)) != 0).mean() > 0.9

import numpy as np
import pytest

from bayescannon.io.apogee_flags import AspcapFlagDR12
from bayescannon.mock.catalogues import APOGEE_COLUMNS, APOGEE_ERRORS, MISSING, apogee_table, lasp_table
from bayescannon.mock.detector import VARIANCE_OVERESTIMATE, observe
from bayescannon.mock.emulator import EMULATOR_LABELS, Emulator
from bayescannon.mock.population import SNR_MEDIAN, draw_population, mixture
from bayescannon.mock.stars import draw_stars

# a statistic may be off by this many of its standard errors; seeds are fixed
LIMIT = 4.0


def robust_width(x):
    return 1.4826 * np.median(np.abs(x - np.median(x)))


@pytest.fixture(scope="module")
def population():
    return draw_population(20_000, np.random.default_rng(1))


@pytest.fixture(scope="module")
def stars():
    return draw_stars(10_000, 2_000, np.random.default_rng(2))


@pytest.fixture(scope="module")
def apogee(stars):
    return apogee_table(stars, np.random.default_rng(3))


def test_mixture_is_proper():
    weights, _, covariances = mixture()
    np.testing.assert_allclose(weights.sum(), 1, rtol=1e-12)
    assert (np.linalg.eigvalsh(covariances / np.linalg.norm(covariances, axis=(1, 2), keepdims=True)) > 0).all()


# 10, 50 and 90 % quantiles of the 10,733 real stars that the mixture was fitted to (LAMOST DR2 and APOGEE DR12)
@pytest.mark.parametrize(
    ("label", "quantiles", "tolerance"),
    [
        ("teff", (4422.7, 4823.2, 5048.4), (15, 10, 10)),
        ("logg", (1.913, 2.666, 3.285), (0.05, 0.03, 0.05)),
        ("m_h", (-0.643, -0.187, 0.212), (0.03, 0.02, 0.03)),
        ("alpha_m", (0.027, 0.073, 0.238), (0.006, 0.006, 0.008)),
    ],
)
def test_population_is_the_fitted_one(population, label, quantiles, tolerance):
    noise = np.random.default_rng(7).standard_normal(len(population[label]))
    drawn = np.quantile(population[label] + APOGEE_ERRORS[label] * noise, [0.1, 0.5, 0.9])
    assert (np.abs(drawn - quantiles) < tolerance).all(), drawn


def test_every_star_is_inside_the_emulators_range(population):
    labels = np.stack([population[name] for name in EMULATOR_LABELS], axis=1)
    assert Emulator.load().inside(labels).all()


def test_snr_and_extinction_have_the_stated_middle(population):
    error = robust_width(np.log(population["snr"])) * 1.25 / np.sqrt(20_000)
    assert abs(np.log(np.median(population["snr"]) / SNR_MEDIAN)) < LIMIT * error + 0.02
    assert 0.11 < population["a_k"].mean() < 0.14
    assert population["snr"].min() >= 8
    assert population["snr"].max() <= 400


def test_dredge_up_lowers_carbon_and_raises_nitrogen(population):
    up, down = population["logg"] < 2.8, population["logg"] > 3.6
    assert population["c_m"][up].mean() < population["c_m"][down].mean() - 0.08
    assert population["n_m"][up].mean() > population["n_m"][down].mean() + 0.10
    assert np.corrcoef(population["c_m"][up], population["n_m"][up])[0, 1] < -0.3


def test_reported_variances_are_three_times_the_true_ones():
    wavelength = Emulator.load().wavelength
    # the same light 600 times: the scatter between exposures is the noise
    light, n_star = np.full((600, len(wavelength)), 0.8), 600
    exposure = observe(light, np.ones_like(light), np.full(n_star, 50.0), wavelength, np.random.default_rng(4))
    # away from sky lines and telluric bands, whose residuals are errors beyond the noise
    quiet = (wavelength > 4700) & (wavelength < 5400)
    flux, ivar = exposure.flux[:, quiet], exposure.ivar[:, quiet]
    # of neighbouring pixels, the difference holds no slowly varying error
    jump = (flux[:, 1:] - flux[:, :-1]) / np.sqrt(
        1 / np.maximum(ivar[:, 1:], 1e-30) + 1 / np.maximum(ivar[:, :-1], 1e-30)
    )
    live = (ivar[:, 1:] > 0) & (ivar[:, :-1] > 0)
    ratio = 1 / robust_width(jump[live]) ** 2
    # flat-field residue and cosmic rays widen the core of the distribution a little
    np.testing.assert_allclose(ratio, VARIANCE_OVERESTIMATE, rtol=0.05)
    assert VARIANCE_OVERESTIMATE == 3.0


def test_label_errors_are_as_stated(stars, apogee):
    reference = stars["is_reference"]
    clean = ((stars["aspcapflag"] == 0) & ~stars["mislabelled"] & ~stars["incomplete"])[reference]
    for name, column in APOGEE_COLUMNS.items():
        error = (np.asarray(apogee[column]) - stars[name][reference])[clean]
        n_star = clean.sum()
        assert abs(error.mean()) < LIMIT * error.std() / np.sqrt(n_star)
        np.testing.assert_allclose(error.std(), APOGEE_ERRORS[name], rtol=0.06)
        pull = error / np.asarray(apogee[f"{column}_ERR"])[clean]
        assert abs(pull.std() - 1) < LIMIT / np.sqrt(2 * n_star)


def test_flaws_have_the_stated_shares_and_marks(stars, apogee):
    reference = stars["is_reference"]
    flag = np.asarray(apogee["ASPCAPFLAG"]).astype(np.int64) & 0xFFFFFFFF
    assert stars["mislabelled"].sum() == 200
    assert (flag != 0).sum() == 500
    assert not (stars["mislabelled"] | stars["incomplete"])[~reference].any()
    assert (stars["aspcapflag"][~reference] == 0).all()
    labels = np.stack([np.asarray(apogee[column]) for column in APOGEE_COLUMNS.values()], axis=1)
    no_result = (flag & AspcapFlagDR12.NO_ASPCAP_RESULT) != 0
    assert (labels[no_result] == MISSING).all()
    assert ((labels == MISSING).sum(axis=1)[stars["incomplete"][reference]] == 1).all()
    error = np.abs(labels[:, 0] - stars["teff"][reference])
    assert np.median(error[stars["mislabelled"][reference]]) > 100
    bad = (flag & AspcapFlagDR12.STAR_BAD) != 0
    assert np.median(error[bad]) > 150
    assert (flag[bad] & (AspcapFlagDR12.TEFF_BAD | AspcapFlagDR12.CHI2_BAD) != 0).all()


def test_own_labels_of_survey_b_are_biased(stars):
    lasp, truth = lasp_table(stars | {"snrg": stars["snr"]}, np.random.default_rng(5)), stars
    assert 50 < np.median(lasp["teff"] - truth["teff"]) < 100
    offset = np.asarray(lasp["logg"] - truth["logg"])
    assert offset[truth["logg"] < 1.8].mean() > offset[truth["logg"] > 2.8].mean() + 0.1
    slope = np.polyfit(truth["m_h"], lasp["fe_h"], 1)[0]
    assert 0.8 < slope < 0.92

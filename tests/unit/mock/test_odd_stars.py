"""Which test stars are odd, and what the truth says of them."""

import numpy as np
import pytest

from bayescannon import simulate_survey
from bayescannon.cannon.choice_fields import ChoiceError
from bayescannon.cannon.mock_choices import MOCK_ODD
from bayescannon.mock.emulator import EMULATOR_LABELS, Emulator
from bayescannon.mock.odd_stars import ELIGIBLE, ODD_TRUTH, checked_odd, make_odd
from bayescannon.mock.optics import C_KM_S
from bayescannon.mock.stars import draw_stars
from bayescannon.numerics.errors import BayesCannonError, InputError

NUMBER = {"binary": 150, "double-lined": 100, "emission": 60, "carbon": 30, "wrong-redshift": 100, "sky": 40}
N_REFERENCE, N_TEST = 50, 1200


@pytest.fixture(scope="module")
def stars():
    return draw_stars(N_REFERENCE, N_TEST, np.random.default_rng(8), populations="field")


@pytest.fixture(scope="module")
def odd(stars):
    changed = {name: values.copy() for name, values in stars.items()}
    make_odd(changed, NUMBER, np.random.default_rng(9))
    return changed


def of(stars, *names):
    return np.isin(stars["odd"], names)


def test_every_class_has_a_population_that_can_have_it():
    assert set(ELIGIBLE) == set(MOCK_ODD)


def test_numbers_are_those_asked_for_and_reference_stars_are_never_odd(odd):
    assert {name: int(of(odd, name).sum()) for name in NUMBER} == NUMBER
    assert (odd["odd"][odd["is_reference"]] == "none").all()
    for name, populations in ELIGIBLE.items():
        assert set(odd["population"][of(odd, name)]) <= set(populations)
    assert set(ODD_TRUTH) <= set(odd)


def test_ordinary_stars_are_not_changed(stars, odd):
    plain = of(odd, "none")
    for name, values in stars.items():
        np.testing.assert_array_equal(odd[name][plain], values[plain], err_msg=name)
    assert (odd["light_ratio"][plain] == 0).all()
    assert np.isnan(odd["companion_teff"][plain]).all()


def test_companions_are_inside_their_emulator_and_not_brighter(odd):
    pairs = of(odd, "binary", "double-lined")
    for population in ("giant", "dwarf"):
        rows = pairs & (odd["population"] == population)
        labels = np.stack([odd[f"companion_{name}"][rows] for name in EMULATOR_LABELS], axis=1)
        assert Emulator.load(population).inside(labels).all()
    assert (odd["light_ratio"][pairs] > 0).all()
    assert (odd["light_ratio"][pairs] < 1.3).all()
    np.testing.assert_array_equal(odd["companion_m_h"][pairs], odd["m_h"][pairs])
    assert np.median(odd["light_ratio"][of(odd, "double-lined")]) > np.median(odd["light_ratio"][of(odd, "binary")])


def test_velocities_of_pairs_are_those_of_their_class(stars, odd):
    difference = np.abs(odd["companion_velocity"] - odd["velocity"])
    assert difference[of(odd, "binary")].max() <= 60
    lines = of(odd, "double-lined")
    assert 150 <= difference[lines].min() <= difference[lines].max() <= 400
    # the header has the velocity of the mean light, and its usual error
    ratio = odd["light_ratio"][lines]
    mean = (odd["velocity"][lines] + ratio * odd["companion_velocity"][lines]) / (1 + ratio)
    assert np.abs(odd["z"][lines] * C_KM_S - mean).max() < 20
    assert (odd["velocity"][lines] != stars["velocity"][lines]).all()


def test_wrong_redshifts_are_wrong_by_the_stated_offset(stars, odd):
    rows = of(odd, "wrong-redshift")
    np.testing.assert_allclose((odd["z"] - stars["z"])[rows] * C_KM_S, odd["redshift_offset"][rows], atol=1e-6)
    size = np.abs(odd["redshift_offset"][rows])
    assert size.min() >= 50
    assert 0.05 < (size > 1000).mean() < 0.4
    assert (odd["redshift_offset"][~rows] == 0).all()


def test_emission_carbon_and_sky_are_in_their_columns_alone(odd):
    for column, name in (("emission", "emission"), ("carbon", "carbon"), ("sky_share", "sky")):
        np.testing.assert_array_equal(odd[column] > 0, of(odd, name))
    sky = of(odd, "sky")
    assert odd["snr"][sky].max() <= 8
    np.testing.assert_allclose(odd["light_ratio"][sky], odd["sky_share"][sky] / (1 - odd["sky_share"][sky]))


def test_a_pair_has_the_light_of_both_stars_and_other_stars_the_noise_that_they_had():
    survey = simulate_survey(0, 40, seed=6, odd={"double-lined": 20})
    plain = simulate_survey(0, 40, seed=6)
    pairs = np.asarray(survey.truth["odd"]) == "double-lined"
    flux, alone = survey.exposures[0].flux, plain.exposures[0].flux
    np.testing.assert_allclose(flux[~pairs], alone[~pairs], rtol=1e-5)
    change = np.median(np.abs(flux - alone), axis=1) / np.median(alone, axis=1)
    assert change[pairs].min() > 1e-3


@pytest.mark.parametrize("odd", [{"quasar": 3}, {"binary": 1, "x": 2}, ["binary"], "binary"])
def test_unknown_classes_are_refused(odd):
    with pytest.raises(ChoiceError, match="odd must map names among binary, double-lined"):
        simulate_survey(0, 5, seed=1, odd=odd)


@pytest.mark.parametrize("number", [-1, 1.5, "many"])
def test_numbers_that_are_not_whole_are_refused(number):
    with pytest.raises(BayesCannonError, match=r"odd\['sky'\]"):
        checked_odd({"sky": number})


def test_more_odd_stars_than_stars_are_refused():
    with pytest.raises(InputError, match="only 5 test stars of the populations giant, dwarf are left"):
        simulate_survey(0, 5, seed=1, odd={"binary": 6})


def test_none_of_a_class_is_none():
    survey = simulate_survey(0, 5, seed=1, odd={"binary": 0})
    assert set(survey.truth["odd"]) == {"none"}

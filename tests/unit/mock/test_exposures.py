import numpy as np
import pytest

from bayescannon import simulate_survey
from bayescannon.mock.emulator import EMULATOR_LABELS, Emulator
from bayescannon.mock.exposures import LINE_KM_S, rest_flux, rotating
from bayescannon.mock.optics import draw_optics

# of each population, in the order of EMULATOR_LABELS
LABELS = np.array([[4800.0, 2.6, -0.2, 0.1, 0.0, 0.1], [5800, 4.4, 0, 0, 0, 0], [8500, 4.1, -0.1, 0, 0, 0]])
POPULATION = np.array(["giant", "dwarf", "hot"])


def test_each_star_has_the_spectrum_of_its_populations_emulator():
    flux = rest_flux(dict(zip(EMULATOR_LABELS, LABELS.T, strict=True)), POPULATION)
    for row, (name, labels) in enumerate(zip(POPULATION, LABELS, strict=True)):
        np.testing.assert_allclose(flux[row], Emulator.load(name).flux(labels[None])[0], atol=1e-12)


def test_rotation_widens_lines_and_its_absence_does_not():
    instrument = draw_optics(3, np.random.default_rng(1))
    wider = rotating(instrument, np.array([0.0, 50.0, 150.0])).line_factor
    np.testing.assert_array_equal(wider[0], instrument.line_factor[0])
    own = np.sqrt(wider**2 - instrument.line_factor**2) * LINE_KM_S
    np.testing.assert_allclose(own[1:, 0], [23.5, 70.5], rtol=1e-6)


def test_giants_alone_are_the_survey_that_they_were():
    """Numbers of version 0.5: dwarfs, hot stars and odd stars changed nothing in a survey without them."""
    survey = simulate_survey(6, 4, seed=11)
    assert survey.truth.colnames[-1] == "aspcapflag"
    np.testing.assert_allclose(survey.truth["teff"][:2], [4988.663940440867, 4960.33576440103], rtol=1e-12)
    np.testing.assert_allclose(survey.truth["velocity"][-1], 11.295334617229397, rtol=1e-12)
    np.testing.assert_allclose(survey.apogee["TEFF"][:2], [5061.03857421875, 4943.63525390625], rtol=1e-6)
    np.testing.assert_array_equal(survey.lasp["logg"][:3], [2.801, 2.945, 2.78])
    flux = survey.exposures[0].flux
    np.testing.assert_allclose(flux[:3, 2000], [1343.422119140625, 1004.2830200195312, 28467.19921875], rtol=1e-5)
    np.testing.assert_allclose(flux[:2].astype(float).sum(axis=1), [4512857.131233215, 3299267.648373127], rtol=1e-6)


def test_odd_test_stars_leave_the_others_stars_as_they_are():
    plain = simulate_survey(3, 12, seed=4, populations="field")
    odd = simulate_survey(3, 12, seed=4, populations="field", odd={"emission": 3})
    for name in ("teff", "logg", "velocity", "population"):
        assert list(plain.truth[name]) == list(odd.truth[name])
    assert list(plain.apogee["TEFF"]) == list(odd.apogee["TEFF"])


@pytest.mark.parametrize("populations", ["giants", "field"])
def test_every_class_of_odd_stars_has_finite_spectra(populations):
    number = {"binary": 3, "double-lined": 3, "emission": 2, "carbon": 2, "wrong-redshift": 2, "sky": 2}
    survey = simulate_survey(0, 60, seed=2, populations=populations, odd=number)
    assert np.isfinite(survey.exposures[0].flux).all()
    assert np.isfinite(survey.exposures[0].ivar).all()
    found = {name: int((survey.truth["odd"] == name).sum()) for name in number}
    assert found == number
    sky = survey.truth["odd"] == "sky"
    assert (survey.truth["snrg"][sky] < 12).all()

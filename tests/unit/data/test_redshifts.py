import numpy as np
import pytest

from bayescannon.data.redshifts import known_redshifts


@pytest.mark.parametrize("value", [-9999.0, -999.0, 9999.99, 1e20, np.nan])
@pytest.mark.parametrize("velocity", [False, True])
def test_what_stands_for_a_missing_value_is_missing(value, velocity):
    known = known_redshifts(np.array([value, 0.0]), velocity=velocity)
    assert np.isnan(known[0])
    assert known[1] == 0


@pytest.mark.parametrize(("value", "want"), [(99.0, 3.3022e-4), (-99.9, -3.3323e-4), (2000.0, 6.6713e-3)])
def test_velocities_that_stars_may_have_are_kept(value, want):
    assert known_redshifts(np.array(value), velocity=True) == pytest.approx(want, rel=1e-4)


def test_a_velocity_given_as_redshift_is_kept_and_refused_later():
    assert known_redshifts(np.array([25.0, -2.0])).tolist() == [25.0, -2.0]

"""Wrong redshifts by chi2 at many velocities, against chi2 written out."""

import numpy as np
import pytest
from nuisance_stars import C_KM_S, line_coefficients

from bayescannon.models.label_vector import label_vector
from bayescannon.numerics.log_spline import LogSpline
from bayescannon.stars.velocity_scan import VelocityScan


def survey(velocity, *, n_star=6, sigma=0.01, seed=0):
    rng = np.random.default_rng(seed)
    wavelength, theta = line_coefficients(400)
    spline = LogSpline.of(wavelength, theta, np.ones(400, dtype=bool))
    labels = rng.normal(size=(n_star, 2)).clip(-1.5, 1.5)
    flux = label_vector(labels) @ spline.at(shift=velocity / C_KM_S)[0].T + sigma * rng.normal(size=(n_star, 400))
    scan = VelocityScan.of(wavelength, theta, np.full(400, 0.005), rng.normal(size=(12, 2)), reach=700.0)
    return scan, flux, np.full(flux.shape, sigma**-2)


def test_chi2_is_the_sum_over_pixels_of_the_best_labels():
    scan, flux, ivar = survey(0.0)
    ivar[:, 10:20] = 0.0
    found = scan.chi2(flux, ivar)
    weight = np.where(ivar > 0, 1 / (0.005**2 + 0.01**2), 0.0)
    for n in (0, 3):
        for v in (0, 20, 39):
            expected = (weight[n] * (flux[n] - 1 - scan.spectra[v]) ** 2).sum(axis=1).min()
            # the scan's products are float32
            assert found[n, v] == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("velocity", [-480.0, 90.0, 390.0])
def test_a_wrong_redshift_is_found_with_its_velocity(velocity):
    scan, flux, ivar = survey(velocity)
    gain, found = scan.best_shift(scan.chi2(flux, ivar), np.full(6, 400))
    assert (gain > 50).all()
    np.testing.assert_allclose(found, velocity, atol=12.0)


def test_a_right_redshift_fits_best():
    scan, flux, ivar = survey(0.0)
    gain, found = scan.best_shift(scan.chi2(flux, ivar), np.array([400, 400, 400, 400, 400, 0]))
    assert (gain[:5] < 0).all()
    np.testing.assert_allclose(found[:5], 0.0, atol=10.0)
    assert np.isnan(gain[5])

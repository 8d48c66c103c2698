"""The spectral model with outliers against densities of SciPy, term by term."""

import numpy as np
import pytest
from scipy import stats

import bayescannon as bc
from bayescannon.models.coefficient_priors import FLAT_SCALE
from bayescannon.models.outliers import MixtureOutliers, NoOutliers
from bayescannon.numerics.errors import InputError

TERMS = ["1", "teff", "teff^2"]


@pytest.fixture
def pixels():
    """Label vectors, flux with an outlier, ivar with dead data, coefficients and scatters."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=9)
    vectors = np.column_stack([np.ones(9), x, x**2])
    theta, scatter = 0.1 * rng.normal(size=(4, 3)), rng.uniform(0.01, 0.03, 4)
    ivar = rng.uniform(500, 2000, size=(9, 4))
    flux = vectors @ theta.T + 0.03 * rng.normal(size=ivar.shape)
    flux[2, 1] += 0.7
    ivar[0, 0] = ivar[5, 3] = 0.0
    return vectors, flux, ivar, theta, scatter


def model_of(pixels, outliers):
    vectors, flux, ivar, *_ = pixels
    return bc.spectral_model(
        vectors, flux, ivar, terms=TERMS, priors=bc.SpectralPriors(outliers=outliers), boundary=True
    )


def dead_constant(n_dead, outliers):
    """What dead pixels add: a normal of the flat width, or half of it and half of a Cauchy."""
    normal = stats.norm.logpdf(0, scale=FLAT_SCALE)
    if isinstance(outliers, NoOutliers):
        return n_dead * normal
    return n_dead * (np.logaddexp(normal, stats.cauchy.logpdf(0, scale=FLAT_SCALE)) + np.log(0.5))


@pytest.mark.parametrize("outliers", [NoOutliers(), MixtureOutliers(0.01, 8.0), MixtureOutliers()])
def test_logp_is_that_of_the_mixture(pixels, outliers):
    vectors, flux, ivar, theta, scatter = pixels
    point = {"theta": theta, "scatter": scatter}
    prior = 0.0
    share, scale = 0.0, 1.0
    if isinstance(outliers, MixtureOutliers):
        share, scale = outliers.share or 0.003, outliers.scale or 17.0
        if outliers.share is None:
            point |= {"outlier_share": share, "outlier_scale": scale}
            prior = -np.log(0.2 - 1e-5) - np.log(195.0)
    live = ivar > 0
    deviation = np.sqrt(scatter**2 + 1 / np.where(live, ivar, 1.0))
    off = flux - vectors @ theta.T
    density = (1 - share) * stats.norm.pdf(off, scale=deviation)
    density += share * stats.cauchy.pdf(off, scale=scale * deviation)
    expected = np.log(density[live]).sum() + dead_constant((~live).sum(), outliers) + prior
    found = model_of(pixels, outliers).compile_logp(jacobian=False, mode="FAST_COMPILE")(point)
    assert found == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("name", "value"), [("share", 0.0), ("share", 0.5), ("scale", 1.0), ("scale", 1e4)])
def test_numbers_out_of_bounds_are_refused(name, value):
    with pytest.raises(InputError, match=f"the {name} of outliers must be from"):
        MixtureOutliers(**{name: value})

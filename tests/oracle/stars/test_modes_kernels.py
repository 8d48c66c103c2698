"""The kernels that propose minima: chi2 along lines against polynomial fits, components against their own minima."""

import numpy as np
import pytest
from star_quartics import folded_quartics, quartics

from bayescannon.models.label_vector import term_pairs
from bayescannon.numerics.label_density import LabelDensity
from bayescannon.stars.modes_kernels import propose_all
from bayescannon.stars.quartic import chi2_derivatives, minimise

MIXTURE = LabelDensity.components(
    np.log([0.6, 0.4]), np.array([[-1.0, 0.0], [1.0, 0.5]]), np.stack([300 * np.eye(2), 200 * np.eye(2)])
)


def proposed(quartic, best, n_start=2, density=None, n_lines=2):
    starts = np.empty((len(quartic), n_start, best.shape[1]))
    density = density or LabelDensity.flat(best.shape[1])
    propose_all(quartic.arrays, term_pairs(best.shape[1]), density.arrays, best, n_lines, starts)
    return starts


def best_minima(quartic, density=None):
    n_label = int(np.sqrt(2 * quartic.b.shape[1] + 0.25) - 1.5)
    optima = minimise(quartic, np.random.default_rng(3).normal(size=(40, n_label)), density=density)
    return optima.labels[np.arange(len(quartic)), optima.chi2.argmin(axis=1)]


@pytest.mark.parametrize("n_label", [1, 2, 4])
def test_starts_are_the_second_minima_of_chi2_along_their_lines(n_label):
    quartic = folded_quartics(n_label, 300, sigma=0.3)
    best = best_minima(quartic)
    starts = proposed(quartic, best)
    stars = np.flatnonzero(np.isfinite(starts[:, 0, 0]))
    assert len(stars) > 20
    n_minima = 0
    for n in stars:
        along = np.linspace(0, 1.2, 25)[:, None] * (starts[n, 0] - best[n])
        chi2 = chi2_derivatives(quartic.select(np.full(25, n)), best[n] + along).chi2
        polynomial = np.polynomial.Polynomial.fit(np.linspace(0, 1.2, 25), chi2, 4, domain=[-1, 1])
        slopes = polynomial.deriv()
        turning = slopes.roots()
        real = np.sort(turning[np.abs(turning.imag) < 1e-6].real)
        if len(real) == 3:
            n_minima += 1
            # the minimum where the star is, a maximum, and the start
            np.testing.assert_allclose(real[[0, 2]], [0, 1], atol=1e-3)
        else:
            # no second minimum along the line: the least is proposed by which chi2 exceeds a parabola
            c2, c3, c4 = polynomial.convert().coef[2:]
            assert 9 * c3**2 < 32 * c2 * c4 * 1.001
            assert -3 * c3 / (8 * c4) == pytest.approx(1, abs=1e-3)
    assert n_minima > 10


def test_a_star_whose_chi2_is_nearly_a_parabola_is_left_out():
    quartic, labels = quartics(3, 50, sigma=1e-4)
    assert np.isnan(proposed(quartic, best_minima(quartic)))[:, 0].mean() > 0.5
    linear = quartic.select(slice(0, 5))
    linear.a[:, 4:] = linear.a[:, :, 4:] = 0.0
    linear.b[:, 4:] = 0.0
    assert np.isnan(proposed(linear, labels[:5])).all()


def test_components_are_tried_where_each_alone_has_its_minimum():
    quartic, _ = quartics(2, 40, sigma=1.5)
    best = best_minima(quartic, MIXTURE)
    starts = proposed(quartic, best, n_start=4, density=MIXTURE, n_lines=0)
    assert np.isfinite(starts[:, 0]).all()
    for component in range(2):
        alone = LabelDensity.components(
            *(part[component : component + 1] for part in (MIXTURE.log_weight, MIXTURE.mean, MIXTURE.precision))
        )
        minima = best_minima(quartic, alone)
        apart = np.abs(starts - minima[:, None]).max(axis=2)
        near = np.nanmin(np.where(np.isnan(apart), np.inf, apart), axis=1)
        value = chi2_derivatives(quartic, minima, density=alone).chi2
        low = value < chi2_derivatives(quartic, best, density=MIXTURE).chi2 + 15
        assert low.sum() > 15
        assert (near[low] < 0.02).all()


def test_a_saturating_prior_and_a_single_gaussian_add_no_components():
    quartic, _ = quartics(2, 40, sigma=1.5)
    for density in (
        LabelDensity.components(MIXTURE.log_weight, MIXTURE.mean, MIXTURE.precision, log_cut=-3.0),
        LabelDensity.components(np.zeros(1), np.zeros((1, 2)), np.eye(2)[None]),
    ):
        best = best_minima(quartic, density)
        assert np.isnan(proposed(quartic, best, n_start=4, density=density, n_lines=0)).all()

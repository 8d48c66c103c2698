"""Many stars and starts at once, against one star and start at a time."""

import numpy as np
import pytest
from star_quartics import folded_quartics, quartics, starts

from bayescannon.models.label_vector import term_pairs
from bayescannon.numerics.label_density import LabelDensity
from bayescannon.stars.newton_kernels import fill_symmetric, minimise_flat
from bayescannon.stars.quartic import Optima, Quartic, chi2_derivatives, minimise
from bayescannon.stars.quartic_kernels import minimise_all
from bayescannon.stars.symmetric import symmetric_places


def together(quartic, given):
    given = np.array(np.broadcast_to(given, (len(quartic), *given.shape[-2:])))
    found = Optima.empty(*given.shape)
    places = symmetric_places(given.shape[2])
    minimise_flat(quartic.arrays, term_pairs(given.shape[2]), places, given, found.arrays)
    return found


def one_by_one(quartic, given):
    given = np.array(np.broadcast_to(given, (len(quartic), *given.shape[-2:])))
    found = Optima.empty(*given.shape)
    flat = LabelDensity.flat(given.shape[2]).arrays
    minimise_all(quartic.arrays, term_pairs(given.shape[2]), flat, given, found.arrays)
    return found


@pytest.mark.parametrize("n_label", [1, 2, 3, 4, 5])
def test_every_end_is_a_minimum_and_the_best_one_is_found(n_label):
    quartic, _ = quartics(n_label, 150, sigma=0.1)
    found, slow = together(quartic, starts(n_label)), one_by_one(quartic, starts(n_label))
    assert found.converged.all()
    for start in range(7):
        at = chi2_derivatives(quartic, np.ascontiguousarray(found.labels[:, start]))
        np.testing.assert_allclose(found.chi2[:, start], at.chi2, rtol=1e-10, atol=1e-8)
        assert (np.linalg.eigvalsh(at.hessian)[:, 0] > 0).all()
        step = np.linalg.solve(at.hessian, at.gradient[..., None])[..., 0]
        assert np.einsum("ni,ni->n", step, at.gradient).max() < 1e-10
    np.testing.assert_allclose(found.chi2.min(axis=1), slow.chi2.min(axis=1), rtol=1e-9, atol=1e-6)


def test_of_folded_stars_both_ways_find_the_same_minima():
    quartic = folded_quartics(2, 200, sigma=0.05)
    given = np.random.default_rng(1).normal(size=(40, 2))
    found, slow = together(quartic, given), one_by_one(quartic, given)
    assert found.converged.mean() > 0.99
    np.testing.assert_allclose(found.chi2.min(axis=1), slow.chi2.min(axis=1), rtol=1e-9, atol=1e-6)


def test_a_star_does_not_depend_on_the_others_in_any_byte():
    quartic, _ = quartics(3, 40, sigma=0.1)
    whole = together(quartic, starts(3))
    for star in (0, 7, 39):
        alone = together(quartic.select(slice(star, star + 1)), starts(3))
        for one, many in zip(alone.arrays, whole.arrays, strict=True):
            assert one[0].tobytes() == many[star].tobytes()
    back = together(quartic.select(slice(None, None, -1)), starts(3))
    assert np.array_equal(back.labels[::-1], whole.labels)


def test_starts_that_are_left_out_and_stars_without_a_minimum():
    quartic, _ = quartics(2, 4, sigma=0.1)
    quartic = Quartic(quartic.a.copy(), quartic.b.copy(), quartic.c, quartic.n_live)
    quartic.a[1], quartic.b[1] = 0.0, 0.0
    quartic.a[2] = np.nan
    given = np.array(np.broadcast_to(starts(2), (4, 7, 2)))
    given[0, 3] = np.nan
    found = together(quartic, given)
    assert found.converged[0].tolist() == [True] * 3 + [False] + [True] * 3
    assert np.isinf(found.chi2[0, 3])
    assert np.isnan(found.labels[0, 3]).all()
    assert not found.converged[1:3].any()
    assert found.converged[3].all()
    np.testing.assert_array_equal(found.labels[1], given[1])
    # as the face of it gives them
    np.testing.assert_array_equal(minimise(quartic, given).labels, found.labels)


@pytest.mark.parametrize("n_label", [1, 3, 5])
def test_the_symmetric_numbers_give_chi2(n_label):
    quartic, labels = quartics(n_label, 1, sigma=0.1)
    i, j, cubic, fourth, weights = symmetric_places(n_label)
    numbers = np.empty(len(weights))
    pairs = term_pairs(n_label)
    fill_symmetric((quartic.a[0], quartic.b[0], quartic.c[0]), pairs, symmetric_places(n_label), numbers)
    x = labels[0] + 0.3
    y = np.where(i == j, 1.0, 2.0) * x[i] * x[j]
    second = numbers[1 + n_label : 1 + n_label + len(i)]
    third, last = numbers[cubic] @ x, numbers[fourth] @ y
    expected = chi2_derivatives(quartic, x[None])
    value = numbers[0] + 2 * numbers[1 : 1 + n_label] @ x + y @ (second + third / 3 + last / 6)
    assert value == pytest.approx(expected.chi2[0], rel=1e-10)
    np.testing.assert_allclose(2 * (second + third + last), expected.hessian[0][i, j], rtol=1e-9)

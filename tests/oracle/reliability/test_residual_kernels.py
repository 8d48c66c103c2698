"""Averages over blocks, medians and small systems, against numpy."""

import numpy as np
import pytest

from bayescannon.reliability.residual_kernels import average_blocks, median_roots, solve_all


def test_blocks_are_averages_with_the_inverse_variances():
    rng = np.random.default_rng(0)
    flux, prediction, noise = rng.normal(size=(3, 70)), rng.normal(size=(3, 70)), rng.random((3, 70))
    noise[1, 32:64] = 0.0
    mean, variance = np.empty((3, 3)), np.empty((3, 3))
    average_blocks(flux, prediction, noise, 32, mean, variance)
    for n in range(3):
        for block, part in enumerate((slice(0, 32), slice(32, 64), slice(64, 70))):
            total = noise[n, part].sum()
            if total == 0:
                assert (mean[n, block], variance[n, block]) == (0.0, np.inf)
                continue
            expected = (noise[n, part] * (flux - prediction)[n, part]).sum() / total
            assert (mean[n, block], variance[n, block]) == (pytest.approx(expected), pytest.approx(1 / total))


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_medians_are_those_of_numpy(kind):
    rng = np.random.default_rng(1)
    rows = [
        np.exp(rng.normal(0, 3, 501)), np.exp(rng.normal(0, 3, 501)), np.full(501, 2.0), rng.integers(0, 3, 501),
        np.where(rng.random(501) < 0.5, 1.0, 1e6), np.zeros(501), np.arange(501.0), np.r_[np.zeros(498), 1.0, 2.0, 9.0],
    ]  # fmt: skip
    rows[1][rng.random(501) < 0.4] = 0.0
    values = np.array(rows).astype(kind)
    result = np.empty(len(values))
    median_roots(values, np.arange(len(values)) != 6, result)
    for row, found, n in zip(values, result, range(len(values)), strict=True):
        live = row[row > 0].astype(float)
        expected = np.median(np.sqrt(live)) if len(live) and n != 6 else np.nan
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_systems_are_solved_where_they_can_be():
    rng = np.random.default_rng(2)
    root = rng.normal(size=(4, 3, 3))
    matrix, right = root @ root.transpose(0, 2, 1), rng.normal(size=(4, 3))
    matrix[1, 0] = matrix[1, :, 0] = 0.0
    solution, solved = np.empty((4, 3)), np.empty(4, dtype=bool)
    solve_all(matrix, right, solution, solved)
    assert solved.tolist() == [True, False, True, True]
    np.testing.assert_allclose((matrix @ solution[..., None])[..., 0][solved], right[solved])

"""Products over stars: a row depends on its own star only, whatever is computed with it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from bayescannon.numerics.tiles import STAR_TILE, filled_tile, join_tiles, map_tiles, star_product


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(25, 441), (300, 231), (3, 2)])
def test_a_row_of_a_product_does_not_depend_on_the_number_of_rows(kind, shape):
    rng = np.random.default_rng(0)
    rows, matrix = rng.normal(size=(2 * STAR_TILE + 1, shape[0])).astype(kind), rng.normal(size=shape).astype(kind)
    whole = star_product(rows, matrix)
    np.testing.assert_allclose(whole, rows @ matrix, rtol=1e-3, atol=1e-3)
    for n in (1, 2, 5, 100, STAR_TILE, STAR_TILE + 1):
        assert star_product(rows[:n], matrix).tobytes() == whole[:n].tobytes()
    assert star_product(rows[STAR_TILE:], matrix).tobytes() == whole[STAR_TILE:].tobytes()
    assert star_product(rows, matrix, workers=2).tobytes() == whole.tobytes()
    assert star_product(rows[:0], matrix).shape == (0, shape[1])


def test_a_row_that_is_not_finite_stays_alone():
    rows = np.ones((5, 4))
    rows[2] = np.nan
    assert np.isfinite(star_product(rows, np.ones((4, 3)))).all(axis=1).tolist() == [True, True, False, True, True]


def test_tiles_begin_at_the_first_star_and_the_last_is_filled():
    assert map_tiles(lambda part: (part.start, part.stop), 300, 2) == [(0, 128), (128, 256), (256, 300)]
    tile = filled_tile(np.ones((3, 2), dtype=np.float32))
    assert (tile.shape, tile.dtype, tile.sum()) == ((STAR_TILE, 2), np.float32, 6)
    full = np.ones((STAR_TILE, 2))
    assert filled_tile(full) is full


@dataclass(frozen=True)
class _Some:
    values: Any
    inner: Any
    none: Any
    shared: Any


def test_what_was_computed_of_tiles_is_joined_field_by_field():
    shared = object()
    parts = [_Some(np.full(n, n), _Some(np.full((n, 2), n), None, None, shared), None, shared) for n in (2, 3)]
    joined = join_tiles(parts)
    assert joined.values.tolist() == [2, 2, 3, 3, 3]
    assert joined.inner.values.shape == (5, 2)
    assert joined.none is None
    assert joined.shared is shared
    assert join_tiles(parts[:1]) is parts[0]

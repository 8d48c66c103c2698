"""Numbers of Ho et al. (2017), section 2.1, and of the released code."""

import numpy as np

from bayescannon.data.prepare import lamost_grid
from bayescannon.data.preset import PAPER, RELEASED


def test_the_grid_has_3626_pixels_within_3905_to_9000_angstrom():
    grid = lamost_grid()
    assert len(grid) == 3626
    assert grid[0] > 3905
    assert grid[-1] < 9000
    # and no pixel of the comb is left out at either end
    assert grid[0] / 10**1e-4 < 3905
    assert grid[-1] * 10**1e-4 > 9000
    np.testing.assert_allclose(np.diff(np.log10(grid)), 1e-4, rtol=1e-9)


def test_the_grid_is_the_comb_of_lamost():
    steps = (np.log10(lamost_grid()) - 3.5682) / 1e-4
    np.testing.assert_allclose(steps, np.round(steps), atol=1e-8)


def test_paper_and_released_code_differ_in_the_rest_frame_only():
    assert PAPER.width == RELEASED.width == 50.0
    assert (PAPER.rest, RELEASED.rest) == ("exact", "released")
    for name in ("mask_bits", "sky_lines", "arm_join", "variance"):
        assert getattr(PAPER, name) == getattr(RELEASED, name)

"""Templates of what odd spectra have: where they are, and that a running mean leaves them."""

import numpy as np

from bayescannon.data.air import to_vacuum
from bayescannon.data.odd_features import carbon_template, emission_template, near_sky_lines

GRID = np.exp(np.arange(np.log(3900.0), np.log(9000.0), 2.3e-4))


def test_emission_is_highest_at_h_alpha_and_balmer_lines_only():
    template = emission_template(GRID)
    assert abs(GRID[template.argmax()] - to_vacuum(np.array([6562.8]))[0]) < 1.5
    far = np.abs(GRID - 5500.0) < 300
    np.testing.assert_allclose(template[far], 0.0, atol=1e-6)
    # what is left after the division by a running mean has none of its own
    near = np.abs(GRID - 6564.6) < 150
    assert abs(template[near].mean()) < 0.05 * template.max()


def test_carbon_bands_end_at_their_heads():
    template = carbon_template(GRID)
    for head in (4738.0, 5166.0, 5636.0):
        vacuum = to_vacuum(np.array([head]))[0]
        inside, outside = (np.interp(vacuum + off, GRID, template) for off in (-3.0, 3.0))
        assert inside < outside - 0.5


def test_a_grid_without_the_features_has_templates_of_zero():
    infrared = np.linspace(15000.0, 17000.0, 500)
    assert not emission_template(infrared).any()
    assert not carbon_template(infrared).any()


def test_lines_of_the_sky_are_at_rest_with_the_observer():
    z = np.array([0.0, 1e-3, np.nan])
    near = near_sky_lines(GRID, z)
    line = to_vacuum(np.array([5577.0]))[0]
    for n in range(2):
        assert near[n][np.abs(GRID * (1 + z[n]) - line).argmin()]
        assert 0.02 < near[n].mean() < 0.15
    assert not near[2].any()
    assert not near[1][np.abs(GRID - line).argmin()]

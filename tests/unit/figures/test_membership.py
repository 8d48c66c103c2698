"""Membership over the Kiel diagram, and against label distance."""

import numpy as np
from drawing import limits_hold, require_drawable

from bayescannon.figures import plot_distance_membership, plot_kiel_membership


def test_kiel_diagram_with_membership(rng, tmp_path):
    teff, logg, membership = rng.normal(5000, 300, 60), rng.normal(3, 0.8, 60), rng.uniform(size=60)
    teff[0], logg[1], membership[2] = np.nan, np.nan, np.nan
    ax = plot_kiel_membership(teff, logg, membership, population="giant")
    assert ax.get_xlim()[0] > ax.get_xlim()[1]
    assert limits_hold(ax.get_ylim(), logg[3:])
    (points,) = ax.collections
    assert len(points.get_offsets()) == 57
    values = points.get_array()
    assert abs(values[-1] - 0.5) == np.abs(values - 0.5).min(), "a star between populations is on top"
    assert ax.figure.axes[-1].get_ylabel() == "probability of population giant"
    require_drawable(ax.figure, tmp_path)


def test_where_distance_and_membership_disagree(tmp_path):
    distance, membership = [0.5, 1, 4, 9, 0.0, np.nan], [1, 0.2, 0.9, 0, 0.6, 1]
    ax = plot_distance_membership(distance, membership, cut=2.5, population="giant")
    assert ax.get_title() == "giant by both 2, by distance alone 1, by membership alone 1, by neither 1"
    assert ax.collections[0].get_offsets()[:, 0].min() == 0.01
    require_drawable(ax.figure, tmp_path)

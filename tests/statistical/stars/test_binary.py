"""The probability of a pair, and what is inferred of pairs, mean what they say where the model is true."""

from itertools import pairwise

import numpy as np
from expect import expect_between, expect_fraction, expect_mean
from star_pairs import DENSITY, SCALER, SEQUENCE, Stars

from bayescannon.stars.binary import pair_evidence


def test_of_stars_with_a_probability_of_30_percent_30_percent_are_pairs():
    stars = Stars(1500, pairs=0.5, sigma=0.015, seed=7)
    found = pair_evidence(stars.quartic, stars.start, SEQUENCE, SCALER, density=DENSITY)
    p = found.probability(0.5)
    edges = [0.0, 0.2, 0.35, 0.5, 0.7, 0.9, 1.0]
    for low, high in pairwise(edges):
        rows = (p >= low) & (p < high)
        if rows.sum() < 40:
            continue
        error = 3.5 * np.sqrt((p[rows] * (1 - p[rows])).sum()) / rows.sum()
        expect_between(
            stars.is_pair[rows].mean() - p[rows].mean(), -error, error, what=f"{rows.sum()} with p {low:g} to {high:g}"
        )
    expect_mean(stars.is_pair - p, 0.0, n_sigma=3.5, what="pairs less their probability")
    # pairs whose companion gives light are found
    told = stars.is_pair & (stars.w > 0.1) & (stars.q < 0.85)
    expect_fraction(p[told] > 0.9, int(told.sum()), 0.5, what="pairs of unlike stars found")
    # the share of the light has the error that it says
    pairs = stars.is_pair & (p > 0.9)
    off = (found.light_share - stars.w)[pairs] / found.light_share_error[pairs]
    expect_mean(off, 0.0, n_sigma=4, what="share of the light, in errors")
    expect_between(float(off.std()), 0.8, 1.2, what="scatter of the share of the light, in errors")
    # the effective number of draws is enough for the ratio to a few per cent in most stars
    expect_fraction(found.ess > 30, len(p), 0.9, what="stars with 30 effective draws")

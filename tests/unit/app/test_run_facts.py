"""Counts of blocks add up to those of all stars."""

import numpy as np
from catalogues import make_estimates

from bayescannon.app.run_facts import CONVERGED, CUT, KEPT, STARS, WITH_DISTANCE, WITHOUT, RunFacts, added, count_stars
from bayescannon.data.flags import PosteriorStatus, ResultFlag


def estimates():
    found = make_estimates()
    n_star = found.sizes["star"]
    distance = np.where(np.arange(n_star) % 3 == 0, np.nan, np.arange(n_star) / 2)
    return found.assign(
        label_distance=("star", distance),
        outlying_pixels=("star", np.arange(n_star)),
        posterior_status=("star", np.arange(n_star) % len(PosteriorStatus)),
        membership=(("star", "population_name"), np.full((n_star, 2), 0.5)),
        population=("star", np.where(np.arange(n_star) < 5, "giant", "dwarf")),
        p_none=("star", np.linspace(0, 1, n_star)),
    ).assign_coords(population_name=["giant", "dwarf"])


def test_counts_of_blocks_add_up():
    whole = estimates()
    kept = np.arange(12) < 7
    blocks = [(whole.isel(star=slice(a, b)), kept[a:b]) for a, b in ((0, 1), (1, 8), (8, 12))]
    assert added(count_stars(*block) for block in blocks) == count_stars(whole, kept)


def test_what_is_counted():
    facts = RunFacts.of(estimates(), np.arange(12) < 7)
    assert (facts[STARS], facts[CONVERGED], facts[KEPT]) == (12, 10, 7)
    assert facts.flagged(ResultFlag.HIGH_CHI2) == int((make_estimates()["flags"] & 1).sum())
    assert facts.counted("population ") == {"giant": 5, "dwarf": 7}
    assert sum(facts.posteriors().values()) == 12
    assert facts[WITH_DISTANCE] == 8
    assert list(facts.counted(CUT).values()) == [3]
    assert list(facts.counted(WITHOUT).values()) == [4]


def test_no_star_at_all():
    facts = RunFacts.of(make_estimates().isel(star=slice(0, 0)))
    assert facts[STARS] == 0
    assert np.isnan(facts.median_chi2)

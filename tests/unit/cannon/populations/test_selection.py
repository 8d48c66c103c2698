"""Selections by membership: limits with their uncertainty, and what they keep of held-out stars."""

from dataclasses import replace

import numpy as np
import pytest
from toy_survey import toy_survey

from bayescannon.cannon.populations.labelling import label_survey
from bayescannon.cannon.populations.novelty import assess_survey_coverage, with_none
from bayescannon.cannon.populations.selection import log_odds, selection_curve, selection_limit
from bayescannon.numerics.errors import InputError


def test_a_limit_keeps_what_it_says():
    model = toy_survey().model
    limits = [selection_limit(model, "uppers", false_alarms=rate) for rate in (0.01, 0.1, 0.3)]
    values = [limit.value for limit in limits]
    assert values == sorted(values)
    for limit in limits:
        assert limit.population == "upper"
        assert 0 < limit.low < limit.value < limit.high < 1
    kept, count = limits[1].kept["upper"]
    assert count == limits[1].n_members == (model.held_out.members[:, 1]).sum()
    assert kept / count == pytest.approx(0.9, abs=0.06)
    assert limits[0].kept["lower"][0] >= limits[2].kept["lower"][0]


def test_a_rate_that_few_stars_cannot_support_is_said():
    model = toy_survey().model
    few = selection_limit(model, "upper", false_alarms=0.001).describe()
    assert "0.1 % of" in few
    assert "less than one, so that the limit is of their smoothed tail" in few
    assert "smoothed" not in selection_limit(model, "upper", false_alarms=0.2).describe()


def test_the_curve_falls_and_purity_rises():
    curve = selection_curve(toy_survey().model, "upper")
    assert (np.diff(curve.completeness) <= 0).all()
    assert (np.diff(curve.contamination["lower"]) <= 0).all()
    assert curve.completeness[0] == 1
    middle = int(np.abs(curve.limit - 0.5).argmin())
    purity = curve.purity({"upper": 1, "lower": 4})
    assert purity[0] == pytest.approx(0.2, abs=0.02)
    assert purity[middle] > 0.7
    for wrong in ({"lower": 1}, {"upper": 1, "giant": 2}):
        with pytest.raises(InputError, match="proportions must be of lower, upper, and that of upper above 0"):
            curve.purity(wrong)


def test_stars_are_selected_by_membership_among_the_populations():
    toy = toy_survey()
    limit = replace(selection_limit(toy.model, "upper"), value=0.995)
    estimates = label_survey(toy.model, toy.spectra)
    whole = with_none(estimates, assess_survey_coverage(toy.model, toy.spectra, estimates))
    kept = limit.select(whole)
    assert (whole["membership"][:, 1] < limit.value).all(), "with the probability of none no star reaches it"
    np.testing.assert_array_equal(kept, limit.select(estimates))
    assert 5 < kept.sum() < len(kept)
    unknown = estimates.copy(deep=True)
    unknown["membership"][0] = np.nan
    assert not limit.select(unknown)[0]


def test_no_limit_without_held_out_stars():
    model = toy_survey().model
    with pytest.raises(InputError, match="no membership of held-out stars is known for this model"):
        selection_limit(replace(model, held_out=None), "upper")
    held_out = model.held_out
    few = replace(held_out, shares=np.column_stack([np.ones(len(held_out)), np.zeros(len(held_out))]))
    with pytest.raises(InputError, match="a limit on p_upper needs at least 20 held-out stars of it; there are 0"):
        selection_limit(replace(model, held_out=few), "upper")
    with pytest.raises(InputError, match="the populations of this model are lower, upper; got 'dwarf'"):
        selection_curve(model, "dwarf")


def test_log_odds_end():
    assert np.isfinite(log_odds(np.array([0.0, 1.0]))).all()

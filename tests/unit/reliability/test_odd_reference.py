"""Scores of held-out stars: p-values by class, odds of pairs, and what is said of them."""

import json

import numpy as np
import pytest

from bayescannon.reliability.odd_reference import BINARY, DOUBLE_LINED, EMISSION, ODD_CLASSES, OddReference
from bayescannon.reliability.score_odds import ScoreOdds
from bayescannon.reliability.score_reference import ScoreReference

NAMES = list(ODD_CLASSES)


@pytest.fixture
def reference():
    rng = np.random.default_rng(0)
    log_snr = rng.uniform(3, 5, 300)
    scores = {name: ScoreReference.fit(rng.normal(size=300), log_snr) for name in (BINARY, EMISSION)}
    scores[DOUBLE_LINED] = ScoreReference.fit(rng.normal(size=80), log_snr[:80])
    return OddReference("0a1b", 1.0, scores, ScoreOdds(-0.5, 1.0, -2.0, 3.0))


def scores_of(**given):
    """One star's scores; NaN of the classes that are not given."""
    score = np.full((1, len(NAMES)), np.nan)
    for name, value in given.items():
        score[0, NAMES.index(name)] = value
    return score


def test_p_values_are_those_of_each_class_and_nan_without_a_score(reference):
    score, log_snr = scores_of(binary=0.0, emission=4.0, carbon=9.0), np.array([4.0])
    p = reference.p_values(score, log_snr)[0]
    assert 0.3 < p[NAMES.index(BINARY)] < 0.7
    assert p[NAMES.index(EMISSION)] < 0.01
    # held-out stars have no scores of carbon, and the star none of a pair with two velocities
    assert np.isnan(np.delete(p, [NAMES.index(BINARY), NAMES.index(EMISSION)])).all()


def test_odds_of_pairs_are_of_either_kind_where_both_were_compared(reference):
    log_snr = np.array([4.0])
    one = reference.log_pair_odds(scores_of(binary=0.0), log_snr)[0]
    score = scores_of(binary=0.0, double_lined=6.0)
    both = reference.log_pair_odds(score, log_snr)[0]
    p = reference.p_values(score, log_snr)[0, NAMES.index(DOUBLE_LINED)]
    # the largest odds of a p-value: Sellke, Bayarri & Berger (2001)
    assert both == pytest.approx(np.log(0.5 * np.exp(one) + 0.5 / (-np.e * p * np.log(p))))
    assert np.isnan(reference.log_pair_odds(scores_of(), log_snr)[0])
    assert OddReference("0a1b", 1.0, reference.scores).log_pair_odds(score, log_snr) is None


def test_json_keeps_every_number(reference):
    back = OddReference.from_dict(json.loads(json.dumps(reference.to_dict())))
    score, log_snr = scores_of(binary=1.3, emission=2.0, double_lined=4.0), np.array([3.7])
    np.testing.assert_array_equal(back.p_values(score, log_snr), reference.p_values(score, log_snr))
    np.testing.assert_array_equal(back.log_pair_odds(score, log_snr), reference.log_pair_odds(score, log_snr))
    assert (back.model_hash, back.power) == ("0a1b", 1.0)
    assert OddReference.from_dict(OddReference("0a1b", 0.5, {}).to_dict()).pair_odds is None


def test_it_says_how_many_stars_it_is_of(reference):
    assert reference.describe() == "3 classes against 300 held-out stars, double lined 80"
    assert OddReference("0a1b", 1.0, {}).describe() == "no class, as too few held-out stars have scores"

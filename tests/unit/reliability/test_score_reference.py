"""p-values of scores whose distribution changes with the signal-to-noise ratio."""

import json

import numpy as np
import pytest

from bayescannon.numerics.errors import InputError
from bayescannon.reliability.score_reference import ScoreReference


def scores(n_star, seed=0):
    rng = np.random.default_rng(seed)
    log_snr = rng.uniform(2.5, 5.0, n_star)
    return 0.5 * log_snr + (0.2 + 0.3 * log_snr) * rng.standard_t(5, n_star), log_snr


def test_p_values_are_uniform_at_every_signal_to_noise():
    reference = ScoreReference.fit(*scores(600))
    score, log_snr = scores(4000, seed=1)
    p = reference.p_value(score, log_snr)
    # with 600 reference stars
    assert np.mean(p <= 0.01) == pytest.approx(0.01, abs=0.006)
    for rows in (log_snr < 3.3, log_snr > 4.2, slice(None)):
        for alpha in (0.1, 0.5):
            assert np.mean(p[rows] <= alpha) == pytest.approx(alpha, rel=0.35)


def test_numbers_survive_json_and_nan_stays_nan():
    reference = ScoreReference.fit(*scores(100))
    again = ScoreReference.from_dict(json.loads(json.dumps(reference.to_dict())))
    score, log_snr = scores(20, seed=2)
    score[3] = np.nan
    np.testing.assert_array_equal(again.p_value(score, log_snr), reference.p_value(score, log_snr))
    assert np.isnan(reference.p_value(score, log_snr)[3])


def test_too_few_scores_are_refused():
    with pytest.raises(InputError, match="needs 20 reference stars; got 12"):
        ScoreReference.fit(*scores(12))

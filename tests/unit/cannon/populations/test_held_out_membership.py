"""Held-out membership: scores, and its way to a file and back."""

from dataclasses import replace

import numpy as np
import pytest
from toy_survey import toy_survey

from bayescannon.cannon.populations.held_out_membership import HeldOutMembership, log_scores
from bayescannon.numerics.errors import InputError


def test_scores_reward_what_is_true():
    shares = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    sure, unsure, wrong = shares[:2], np.full((2, 2), 0.5), 1 - shares[:2]
    scores = [log_scores(one, shares[:2]).mean() for one in (sure, unsure, wrong)]
    assert scores[0] == 0
    assert scores[1] == pytest.approx(np.log(0.5))
    assert scores[2] == pytest.approx(np.log(1e-6))
    assert len(log_scores(np.array([[np.nan, np.nan], [1, 0], [1, 0]]), shares)) == 2


def test_it_comes_back_from_a_dataset():
    held_out = toy_survey().model.held_out
    back = HeldOutMembership.from_xarray(held_out.to_xarray(), ("teff", "logg"))
    assert back.names == held_out.names == ("lower", "upper")
    np.testing.assert_array_equal(back.membership, held_out.membership)
    np.testing.assert_array_equal(back.reported, held_out.reported)
    assert repr(back) == f"<HeldOutMembership of {held_out.labels.stars()} in lower, upper>"


def test_what_does_not_go_together_is_refused():
    held_out = toy_survey().model.held_out
    with pytest.raises(InputError, match="shares must have the shape of membership"):
        replace(held_out, shares=held_out.shares[:3])

"""What training learned of populations says which ones, and prints on one line."""

import numpy as np
import pytest

from bayescannon.pixels.coefficient_population import Population
from bayescannon.pixels.populations import LogNormalPopulation, Populations, TrainingRound


def test_nothing_learned_is_a_training_that_converged():
    nothing = Populations()
    assert nothing.learned == ()
    assert nothing.converged
    assert repr(nothing) == "<Populations learned: none; 0 rounds, converged>"


@pytest.mark.parametrize(
    ("given", "learned"),
    [
        ({"coefficients": Population(np.zeros(2), np.ones(2), np.ones(5))}, ("coefficients",)),
        ({"smooth_scale": np.array([0.0, 0.01])}, ("smooth_scale",)),
        ({"kappa": LogNormalPopulation(0.0, 0.1), "scatter": LogNormalPopulation(-4, 0.5)}, ("scatter", "kappa")),
    ],
)
def test_what_was_learned_is_named_in_one_order(given, learned):
    trace = (TrainingRound(3.0, 1.0, 1.0), TrainingRound(2.0, 0.9, 0.01))
    found = Populations(**given, trace=trace, converged=False)
    assert found.learned == learned
    assert repr(found) == f"<Populations learned: {', '.join(learned)}; 2 rounds, not converged>"

"""The figure of predictive checks draws all statistics on the axes that it is given."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from bayescannon.cannon.predictive_check import PixelCheck
from bayescannon.figures import plot_predictive_check
from bayescannon.numerics.errors import InputError


def some_check() -> PixelCheck:
    rng = np.random.default_rng(1)
    observed = rng.normal(size=(4, 50))
    observed[:, 7] = np.nan
    p_value = np.where(np.isnan(observed), np.nan, rng.uniform(0.005, 1, size=(4, 50)))
    return PixelCheck(
        np.linspace(5000, 5100, 50), ("mean", "std", "min", "max"), observed, observed - 2, observed + 2, p_value
    )


def test_axes_come_in_and_go_out() -> None:
    given = Figure().subplots(5, 1)
    axes = plot_predictive_check(some_check(), given)
    assert list(axes) == list(given)
    assert [len(ax.lines) for ax in axes] == [1, 1, 1, 1, 5]
    assert axes[-1].get_yscale() == "log"
    assert len(plot_predictive_check(some_check())) == 5


def test_another_number_of_axes_is_refused() -> None:
    with pytest.raises(InputError, match="needs 5 axes; got 2"):
        plot_predictive_check(some_check(), Figure().subplots(2, 1))

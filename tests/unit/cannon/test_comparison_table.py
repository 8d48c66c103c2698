"""Tables of a comparison: ranks, paired errors and weights, against the formulas and ArviZ."""

import json

import numpy as np
import pytest

from bayescannon.cannon.comparison_table import ModelComparison
from bayescannon.numerics.errors import InputError

RNG = np.random.default_rng(1)
SHARED = RNG.normal(0, 50, size=120)
SPECTRA = np.stack([SHARED, SHARED + 1 + RNG.normal(0, 2, 120), SHARED - 5])
LABELS = np.stack([RNG.normal(m, 1, size=(120, 2)) for m in (0.0, -0.5, 0.5)])


@pytest.fixture
def comparison():
    return ModelComparison(
        ("a", "b", "c"), ("teff", "logg"), np.arange(120).astype(str), SPECTRA, LABELS, 1200, (), 4, 0, ("same stars",)
    )


def test_models_are_ranked_with_errors_paired_by_star(comparison):
    table = comparison.table()
    assert list(table["model"]) == ["b", "a", "c"]
    assert list(table["rank"]) == [0, 1, 2]
    diff = SPECTRA[0] - SPECTRA[1]
    assert table["elpd_diff"][1] == pytest.approx(diff.sum())
    assert table["dse"][1] == pytest.approx(np.sqrt(120) * diff.std(ddof=1))
    # the stars' own differences are common to all models
    assert table["dse"][1] < 0.1 * table["se"][1]
    assert table["per_value"][1] == pytest.approx(diff.sum() / 1200)
    assert table["weight"].sum() == pytest.approx(1)
    assert list(comparison.table("labels")["model"]) == ["c", "a", "b"]


def test_text_and_json_say_the_same(comparison):
    assert "120 stars in 4 folds, 1200 fluxes; same stars" in comparison.to_text()
    written = json.loads(comparison.to_json())
    assert written["spectra"][0]["elpd"] == pytest.approx(SPECTRA[1].sum())
    assert comparison.to_xarray()["spectra"].sel(model="c").sum() == pytest.approx(SPECTRA[2].sum())
    assert repr(comparison).endswith("spectra are predicted best by b>")


def test_other_scores_are_refused(comparison):
    with pytest.raises(InputError, match="of must be 'spectra' or 'labels'; got 'all'"):
        comparison.table("all")

"""Errors of known size explain what they should, and errors that are too small are found to be."""

import numpy as np
import pytest
import xarray as xr
from expect import expect_between, expect_fraction

from bayescannon.cannon.validation import robust_scatter
from bayescannon.uncertainty.explained import (
    combine_kinds,
    explain_errors,
    interval_coverage,
    pit_histogram,
    pit_values,
    predicted_scatter,
)

N_STAR = 4000
WIDTH = np.array([50.0, 0.1])


@pytest.fixture(scope="module")
def truth():
    return np.random.default_rng(1).normal([4800, 2.5], [300, 0.5], size=(N_STAR, 2))


@pytest.fixture(scope="module")
def budget(truth):
    """Two independent sources of error; 'noise' knows 3/5 of the width, 'model' the other 4/5."""
    rng = np.random.default_rng(2)
    size = WIDTH * rng.uniform(0.5, 2, size=(N_STAR, 1))
    value = truth + size * rng.normal(size=truth.shape)
    value[0, 0] = np.nan
    error = np.stack([0.6 * size, 0.8 * size], axis=-1)
    error[1, :, 1] = np.nan
    return xr.Dataset(
        {
            "error": (("star", "stellar_label", "kind"), error),
            "value": (("star", "stellar_label", "kind"), np.stack([value, value], axis=-1)),
        },
        coords={
            "star": np.array([f"s{n}" for n in range(N_STAR)]),
            "stellar_label": ["teff", "logg"],
            "kind": ["noise", "model"],
            "meaning": ("kind", ["one", "another"]),
        },
    )


def test_predicted_scatter_is_that_of_draws():
    rng = np.random.default_rng(3)
    sizes = rng.lognormal(0, 0.8, 300)
    drawn = (sizes * rng.normal(size=(2000, 300))).ravel()
    assert predicted_scatter(sizes) == pytest.approx(robust_scatter(drawn), rel=0.01)
    assert predicted_scatter(np.full(5, 3.0)) == pytest.approx(3.0, rel=1e-12)
    assert np.isnan(predicted_scatter(np.empty(0)))


def test_shares_of_variance(budget, truth):
    whole = combine_kinds(budget, {"both": ("noise", "model")})
    assert whole["kind"].to_numpy().tolist() == ["noise", "model", "both"]
    shares = explain_errors(whole, truth)
    n_stars = shares["n_stars"].isel(group=0)
    assert n_stars.sel(stellar_label="teff").to_numpy().tolist() == [N_STAR - 1, N_STAR - 2, N_STAR - 2]
    assert n_stars.sel(stellar_label="logg").to_numpy().tolist() == [N_STAR, N_STAR - 1, N_STAR - 1]
    for k in range(2):
        for kind, wanted in {"noise": 0.36, "model": 0.64, "both": 1.0}.items():
            own = shares.isel(group=0, stellar_label=k).sel(kind=kind)
            # the robust scatter of n Gaussian numbers has a relative error of 1.2 / sqrt(2 n) or so
            expect_between(float(own["share"]) / wanted, 0.9, 1.1, what=f"share of {kind} over {wanted}")
            inside = {0.36: (0.451, 0.76), 0.64: (0.576, 0.883), 1.0: (0.6827, 0.95)}[wanted]
            for name, probability in zip(("within_68", "within_95"), inside, strict=True):
                assert float(own[name]) == pytest.approx(probability, abs=0.03)
            assert abs(float(own["bias"])) < 4 * 1.25 * float(own["scatter"]) / np.sqrt(N_STAR)


def test_groups(budget, truth):
    wide = np.arange(N_STAR) < 500
    doubled = budget.assign(error=budget["error"] * xr.where(xr.DataArray(wide, dims="star"), 2, 1))
    shares = explain_errors(doubled, truth, groups={"wide": wide, "rest": ~wide, "nobody": wide & ~wide})
    assert shares["group"].to_numpy().tolist() == ["wide", "rest", "nobody"]
    ratio = shares["share"].sel(group="wide") / shares["share"].sel(group="rest")
    assert (abs(ratio / 4 - 1) < 0.3).all()
    assert np.isnan(shares["share"].sel(group="nobody")).all()
    assert (shares["n_stars"].sel(group="nobody") == 0).all()


def test_coverage_curve_and_pit(budget, truth):
    whole = combine_kinds(budget, {"both": ("noise", "model")})
    asked = np.array([0.1, 0.5, 0.6826894921370859, 0.95])
    curve = interval_coverage(whole, truth, asked)
    assert curve.dims == ("stellar_label", "kind", "probability")
    np.testing.assert_allclose(curve.sel(kind="both"), [asked, asked], atol=4 * 0.5 / np.sqrt(N_STAR))
    shares = explain_errors(whole, truth)
    np.testing.assert_allclose(curve[..., 2], shares["within_68"][0])
    assert (curve.sel(kind="noise")[:, 1:] < curve.sel(kind="both")[:, 1:]).all()

    pit = pit_values(whole, truth)
    assert np.isnan(pit[0, 0]).all()
    assert np.isnan(pit[1]).all("stellar_label").to_numpy().tolist() == [False, True, True]
    edges, counts, (low, high) = pit_histogram(pit.sel(kind="both", stellar_label="logg"))
    assert counts.sum() == N_STAR - 1
    assert len(edges) == 21
    expect_fraction((counts >= low) & (counts <= high), 20, 0.75, what="bins within the band")
    _, counts, (_, high) = pit_histogram(pit.sel(kind="noise", stellar_label="logg"))
    assert min(counts[0], counts[-1]) > 2 * high, "a U where errors are too small"


def test_wrong_calls_are_refused(budget, truth):
    with pytest.raises(ValueError, match=r"truth must have shape \(star, label\) = \(4000, 2\); got \(4000, 1\)"):
        explain_errors(budget, truth[:, :1])
    with pytest.raises(ValueError, match="group 'few' must be a mask of the 4000 stars"):
        explain_errors(budget, truth, groups={"few": np.ones(3, dtype=bool)})
    with pytest.raises(ValueError, match="has the kinds noise, model; 'formal' is not among them"):
        combine_kinds(budget, {"sum": ("noise", "formal")})
    for wrong in ({"noise": ("model",)}, {"new": ()}):
        with pytest.raises(ValueError, match="needs a new name and a part"):
            combine_kinds(budget, wrong)

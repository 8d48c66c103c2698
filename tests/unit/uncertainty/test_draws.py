"""The draws in a tree of uncertainties: their table, and groups that figures can compare."""

import numpy as np
import pytest
import toy
import xarray as xr
from uncertain_stars import BAD, N_STAR, stacked

from bayescannon.cannon.training import train
from bayescannon.uncertainty.datatree import uncertainty_tree
from bayescannon.uncertainty.draws import comparable_draws, uncertainty_summary


def good(array):
    return np.delete(array, BAD, axis=-2)


def test_summary_against_numpy(tree, spectra):
    summary = uncertainty_summary(tree)
    assert summary.index.to_list() == [(star, name) for star in spectra.id for name in toy.NAMES]
    assert summary["unit"].to_list() == ["K", "dex", "dex"] * N_STAR
    np.testing.assert_array_equal(summary["observed"].to_numpy(), stacked(tree["observed_labels"]).ravel())
    for group in ("formal", "bootstrap", "posterior"):
        draws = stacked(tree[group]).reshape(-1, N_STAR, 3)
        for column, wanted in {"mean": draws.mean(axis=0), "sd": draws.std(axis=0, ddof=1)}.items():
            found = summary[f"{group}_{column}"].to_numpy().reshape(N_STAR, 3)
            assert np.isnan(found[BAD]).all()
            np.testing.assert_allclose(good(found), good(wanted), rtol=0.05 if column == "sd" else 1e-9)
        low, high = (summary[f"{group}_eti89_{end}"].to_numpy().reshape(N_STAR, 3) for end in ("lb", "ub"))
        assert (good(low) < good(draws.mean(axis=0))).all()
        assert (good(high) > good(draws.mean(axis=0))).all()


def test_comparable_draws_keep_mean_and_width(tree):
    draws = comparable_draws(tree, n_draws=1000, seed=1)
    assert list(draws) == ["formal", "bootstrap", "posterior"]
    for group, dataset in draws.items():
        assert dict(dataset.sizes) == {"chain": 1, "draw": 1000, "star": N_STAR - 1}
        assert dataset.attrs == {}
        assert dataset["teff"].attrs["units"] == "K"
        taken = stacked(dataset)[0]
        whole = good(stacked(tree[group]).reshape(-1, N_STAR, 3))
        width = whole.std(axis=0)
        assert (abs(taken.mean(axis=0) - whole.mean(axis=0)) < 4 * width / np.sqrt(1000)).all()
        np.testing.assert_allclose(taken.std(axis=0), width, rtol=0.15)
    # all draws of few bootstraps differ: repeated ones would be spikes in a density
    assert len(np.unique(draws["bootstrap"]["teff"][0, :, 0])) == 1000
    relative = comparable_draws(tree, n_draws=1000, relative=True, seed=1)
    for group, dataset in draws.items():
        shift = stacked(dataset) - stacked(relative[group]) - good(stacked(tree["fit"]))
        np.testing.assert_allclose(shift, 0, atol=1e-9)


def test_one_label():
    reference = toy.toy_reference(60, ("teff",))
    spectra = toy.toy_spectra(toy.toy_labels(2, ("teff",), seed=4), ("teff",), seed=4)
    tree = uncertainty_tree(train(reference), spectra, reference=reference, n_draws=100, n_bootstrap=2)
    assert np.isfinite(uncertainty_summary(tree).drop(columns="unit").to_numpy(dtype=float)).all()
    assert np.isfinite(comparable_draws(tree)["bootstrap"]["teff"]).all()


def test_wrong_calls_are_refused(tree):
    nothing = xr.DataTree.from_dict({"fit": tree["fit"].to_dataset()})
    with pytest.raises(ValueError, match="formal, bootstrap, posterior; this one has fit"):
        uncertainty_summary(nothing)
    with pytest.raises(ValueError, match="n_draws must be at least 2; got 1"):
        comparable_draws(tree, n_draws=1)
    lost = tree.map_over_datasets(lambda dataset: dataset.isel(star=[BAD]) if "star" in dataset.dims else dataset)
    with pytest.raises(ValueError, match="must have draws in all of formal, bootstrap, posterior"):
        comparable_draws(lost)

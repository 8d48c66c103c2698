"""A tree for ArviZ holds what the package's own functions found, says its units, and survives files and figures."""

from dataclasses import replace

import arviz as az
import numpy as np
import pytest
import toy
import xarray as xr

from bayescannon.cannon.labelling import formal_errors, label_spectra
from bayescannon.cannon.posterior import sample_posterior
from bayescannon.cannon.training import train
from bayescannon.data.flags import FitStatus, PosteriorStatus
from bayescannon.data.labels import KNOWN_LABELS
from bayescannon.figures import plot_label_forest, plot_label_ridge, save_figure
from bayescannon.uncertainty.bootstrap import bootstrap_labels
from bayescannon.uncertainty.datatree import comparable_draws, draw_groups, uncertainty_summary, uncertainty_tree

N_STAR, N_DRAWS, N_BOOTSTRAP, BAD = 6, 2000, 12, 4


@pytest.fixture(scope="module")
def reference():
    return toy.toy_reference(150)


@pytest.fixture(scope="module")
def model(reference):
    return train(reference)


@pytest.fixture(scope="module")
def spectra():
    """Six stars; one of them has no live pixel."""
    spectra = toy.toy_spectra(toy.toy_labels(N_STAR, seed=9), seed=9)
    ivar = spectra.ivar.copy()
    ivar[BAD] = 0
    return replace(spectra, ivar=ivar)


@pytest.fixture(scope="module")
def table(spectra):
    """Labels of the stars from elsewhere, in another order, without the first one."""
    order = np.array([5, 3, 1, 2, 4])
    whole = toy.toy_table(spectra, toy.toy_labels(N_STAR, seed=9), errors={"teff": np.full(N_STAR, 50.0)})
    return whole.select(order)


@pytest.fixture(scope="module")
def tree(model, reference, spectra, table):
    return uncertainty_tree(
        model, spectra, reference=reference, observed=table, n_draws=N_DRAWS, n_bootstrap=N_BOOTSTRAP, seed=3
    )


def good(array):
    return np.delete(array, BAD, axis=-2)


def test_the_groups_hold_what_the_package_found(tree, model, reference, spectra):
    estimates = label_spectra(model, spectra, seed=3)
    posterior = sample_posterior(model, spectra, n_draws=N_DRAWS, n_keep=N_DRAWS, seed=3)
    bootstrap = bootstrap_labels(model, reference, spectra, n_bootstrap=N_BOOTSTRAP, seed=3)
    assert set(tree.children) == {"posterior", "formal", "bootstrap", "observed_data", "fit"}
    assert tree["posterior"]["labels"].dims == ("chain", "draw", "star", "stellar_label")
    assert tree["bootstrap"]["labels"].dims == ("bootstrap", "star", "stellar_label")
    np.testing.assert_array_equal(
        tree["posterior"]["labels"][0].transpose("star", "draw", ...), posterior["posterior_draws"]
    )
    np.testing.assert_array_equal(tree["bootstrap"]["labels"], bootstrap["labels"])
    np.testing.assert_array_equal(tree["fit"]["labels"], estimates["labels"])
    for group in tree.children.values():
        assert group["unit"].to_numpy().tolist() == ["K", "dex", "dex"]
        assert group["star"].to_numpy().tolist() == spectra.id.tolist()
    for name, value in {"model_hash": model.hash, "seed": 3, "prior": "flat", "n_bootstrap": N_BOOTSTRAP}.items():
        assert tree.attrs[name] == value


def test_formal_draws_have_the_formal_covariance(tree, model, spectra):
    estimates = label_spectra(model, spectra, seed=3)
    draws = tree["formal"]["labels"][0].to_numpy()
    sigma = formal_errors(estimates)
    for star in set(range(N_STAR)) - {BAD}:
        pulls = (draws[:, star] - estimates["labels"].to_numpy()[star]) / sigma[star]
        assert (abs(pulls.mean(axis=0)) < 4 / np.sqrt(N_DRAWS)).all()
        wanted = estimates["formal_covariance"].to_numpy()[star] / np.outer(sigma[star], sigma[star])
        # standard errors of correlations and variances of N draws are below sqrt(2 / N)
        np.testing.assert_allclose(np.cov(pulls.T), wanted, atol=4 * np.sqrt(2 / N_DRAWS))
    assert abs(np.corrcoef(draws[:, 0, 0], draws[:, 1, 0])[0, 1]) < 4 / np.sqrt(N_DRAWS)


def test_a_bad_star_is_nan_with_a_status(tree):
    for group in draw_groups(tree):
        missing = np.isnan(tree[group]["labels"]).any([dim for dim in tree[group]["labels"].dims if dim != "star"])
        assert np.flatnonzero(missing).tolist() == [BAD]
    fit = tree["fit"]
    assert fit["status"][BAD] == FitStatus.FEW_PIXELS
    assert fit["posterior_status"][BAD] == PosteriorStatus.NO_POSTERIOR
    assert fit["bootstrap_failed"].to_numpy().tolist() == [N_BOOTSTRAP if n == BAD else 0 for n in range(N_STAR)]


def test_observed_labels_are_matched_by_name(tree):
    truth = toy.toy_labels(N_STAR, seed=9)
    observed = tree["observed_data"]
    np.testing.assert_array_equal(observed["labels"][1:], truth[1:])
    np.testing.assert_array_equal(observed["error"][1:, 0], 50.0)
    assert np.isnan(observed["error"][:, 1:]).all()
    assert np.isnan(observed["labels"][0]).all()
    assert observed.attrs["source"] == "toy table"


def test_the_result_does_not_depend_on_the_other_stars_or_on_workers(tree, model, spectra):
    few = uncertainty_tree(model, spectra.select(np.array([3, 0])), n_draws=N_DRAWS, seed=3, workers=1)
    assert set(few.children) == {"posterior", "formal", "fit"}
    for group in ("posterior", "formal"):
        np.testing.assert_allclose(few[group]["labels"], tree[group]["labels"][:, :, [3, 0]], rtol=1e-9)


def test_files_hold_the_tree(tree, tmp_path):
    tree.to_netcdf(tmp_path / "tree.nc", engine="h5netcdf")
    xr.testing.assert_identical(az.from_netcdf(tmp_path / "tree.nc").load(), tree)
    tree.to_zarr(tmp_path / "tree.zarr", consolidated=False)
    with xr.open_datatree(tmp_path / "tree.zarr", engine="zarr", consolidated=False) as read:
        xr.testing.assert_identical(read.load(), tree)


def test_summary_against_numpy(tree, spectra):
    summary = uncertainty_summary(tree)
    assert summary.index.to_list() == [(star, name) for star in spectra.id for name in toy.NAMES]
    assert summary["unit"].to_list() == ["K", "dex", "dex"] * N_STAR
    np.testing.assert_array_equal(summary["observed"].to_numpy(), tree["observed_data"]["labels"].to_numpy().ravel())
    for group in ("formal", "bootstrap", "posterior"):
        draws = tree[group]["labels"].to_numpy().reshape(-1, N_STAR, 3)
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
        assert dict(dataset.sizes) == {"chain": 1, "draw": 1000, "star": N_STAR - 1, "stellar_label": 3}
        assert dataset.attrs == {}
        taken = dataset["labels"].to_numpy()[0]
        whole = good(tree[group]["labels"].to_numpy().reshape(-1, N_STAR, 3))
        width = whole.std(axis=0)
        assert (abs(taken.mean(axis=0) - whole.mean(axis=0)) < 4 * width / np.sqrt(1000)).all()
        np.testing.assert_allclose(taken.std(axis=0), width, rtol=0.15)
    # all draws of few bootstraps differ: repeated ones would be spikes in a density
    assert len(np.unique(draws["bootstrap"]["labels"][0, :, 0, 0])) == 1000
    relative = comparable_draws(tree, n_draws=1000, relative=True, seed=1)
    for group, dataset in draws.items():
        shift = dataset["labels"] - relative[group]["labels"] - good(tree["fit"]["labels"].to_numpy())
        np.testing.assert_allclose(shift, 0, atol=1e-9)


def test_one_label():
    reference = toy.toy_reference(60, ("teff",))
    spectra = toy.toy_spectra(toy.toy_labels(2, ("teff",), seed=4), ("teff",), seed=4)
    tree = uncertainty_tree(train(reference), spectra, reference=reference, n_draws=100, n_bootstrap=2)
    assert np.isfinite(uncertainty_summary(tree).drop(columns="unit").to_numpy(dtype=float)).all()
    assert np.isfinite(comparable_draws(tree)["bootstrap"]["labels"]).all()


def test_wrong_calls_are_refused(tree, model, reference, spectra):
    with pytest.raises(ValueError, match="at least one star; got none"):
        uncertainty_tree(model, spectra.select(np.array([], dtype=int)))
    with pytest.raises(ValueError, match="n_bootstrap must be at least 2 to show a spread; got 1"):
        uncertainty_tree(model, spectra, reference=reference, n_bootstrap=1, n_draws=100)
    nothing = xr.DataTree.from_dict({"fit": tree["fit"].to_dataset()})
    with pytest.raises(ValueError, match="formal, bootstrap, posterior; this one has fit"):
        uncertainty_summary(nothing)
    with pytest.raises(ValueError, match="n_draws must be at least 2; got 1"):
        comparable_draws(tree, n_draws=1)
    lost = tree.map_over_datasets(lambda dataset: dataset.isel(star=[BAD]) if "star" in dataset.dims else dataset)
    with pytest.raises(ValueError, match="no star has draws in all of formal, bootstrap, posterior"):
        comparable_draws(lost)
    assert np.isnan(uncertainty_summary(lost)["observed"].iloc[0]) == np.isnan(tree["observed_data"]["labels"][BAD, 0])


@pytest.mark.parametrize("plot", [plot_label_forest, plot_label_ridge])
@pytest.mark.parametrize("relative", [False, True])
def test_figures(tree, tmp_path, plot, relative):
    from matplotlib import _pylab_helpers

    draws = comparable_draws(tree, n_draws=100, relative=relative)
    figure = plot(draws, KNOWN_LABELS["logg"], relative=relative)
    names, ax = figure.axes
    shown = {text.get_text() for text in names.texts}
    assert shown == set(good(tree["fit"]["star"].to_numpy()[:, None])[:, 0].tolist())
    assert ax.get_xlabel() == (r"$\log g$ $-$ inferred [dex]" if relative else r"$\log g$ [dex]")
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["formal", "bootstrap", "posterior"]
    values = draws["formal"]["labels"].sel(stellar_label="logg").to_numpy()
    low, high = ax.get_xlim()
    assert low < np.quantile(values, 0.1)
    assert high > np.quantile(values, 0.9)
    save_figure(figure, tmp_path / "figure.png", dpi=30)
    assert not _pylab_helpers.Gcf.figs


def test_figures_refuse_what_arviz_would_drop(tree):
    draws = comparable_draws(tree, n_draws=100)
    with pytest.raises(ValueError, match="a_k is not among them"):
        plot_label_forest(draws, KNOWN_LABELS["a_k"])
    with pytest.raises(ValueError, match="one to 4 groups of draws; got 0"):
        plot_label_ridge({}, KNOWN_LABELS["teff"])
    few = {**draws, "bootstrap": draws["bootstrap"].isel(draw=slice(20))}
    with pytest.raises(ValueError, match="same stars and numbers of draws; formal has"):
        plot_label_forest(few, KNOWN_LABELS["teff"])

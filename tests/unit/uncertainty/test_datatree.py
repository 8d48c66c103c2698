"""A tree for ArviZ holds what the package's own functions found, says its units, and survives files and figures."""

from dataclasses import replace

import arviz as az
import matplotlib.pyplot as plt
import numpy as np
import pytest
import scipy.stats
import toy
import xarray as xr

from bayescannon.cannon.labelling import formal_errors, label_spectra
from bayescannon.cannon.options import TrainingOptions
from bayescannon.cannon.posterior import sample_posterior
from bayescannon.cannon.training import train
from bayescannon.data.flags import FitStatus, PosteriorStatus
from bayescannon.numerics.errors import InputError
from bayescannon.uncertainty.bootstrap import bootstrap_labels
from bayescannon.uncertainty.datatree import uncertainty_tree
from bayescannon.uncertainty.draws import draw_groups

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


def stacked(group):
    """The labels of a group as one array, shape (..., star, K)."""
    return np.stack([group[name].to_numpy() for name in toy.NAMES], axis=-1)


def test_the_groups_hold_what_the_package_found(tree, model, reference, spectra):
    estimates = label_spectra(model, spectra, seed=3)
    posterior = sample_posterior(model, spectra, n_draws=N_DRAWS, n_keep=N_DRAWS, seed=3)
    bootstrap = bootstrap_labels(model, reference, spectra, n_bootstrap=N_BOOTSTRAP, seed=3)
    labels = {"posterior", "formal", "bootstrap", "observed_labels", "fit"}
    assert set(tree.children) == labels | {"observed_data", "log_likelihood", "posterior_predictive"}
    assert tree["posterior"]["teff"].dims == ("chain", "draw", "star")
    assert tree["bootstrap"]["teff"].dims == ("bootstrap", "star")
    np.testing.assert_array_equal(stacked(tree["posterior"])[0].swapaxes(0, 1), posterior["posterior_draws"])
    np.testing.assert_array_equal(stacked(tree["bootstrap"]), bootstrap["labels"])
    np.testing.assert_array_equal(stacked(tree["fit"]), estimates["labels"])
    for group in labels:
        assert [tree[group][name].attrs["units"] for name in toy.NAMES] == ["K", "dex", "dex"]
        assert all(tree[group][name].attrs["long_name"] for name in toy.NAMES)
        assert tree[group]["star"].to_numpy().tolist() == spectra.id.tolist()
    for name, value in {
        "model_hash": model.hash,
        "seed": 3,
        "prior": "flat",
        "n_bootstrap": N_BOOTSTRAP,
        "likelihood": "pixels",
    }.items():
        assert tree.attrs[name] == value


def test_formal_draws_have_the_formal_covariance(tree, model, spectra):
    estimates = label_spectra(model, spectra, seed=3)
    draws = stacked(tree["formal"])[0]
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
        missing = np.isnan(stacked(tree[group]).reshape(-1, N_STAR, 3)).any(axis=(0, 2))
        assert np.flatnonzero(missing).tolist() == [BAD]
    fit = tree["fit"]
    assert fit["status"][BAD] == FitStatus.FEW_PIXELS
    assert fit["posterior_status"][BAD] == PosteriorStatus.NO_POSTERIOR
    assert fit["bootstrap_failed"].to_numpy().tolist() == [N_BOOTSTRAP if n == BAD else 0 for n in range(N_STAR)]


def test_observed_labels_are_matched_by_name(tree):
    truth = toy.toy_labels(N_STAR, seed=9)
    observed = tree["observed_labels"]
    np.testing.assert_array_equal(stacked(observed)[1:], truth[1:])
    np.testing.assert_array_equal(observed["teff_error"][1:], 50.0)
    assert observed["teff_error"].attrs["units"] == "K"
    assert np.isnan(observed["logg_error"]).all()
    assert np.isnan(stacked(observed)[0]).all()
    assert observed.attrs["source"] == "toy table"


def test_the_result_does_not_depend_on_the_other_stars_or_on_workers(tree, model, spectra):
    few = uncertainty_tree(model, spectra.select(np.array([3, 0])), n_draws=N_DRAWS, seed=3, workers=1, likelihood=None)
    assert set(few.children) == {"posterior", "formal", "fit"}
    assert few.attrs["likelihood"] == "none"
    for group in ("posterior", "formal"):
        np.testing.assert_allclose(stacked(few[group]), stacked(tree[group])[:, :, [3, 0]], rtol=1e-9)


def test_files_hold_the_tree(tree, tmp_path):
    tree.to_netcdf(tmp_path / "tree.nc", engine="h5netcdf")
    xr.testing.assert_identical(az.from_netcdf(tmp_path / "tree.nc").load(), tree)
    tree.to_zarr(tmp_path / "tree.zarr", consolidated=False)
    with xr.open_datatree(tmp_path / "tree.zarr", engine="zarr", consolidated=False) as read:
        xr.testing.assert_identical(read.load(), tree)


def test_wrong_calls_are_refused(model, reference, spectra):
    with pytest.raises(ValueError, match="at least one star; got none"):
        uncertainty_tree(model, spectra.select(np.array([], dtype=int)))
    with pytest.raises(InputError, match="must be 'auto', 'pixels', 'modes' or None; got 'flux'"):
        uncertainty_tree(model, spectra, likelihood="flux")
    with pytest.raises(ValueError, match="n_bootstrap must be at least 2, to have a spread; got 1"):
        uncertainty_tree(model, spectra, reference=reference, n_bootstrap=1, n_draws=100)


def test_arviz_takes_the_likelihood_of_the_pixels(tree, model, spectra):
    """The pointwise log likelihood is that of SciPy, and loo and plot_ppc_dist run on the tree."""
    assert set(tree["observed_data"].data_vars) == {"flux"}
    there = tree["log_likelihood"]
    star = np.array([spectra.id.tolist().index(name) for name in there["star"].to_numpy()])
    pixel = there["pixel"].to_numpy()
    assert BAD not in star
    assert len(star) == int((np.delete(spectra.ivar, BAD, axis=0) > 0).sum())
    np.testing.assert_array_equal(there["wavelength"], model.wavelength[pixel])
    np.testing.assert_array_equal(tree["observed_data"]["flux"], spectra.flux[star, pixel])
    predicted = model.predict(stacked(tree["posterior"])[0, 7])[star, pixel]
    sigma = np.sqrt(1 / spectra.ivar[star, pixel] + model.scatter[pixel] ** 2)
    np.testing.assert_allclose(
        there["flux"][0, 7], scipy.stats.norm.logpdf(spectra.flux[star, pixel], predicted, sigma), rtol=1e-10
    )
    drawn = tree["posterior_predictive"]["flux"][0, 7].to_numpy()
    assert scipy.stats.kstest((drawn - predicted) / sigma, "norm").pvalue > 1e-3
    loo = az.loo(tree, var_name="flux", pointwise=True)
    assert loo.n_data_points == len(star)
    assert float(loo.pareto_k.max()) < 0.7
    # the model is right: each of the stars uses as many parameters as it has labels
    assert loo.p == pytest.approx(3 * (N_STAR - 1), rel=0.5)
    collection = az.plot_ppc_dist(tree, num_samples=5, backend="matplotlib")
    plt.close(collection.get_viz("figure"))


def test_arviz_takes_the_likelihood_of_the_modes(model, spectra):
    tree = uncertainty_tree(model, spectra.select(np.array([0, 3])), n_draws=N_DRAWS, seed=3, likelihood="modes")
    assert set(tree["observed_data"].data_vars) == {"y"}
    assert tree["log_likelihood"].sizes["observation"] == 20
    # the same likelihood of the labels as that of the pixels, but for a constant of each star
    pixels = uncertainty_tree(model, spectra.select(np.array([0, 3])), n_draws=N_DRAWS, seed=3, likelihood="pixels")
    for name in spectra.id[[0, 3]]:
        sums = [
            one[variable][0].to_numpy()[:, one["star"].to_numpy() == name].sum(axis=1)
            for one, variable in ((tree["log_likelihood"], "y"), (pixels["log_likelihood"], "flux"))
        ]
        np.testing.assert_allclose(np.ptp(sums[0] - sums[1]), 0, atol=1e-7)


def test_hidden_components_leave_the_modes_only(spectra):
    reference, _ = toy.noisy_reference(120, error=0.2, hidden=0.01)
    hidden = train(reference, options=TrainingOptions(label_errors="table", n_hidden=1))
    few = spectra.select(np.array([0]))
    tree = uncertainty_tree(hidden, few, n_draws=N_DRAWS)
    assert tree.attrs["likelihood"] == "modes"
    with pytest.raises(InputError, match="hidden components correlate them"):
        uncertainty_tree(hidden, few, n_draws=N_DRAWS, likelihood="pixels")


def test_many_pixels_and_draws_are_taken_as_modes(model, spectra, monkeypatch):
    monkeypatch.setattr("bayescannon.uncertainty.star_likelihood.MOST_VALUES", 1000)
    monkeypatch.setattr("bayescannon.cannon.likelihood_groups.MOST_VALUES", 1000)
    few = spectra.select(np.array([0]))
    with pytest.raises(InputError, match="has more than 1000 values, too many for ArviZ"):
        uncertainty_tree(model, few, n_draws=N_DRAWS, likelihood="pixels")
    with pytest.raises(InputError, match="take fewer stars, pixels or draws"):
        uncertainty_tree(model, few, n_draws=N_DRAWS)


def test_no_star_with_a_posterior_leaves_no_likelihood(model, spectra):
    tree = uncertainty_tree(model, spectra.select(np.array([BAD])), n_draws=N_DRAWS)
    assert "log_likelihood" not in tree.children

"""A tree for ArviZ holds what the package's own functions found, says its units, and survives files and figures."""

import arviz as az
import numpy as np
import pytest
import toy
import xarray as xr
from uncertain_stars import BAD, N_BOOTSTRAP, N_DRAWS, N_STAR, stacked

from bayescannon.cannon.labelling import formal_errors, label_spectra
from bayescannon.cannon.posterior import sample_posterior
from bayescannon.data.flags import FitStatus, PosteriorStatus
from bayescannon.numerics.errors import InputError
from bayescannon.uncertainty.bootstrap import bootstrap_labels
from bayescannon.uncertainty.datatree import uncertainty_tree
from bayescannon.uncertainty.draws import draw_groups


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

"""Label estimates to make catalogues of, and what two equal catalogues have in common."""

import numpy as np
import xarray as xr
from astropy.table import Table

from bayescannon.data.flags import FitStatus
from bayescannon.data.labels import PAPER_LABELS
from bayescannon.stars.importance import PROBABILITIES

ENDINGS = [".fits", ".ecsv", ".parquet", ".vot", ".mrt"]

SEVEN = (*PAPER_LABELS, "vsini", "mass")  # km/s and solMass beside K, dex and mag


def make_estimates(n_star: int = 12, names: tuple[str, ...] = PAPER_LABELS) -> xr.Dataset:
    """Label estimates with a failed star and a star without errors."""
    rng = np.random.default_rng(3)
    n = len(names)
    root = rng.normal(size=(n_star, n, 2 * n))
    covariance = 0.01 * root @ root.transpose(0, 2, 1)
    labels = rng.normal(2.0, 3.0, size=(n_star, n))
    status = np.zeros(n_star, dtype=int)
    for row, kind in ((1, FitStatus.FEW_PIXELS), (4, FitStatus.SINGULAR)):
        if row < n_star:
            status[row] = kind
            covariance[row] = np.nan
            if kind is FitStatus.FEW_PIXELS:
                labels[row] = np.nan
    columns = {
        "chi2": rng.chisquare(3000, n_star),
        "reduced_chi2": rng.uniform(0.2, 2.0, n_star),
        "live_pixels": rng.integers(0, 3627, n_star),
        "agreeing_starts": rng.integers(0, 8, n_star),
        "status": status,
        "flags": rng.integers(0, 64, n_star),
        "ra": rng.uniform(0, 360, n_star),
        "dec": rng.uniform(-10, 60, n_star),
        "snr": np.where(np.arange(n_star) == 2, np.nan, rng.uniform(5, 200, n_star)),
        "redshift": rng.normal(0, 1e-4, n_star),
    }
    return xr.Dataset(
        {
            "labels": (("star", "stellar_label"), labels),
            "formal_covariance": (("star", "stellar_label", "stellar_label_2"), covariance),
            **{name: ("star", values) for name, values in columns.items()},
        },
        coords={
            "star": [f"spec-55859-F5902_sp{i:02d}-{10**i}" for i in range(n_star)],
            "stellar_label": list(names),
            "stellar_label_2": list(names),
        },
        attrs={
            "n_starts": np.int64(7),
            "seed": np.int64(11),
            "model_hash": "0123abcd" * 8,
            "version": "0.1.0",
            "data_release": "LAMOST DR2",
            "created": "2024-05-06T07:08:09",
            "reference": "",
        },
    )


def make_calibrated(names: tuple[str, ...] = PAPER_LABELS) -> xr.Dataset:
    """Label estimates whose calibrated errors are three times the formal ones."""
    estimates = make_estimates(names=names)
    variance = np.diagonal(estimates["formal_covariance"].to_numpy(), axis1=1, axis2=2)
    estimates["calibrated_error"] = ("star", "stellar_label"), 3 * np.sqrt(variance)
    return estimates.assign_attrs(errors="calibrated on 1000 reference stars out of fold (0123456789ab)")


def with_posterior(estimates: xr.Dataset) -> xr.Dataset:
    """Add a posterior whose 15.9-84.1 % interval is twice the formal error."""
    steps = xr.DataArray([-2.0, -1.0, 0.0, 1.0, 2.0], dims="quantile", coords={"quantile": list(PROBABILITIES)})
    variance = np.diagonal(estimates["formal_covariance"].to_numpy(), axis1=1, axis2=2)
    width = xr.DataArray(np.sqrt(variance), dims=("star", "stellar_label"))
    n_star = estimates.sizes["star"]
    return estimates.assign(
        posterior_quantile=estimates["labels"] + steps * width,
        k_hat=("star", np.full(n_star, 0.1)),
        ess=("star", np.full(n_star, 900.0)),
        n_modes=("star", np.ones(n_star, dtype=int)),
        posterior_status=("star", np.zeros(n_star, dtype=int)),
    )


def require_same_catalogue(got: Table, want: Table, *, rounded: bool) -> None:
    """Compare everything that a file must keep; a rounded file is off by half of a last decimal at most."""
    assert type(got) is Table
    assert got.colnames == want.colnames
    assert len(got) == len(want)
    assert got.meta == want.meta
    assert not got.has_masked_columns
    for name in want.colnames:
        g, w = got[name], want[name]
        assert g.unit == w.unit, name
        assert g.description == w.description, name
        assert g.format == w.format, name
        assert g.meta == w.meta, name
        assert g.dtype.kind == w.dtype.kind, name
        if w.dtype.kind != "U":
            assert g.dtype == w.dtype, name
        if w.dtype.kind == "f":
            decimals = int(w.format.strip(".f"))
            tolerance = 0.5001 * 10.0**-decimals if rounded else 0.0
            # a rounded number is rounded again to single precision
            np.testing.assert_allclose(g, w, rtol=1e-7 if rounded else 0, atol=tolerance, err_msg=name)
        else:
            np.testing.assert_array_equal(g, w)

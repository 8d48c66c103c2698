"""Training on reference labels with errors: slopes and reduced chi2 of stars that it never saw."""

import numpy as np
import pytest
from expect import expect_between, slopes
from toy import noisy_reference

from bayescannon.cannon.held_out import hold_out
from bayescannon.cannon.options import TrainingOptions

# they take a minute in all, and are run with the long tests
pytestmark = pytest.mark.long

OPTIONS = {
    "flat": TrainingOptions(),
    "latent": TrainingOptions(label_errors="table", n_hidden=4),
    "pooled": TrainingOptions.from_names(coefficients="pooled", noise="global", label_errors="table", hidden=4),
}


def test_held_out_stars_get_slopes_of_one_from_the_options_of_a_training():
    slope: dict[str, list] = {name: [] for name in OPTIONS}
    for seed in (5, 6, 7):
        reference, truth = noisy_reference(400, error=0.4, hidden=0.01, seed=seed, label_seed=seed)
        for name, options in OPTIONS.items():
            estimates = hold_out(reference, folds=2, options=options, seed=seed).estimates
            assert (estimates["status"] == 0).all()
            slope[name].append(slopes(estimates["labels"].to_numpy(), truth))
    off = {name: np.abs(np.mean(rows, axis=0) - 1) for name, rows in slope.items()}
    print(off)
    assert (off["flat"] > 0.1).all()
    assert (off["latent"] < 0.3 * off["flat"]).all()
    assert (off["pooled"] < 0.3 * off["flat"]).all()


def test_reduced_chi2_is_one_where_the_model_is_right():
    """The scatter of flat training takes the label errors in; latent labels leave it what it is."""
    reference, _ = noisy_reference(1200, error=0.4, hidden=0.01, n_pixel=100)
    chi2 = {
        name: float(hold_out(reference, folds=3, options=OPTIONS[name]).estimates["reduced_chi2"].median())
        for name in ("flat", "latent")
    }
    expect_between(chi2["latent"], 0.97, 1.07, what="median reduced chi2, label errors")
    expect_between(chi2["flat"], 0.0, 0.6, what="median reduced chi2, flat")

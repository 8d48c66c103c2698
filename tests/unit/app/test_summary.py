"""The last line of a run says what is of no use."""

import numpy as np
import pytest
import xarray as xr
from astropy.table import Table

from bayescannon.app.summary import coverage_summary, preparation_summary, summary, training_summary, uselessness
from bayescannon.cannon.training import train
from bayescannon.data.flags import ResultFlag
from bayescannon.data.noise_check import NoiseFinding, StarNoise
from bayescannon.data.preset import PAPER
from bayescannon.io.prepare_report import PrepareReport
from tests.helpers import toy

NO_BOUNDS = ((np.nan, np.nan),) * 4


def estimates(flags, chi2=1.0, **attrs):
    n_star = len(flags)
    values = {
        "status": np.zeros(n_star, int),
        "flags": np.array(flags),
        "agreeing_starts": np.full(n_star, 7),
        "reduced_chi2": np.full(n_star, chi2),
        "live_pixels": np.full(n_star, 3000),
    }
    return xr.Dataset({name: ("star", array) for name, array in values.items()}, attrs=attrs)


def test_labels_without_a_fault():
    said = summary(estimates([0, int(ResultFlag.LOW_SNR)]), n_starts=7)
    assert said == ("labelled 2 of 2 stars, 100.0 % of the starts reach the best optimum, median reduced chi2 1.00")


def test_bad_rows_are_counted_by_flag():
    flags = [0] * 30 + [int(ResultFlag.OUTSIDE_COVERAGE)] * 3 + [int(ResultFlag.OUTSIDE_COVERAGE | 1)] * 2
    said = summary(estimates(flags), n_starts=7)
    assert said.startswith("labelled 35 of 35 stars, 5 of them flag_bad (OUTSIDE_COVERAGE 5, HIGH_CHI2 2), 100.0 %")
    assert "no use" not in said


@pytest.mark.parametrize(
    ("attrs", "chi2", "reason"),
    [
        ({"model_release": "LAMOST DR2", "data_release": "LAMOST DR10"}, 1.0, "the spectra are of LAMOST DR10"),
        ({}, 250.0, "the median reduced chi2 of 20 stars is 250: the model does not describe these spectra"),
        ({}, 1.0, "the model does not fit these stars"),
    ],
)
def test_a_useless_run_says_so_and_why(attrs, chi2, reason):
    said = summary(estimates([int(ResultFlag.HIGH_CHI2)] * 19 + [0], chi2, **attrs), n_starts=7)
    assert "19 of them flag_bad (HIGH_CHI2 19)" in said
    assert f"; most of these labels are of no use: {reason}" in said
    assert uselessness(estimates([])) == ""


def test_coverage():
    table = Table({"flags": [0, 64, 16 | 1], "label_distance": [np.nan] * 3})
    assert coverage_summary(table) == (
        "assessed 3 stars, 2 of them flag_bad (HIGH_CHI2 1, OUTSIDE_COVERAGE 1, NOVEL_SPECTRUM 1), 1 OUTSIDE_COVERAGE, "
        "1 NOVEL_SPECTRUM"
    )
    table.meta["coverage"] = "p-values against 169 held-out reference stars"
    assert coverage_summary(table).endswith("1 NOVEL_SPECTRUM; p-values against 169 held-out reference stars")


def test_a_model_without_calibration():
    said = training_summary(train(toy.toy_reference(60, ("teff",))))
    assert said == (
        "trained 1 labels on 60 stars in 120 pixels; errors of its labels are formal: calibrated ones need --folds 8"
    )


def test_refused_files_and_lost_pixels(tmp_path):
    refused = (("a", "not FITS: text"), ("b", "no redshift: z"), ("c", "not FITS: text"))
    report = PrepareReport(tmp_path, 5, 2, refused, PAPER)
    assert preparation_summary(report) == "prepared 2 of 5 spectra, 3 refused (2 not FITS, 1 no redshift)"
    lost = NoiseFinding((StarNoise(1.0, NO_BOUNDS, 7, 0, 2),))
    assert preparation_summary(PrepareReport(tmp_path, 2, 2, (), PAPER, noise=lost)) == (
        "prepared 2 of 2 spectra; inverse variances that are not used: 7 not finite, 2 above 100 times the median "
        "around"
    )


def test_nuisances_are_named_and_large_ones_counted():
    large = int(ResultFlag.LARGE_NUISANCE)
    said = summary(estimates([0, large, large | int(ResultFlag.LOW_SNR)], nuisances="velocity 5 km/s"), n_starts=7)
    assert said.endswith("median reduced chi2 1.00; with nuisances (velocity 5 km/s), 2 LARGE_NUISANCE")


def test_outliers_are_counted():
    many = int(ResultFlag.MANY_OUTLIERS)
    said = summary(estimates([0, many, 0]).assign(outlying_pixels=("star", [3, 400, 0])), n_starts=7)
    assert said.endswith("; 403 pixels are outliers and lost their weight, 1 MANY_OUTLIERS")

"""Tables of the mock survey: label errors, flaws and biases have the stated sizes and shares."""

import numpy as np
import pytest
from expect import expect_between, expect_mean

from bayescannon.io.apogee_flags import AspcapFlagDR12
from bayescannon.mock.catalogues import (
    APOGEE_ABUNDANCES,
    APOGEE_COLUMNS,
    APOGEE_ERRORS,
    MISSING,
    apogee_table,
    lasp_table,
)
from bayescannon.mock.stars import draw_stars


@pytest.fixture(scope="module")
def stars():
    return draw_stars(10_000, 2_000, np.random.default_rng(2))


@pytest.fixture(scope="module")
def apogee(stars):
    return apogee_table(stars, np.random.default_rng(3))


def test_label_errors_are_as_stated(stars, apogee):
    reference = stars["is_reference"]
    clean = ((stars["aspcapflag"] == 0) & ~stars["mislabelled"] & ~stars["incomplete"])[reference]
    for name, column in (APOGEE_COLUMNS | APOGEE_ABUNDANCES).items():
        error = (np.asarray(apogee[column]) - stars[name][reference])[clean]
        expect_mean(error, 0.0, what=f"error of {name}")
        np.testing.assert_allclose(error.std(), APOGEE_ERRORS[name], rtol=0.06)
        pull = error / np.asarray(apogee[f"{column}_ERR"])[clean]
        expect_between((pull.std() - 1) * np.sqrt(2 * len(pull)), -4, 4, what=f"sigmas of the pulls' width of {name}")


def test_flaws_have_the_stated_shares_and_marks(stars, apogee):
    reference = stars["is_reference"]
    flag = np.asarray(apogee["ASPCAPFLAG"]).astype(np.int64) & 0xFFFFFFFF
    assert stars["mislabelled"].sum() == 300
    assert (flag != 0).sum() == 500
    assert not (stars["mislabelled"] | stars["incomplete"])[~reference].any()
    assert (stars["aspcapflag"][~reference] == 0).all()
    labels = np.stack([np.asarray(apogee[column]) for column in APOGEE_COLUMNS.values()], axis=1)
    no_result = (flag & AspcapFlagDR12.NO_ASPCAP_RESULT) != 0
    assert (labels[no_result] == MISSING).all()
    assert ((labels == MISSING).sum(axis=1)[stars["incomplete"][reference]] == 1).all()
    error = np.abs(labels[:, 0] - stars["teff"][reference])
    assert np.median(error[stars["mislabelled"][reference]]) > 100
    bad = (flag & AspcapFlagDR12.STAR_BAD) != 0
    assert np.median(error[bad]) > 150
    assert (flag[bad] & (AspcapFlagDR12.TEFF_BAD | AspcapFlagDR12.CHI2_BAD) != 0).all()


def test_own_labels_of_survey_b_are_biased(stars):
    lasp, truth = lasp_table(stars | {"snrg": stars["snr"]}, np.random.default_rng(5)), stars
    assert 50 < np.median(lasp["teff"] - truth["teff"]) < 100
    offset = np.asarray(lasp["logg"] - truth["logg"])
    assert offset[truth["logg"] < 1.8].mean() > offset[truth["logg"] > 2.8].mean() + 0.1
    slope = np.polyfit(truth["m_h"], lasp["fe_h"], 1)[0]
    assert 0.8 < slope < 0.92

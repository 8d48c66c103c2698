"""The columns of a table of labels: which one is meant, what is missing, and units."""

import numpy as np
import pytest
from astropy.table import MaskedColumn, Table
from label_files import THREE, plain_table

from bayescannon.data.label_table import MISSING_FLAGS
from bayescannon.io.apogee_flags import AspcapFlagDR12, AspcapFlagDR17
from bayescannon.io.label_tables.found_table import TableError
from bayescannon.io.label_tables.table_options import TableOptions
from bayescannon.io.tables import read_labels, read_table


def test_masked_values_are_missing(tmp_path):
    table = plain_table(
        logg=MaskedColumn([2.5, 3.0, 1.0], mask=[True, False, False]),
        ASPCAPFLAG=MaskedColumn([0, 0, 4], mask=[False, True, False]),
        LAMOST_ID=MaskedColumn(["a", "b", "c"], mask=[False, False, True]),
    )
    table.write(tmp_path / "t.csv", format="ascii.csv")
    labels = read_labels(tmp_path / "t.csv", label_names=THREE)
    np.testing.assert_array_equal(labels.labels["logg"], [np.nan, 3, 1])
    assert labels.flags.tolist() == [0, MISSING_FLAGS, 4]
    assert labels.id.tolist() == ["a", "b", ""]


@pytest.mark.parametrize("values", [[0.0, np.nan, 4.0], [0, -9999, 4]])
def test_missing_flags_never_look_clean(tmp_path, values):
    plain_table(ASPCAPFLAG=values).write(tmp_path / "t.fits")
    assert read_labels(tmp_path / "t.fits", label_names=THREE).flags.tolist() == [0, MISSING_FLAGS, 4]
    assert MISSING_FLAGS == AspcapFlagDR12.NO_ASPCAP_RESULT == AspcapFlagDR17.NO_ASPCAP_RESULT


def test_columns_are_chosen_by_name(tmp_path):
    table = plain_table(obsid=[11, 12, 13], M_H=[0.3, 0.2, 0.1], sigma=[1.0, 2.0, 3.0], quality=[1, 2, 3])
    table.write(tmp_path / "t.csv", format="ascii.csv")
    labels = read_labels(
        tmp_path / "t.csv",
        label_names=THREE,
        columns={"id": "obsid", "fe_h": "M_H", "e_fe_h": "sigma", "flags": "quality", "survey_id": "LAMOST_ID"},
    )
    assert labels.id.tolist() == ["11", "12", "13"]
    assert labels.survey_id.tolist() == ["dr2/spec-1.fits", "spec-2.fits.gz", "spec-3"]
    assert labels.labels["fe_h"].tolist() == [0.3, 0.2, 0.1]
    assert labels.errors["fe_h"].tolist() == [1, 2, 3]
    assert labels.flags.tolist() == [1, 2, 3]


@pytest.mark.parametrize("ending", ["ecsv", "fits", "vot"])
def test_units_of_files_are_converted(tmp_path, ending):
    table = plain_table()
    table["TEFF"] = [4.5, 5.0, -9999.0]
    table["TEFF"].unit, table["ra"].unit, table["e_teff"].unit = "kK", "hourangle", "K"
    if ending == "fits":
        # FITS has no hourangle
        table["ra"] = table["ra"] * 60 * 15
        table["ra"].unit = "arcmin"
    table.write(tmp_path / f"t.{ending}", format="votable" if ending == "vot" else None)
    labels = read_labels(tmp_path / f"t.{ending}", label_names=THREE)
    np.testing.assert_allclose(labels.labels["teff"], [4500, 5000, np.nan])
    np.testing.assert_allclose(labels.errors["teff"], [50, np.nan, np.nan])
    np.testing.assert_allclose(labels.ra, [15, 30, np.nan])


@pytest.mark.parametrize("ending", ["csv", "fits", "parquet"])
def test_ids_that_became_floats_are_refused_with_the_remedy(tmp_path, ending):
    path = tmp_path / f"t.{ending}"
    plain_table(LAMOST_ID=[4.6e18, 4.7e18, np.nan]).write(path, format="ascii.csv" if ending == "csv" else None)
    with pytest.raises(TableError, match=r"'id' must be text or whole numbers; got floating-point numbers"):
        read_labels(path, label_names=THREE)


def test_numbers_written_as_text_are_read():
    labels = read_labels(plain_table(TEFF=["4500", "", "5000"]), label_names=THREE)
    np.testing.assert_array_equal(labels.labels["teff"], [4500, np.nan, 5000])


@pytest.mark.parametrize("value", [-999.0, -99.99, 99.99, 9999.0, 1e20])
def test_sentinels_are_missing_and_counted(value):
    fe_h = np.random.default_rng(1).normal(-0.3, 0.2, 100)
    fe_h[:20] = value
    labels = read_labels(
        {"id": [f"s{k}" for k in range(100)], "fe_h": fe_h, "e_fe_h": np.where(fe_h == value, value, 0.1)}
    )
    assert np.isnan(labels.labels["fe_h"]).sum() == 20
    assert np.nanmax(labels.errors["fe_h"]) == 0.1
    assert f"fe_h: {value:g} in 20 of 100 rows (fe_h) stands for a missing value" in labels.notes


def test_a_value_that_repeats_is_kept_said_and_left_to_the_user():
    fe_h = np.random.default_rng(1).normal(-0.3, 0.2, 100)
    fe_h[:20] = 0
    table = {"id": [f"s{k}" for k in range(100)], "fe_h": fe_h}
    labels = read_labels(table)
    assert np.isfinite(labels.labels["fe_h"]).all()
    assert any("0 in 20 of 100 rows (fe_h) is kept; .*" and "--missing fe_h=0" in note for note in labels.notes)
    named = read_labels(table, missing={"fe_h": 0})
    assert np.isnan(named.labels["fe_h"]).sum() == 20
    assert "fe_h: 20 of 100 rows hold a value that --missing names" in named.notes


def test_values_that_no_star_has_are_missing_and_counted():
    teff = np.r_[np.linspace(4000, 5000, 20), 12.5, 1e6]
    labels = read_labels({"id": [str(k) for k in range(22)], "teff": teff})
    assert np.isnan(labels.labels["teff"]).tolist() == [False] * 20 + [True] * 2
    assert any(
        "teff: 2 of 22 values (12.5, 1e+06) are outside 200 to 300000 K: missing" in note for note in labels.notes
    )


@pytest.mark.parametrize("values", [[4.8, 4.9, 5.1], [3.68, 3.69, 3.71]])
def test_temperatures_that_could_be_anything_need_a_unit(values):
    table = {"id": list("abc"), "teff": values, "e_teff": [0.1, 0.1, 0.1]}
    with pytest.raises(TableError, match=r"3 of 3 values of label 'teff'.*log10 of Teff, or kK.*--units teff="):
        read_labels(table)
    kilo = read_labels(table, units={"teff": "kK"})
    np.testing.assert_allclose(kilo.labels["teff"], 1000 * np.array(values))
    np.testing.assert_allclose(kilo.errors["teff"], 100)
    log = read_labels(table, units={"teff": "dex(K)"})
    np.testing.assert_allclose(log.labels["teff"], 10 ** np.array(values))
    np.testing.assert_allclose(log.errors["teff"], 10 ** np.array(values) * np.log(10) * 0.1)


@pytest.mark.parametrize("unit", ["log(K)", "[K]", "dex(K)", "log10(K)"])
def test_a_declared_logarithm_is_taken_back(unit):
    labels = read_labels(Table({"id": ["a"], "teff": [3.7]}, units={"teff": unit}))
    assert labels.labels["teff"] == pytest.approx([10**3.7])
    assert f"teff: converted from {unit} to K" in labels.notes


def test_an_age_in_years_becomes_its_logarithm():
    table = Table(
        {"id": ["a", "b"], "log_age": [1.0, 10.0], "e_log_age": [0.1, 2.0]},
        units={"log_age": "Gyr", "e_log_age": "Gyr"},
    )
    labels = read_labels(table)
    np.testing.assert_allclose(labels.labels["log_age"], [9, 10])
    np.testing.assert_allclose(labels.errors["log_age"], np.array([0.1, 0.2]) / np.log(10))


def test_units_by_hand_stand_above_those_of_the_table():
    table = Table({"id": ["a"], "teff": [4.8]}, units={"teff": "deg"})
    labels = read_labels(table, units={"teff": "kK"})
    assert labels.labels["teff"] == [4800]
    assert "teff: teff says deg, read in kK as --units says" in labels.notes


def test_a_label_that_only_a_cut_looks_at_may_be_useless():
    table = read_table(
        {"id": ["a"], "logg": [2.0], "teff": [True]}, TableOptions(), ["logg"], optional=["teff", "alpha_m"]
    )
    assert list(table.labels) == ["logg"]
    assert any("teff is not read: the column for 'teff' does not hold numbers" in note for note in table.notes)


RNG = np.random.default_rng(5)


def test_what_is_dropped_of_errors_and_of_snr_is_counted():
    table = {"id": list("abcdefgh"), "teff": np.arange(4000.0, 4800, 100), "e_teff": [60.0, 0, -1, 70, 50, 40, 60, 70]}
    labels = read_labels({**table, "snr": [50.0, -999, -999, 30, 20, 40, 60, 80]})
    assert np.isnan(labels.errors["teff"]).tolist() == [False, True, True] + [False] * 5
    assert "e_teff: 2 of 8 rows hold 0 or alike: missing" in labels.notes
    assert "snr: 2 of 8 rows hold -999 or alike: missing" in labels.notes


@pytest.mark.parametrize(("name", "value", "kept"), [("logg", 8.0, True), ("fe_h", -2.5, True), ("fe_h", -5.0, False)])
def test_a_value_of_few_stars_is_kept_and_said(name, value, kept):
    values = np.r_[RNG.normal(2, 0.5, 480) if name == "logg" else RNG.normal(0, 0.2, 480), np.full(20, value)]
    labels = read_labels({"id": np.arange(500), name: values})
    assert np.isfinite(labels.labels[name][-1]) == kept
    (note,) = [one for one in labels.notes if one.startswith(f"{name}:")]
    assert f"{value:g} in 20 of 500 rows" in note
    assert (f"--missing {name}={value:g}" if kept else f"--missing {name}=none keeps it") in note


def test_values_that_look_missing_are_kept_on_request():
    table = {"id": np.arange(100), "logg": np.r_[RNG.normal(2, 0.5, 50), np.full(50, 8.0)]}
    assert np.isnan(read_labels(table).labels["logg"]).sum() == 50
    assert np.isfinite(read_labels(table, missing={"logg": "none"}).labels["logg"]).all()


def test_the_unit_that_is_taken_for_errors_is_said():
    table = {"id": ["a", "b"], "teff": [4.8, 5.1], "e_teff": [60.0, 50.0]}
    labels = read_labels(table, units={"teff": "kK"})
    assert "e_teff: e_teff has no unit, taken to be in kK; --units e_teff=UNIT if it is not" in labels.notes
    labels = read_labels(table, units={"teff": "kK", "e_teff": "K"})
    assert labels.errors["teff"].tolist() == [60, 50]
    assert not [note for note in labels.notes if "has no unit" in note]

"""Which column is read, whose error goes with it, and what is said of the others."""

import numpy as np
import pytest
from survey_tables import FE_H, N_ROW, allstar_dr17, simple

from bayescannon.io.label_tables.found_table import TableError
from bayescannon.io.tables import read_labels


def error_of(label, table, **columns):
    errors = read_labels(table, label_names=[label], columns=columns).errors
    return errors[label][0] if label in errors else None


@pytest.mark.parametrize("error", ["e_fe_h", "FE_H_ERR", "fe_h_error", "err_fe_h", "fe_herr", "sigma_fe_h", "fe_h_unc"])
def test_the_error_of_a_label_by_any_usual_name(error):
    assert error_of("fe_h", simple(**{error: np.full(N_ROW, 0.07)})) == 0.07


def test_the_error_belongs_to_the_column_of_the_label():
    both = simple(m_h=FE_H - 0.1, m_h_err=np.full(N_ROW, 0.03), e_fe_h=np.full(N_ROW, 0.2))
    assert error_of("fe_h", both) == 0.2
    assert error_of("fe_h", both, fe_h="m_h") == 0.03
    assert error_of("fe_h", both, fe_h="m_h", e_fe_h="e_fe_h") == 0.2
    # no error of another measure
    lone = simple(m_h=FE_H, e_fe_h=np.full(N_ROW, 0.2))
    assert error_of("fe_h", lone, fe_h="m_h") is None
    # but one that is named after the label, where nothing else has its name
    own = simple(fe_h=None, metals=FE_H, e_fe_h=np.full(N_ROW, 0.2))
    assert error_of("fe_h", own, fe_h="metals") == 0.2


@pytest.mark.parametrize(("column", "error"), [(None, 0.01), ("FE_H", 0.2), ("M_H", 0.01), ("fe_h", 0.2)])
def test_metallicities_of_apogee(column, error):
    columns = {} if column is None else {"fe_h": column}
    labels = read_labels(allstar_dr17(), columns=columns)
    np.testing.assert_allclose(labels.labels["fe_h"], FE_H - (0.5 if error == 0.2 else 0), rtol=1e-6)
    np.testing.assert_allclose(labels.errors["fe_h"], error, rtol=1e-6)
    other = "M_H" if error == 0.2 else "FE_H"
    assert any(f"{other} is there too (--columns fe_h={other} takes it)" in note for note in labels.notes)


def test_iron_alone_is_the_metallicity_and_alpha_over_iron_is_not_over_metals():
    labels = read_labels(allstar_dr17(M_H=None, M_H_ERR=None))
    np.testing.assert_allclose(labels.errors["fe_h"], 0.2, rtol=1e-6)
    with pytest.raises(TableError, match=r"no column for label 'alpha_m'.*ALPHA_FE could be meant"):
        read_labels(allstar_dr17(ALPHA_M=None, ALPHA_M_ERR=None, ALPHA_FE=FE_H))


@pytest.mark.parametrize(
    ("names", "label", "hint"),
    [({"feh": FE_H}, "fe_h", "feh"), ({"M_H": FE_H}, "fe_h", "M_H"), ({"log_g": FE_H}, "logg", "log_g")],
)
def test_a_missing_column_comes_with_those_that_could_be_meant(names, label, hint):
    with pytest.raises(TableError, match=rf"{hint} could be meant; name one with --columns {label}={hint}"):
        read_labels(simple(**{label: None}, **names), label_names=[label])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"columns": {"teff": "T"}}, r"--columns teff=T: no such column; the table has the columns id, ra"),
        ({"columns": {"vrad": "ra"}}, "cannot set 'vrad'; it can set id, "),
        ({"units": {"vrad": "km/s"}}, "--units cannot set 'vrad'; it can set teff"),
        ({"missing": {"id": 0}}, "--missing cannot set 'id'"),
    ],
)
def test_choices_that_name_nothing(options, words):
    with pytest.raises(TableError, match=words):
        read_labels(simple(), **options)


def test_an_element_of_an_array_and_its_covariance():
    param = np.tile([4500.0, 2.0, 0.1, -0.5], (N_ROW, 1)) + np.arange(N_ROW)[:, None] * [10, 0.1, 0, 0.1]
    covariance = np.tile(np.diag([100.0, 0.01, 1.0, 0.0004]), (N_ROW, 1, 1))
    table = simple(PARAM=param, PARAM_COV=covariance)
    labels = read_labels(table, columns={"fe_h": "PARAM[3]", "teff": "PARAM[0]"}, label_names=("teff", "fe_h"))
    np.testing.assert_allclose(labels.labels["fe_h"], param[:, 3])
    np.testing.assert_allclose(labels.errors["fe_h"], 0.02)
    np.testing.assert_allclose(labels.errors["teff"], 10)


def test_names_that_differ_in_case_are_named():
    labels = read_labels(simple(TEFF=np.ones(N_ROW), FeH=FE_H))
    assert any("teff is teff; TEFF is there too" in note for note in labels.notes)
    assert "id from id" in labels.notes[0]
    assert "no column of ids" in read_labels(simple(id=None)).notes[0]


def test_other_columns_with_names_of_stars_are_kept_as_keys():
    labels = read_labels(
        simple(obsid=np.arange(N_ROW), gaia_id=[f"g{k}" for k in range(N_ROW)], source_id=np.ones(N_ROW))
    )
    assert list(labels.keys) == ["obsid", "gaia_id"], "floating-point numbers name nothing"
    assert labels.select([3]).keys["obsid"].tolist() == ["3"]

"""APOGEE's allStar tables: columns and flags of each release."""

import numpy as np
import pytest
import survey_tables
from astropy.table import Table
from label_files import THREE, allstar

from bayescannon.io.apogee_flags import AspcapFlagDR12, AspcapFlagDR17
from bayescannon.io.label_tables.found_table import TableError
from bayescannon.io.tables import read_labels
from bayescannon.numerics.errors import BayesCannonWarning


@pytest.mark.parametrize(("release", "flag_type"), [("dr12", AspcapFlagDR12), ("dr17", AspcapFlagDR17)])
@pytest.mark.parametrize("ending", ["fits", "fits.gz"])
def test_allstar(tmp_path, release, flag_type, ending):
    path = tmp_path / f"allStar.{ending}"
    allstar(release).write(path)
    table = read_labels(path, format=f"allstar-{release}")
    # the id that repeats and the row without labels are kept; the reference set decides
    assert table.survey_id.tolist() == ["2M0001+01", "2M0002+02", "2M0001+01"]
    assert table.id.tolist() == ["", "", ""]
    assert list(table.labels) == ["teff", "logg", "fe_h", "alpha_m", "a_k"]
    want = {"teff": 4500, "logg": 2.5, "fe_h": -0.5, "alpha_m": 0.1, "a_k": 0.2}
    for name, values in table.labels.items():
        assert values.dtype == np.float64
        assert values[0] == pytest.approx(want[name], rel=1e-6)
        assert np.isnan(values).tolist() == [False, True, False]
    assert set(table.errors) == {"teff", "fe_h"}
    np.testing.assert_allclose(table.errors["teff"], [90, np.nan, 91])
    assert table.snr.tolist() == [100, 200, 300]
    assert table.ra.tolist() == [1, 2, 1]
    assert table.flag_type is flag_type
    assert flag_type(int(table.flags[2])) == flag_type.STAR_WARN


def test_the_sign_bit_of_dr12_flags_is_bit_31(tmp_path):
    allstar("dr12").write(tmp_path / "allStar.fits")
    flags = read_labels(tmp_path / "allStar.fits", format="allstar-dr12").flags
    assert AspcapFlagDR12(int(flags[1])) == AspcapFlagDR12.NO_ASPCAP_RESULT | AspcapFlagDR12.TEFF_WARN


def test_allstar_with_lamost_ids(tmp_path):
    allstar("dr12", LAMOST_ID=["x/spec-1.fits", "spec-2.fits", ""]).write(tmp_path / "allStar.fits")
    table = read_labels(tmp_path / "allStar.fits", format="allstar-dr12", label_names=THREE)
    assert table.id.tolist() == ["spec-1", "spec-2", ""]
    assert list(table.labels) == list(THREE)


def test_metals_of_dr17_fall_back_to_iron_and_can_be_chosen(tmp_path):
    table = allstar("dr17", FE_H=np.float32([1, 2, 3]))
    table.write(tmp_path / "both.fits")
    table.remove_columns(["M_H", "M_H_ERR"])
    table.write(tmp_path / "iron.fits")
    assert read_labels(tmp_path / "both.fits", format="allstar-dr17").labels["fe_h"][0] == pytest.approx(-0.5)
    assert read_labels(tmp_path / "both.fits", columns={"fe_h": "FE_H"}).labels["fe_h"][0] == 1
    assert read_labels(tmp_path / "iron.fits", format="allstar-dr17").labels["fe_h"][0] == 1


def test_a_fits_table_that_is_no_allstar(tmp_path):
    Table({"a": [1]}).write(tmp_path / "t.fits")
    with pytest.raises(TableError, match="no allStar table of APOGEE"):
        read_labels(tmp_path / "t.fits", format="allstar")
    allstar("dr17").write(tmp_path / "17.fits")
    with pytest.raises(TableError, match=r"no column for label 'fe_h'.*M_H, M_H_ERR"):
        read_labels(tmp_path / "17.fits", format="allstar-dr12")


def dr13(**changes):
    return survey_tables.allstar_dr17(**{"ASPCAPFLAG": np.arange(survey_tables.N_ROW, dtype="i4") % 2, **changes})


def dr12():
    table = survey_tables.allstar_dr17(ASPCAPFLAG=np.arange(survey_tables.N_ROW, dtype="i4") % 2, AK_TARG=None)
    for name in ("M_H", "ALPHA_M"):
        table.rename_columns([name, f"{name}_ERR"], [f"PARAM_{name}", f"PARAM_{name}_ERR"])
    return table


@pytest.mark.parametrize(
    ("table", "layout", "a_k", "flag_type"),
    [
        (dr12(), "allstar-dr12", 0.2, AspcapFlagDR12),
        (dr13(), "allstar-dr13", 0.1, AspcapFlagDR12),
        (survey_tables.allstar_dr17(), "allstar-dr17", 0.1, AspcapFlagDR17),
        (dr13(GAIAEDR3_SOURCE_ID=np.arange(survey_tables.N_ROW)), "allstar-dr17", 0.1, AspcapFlagDR17),
    ],
)
@pytest.mark.parametrize("upper", [True, False])
def test_the_release_of_an_allstar_table_is_told_and_named(table, layout, a_k, flag_type, upper):
    if not upper:
        table = Table(table, names=[name.lower() for name in table.colnames])
    labels = read_labels(table)
    assert (labels.layout, labels.flag_type, labels.is_apogee) == (layout, flag_type, True)
    np.testing.assert_allclose(labels.labels["fe_h"], survey_tables.FE_H, rtol=1e-6)
    np.testing.assert_allclose(labels.errors["fe_h"], 0.01, rtol=1e-6)
    assert labels.labels["a_k"][0] == pytest.approx(a_k)
    assert labels.id.tolist() == survey_tables.IDS
    assert (
        f"the table is read as APOGEE's allStar of {'DR13 to DR16' if layout[-1] == '3' else layout[-4:].upper()}"
        in labels.notes[0]
    )


def test_the_table_of_sdss_v(tmp_path):
    table = survey_tables.astra()
    path = survey_tables.write_extensions(
        tmp_path / "astraAllStarASPCAP-0.6.0.fits.gz",
        (table[:0], "BOSS/APO"),
        (table, "APOGEE/APO"),
        (table[:0], "APOGEE/LCO"),
    )
    labels = read_labels(path)
    assert labels.layout == "astra"
    assert labels.is_apogee
    assert list(labels.labels) == ["teff", "logg", "fe_h", "alpha_m"]
    np.testing.assert_allclose(labels.labels["fe_h"], survey_tables.FE_H)
    np.testing.assert_allclose(labels.errors["fe_h"], 0.01)
    assert labels.flags.tolist() == [0, 0, 0, 1, 0, 0, 0, 0]
    assert labels.keys["gaia_dr3_source_id"][1] == "4611686018427387905"
    assert read_labels(path, columns={"flags": "result_flags"}).flags.tolist() == list(range(survey_tables.N_ROW))
    for wrong in ("allstar", "allstar-dr17"):
        with pytest.raises(
            TableError, match=r"its columns are those of SDSS-V's astraAllStarASPCAP; use --labels-format a"
        ):
            read_labels(path, format=wrong)


def test_a_wrong_release_is_noticed():
    with pytest.raises(TableError, match=r"no column for label 'fe_h'.*columns are those of APOGEE's allStar of DR17"):
        read_labels(survey_tables.allstar_dr17(), format="allstar-dr12")
    with pytest.warns(
        BayesCannonWarning, match=r"allstar-dr17. The columns are those of APOGEE's allStar of DR13 to DR16"
    ):
        assert read_labels(dr13(), format="allstar-dr17").layout == "allstar-dr17"
    with pytest.raises(TableError, match="is no allStar table of APOGEE"):
        read_labels(survey_tables.simple(), format="allstar")


def test_a_table_with_arrays_only():
    param = np.tile([4500.0, 2.0, 0.1, -0.5, 0.05, 0.2, 0.15], (survey_tables.N_ROW, 1))
    param[0] = -9999
    table = dr13(M_H=None, M_H_ERR=None, ALPHA_M=None, ALPHA_M_ERR=None, FE_H=None, FE_H_ERR=None, PARAM=param)
    labels = read_labels(table, label_names=("teff", "logg", "fe_h", "alpha_m", "c_m", "n_m", "vmicro"))
    np.testing.assert_array_equal(labels.labels["teff"], survey_tables.TEFF.astype("f4"))
    for name, value in (("vmicro", 0.1), ("fe_h", -0.5), ("c_m", 0.05), ("n_m", 0.2), ("alpha_m", 0.15)):
        np.testing.assert_array_equal(labels.labels[name], [np.nan] + [value] * (survey_tables.N_ROW - 1))
    assert "fe_h from PARAM[3]" in labels.notes[0]


def test_flags_that_are_not_there_are_said():
    labels = read_labels(survey_tables.allstar_dr17(ASPCAPFLAG=None))
    assert any("no column of quality flags" in note for note in labels.notes)


def test_a_table_named_after_labels_is_no_survey():
    labels = read_labels(survey_tables.simple(ASPCAPFLAG=np.zeros(survey_tables.N_ROW, int)))
    assert (labels.layout, labels.is_apogee, labels.flag_type) == ("table", False, None)

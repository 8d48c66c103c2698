import numpy as np
import pytest
from astropy.table import MaskedColumn, Table

from bayescannon.data.label_table import LabelTable
from bayescannon.data.labels import LabelError
from bayescannon.io.apogee import read_allstar
from bayescannon.io.apogee_flags import AspcapFlagDR12, AspcapFlagDR17
from bayescannon.io.label_columns import MISSING_FLAGS, TableError
from bayescannon.io.tables import read_labels, save_labels

THREE = ("teff", "logg", "fe_h")


def plain_table(**changes):
    return Table(
        {
            "LAMOST_ID": ["dr2/spec-1.fits", "spec-2.fits.gz ", "spec-3"],
            "ra": [1.0, 2.0, np.nan],
            "dec": [-1.0, 90.0, -9999.0],
            "TEFF": [4500.0, -9999.0, 5000.0],
            "logg": [2.5, 3.0, np.nan],
            "fe_h": [-0.5, -9999.99, 0.1],
            "e_teff": [50.0, 0.0, -9999.0],
            "ASPCAPFLAG": [0, 1 << 33, 1 << 7],
            "snr": [100.0, 200.0, -9999.0],
        }
        | changes
    )


def allstar(release, **changes):
    """An allStar-like table with blanks, missing values and the columns of its release."""
    metals, alpha, a_k = {
        "dr12": ("PARAM_M_H", "PARAM_ALPHA_M", "AK_WISE"),
        "dr17": ("M_H", "ALPHA_M", "AK_TARG"),
    }[release]
    missing = -9999.0 if release == "dr12" else np.nan
    columns = {
        "APOGEE_ID": np.array([b"2M0001+01  ", b"2M0002+02  ", b"2M0001+01  "]),
        # APOGEE's own file: no id of LAMOST
        "FILE": np.array([b"apStar-1.fits", b"apStar-2.fits", b"apStar-3.fits"]),
        "RA": [1.0, 2.0, 1.0],
        "DEC": [-1.0, -2.0, -1.0],
        "SNR": np.float32([100, 200, 300]),
        "TEFF": np.float32([4500, missing, 4510]),
        "TEFF_ERR": np.float32([90, missing, 91]),
        "LOGG": np.float32([2.5, missing, 2.6]),
        metals: np.float32([-0.5, missing, -0.4]),
        f"{metals}_ERR": np.float32([0.03, missing, 0.02]),
        alpha: np.float32([0.1, missing, 0.2]),
        a_k: np.float32([0.2, -9999.99, 0.3]),
        "PARAM": np.zeros((3, 7), dtype=np.float32),
        "ASPCAPFLAG": np.array([0, -(2**31) + 1, 1 << 7], dtype=np.int32 if release == "dr12" else np.int64),
    }
    return Table(columns | changes)


@pytest.mark.parametrize("name", ["t.csv", "t.ecsv", "t.fits", "t.fits.gz", "t.parquet", "t.vot", "t.mrt"])
def test_any_table_astropy_reads(tmp_path, name):
    path = tmp_path / name
    formats = {"csv": "ascii.csv", "vot": "votable", "mrt": "ascii.mrt"}
    table = plain_table()
    if name == "t.mrt":
        # a machine-readable table has no NaN
        table["ra"], table["logg"] = [1.0, 2.0, -9999.0], [2.5, 3.0, -9999.0]
    table.write(path, format=formats.get(name.rpartition(".")[2]))
    labels = read_labels(path, label_names=THREE)
    assert labels.id.tolist() == ["spec-1", "spec-2", "spec-3"]
    assert labels.survey_id.tolist() == ["", "", ""]
    np.testing.assert_array_equal(labels.labels["teff"], [4500, np.nan, 5000])
    np.testing.assert_array_equal(labels.labels["logg"], [2.5, 3, np.nan])
    np.testing.assert_array_equal(labels.labels["fe_h"], [-0.5, np.nan, 0.1])
    np.testing.assert_array_equal(labels.ra, [1, 2, np.nan])
    np.testing.assert_array_equal(labels.dec, [-1, 90, np.nan])
    np.testing.assert_array_equal(labels.snr, [100, 200, np.nan])
    # an error of zero is no error
    assert set(labels.errors) == {"teff"}
    np.testing.assert_array_equal(labels.errors["teff"], [50, np.nan, np.nan])
    assert labels.flags.dtype == np.uint64
    assert labels.flags.tolist() == [0, 1 << 33, 1 << 7]
    assert labels.source == name
    assert labels.flag_type is None


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


def test_select_keeps_rows_together(tmp_path):
    plain_table().write(tmp_path / "t.csv", format="ascii.csv")
    labels = read_labels(tmp_path / "t.csv", label_names=THREE)
    some = labels.select(labels.flags != 0)
    assert isinstance(some, LabelTable)
    assert (len(labels), len(some)) == (3, 2)
    assert some.id.tolist() == ["spec-2", "spec-3"]
    assert some.labels["logg"][0] == 3
    assert some.errors["teff"].shape == some.snr.shape == (2,)


@pytest.mark.parametrize(
    ("kwargs", "error", "words"),
    [
        ({"label_names": ("teff", "a_k")}, TableError, r"no column for label 'a_k'.*e_teff.*--columns a_k="),
        ({"label_names": ("teff", "vrad")}, LabelError, "unknown label name 'vrad'"),
        ({"columns": {"fe_h": "M_H"}}, TableError, r"--columns fe_h=M_H: no such column.*has the columns"),
        ({"columns": {"a_k": "snr"}}, TableError, r"cannot set 'a_k'; it can set id, .*teff"),
        ({"columns": {"fe_h": "LAMOST_ID"}}, TableError, "'fe_h' does not hold numbers"),
        ({"columns": {"flags": "LAMOST_ID"}}, TableError, "expected whole numbers"),
        ({"format": "allstar-dr19"}, TableError, "format must be .*; got 'allstar-dr19'"),
        ({"format": "allstar-dr12"}, TableError, "cannot be read as FITS.*format 'table'"),
    ],
)
def test_wrong_calls_say_what_to_do(tmp_path, kwargs, error, words):
    plain_table().write(tmp_path / "t.csv", format="ascii.csv")
    with pytest.raises(error, match=words):
        read_labels(tmp_path / "t.csv", **{"label_names": THREE, **kwargs})


def test_tables_that_cannot_be_read(tmp_path):
    with pytest.raises(TableError, match="there is no file"):
        read_labels(tmp_path / "t.csv")
    with pytest.raises(TableError, match="there is no file"):
        read_allstar(tmp_path)
    (tmp_path / "t.fits").write_bytes(b"SIMPLE  = nonsense")
    with pytest.raises(TableError, match="cannot be read as a table"):
        read_labels(tmp_path / "t.fits")
    with pytest.raises(TableError, match="cannot be read as FITS"):
        read_allstar(tmp_path / "t.fits")
    with pytest.raises(TableError, match="unknown APOGEE release"):
        read_allstar(tmp_path / "t.fits", "dr19")


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
    flags = read_allstar(tmp_path / "allStar.fits", "dr12").flags
    assert AspcapFlagDR12(int(flags[1])) == AspcapFlagDR12.NO_ASPCAP_RESULT | AspcapFlagDR12.TEFF_WARN


def test_allstar_with_lamost_ids(tmp_path):
    allstar("dr12", LAMOST_ID=["x/spec-1.fits", "spec-2.fits", ""]).write(tmp_path / "allStar.fits")
    table = read_allstar(tmp_path / "allStar.fits", "dr12", THREE)
    assert table.id.tolist() == ["spec-1", "spec-2", ""]
    assert list(table.labels) == list(THREE)


def test_metals_of_dr17_fall_back_to_iron_and_can_be_chosen(tmp_path):
    table = allstar("dr17", FE_H=np.float32([1, 2, 3]))
    table.write(tmp_path / "both.fits")
    table.remove_columns(["M_H", "M_H_ERR"])
    table.write(tmp_path / "iron.fits")
    assert read_allstar(tmp_path / "both.fits", "dr17").labels["fe_h"][0] == pytest.approx(-0.5)
    assert read_allstar(tmp_path / "both.fits", "dr17", columns={"fe_h": "FE_H"}).labels["fe_h"][0] == 1
    assert read_allstar(tmp_path / "iron.fits", "dr17").labels["fe_h"][0] == 1


def test_a_fits_table_that_is_no_allstar(tmp_path):
    Table({"a": [1]}).write(tmp_path / "t.fits")
    with pytest.raises(TableError, match="no table with a column TEFF"):
        read_allstar(tmp_path / "t.fits")
    allstar("dr17").write(tmp_path / "17.fits")
    with pytest.raises(TableError, match=r"no column for label 'fe_h'.*M_H, M_H_ERR"):
        read_allstar(tmp_path / "17.fits", "dr12")


@pytest.mark.parametrize("ending", ["ecsv", "fits"])
def test_a_saved_table_is_the_same_when_it_is_read(tmp_path, ending):
    labels = read_allstar(allstar("dr12", LAMOST_ID=["x/spec-1.fits", "spec-2.fits", ""]), "dr12")
    path = save_labels(labels, tmp_path / f"labels.{ending}")
    back = read_labels(path)
    for name in ("id", "survey_id", "ra", "dec", "snr", "flags"):
        np.testing.assert_array_equal(getattr(back, name), getattr(labels, name))
        assert getattr(back, name).dtype.kind == getattr(labels, name).dtype.kind
    assert list(back.labels) == list(labels.labels)
    for kind in ("labels", "errors"):
        for name, values in getattr(labels, kind).items():
            np.testing.assert_array_equal(getattr(back, kind)[name], values)
    assert back.flag_type is AspcapFlagDR12
    with pytest.raises(FileExistsError, match="overwrite"):
        save_labels(labels, path)
    assert save_labels(labels.select([0]), path, overwrite=True) == path
    assert len(read_labels(path)) == 1


def test_labels_are_saved_where_their_flags_keep_their_meaning(tmp_path):
    labels = LabelTable.from_arrays(["a"], teff=[1.0])
    with pytest.raises(TableError, match=r"must end in \.ecsv or \.fits; got labels\.csv"):
        save_labels(labels, tmp_path / "labels.csv")


def test_every_known_label_is_read_unless_they_are_named(tmp_path):
    plain_table(mg_fe=[0.1, 0.2, 0.3]).write(tmp_path / "t.ecsv")
    assert list(read_labels(tmp_path / "t.ecsv").labels) == ["teff", "logg", "fe_h", "mg_fe"]
    table = read_labels(tmp_path / "t.ecsv", columns={"a_k": "snr"})
    assert "a_k" in table.labels
    assert read_labels(table, label_names=["a_k"]) is table
    with pytest.raises(LabelError, match=r"'c_m' is not in t.ecsv"):
        read_labels(table, label_names=["c_m"])


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
    with pytest.raises(TableError, match=r"the column for 'id' must be text.*cannot hold every digit"):
        read_labels(path, label_names=THREE)


def test_numbers_written_as_text_are_read():
    labels = read_labels(plain_table(TEFF=["4500", "", "5000"]), label_names=THREE)
    np.testing.assert_array_equal(labels.labels["teff"], [4500, np.nan, 5000])


@pytest.mark.real_data
def test_the_papers_parent_sample(survey_data):
    table = read_labels(
        survey_data / "lamost_dr2_apogee_dr12.csv",
        label_names=("teff", "logg", "fe_h", "alpha_m"),
        columns={"fe_h": "m_h", "snr": "apogee_snr"},
    )
    assert len(table) == 11_061
    assert table.id[0] == "spec-55863-GAC_105N29_B1_sp02-111"
    assert len(set(table.id.tolist())) == 11_061
    assert table.survey_id[0] == "2M06561343+2737243"
    assert {name: int(np.isnan(values).sum()) for name, values in table.labels.items()} == dict.fromkeys(
        ("teff", "logg", "fe_h", "alpha_m"), 103
    )
    # bits above 31 are flags like any other
    values, counts = np.unique(table.flags, return_counts=True)
    assert values.tolist() == [0, 1 << 10, 1 << 33]
    assert counts.tolist() == [10_928, 35, 98]


@pytest.mark.real_data
def test_the_pipeline_labels_of_dr10_go_with_their_spectra(survey_data):
    table = read_labels(survey_data / "lamost" / "lasp_dr10.csv", label_names=THREE, columns={"snr": "snrg"})
    files = (survey_data / "lamost" / "dr10").iterdir()
    assert set(table.id.tolist()) == {path.name.removesuffix(".fits.gz") for path in files}
    assert np.isfinite(table.labels["teff"]).all()
    assert (table.flags == 0).all()

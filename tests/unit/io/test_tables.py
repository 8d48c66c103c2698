import numpy as np
import pytest
from label_files import THREE, allstar, plain_table

from bayescannon.data.label_table import LabelTable
from bayescannon.data.labels import LabelError
from bayescannon.io.apogee_flags import AspcapFlagDR12
from bayescannon.io.label_tables.found_table import TableError
from bayescannon.io.tables import read_labels, save_labels
from bayescannon.numerics.errors import BayesCannonError


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
        ({"format": "allstar-dr12"}, TableError, "no column for label 'fe_h'.*allStar of DR12.*format='table'"),
    ],
)
def test_wrong_calls_say_what_to_do(tmp_path, kwargs, error, words):
    plain_table().write(tmp_path / "t.csv", format="ascii.csv")
    with pytest.raises(error, match=words):
        read_labels(tmp_path / "t.csv", **{"label_names": THREE, **kwargs})


def test_tables_that_cannot_be_read(tmp_path):
    with pytest.raises(TableError, match="there is no file"):
        read_labels(tmp_path / "t.csv")
    with pytest.raises(TableError, match="is a folder, not a file"):
        read_labels(tmp_path, format="allstar-dr12")
    (tmp_path / "t.fits").write_bytes(b"SIMPLE  = nonsense")
    with pytest.raises(TableError, match=r"cannot be read as FITS|holds no table|is cut"):
        read_labels(tmp_path / "t.fits")


@pytest.mark.parametrize("ending", ["ecsv", "fits"])
def test_a_saved_table_is_the_same_when_it_is_read(tmp_path, ending):
    labels = read_labels(allstar("dr12", LAMOST_ID=["x/spec-1.fits", "spec-2.fits", ""]), format="allstar-dr12")
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
    table = read_labels(tmp_path / "t.ecsv", columns={"a_k": "dec"}, missing={"a_k": 90})
    np.testing.assert_array_equal(table.labels["a_k"], [-1, np.nan, np.nan])
    assert read_labels(table, label_names=["a_k"]) is table
    with pytest.raises(LabelError, match=r"'c_m' is not in t.ecsv"):
        read_labels(table, label_names=["c_m"])


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


def test_columns_that_map_nothing_are_refused():
    with pytest.raises(BayesCannonError, match=r"columns map names to columns, .* got a list\. label_names="):
        read_labels({"teff": [1.0]}, columns=["teff"])

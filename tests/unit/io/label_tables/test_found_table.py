"""The table of a file with several: which is taken, and when one must say it."""

import pytest
from astropy.table import Table
from survey_tables import assert_simple, simple, write_extensions

from bayescannon.io.label_tables.found_table import TableError
from bayescannon.io.tables import read_labels

OTHER = Table({"PARAM_SYMBOL": [["TEFF", "LOGG"]]})


@pytest.mark.parametrize(
    "tables",
    [
        [(simple(), "STARS")],
        [(simple()[:0], "BOSS/APO"), (simple(), "APOGEE/APO"), (simple()[:0], "APOGEE/LCO")],
        [(OTHER, ""), (simple(), "")],
        [(simple(), ""), (OTHER, "")],
    ],
)
def test_the_only_table_with_labels_and_rows_is_taken_and_said(tmp_path, tables):
    labels = read_labels(write_extensions(tmp_path / "t.fits", *tables), label_names=("teff", "logg", "fe_h"))
    assert_simple(labels)
    if len(tables) > 1:
        assert "taken; left out: " in labels.notes[0]


def test_several_tables_with_labels_need_a_word(tmp_path):
    other = simple(teff=simple()["teff"] + 100)
    path = write_extensions(tmp_path / "t.fits", (other, "APO"), (simple(), "LCO"), (OTHER, "NAMES"))
    with pytest.raises(
        TableError, match=r"several tables with the labels: .*'APO' \(8 rows.*'LCO'.*--labels-extension APO"
    ):
        read_labels(path)
    for extension in ("LCO", "lco", 2, "2"):
        labels = read_labels(path, extension=extension)
        assert_simple(labels)
        assert labels.notes[0] == "extension 2 'LCO' of t.fits as asked"
    with pytest.raises(TableError, match=r"has no table 'MDM'.*'APO'.*'LCO'"):
        read_labels(path, extension="MDM")
    with pytest.raises(TableError, match="no column for label 'teff'"):
        read_labels(path, extension="NAMES", label_names=["teff"])


def test_a_file_without_rows_or_labels(tmp_path):
    with pytest.raises(TableError, match=r"no rows in extension 1 'A', only columns \(id, ra"):
        read_labels(write_extensions(tmp_path / "t.fits", (simple()[:0], "A")))
    with pytest.raises(TableError, match=r"no column is named after a label.*left out: "):
        read_labels(write_extensions(tmp_path / "u.fits", (OTHER, "A"), (OTHER, "B")))

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from astropy.table import QTable, Table

from bayescannon.cannon.reference import ReferenceSet
from bayescannon.data.spectra import Spectra
from bayescannon.io.frames import columns_of
from bayescannon.io.label_tables.found_table import TableError
from bayescannon.io.tables import read_labels
from bayescannon.numerics.errors import InputError, InputTypeError

COLUMNS = {"id": ["a", "b"], "Teff": [4800.0, 5100.0], "e_teff": [60.0, -1.0], "fe_h": [0.1, -9999.0]}
SPECTRA = Spectra([5000, 5001], np.ones((2, 2)), np.ones((2, 2)), ["a", "b"])


class Polars:
    """The part of a polars frame that is used."""

    columns = tuple(COLUMNS)

    def __getitem__(self, name):
        return np.array(COLUMNS[name])


KINDS = {
    "dict": lambda: COLUMNS,
    "Table": lambda: Table(COLUMNS),
    "QTable": lambda: QTable(COLUMNS, units={"Teff": "K"}),
    "masked Table": lambda: Table(COLUMNS, masked=True),
    "DataFrame": lambda: pd.DataFrame(COLUMNS),
    "DataFrame by id": lambda: pd.DataFrame(COLUMNS).set_index("id"),
    "DataFrame by index": lambda: pd.DataFrame({k: v for k, v in COLUMNS.items() if k != "id"}, index=COLUMNS["id"]),
    "records": lambda: Table(COLUMNS).as_array(),
    "big-endian records": lambda: Table(COLUMNS).as_array().astype(
        [(name, "S3" if name == "id" else ">f8") for name in COLUMNS]
    ),
    "Dataset": lambda: xr.Dataset({k: ("row", v) for k, v in COLUMNS.items()}),
    "polars": Polars,
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_labels_are_read_from_tables_of_any_library(kind):
    table = read_labels(KINDS[kind]())
    assert table.id.tolist() == ["a", "b"]
    assert list(table.labels) == ["teff", "fe_h"]
    np.testing.assert_array_equal(table.labels["teff"], [4800, 5100])
    np.testing.assert_array_equal(table.labels["fe_h"], [0.1, np.nan])
    np.testing.assert_array_equal(table.errors["teff"], [60, np.nan])


@pytest.mark.parametrize("given", ["t.csv", Path("t.csv")])
def test_a_path_is_no_table_in_memory(given):
    assert columns_of(given) is None


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (SPECTRA, "got <Spectra of 2 stars.*spectra and labels are not swapped"),
        (3, "got an int"),
        (np.ones(3), "got a numpy ndarray"),
        (None, "got a NoneType"),
    ],
)
def test_what_is_no_table_is_refused(given, words):
    with pytest.raises(InputTypeError, match=words):
        read_labels(given)


def test_a_saved_sentinel_is_missing_in_any_unit():
    table = read_labels(QTable({"a_k": [200.0, -9999.0]}, units={"a_k": "mmag"}))
    np.testing.assert_allclose(table.labels["a_k"], [0.2, np.nan])


def test_a_table_without_a_label_is_refused():
    with pytest.raises(
        TableError, match=r"no column is named after a label \(teff, logg.*has the columns id, temperature"
    ):
        read_labels({"id": ["a"], "temperature": [1]})


def test_a_table_in_memory_of_apogee():
    table = read_labels(
        pd.DataFrame({"LAMOST_ID": ["a"], "TEFF": [4800.0], "TEFF_ERR": [90.0], "ASPCAPFLAG": [8]}),
        format="allstar-dr12", label_names=["teff"],
    )  # fmt: skip
    assert (table.errors["teff"], table.flags) == ([90], [8])
    assert table.flag_type.__name__ == "AspcapFlagDR12"


def test_a_reference_set_takes_columns_by_name():
    frame = pd.DataFrame({"logg": [2.5, 3.0], "teff": [4800, 5100], "e_teff": [60, 70], "note": ["x", "y"]})
    by_name = ReferenceSet(SPECTRA, frame, label_names=("teff", "logg"))
    np.testing.assert_array_equal(by_name.labels, [[4800, 2.5], [5100, 3]])
    np.testing.assert_array_equal(by_name.errors, [[60, np.nan], [70, np.nan]])
    assert ReferenceSet(SPECTRA, frame).label_names == ("teff", "logg")
    errors = pd.DataFrame({"teff": [1, 2], "logg": [3, 4]})
    np.testing.assert_array_equal(ReferenceSet(SPECTRA, frame, errors).errors, [[1, 3], [2, 4]])


def test_labels_of_other_stars_are_refused():
    for ids, words in (
        (["b", "a"], "in another order"),
        (["a", "c"], "ids of other stars than the spectra: a, c against"),
    ):
        frame = pd.DataFrame({"teff": [4800, 5100]}, index=ids)
        with pytest.raises(InputError, match=f"{words}.*build_reference"):
            ReferenceSet(SPECTRA, frame)
    assert len(ReferenceSet(SPECTRA, pd.DataFrame({"teff": [4800, 5100]}, index=["x/a.fits", "b"]))) == 2


def test_arrow_tables_and_indices_of_several_levels():
    pandas, arrow = pytest.importorskip("pandas"), pytest.importorskip("pyarrow")
    big = 4611686018427387905
    table = arrow.table({"id": arrow.array([big, None, 3]), "teff": [4800.0, 5000.0, 5200.0]})
    labels = read_labels(table)
    assert labels.id.tolist() == [str(big), "", "3"]
    assert labels.labels["teff"].tolist() == [4800, 5000, 5200]
    frame = pandas.DataFrame({"id": ["a", "b"], "field": [1, 2], "teff": [4800.0, 5000.0]}).set_index(["id", "field"])
    assert read_labels(frame).id.tolist() == ["a", "b"]


def test_a_table_in_memory_without_rows():
    with pytest.raises(TableError, match="the table has no rows"):
        read_labels({"id": [], "teff": []})

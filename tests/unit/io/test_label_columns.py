"""The columns of a table of labels: which one is meant, what is missing, and units."""

import numpy as np
import pytest
from astropy.table import MaskedColumn
from label_files import THREE, plain_table

from bayescannon.io.apogee_flags import AspcapFlagDR12, AspcapFlagDR17
from bayescannon.io.label_columns import MISSING_FLAGS, TableError
from bayescannon.io.tables import read_labels


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

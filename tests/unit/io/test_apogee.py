"""APOGEE's allStar tables: columns and flags of each release."""

import numpy as np
import pytest
from astropy.table import Table
from label_files import THREE, allstar

from bayescannon.io.apogee import read_allstar
from bayescannon.io.apogee_flags import AspcapFlagDR12, AspcapFlagDR17
from bayescannon.io.label_columns import TableError
from bayescannon.io.tables import read_labels


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

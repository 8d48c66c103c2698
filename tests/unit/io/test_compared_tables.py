"""Sides of a comparison: catalogues of this package with flags and S/N, and other tables."""

import numpy as np
import pytest
from astropy.table import Table
from toy import toy_reference

import bayescannon as bc
from bayescannon.data.flags import ResultFlag
from bayescannon.io.catalogue_provenance import CatalogueError
from bayescannon.io.compared_tables import read_compared


@pytest.fixture(scope="module")
def estimates():
    reference = toy_reference(60)
    return bc.label_spectra(bc.train(reference), reference.spectra)


@pytest.mark.parametrize("ending", [".fits", ".ecsv", ".parquet", ".vot"])
def test_a_catalogue_keeps_its_flags_and_snr(estimates, tmp_path, ending):
    path = tmp_path / f"c{ending}"
    bc.write_catalogue(bc.build_catalogue(estimates), path)
    found, direct = read_compared(path), read_compared(estimates)
    assert found.flag_type is ResultFlag
    for name in ("teff", "logg"):
        np.testing.assert_allclose(found.labels[name], direct.labels[name], rtol=1e-5)
        assert np.isfinite(found.errors[name]).all()
    np.testing.assert_allclose(found.snr, estimates["snr"], rtol=1e-5)
    np.testing.assert_array_equal(found.flags, direct.flags)


def test_other_tables_are_read_as_tables_of_labels(tmp_path):
    table = Table({"id": ["a", "b"], "teff": [4800.0, 5000.0], "m_h": [0.1, -0.3]})
    for ending in (".fits", ".ecsv", ".csv"):
        table.write(tmp_path / f"t{ending}")
        found = read_compared(tmp_path / f"t{ending}", columns={"fe_h": "m_h"})
        assert set(found.labels) == {"teff", "fe_h"}
        assert read_compared(tmp_path / f"t{ending}").labels["teff"].tolist() == [4800, 5000]


def test_a_damaged_catalogue_is_not_read_as_another_table(estimates, tmp_path):
    path = tmp_path / "c.fits"
    bc.write_catalogue(bc.build_catalogue(estimates), path)
    content = bytearray(path.read_bytes())
    content[-4000] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(CatalogueError, match="damaged, or changed"):
        read_compared(path)

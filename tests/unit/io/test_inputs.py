from types import SimpleNamespace

import numpy as np
import pytest
import toy

from bayescannon.data.label_table import LabelTable
from bayescannon.io.inputs import as_labels, as_spectra
from bayescannon.io.label_tables.table_options import TableOptions
from bayescannon.io.store import StoreError
from bayescannon.io.store_writer import save_spectra
from bayescannon.numerics.errors import InputTypeError


@pytest.fixture(scope="module")
def spectra():
    return toy.toy_spectra(toy.toy_labels(5), n_pixel=20)


def test_spectra_a_path_and_a_dataset_stand_for_spectra(spectra, tmp_path):
    assert as_spectra(spectra) is spectra
    path = save_spectra(spectra, tmp_path / "s.zarr")
    for given in (path, str(path), spectra.to_xarray()):
        got = as_spectra(given)
        assert got.id.tolist() == spectra.id.tolist()
        np.testing.assert_allclose(got.flux, spectra.flux, rtol=1e-6)
    with pytest.raises(StoreError, match="there is no store"):
        as_spectra(tmp_path / "no.zarr")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (LabelTable.from_arrays(["a"], teff=[1]), "spectra must be Spectra or the path of a store.*swapped"),
        (SimpleNamespace(theta=1, label_names=("teff",)), "model and spectra are not swapped"),
        (np.ones((2, 3)), "got a numpy ndarray"),
        (None, "got a NoneType"),
        ([], "got a list"),
    ],
)
def test_what_stands_for_no_spectra(given, words):
    with pytest.raises(InputTypeError, match=words):
        as_spectra(given)


def test_a_label_table_is_read_already(tmp_path):
    table = LabelTable.from_arrays(["a"], teff=[1.0])
    assert as_labels(table) is table
    assert as_labels(
        {"id": ["a"], "T": [4800.0]}, options=TableOptions(columns={"teff": "T"}), label_names=["teff"]
    ).labels["teff"] == [4800]
    (tmp_path / "t.csv").write_text("id,teff\na,4800\n")
    assert as_labels(tmp_path / "t.csv").id.tolist() == ["a"]
    for options in ({"format": "allstar-dr12"}, {"columns": {"teff": "T"}}):
        with pytest.raises(InputTypeError, match=r"got a LabelTable. Leave them out"):
            as_labels(table, options=TableOptions(**options))

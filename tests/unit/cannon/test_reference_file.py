import numpy as np
import pandas as pd
import pytest
import toy

from bayescannon.cannon.matching import build_reference
from bayescannon.cannon.reference_file import ReferenceFileError, load_reference, save_reference
from bayescannon.data.spectra import Spectra
from bayescannon.numerics.errors import MissingFileError

NAMES = ("teff", "alpha_m")


@pytest.fixture(scope="module")
def reference():
    labels = toy.toy_labels(60, NAMES)
    plain = toy.toy_spectra(labels, NAMES, n_pixel=30)
    columns = dict(plain.columns) | {
        "class": np.array(["STAR", ""] * 30), "obsid": np.arange(60), "binary": np.arange(60) % 2 == 0,
    }  # fmt: skip
    spectra = Spectra(
        plain.wavelength, plain.flux, plain.ivar, plain.id, columns, {"preset": "paper", "left_out": ["a"]}
    )
    table = toy.toy_table(spectra, labels, NAMES, errors={"teff": np.r_[np.nan, np.ones(59)]})
    return build_reference(spectra, table, NAMES, keep={"teff": (4500, None)})


def test_a_saved_reference_set_is_the_same_when_it_is_loaded(reference, tmp_path):
    back = load_reference(save_reference(reference, tmp_path / "r.nc"))
    for name in ("labels", "errors"):
        np.testing.assert_array_equal(getattr(back, name), getattr(reference, name))
    for name in ("wavelength", "flux", "ivar", "id"):
        got, want = getattr(back.spectra, name), getattr(reference.spectra, name)
        np.testing.assert_array_equal(got, want)
        assert got.dtype.kind == want.dtype.kind
    assert back.spectra.columns.keys() == reference.spectra.columns.keys()
    for name, values in reference.spectra.columns.items():
        np.testing.assert_array_equal(back.spectra.columns[name], values)
        assert back.spectra.columns[name].dtype.kind == values.dtype.kind
    assert back.label_names == NAMES
    assert back.tally == reference.tally
    assert back.spectra.attrs == reference.spectra.attrs


def test_a_reference_set_is_replaced_on_request_only(reference, tmp_path):
    path = save_reference(reference, tmp_path / "r.nc")
    with pytest.raises(FileExistsError, match="overwrite"):
        save_reference(reference, path)
    save_reference(reference.select([0, 1]), path, overwrite=True)
    assert len(load_reference(path)) == 2
    assert [file.name for file in tmp_path.iterdir()] == ["r.nc"]


def test_other_files_are_refused(tmp_path):
    with pytest.raises(MissingFileError, match="there is no file"):
        load_reference(tmp_path / "no.nc")
    (tmp_path / "t.nc").write_text("text")
    with pytest.raises(ReferenceFileError, match="is not a netCDF file"):
        load_reference(tmp_path / "t.nc")
    pd.DataFrame({"a": [1]}).to_xarray().to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    with pytest.raises(ReferenceFileError, match="holds no reference set"):
        load_reference(tmp_path / "a.nc")

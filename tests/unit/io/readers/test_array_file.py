import h5py
import numpy as np
import pytest
import zarr

from bayescannon.data.raw_spectrum import SpectrumError
from bayescannon.io.readers import array_file as module
from bayescannon.io.readers.array_file import array_format, open_arrays


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("order", ["C", "F"])
def test_rows_of_an_npz(tmp_path, save, order):
    values = np.asarray(np.arange(60.0).reshape(12, 5), order=order)
    save(tmp_path / "a.npz", Flux=values, one=np.array(3))
    with open_arrays(tmp_path / "a.npz") as file:
        assert file.arrays["flux"].shape == (12, 5)
        np.testing.assert_array_equal(file.arrays["flux"].rows(3, 7), values[3:7])
        np.testing.assert_array_equal(file.arrays["flux"].rows(10, 99), values[10:])
        np.testing.assert_array_equal(file.arrays["flux"].rows(), values)
        assert file.arrays["one"].rows() == 3
        assert file.attrs == {"one": "3"}


def test_objects_are_never_loaded(tmp_path):
    np.savez(tmp_path / "a.npz", flux=np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with (
        pytest.raises(SpectrumError, match=r"objects: flux\.npy holds Python objects"),
        open_arrays(tmp_path / "a.npz"),
    ):
        pass


def test_formats_by_content(tmp_path):
    zarr.open_group(tmp_path / "a.zarr", mode="w")
    zarr.open_group(tmp_path / "b.zarr", mode="w", zarr_format=2)
    assert array_format(b"", tmp_path / "a.zarr") == array_format(b"", tmp_path / "b.zarr") == "zarr"
    assert array_format(b"", tmp_path) == ""
    assert array_format(b"PK\x03\x04", tmp_path / "x") == "npz"
    assert array_format(b"\x89HDF\r\n\x1a\n....", tmp_path / "x") == "hdf5"
    assert array_format(b"PAR1", tmp_path / "x") == "parquet"
    assert array_format(b"SIMPLE", tmp_path / "x") == ""


def test_the_only_group_with_a_flux_is_taken_and_said(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["spectra/flux"] = np.ones(3)
        file["other/teff"] = np.ones(3)
    with open_arrays(tmp_path / "a.h5") as found:
        assert list(found.arrays) == ["flux"]
        assert found.notes == {"files whose arrays are in the group spectra": 1}
    with h5py.File(tmp_path / "a.h5", "a") as file:
        file["more/flux"] = np.ones(3)
    with pytest.raises(SpectrumError, match="the groups more, spectra all have a flux"), open_arrays(tmp_path / "a.h5"):
        pass


def test_what_cannot_be_opened(tmp_path):
    for name, data, words in (
        ("a.npz", b"PK\x03\x04 no archive", "damaged npz"),
        ("a.h5", b"\x89HDF\r\n\x1a\n no file", "damaged hdf5"),
        ("a.parquet", b"PAR1 no table", "damaged parquet"),
        ("a.txt", b"text", "unknown format"),
    ):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(SpectrumError, match=words), open_arrays(tmp_path / name):
            pass
    with pytest.raises(SpectrumError, match="no such file"), open_arrays(tmp_path / "nothing.npz"):
        pass


def test_a_store_is_prepared_already(tmp_path):
    zarr.open_group(tmp_path / "s.zarr", mode="w", attributes={"format": "bayescannon spectra 1"})
    with pytest.raises(SpectrumError, match="prepared already"), open_arrays(tmp_path / "s.zarr"):
        pass


def test_lists_of_different_lengths(tmp_path):
    pa = pytest.importorskip("pyarrow")
    pa.parquet = pytest.importorskip("pyarrow.parquet")
    pa.parquet.write_table(pa.table({"flux": [[1.0, 2.0], [1.0]]}), tmp_path / "a.parquet")
    with (
        open_arrays(tmp_path / "a.parquet") as file,
        pytest.raises(SpectrumError, match="lists of column flux have different lengths"),
    ):
        file.arrays["flux"].rows()


def test_every_format_has_an_opener():
    assert set(module._OPEN) == {"npz", "hdf5", "zarr", "parquet"}

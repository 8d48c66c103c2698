"""Headers of numpy's files that lie are refused; objects are never loaded."""

import io
import pickle
import zipfile

import numpy as np
import pytest

from bayescannon.io.npy_sizes import npy_header, require_npz_sizes
from bayescannon.io.size_limits import SizeLimitError


def _npy(shape, dtype="<f8", data=b""):
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": dtype, "fortran_order": False, "shape": shape})
    return stream.getvalue() + data


def test_true_headers_are_read():
    data = _npy((2, 3), data=bytes(48))
    shape, fortran, dtype, place = npy_header(io.BytesIO(data), len(data), "a.npy")
    assert (shape, fortran, dtype, len(data) - place) == ((2, 3), False, np.dtype(float), 48)
    npy_header(io.BytesIO(_npy(())), 200, "scalar.npy")


@pytest.mark.parametrize("shape", [(10**10,), (2**40, 2**40), (7,), (10**30,)])
def test_an_array_that_is_not_there_is_refused(shape):
    data = _npy(shape, data=bytes(48))
    with pytest.raises(SizeLimitError, match=r"too large: a\.npy declares .*, and has 48 bytes; it is cut or damaged"):
        npy_header(io.BytesIO(data), len(data), "a.npy")


def test_pickles_are_not_loaded(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("a pickle was loaded",))

    data = _npy((1,), "|O", pickle.dumps(Bomb()))
    with pytest.raises(SizeLimitError, match=r"objects: a\.npy holds Python objects"):
        npy_header(io.BytesIO(data), len(data), "a.npy")
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("flux.npy", data)
    from bayescannon.data.raw_spectrum import SpectrumError
    from bayescannon.io.readers.array_file import open_arrays

    with pytest.raises(SpectrumError, match="objects"), open_arrays(tmp_path / "a.npz"):
        pass


def test_a_zip_bomb_by_its_directory(tmp_path):
    path = tmp_path / "a.npz"
    np.savez_compressed(path, flux=np.zeros(10**6))
    with zipfile.ZipFile(path) as archive:
        require_npz_sizes(archive, "a.npz")
        archive.infolist()[0].file_size = 10**12
        with pytest.raises(SizeLimitError, match=r"flux\.npy in a\.npz declares 931\.3 GiB"):
            require_npz_sizes(archive, "a.npz")

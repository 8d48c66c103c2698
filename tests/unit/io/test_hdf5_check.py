"""HDF5 files that are not plain are told by their headers, and nothing of their size is allocated."""

import h5py
import numpy as np
import pytest

from bayescannon.io.hdf5_check import hdf5_fault, heap_fault


@pytest.fixture
def file(tmp_path):
    """A file with what a plain one may have."""
    with h5py.File(tmp_path / "plain.h5", "w") as made:
        made["numbers"] = np.arange(3000.0)
        made["texts"] = np.array(["a", "bc"], dtype=object)
        made["bytes"] = np.array([b"a"])
        made["record"] = np.zeros(3, [("x", "f4", (2,)), ("name", "S3")])
        made["yes"] = True
        made["nothing"] = h5py.Empty("f4")
        made.create_dataset("packed", data=np.zeros((300, 400)), compression="gzip", shuffle=True, fletcher32=True)
        made.create_dataset("quick", data=np.zeros(1000), compression="lzf")
        made["group/inner"] = 1
        made["numbers"].make_scale("x")
        made["quick"].attrs["unit"] = "K"
        yield made


def test_plain_files_have_no_fault(file):
    file.flush()
    assert hdf5_fault(file, file.id.get_filesize()) == ""


def _vlen(file):
    file.create_dataset("bad", (2,), dtype=h5py.vlen_dtype(np.float64))


def _reference(file):
    file.create_dataset("bad", (2,), dtype=h5py.ref_dtype)


def _opaque(file):
    file["bad"] = np.zeros(3, "V5")


def _record_of_objects(file):
    file.create_dataset("bad", (2,), dtype=np.dtype([("x", "f8"), ("v", h5py.vlen_dtype(np.float64))]))


def _huge(file):
    file.create_dataset("bad", (10**10,), dtype="f8", chunks=(100,))


def _many_huge(file):
    for k in range(40):
        file.create_dataset(f"bad{k}", (10**7,), dtype="i1", chunks=(100,))


def _huge_chunk(file):
    file.create_dataset("bad", (10,), maxshape=(None,), dtype="f8", chunks=(5 * 10**8,))


def _plugin(file):
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_chunk((10,))
    properties.set_filter(32001, h5py.h5z.FLAG_OPTIONAL)
    space = h5py.h5s.create_simple((10,))
    h5py.h5d.create(file.id, b"bad", h5py.h5t.IEEE_F64LE, space, properties)


def _cycle(file):
    file["group/up"] = file["/"]


def _two_names(file):
    file["bad"] = file["numbers"]


def _deep(file):
    file["/".join("abcdefgh" * 8)] = 1


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (_vlen, "holds objects or references in /bad"),
        (_reference, "holds objects or references in /bad"),
        (_opaque, "holds objects or references in /bad"),
        (_record_of_objects, "holds objects or references in /bad"),
        (_huge, "is refused: too large: /bad of shape (10000000000,) declares 74.5 GiB"),
        (_many_huge, "is refused: too large: the file declares"),
        (_huge_chunk, "is refused: too large: /bad of shape (500000000,) declares 3.7 GiB"),
        (_plugin, "packs /bad with filter 32001, a plugin of HDF5"),
        (_cycle, "holds /group/up under another name too"),
        (_two_names, "under another name too"),
        (_deep, "has more than 32 groups within each other"),
    ],
)
def test_what_is_not_plain_is_named(file, spoil, fault):
    spoil(file)
    file.flush()
    assert fault in hdf5_fault(file, 20_000)


def test_a_collection_of_texts_that_never_ends_is_not_given_to_the_library(tmp_path):
    """HDF5 2.0 hangs on a free object of no size: it adds the size and looks again."""
    path = tmp_path / "texts.h5"
    with h5py.File(path, "w") as file:
        file["texts"] = np.array(["a", "bc", "def"], dtype=object)
        file.attrs["note"] = "x" * 100
    data = bytearray(path.read_bytes())
    assert heap_fault(path) == heap_fault(bytes(data)) == ""
    at = data.index(b"GCOL") + 16
    # the first object becomes a free one without a size
    data[at : at + 16] = bytes(16)
    assert heap_fault(bytes(data)) == f"is damaged: a text at byte {at} has 0 bytes; get it again"
    path.write_bytes(data)
    assert heap_fault(path).startswith("is damaged: a text at byte")
    data[at : at + 16] = b"\1" + bytes(7) + b"\xff" * 8
    assert "has 18446744073709551615 bytes" in heap_fault(bytes(data))
    data[at - 8 : at] = b"\xff" * 8
    assert "go beyond its end" in heap_fault(bytes(data))
    path.write_bytes(b"")
    assert heap_fault(path) == "is empty"

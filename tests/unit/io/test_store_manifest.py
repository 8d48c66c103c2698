"""A root document is believed only if it is the one that was written, and describes what the package writes."""

import json

import numpy as np
import pytest

from bayescannon.io.store_layout import ArrayLayout, StoreError
from bayescannon.io.store_manifest import _digest, read_manifest, root_document
from bayescannon.numerics.errors import InputTypeError


def _root(attrs=None):
    arrays = [
        (ArrayLayout("flux", (300, 5), "float32", "star"), [900], [1, 2, 2**32 - 1]),
        (ArrayLayout("ivar", (300, 5), "float32", "star"), [901], [4, 5, 6]),
        (ArrayLayout("star", (300,), "string", "star"), [902], [7]),
        (ArrayLayout("snr", (300,), "float64", "star"), [903], [8]),
        (ArrayLayout("wavelength", (5,), "float64", "pixel"), [44], [9]),
        (ArrayLayout("refused_file", (0,), "string", "refusal"), [], []),
    ]
    return json.loads(root_document(arrays, attrs or {}, 0))


def test_it_comes_back():
    found = read_manifest(_root({"preset": "paper", "n_files": np.int64(3), "store_id": "mine"}), "s")
    assert (found.n_star, found.n_pixel, found.columns) == (300, 5, ["snr"])
    assert found.arrays["flux"].checksums_of(0) == [1, 2, 2**32 - 1]
    assert found.attrs == {"preset": "paper", "n_files": 3}
    assert len(found.store_id) == 32
    assert found.store_id == read_manifest(_root({"preset": "paper", "n_files": 3}), "s").store_id


def test_text_of_attributes_is_printable():
    assert read_manifest(_root({"preset": "a\udcffb"}), "s").attrs["preset"] == "a\\udcffb"


def test_attributes_that_json_cannot_hold_are_refused():
    with pytest.raises(InputTypeError, match=r"attribute of a store must be text.* colour is a complex"):
        _root({"colour": 1j})


def _set(*path, value):
    def change(root):
        for name in path[:-1]:
            root = root[name]
        root[path[-1]] = value

    return change


ARRAYS = ("attributes", "manifest", "arrays")
METADATA = ("consolidated_metadata", "metadata")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (_set(*ARRAYS, "flux", "shape", value=[10**10, 5]), "description of flux"),
        (_set(*ARRAYS, "flux", "shape", value=[300.0, 5]), "whole numbers"),
        (_set(*ARRAYS, "flux", "shape", value=[300, 5, 1]), "2 whole numbers"),
        (_set(*ARRAYS, "flux", "shape", value=[-1, 5]), "whole numbers"),
        (_set(*ARRAYS, "flux", "dtype", value="object"), "flux is of object"),
        (_set(*ARRAYS, "flux", "sizes", value=[]), "needs 1 files; it has 0"),
        (_set(*ARRAYS, "flux", "sizes", value=[-4]), "no sizes"),
        (_set(*ARRAYS, "flux", "sizes", value=["4"]), "no sizes"),
        (_set(*ARRAYS, "flux", "checksums", value="00" * 8), "needs 3 checksums"),
        (_set(*ARRAYS, "flux", "checksums", value="xy"), "ValueError"),
        (_set(*ARRAYS, "../flux", value={"shape": [1], "dtype": "bool", "dim": "star", "sizes": [1]}), "KeyError"),
        (_set(*ARRAYS, value=[]), "AttributeError"),
        (_set(*METADATA, "flux", "codecs", value=[{"name": "numcodecs.pickle"}]), "description of flux"),
        (_set(*METADATA, "snr", "data_type", value="float32"), "description of snr"),
        (_set(*METADATA, value={}), "KeyError"),
        (_set("attributes", "n_refused", value="many"), "ValueError"),
    ],
)
def test_a_document_that_was_forged_is_refused(change, why):
    """Its digest is right, as whoever changes a document may compute it too."""
    root = _root()
    change(root)
    root["attributes"]["store_id"] = _digest(root)
    with pytest.raises(StoreError, match=rf"s: the file zarr\.json was changed after.*{why}"):
        read_manifest(root, "s")


def test_a_huge_shape_needs_as_many_files():
    root = _root()
    for name in ("flux", "ivar"):
        shape = (10**10, 5)
        root["attributes"]["manifest"]["arrays"][name]["shape"] = list(shape)
        root["consolidated_metadata"]["metadata"][name] = ArrayLayout(name, shape, "float32", "star").document()
    root["attributes"]["store_id"] = _digest(root)
    with pytest.raises(StoreError, match="needs 9765625 files; it has 1"):
        read_manifest(root, "s")


def test_arrays_must_go_together():
    root = _root()
    layout = ArrayLayout("snr", (299,), "float64", "star")
    root["attributes"]["manifest"]["arrays"]["snr"]["shape"] = [299]
    root["consolidated_metadata"]["metadata"]["snr"] = layout.document()
    root["attributes"]["store_id"] = _digest(root)
    with pytest.raises(StoreError, match=r"shape of snr must go with 300 stars of 5 pixels; got \(299,\)"):
        read_manifest(root, "s")
    del root["attributes"]["manifest"]["arrays"]["ivar"]
    root["attributes"]["store_id"] = _digest(root)
    with pytest.raises(StoreError, match=r"the manifest lacks ivar|must go with"):
        read_manifest(root, "s")

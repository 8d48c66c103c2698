"""Spectra in a scratch file: the same stars as in memory, and what is made of them."""

import numpy as np
import pytest

from bayescannon.data.spectra import Spectra
from bayescannon.io import mapped_spectra
from bayescannon.io.mapped_spectra import (
    MappedSpectra,
    available_memory,
    load_reference_spectra,
    memory_limit,
    require_in_memory,
)
from bayescannon.io.store_writer import save_spectra
from bayescannon.numerics.errors import InputError


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    rng = np.random.default_rng(0)
    flux = (1 + 0.1 * rng.normal(size=(300, 7))).astype(np.float32)
    ids = [f"star-{n}" for n in range(300)]
    spectra = Spectra(
        5000.0 + np.arange(7), flux, np.full(flux.shape, 9, np.float32), ids, {"snr": np.arange(300.0), "name": ids}
    )
    return save_spectra(spectra, tmp_path_factory.mktemp("store") / "store.zarr")


ROWS = np.random.default_rng(1).permutation(300)[:250]


@pytest.fixture
def both(store, monkeypatch):
    """The same stars in memory and mapped, read in blocks of 64."""
    monkeypatch.setattr(mapped_spectra, "_READ", 64)
    return load_reference_spectra(store, ROWS), load_reference_spectra(store, ROWS, memory=1e-5)


def test_stars_are_those_in_memory(both):
    memory, mapped = both
    assert type(memory) is Spectra
    assert isinstance(mapped, MappedSpectra)
    assert memory.id.tolist() == mapped.id.tolist() == [f"star-{n}" for n in ROWS]
    for name in ("wavelength", "flux", "ivar"):
        np.testing.assert_array_equal(getattr(mapped, name), getattr(memory, name))
    assert {name: values.tolist() for name, values in mapped.columns.items()} == {
        name: values.tolist() for name, values in memory.columns.items()
    }
    assert dict(mapped.attrs) == dict(memory.attrs)
    assert repr(mapped).replace("MappedSpectra", "Spectra") == repr(memory)


def test_few_of_them_are_in_memory_and_many_in_another_file(both):
    memory, mapped = both
    few, many = mapped.select(slice(3, 9)), mapped.select(np.arange(250) != 17)
    assert type(few) is Spectra
    assert isinstance(many, MappedSpectra)
    np.testing.assert_array_equal(few.flux, memory.flux[3:9])
    np.testing.assert_array_equal(many.ivar, np.delete(memory.ivar, 17, axis=0))
    np.testing.assert_array_equal(many.flux, np.delete(memory.flux, 17, axis=0))
    assert many.id.tolist() == np.delete(memory.id, 17).tolist()
    assert many.columns["snr"].tolist() == np.delete(memory.columns["snr"], 17).tolist()


def test_what_needs_memory_says_so(both):
    memory, mapped = both
    require_in_memory(memory, "hidden components")
    with pytest.raises(InputError, match=r"hidden components need the 250 reference spectra in memory, 34\.2 KiB"):
        require_in_memory(mapped, "hidden components")


def test_the_limit_is_what_is_given_or_a_share_of_what_is_free():
    assert memory_limit(2) == 2_000_000_000
    assert 0 < memory_limit(None) < available_memory()


def test_arrays_of_other_shapes_are_refused(both):
    mapped = both[1]
    with pytest.raises(InputError, match="flux and ivar must have shape"):
        MappedSpectra(mapped.wavelength[:3], mapped.flux, mapped.ivar, mapped.id)
    with pytest.raises(InputError, match="one value per star"):
        MappedSpectra(mapped.wavelength, mapped.flux, mapped.ivar, mapped.id, {"snr": np.ones(3)})

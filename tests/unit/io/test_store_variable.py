import copy
import pickle

import numpy as np
from stored_spectra import some_spectra

from bayescannon.io.store import open_reader, open_store
from bayescannon.io.store_variable import StoreVariable
from bayescannon.io.store_writer import save_spectra


def test_it_is_indexed_as_an_array_is(tmp_path):
    spectra = some_spectra(1300)
    path = save_spectra(spectra, tmp_path / "s.zarr")
    dataset = open_store(path)
    rng = np.random.default_rng(0)
    for key in (
        (slice(None, None, -3), slice(2, 9)),
        (rng.integers(-1300, 1300, 40), rng.integers(0, 60, 11)),
        (7, slice(None)),
        (slice(5, 5), slice(None)),
        (np.array([4, 4, 2]), 3),
    ):
        want = spectra.flux[np.ix_(*[np.atleast_1d(np.arange(n)[one]) for n, one in zip((1300, 60), key, strict=True)])]
        np.testing.assert_array_equal(np.squeeze(dataset["flux"][key].to_numpy()), np.squeeze(want))
    assert dataset["class"][3].item() == spectra.columns["class"][3]
    mask = spectra.columns["snr"] > 1900
    np.testing.assert_array_equal(dataset["ivar"][mask], spectra.ivar[mask])


def test_it_is_copied_and_travels(tmp_path):
    path = save_spectra(some_spectra(5), tmp_path / "s.zarr")
    variable = StoreVariable(open_reader(path), open_reader(path).manifest.arrays["snr"].layout)
    for one in (copy.deepcopy(variable), pickle.loads(pickle.dumps(variable))):
        assert (one.shape, one.dtype) == ((5,), np.float64)
    dataset = open_store(path).copy(deep=True)
    assert dataset["snr"].to_numpy().tolist() == [0.0, 1.5, 3.0, 4.5, 6.0]

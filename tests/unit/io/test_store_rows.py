"""Rows of a store by their places."""

import numpy as np
import pytest
import toy

import bayescannon as bc
from bayescannon.io.store import StoreError, store_id
from bayescannon.io.store_rows import n_stars, read_rows, text_column


@pytest.fixture
def store(tmp_path):
    return bc.save_spectra(toy.toy_spectra(toy.toy_labels(300, seed=1), seed=1, n_pixel=30), tmp_path / "store.zarr")


def test_rows_are_those_of_the_whole(store):
    whole = bc.load_spectra(store)
    assert n_stars(store) == 300
    for rows in (slice(0, 128), slice(128, 256), slice(256, 300), np.array([3, 127, 128, 299])):
        some = read_rows(store, rows, of_store=store_id(store))
        assert some.id.tolist() == whole.id[rows].tolist() == text_column(store, "star", rows).tolist()
        np.testing.assert_array_equal(some.flux, whole.flux[rows])
    assert text_column(store, "gaia_id", slice(0, 3)).tolist() == []
    assert text_column(store, "ra", slice(0, 3)).tolist() == []


def test_another_store_under_the_name_is_an_error(store):
    before = store_id(store)
    other = bc.load_spectra(store).select(slice(None, None, -1))
    bc.save_spectra(other, store, overwrite=True)
    with pytest.raises(StoreError, match="replaced or changed since the run began"):
        read_rows(store, slice(0, 3), of_store=before)
    assert read_rows(store, slice(0, 1)).id.tolist() == other.id[:1].tolist()

"""What workers write of a block."""

import json

import pytest
import toy
from labelled_store import Interrupted, labelled_bytes, labelled_store

import bayescannon as bc
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.executors import SerialExecutor


@pytest.fixture(scope="module")
def made():
    return labelled_store()


@pytest.fixture(scope="module")
def whole():
    return labelled_bytes()


def test_the_notes_of_parts_are_small(made, tmp_path):
    """A part's note must not grow with its stars, as there are many parts."""
    model, store, _ = made
    with pytest.raises(KeyboardInterrupt):
        bc.label_catalogue(model, store, tmp_path / "c.fits", block=128, engine=Interrupted(2))
    notes = sorted((tmp_path / ".c.fits.work").glob("stars-*.note"))
    assert len(notes) == 2
    assert len(notes[1].read_text()) < 3000
    assert "attributes" in json.loads(notes[0].read_text())["note"]


def test_a_store_that_changes_under_the_run_is_an_error(made, tmp_path):
    model, _, _ = made
    spectra = toy.toy_spectra(toy.toy_labels(300, seed=6), seed=6, n_pixel=40)
    store = bc.save_spectra(spectra, tmp_path / "store.zarr")

    class Replacing(SerialExecutor):
        def map(self, function, items, *common):
            for result in super().map(function, items, *common):
                yield result
                bc.save_spectra(spectra.select(slice(None, None, -1)), store, overwrite=True)

    with pytest.raises(InputError, match="changed"):
        bc.label_catalogue(model, store, tmp_path / "c.fits", block=128, engine=Replacing())
    assert not (tmp_path / "c.fits").exists()

"""What is asked of a run is checked before any star is labelled."""

import pytest
from labelled_store import labelled_bytes, labelled_store

import bayescannon as bc
from bayescannon.numerics.errors import InputError


@pytest.fixture(scope="module")
def made():
    return labelled_store()


@pytest.fixture(scope="module")
def whole():
    return labelled_bytes()


def test_blocks_are_whole_tiles_and_options_are_known(made, tmp_path):
    model, store, _ = made
    with pytest.raises(InputError, match="block must be a multiple of 128; got 100"):
        bc.label_catalogue(model, store, tmp_path / "c.fits", block=100)
    with pytest.raises(TypeError, match="unexpected keyword argument 'blok'"):
        bc.label_catalogue(model, store, tmp_path / "c.fits", blok=128)

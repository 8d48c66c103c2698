"""A store of toy stars, a model for it, and an engine that ends in the middle."""

import tempfile
from functools import cache
from pathlib import Path

import toy

import bayescannon as bc
from bayescannon.numerics.executors import SerialExecutor

N_STAR = 600


@cache
def labelled_store():
    """A qualified model, a store of 600 stars in five blocks of 128, and its spectra; the same at every call."""
    reference = toy.toy_reference(150, n_pixel=40)
    model = bc.qualify(bc.train(reference), reference, folds=2)
    spectra = toy.toy_spectra(toy.toy_labels(N_STAR, seed=5), seed=5, n_pixel=40)
    folder = Path(tempfile.mkdtemp(prefix="labelled-store-"))
    return model, bc.save_spectra(spectra, folder / "store.zarr"), spectra


@cache
def labelled_bytes():
    """The bytes of the catalogue of that store, made in one go in this process."""
    model, store, _ = labelled_store()
    out = Path(store).with_name("whole.fits")
    bc.label_catalogue(model, store, out, n_draws=100)
    return out.read_bytes()


class Interrupted(SerialExecutor):
    """Ends in the middle, as a process that is stopped: after some tasks; a negative number is never."""

    def __init__(self, n_tasks):
        self.n_left = n_tasks
        self.n_done = 0

    def map(self, function, items, *common):
        for result in super().map(function, items, *common):
            self.n_done += 1
            yield result
            self.n_left -= 1
            if self.n_left == 0:
                raise KeyboardInterrupt

"""Which stars of a store a budget is of."""

import numpy as np
import pytest
import toy

import bayescannon as bc
from bayescannon.app.store_stars import choose_stars
from bayescannon.numerics.errors import InputError


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    spectra = toy.toy_spectra(toy.toy_labels(20, seed=1), seed=1, n_pixel=30)
    columns = {**spectra.columns, "gaia_id": np.array([f"g{n % 10}" for n in range(20)])}
    spectra = bc.Spectra(spectra.wavelength, spectra.flux, spectra.ivar, spectra.id, columns, spectra.attrs)
    return bc.save_spectra(spectra, tmp_path_factory.mktemp("stars") / "store.zarr")


def test_all_some_and_named_stars(store):
    names = bc.load_spectra(store).id
    assert choose_stars(store, None, seed=0).rows.tolist() == list(range(20))
    drawn = choose_stars(store, 5, seed=0)
    assert len(set(drawn.rows.tolist())) == 5
    assert drawn.digest() == choose_stars(store, 5, seed=0).digest() != choose_stars(store, 5, seed=1).digest()
    named = choose_stars(store, names[[7, 2]].tolist(), seed=0)
    assert named.rows.tolist() == [7, 2]
    assert named.others.tolist() == []
    with pytest.raises(InputError, match="from 1 to the 20"):
        choose_stars(store, 21, seed=0)


def test_further_spectra_of_the_same_stars(store):
    names = bc.load_spectra(store).id
    chosen = choose_stars(store, names[[13, 2]].tolist(), seed=0, repeats=True)
    assert chosen.others.tolist() == [3, 12]
    groups = chosen.groups()
    assert groups.number.tolist() == [0, 1, 0, 1]
    assert len(groups) == 2
    assert choose_stars(store, None, seed=0, repeats=True).others.tolist() == []

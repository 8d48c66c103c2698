"""From a store and a table to a model: which spectra are of the same star, as the configuration says."""

import numpy as np
import pytest
import toy

from bayescannon.app.config import LabelsConfig, TrainConfig
from bayescannon.app.training import train_from_config, training_reference
from bayescannon.data.spectra import Spectra
from bayescannon.io.store_writer import save_spectra

N_STAR = 60


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A store of 60 stars with two spectra each, one brighter than the other, and a table with a row for each."""
    folder = tmp_path_factory.mktemp("repeats")
    labels = np.tile(toy.toy_labels(N_STAR), (2, 1))
    spectra = toy.toy_spectra(labels)
    columns = {"mine": np.tile(np.arange(N_STAR), 2), "snr": np.repeat([80.0, 40.0], N_STAR)}
    store = save_spectra(
        Spectra(spectra.wavelength, spectra.flux, spectra.ivar, spectra.id, columns), folder / "store.zarr"
    )
    rows = [",".join(map(str, (name, *row))) for name, row in zip(spectra.id, labels.tolist(), strict=True)]
    table = folder / "labels.csv"
    table.write_text("\n".join(["id,teff,logg,fe_h", *rows]) + "\n", encoding="utf-8")
    return store, str(table)


def train_with(files, **labels):
    store, table = files
    names = {"label_names": ["teff", "logg", "fe_h"], "clip_rounds": 0}
    return train_from_config(store, LabelsConfig(table=table, **labels), TrainConfig(**names))


def test_a_column_of_the_configuration_tells_stars_apart(files):
    model, reference = train_with(files, star_id="mine")
    assert (model.n_stars, len(model.reference_id)) == (N_STAR, 2 * N_STAR)
    assert reference.tally[-1].step == "60 stars in 120 spectra: the same mine"
    assert model.label_table.star_id == "mine"
    again = training_reference(model, files[0], LabelsConfig.of(model.label_table, table=files[1]))
    assert again.star_number.tolist() == reference.star_number.tolist()
    model, reference = train_with(files)
    assert model.n_stars == 2 * N_STAR
    assert reference.tally[-1].step.startswith("repeats cannot be recognised")


def test_the_best_spectra_are_found_again_in_the_store(files):
    model, reference = train_with(files, star_id="mine", repeats="best")
    assert (reference.spectra.columns["snr"] == 80).all()
    again = training_reference(model, files[0], LabelsConfig.of(model.label_table, table=files[1]))
    assert again.spectra.id.tolist() == reference.spectra.id.tolist()

"""Spectra and labels are matched by the names they came with, and need no position or signal-to-noise."""

import dataclasses

import numpy as np
import pytest
from astropy.table import Table

from bayescannon.app.stores import budget_of_store, label_store
from bayescannon.cannon.labelling import label_spectra
from bayescannon.cannon.matching import build_reference
from bayescannon.cannon.novelty import as_pipeline_labels, pipeline_labels_of
from bayescannon.cannon.reference import ReferenceSetError
from bayescannon.cannon.training import train
from bayescannon.data.label_table import LabelTable
from bayescannon.io.catalogue import build_catalogue
from bayescannon.io.store import StoreError, load_spectra
from bayescannon.io.store_writer import save_spectra
from bayescannon.io.tables import read_labels
from bayescannon.numerics.errors import InputError
from tests.helpers import toy

NAMES = ("teff", "logg", "fe_h")
LABELS = toy.toy_labels(60)


@pytest.fixture(scope="module")
def spectra():
    spectra = toy.toy_spectra(LABELS)
    return dataclasses.replace(spectra, columns={})


def named(spectra, form):
    return dataclasses.replace(spectra, id=[form.format(n=n) for n in range(len(spectra))])


def table_of(form, n_star=60):
    columns = {"id": [form.format(n=n) for n in range(n_star)]}
    return Table(columns | {name: LABELS[:n_star, k] for k, name in enumerate(NAMES)})


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ("s{n}.fits", "s{n}.fits"),
        ("s{n}.fits", "s{n}"),
        ("s{n}.fits", "x/s{n}.fits.gz"),
        ("dr2/s{n}.fits", "dr5/s{n}"),
        ("2MASS/J{n}", "2MASS/J{n}"),
        ("GALAH.17.{n}", "GALAH.17.{n}.fits"),
        ("{n}.gz", "{n}.gz"),
        ("Stern ü {n}", "Stern ü {n}"),
    ],
)
@pytest.mark.parametrize("kind", ["memory", "file"])
def test_every_form_of_a_name_is_found(spectra, here, there, kind, tmp_path):
    stars, table = named(spectra, here), table_of(there)
    if kind == "file":
        stars = save_spectra(stars, tmp_path / "s.zarr")
        table.write(tmp_path / "t.ecsv")
        table = tmp_path / "t.ecsv"
    reference = build_reference(stars, table, NAMES)
    np.testing.assert_allclose(reference.labels, LABELS)
    assert reference.spectra.id.tolist() == [here.format(n=n) for n in range(60)]


def test_two_surveys_with_the_same_numbers_stay_apart(spectra):
    ids = [f"{'2MASS' if n % 2 else 'GAIA'}/J{n // 2}" for n in range(60)]
    table = table_of("{n}")
    table["id"] = ids
    reference = build_reference(dataclasses.replace(spectra, id=ids), table[::-1], NAMES)
    np.testing.assert_allclose(reference.labels, LABELS)
    bare = table_of("J{n}", 30)
    with pytest.raises(InputError, match="could be"):
        build_reference(dataclasses.replace(spectra, id=ids), bare, NAMES)


def test_a_store_and_a_budget_by_any_form_of_the_name(spectra, tmp_path):
    store = save_spectra(named(spectra, "x/s{n}.fits"), tmp_path / "s.zarr")
    assert load_spectra(store, ["s3", "x/s1.fits", "s2.fits.gz"]).id.tolist() == ["x/s3.fits", "x/s1.fits", "x/s2.fits"]
    with pytest.raises(StoreError, match=r"the first is 's99\.fits'"):
        load_spectra(store, ["s3", "s99.fits"])
    reference = build_reference(store, table_of("s{n}"), NAMES)
    model = train(reference)
    budget = budget_of_store(model, store, kinds=["formal"], stars=["s5.fits", "y/s4"])
    assert budget["star"].to_numpy().tolist() == ["x/s5.fits", "x/s4.fits"]
    estimates = label_store(model, store)
    assert np.isnan(estimates["ra"]).all()
    assert (estimates["flags"] == 0).mean() > 0.8
    assert np.isnan(build_catalogue(estimates)["snr_g"]).all()
    with pytest.raises(InputError, match="repeats cannot be recognised"):
        budget_of_store(model, store, kinds=["repeat"], stars=["s5"])
    own = as_pipeline_labels(
        LabelTable.from_arrays([f"s{n}.fits" for n in range(60)], **dict(zip(NAMES, LABELS.T, strict=True))),
        model,
        estimates["star"].to_numpy(),
    )
    np.testing.assert_allclose(pipeline_labels_of(estimates["star"].to_numpy().tolist(), own, NAMES), LABELS)
    with pytest.raises(ReferenceSetError, match="the spectra have no positions"):
        build_reference(store, table_of("s{n}"), NAMES, match="sky")
    with pytest.raises(InputError, match=r"--stars 101001,"):
        budget_of_store(model, store, kinds=["formal"], stars=101001)


def test_tables_keep_names_that_are_not_of_files():
    assert read_labels(table_of("x/s{n}.fits", 2), label_names=NAMES).id.tolist() == ["s0", "s1"]
    assert read_labels(table_of("2MASS/J{n}.5", 2), label_names=NAMES).id.tolist() == ["2MASS/J0.5", "2MASS/J1.5"]


def test_lists_stand_for_arrays(spectra):
    reference = build_reference(spectra, table_of("spec-0-{n:04d}"), list(NAMES))
    model = train(reference)
    assert label_spectra(model, spectra.select([True] * 5 + [False] * 55)).sizes["star"] == 5
    assert model.predict([4800, 2.5, -0.3]).shape == (120,)

"""The explorer of a page: complete, within its limit, and nothing in its data can end or start an element."""

import base64
import json
import re
import zlib

import numpy as np
import pytest
import toy
from astropy.table import vstack
from labelled_store import labelled_store
from survey_models import draw_stars, known_survey

import bayescannon as bc
from bayescannon.app.report import explorer_catalogue
from bayescannon.app.report.explorer import explorer_html
from bayescannon.models.label_priors import MixtureLabels
from bayescannon.numerics.errors import InputError

LIMIT = 20_000_000


@pytest.fixture(scope="module")
def run():
    model, store, spectra = labelled_store()
    return model, bc.build_catalogue(bc.label_spectra(model, spectra)), store


def data_of(html):
    return json.loads(re.search(r'<script type="application/json" id="x-data">(.*?)</script>', html, re.DOTALL)[1])


def test_it_holds_the_model_the_catalogue_and_stars(run):
    model, catalogue, store = run
    found = explorer_html(model, catalogue, store, n_spectra=20, limit=LIMIT)
    assert found.notes == ()
    assert len(found.html) < LIMIT
    data = data_of(found.html)
    assert [one["hash"] for one in data["models"]] == [model.hash]
    assert data["catalogue"]["n"] == 600
    assert len(data["stars"]) == 20
    assert "Licensed under the MIT license" in found.html


def test_the_same_run_gives_the_same_bytes(run):
    assert len({explorer_html(*run, n_spectra=5, limit=LIMIT).html for _ in range(2)}) == 1


def test_a_small_page_has_fewer_stars_and_says_so(run):
    bare = len(explorer_html(run[0], None, None, limit=LIMIT).html)
    limit = bare + 120_000
    found = explorer_html(*run, n_spectra=100, limit=limit)
    assert len(found.html) <= limit
    assert re.fullmatch(r"the spectra of \d+ of 100 chosen stars fit into this page", found.notes[-1])
    with pytest.raises(InputError, match=r"the models need .* MB, and there is room for 0\.1 MB"):
        explorer_html(*run, limit=100_000)


def test_more_rows_than_fit_are_thinned_evenly_and_the_page_says_so(run, monkeypatch):
    model, catalogue, store = run
    bare = len(explorer_html(model, None, None, limit=LIMIT).html)
    many = vstack([catalogue] * 20, metadata_conflicts="silent")
    many["id"] = [f"{number:032x}" for number in np.random.default_rng(0).permutation(10**9 + np.arange(len(many)))]
    limit = bare + 60_000
    found = explorer_html(model, many, None, limit=limit)
    assert len(found.html) <= limit
    data = data_of(found.html)["catalogue"]
    said = re.fullmatch(r"([\d,]+) of 12,000 rows of the catalogue, evenly spaced, fit into this page", found.notes[0])
    assert int(said[1].replace(",", "")) == data["n"]
    assert 0 < data["n"] < len(many)
    assert {"id", "columns"} <= data.keys()
    assert [column["name"] for column in data["columns"]][: len(model.label_names)] == list(model.label_names)
    # the rows of stars are those of the thinned catalogue
    monkeypatch.setattr(explorer_catalogue, "_MOST_ROWS", 150)
    found = explorer_html(model, catalogue, store, n_spectra=5, limit=LIMIT)
    data = data_of(found.html)
    assert data["catalogue"]["n"] == 150
    names = zlib.decompress(base64.b64decode(data["catalogue"]["id"]["data"])).decode().split("\n")
    assert [names[star["row"]] for star in data["stars"]] == [star["id"] for star in data["stars"]]


def test_a_page_without_room_has_no_catalogue(run):
    model, catalogue, store = run
    bare = len(explorer_html(model, None, None, limit=LIMIT).html)
    found = explorer_html(model, catalogue, store, limit=bare + 100)
    assert data_of(found.html)["catalogue"] is None
    assert found.notes[0] == "0 of 600 rows of the catalogue, evenly spaced, fit into this page"


def test_fits_that_are_not_the_catalogues_are_said_to_be_others(run):
    model, _, store = run
    spectra = bc.load_spectra(store)
    options = {"correct_offsets": True} if model.calibration is not None else {}
    catalogue = bc.build_catalogue(bc.label_spectra(model, spectra, **options))
    assert explorer_html(model, catalogue, store, n_spectra=9, limit=LIMIT).notes == ()
    middle = np.median(model.reference_labels, axis=0)
    prior = MixtureLabels(model.label_names, [1.0], [middle], [np.diag((0.01 * model.scaler.scale) ** 2)])
    catalogue = bc.build_catalogue(bc.label_spectra(model, spectra, prior=prior))
    notes = explorer_html(model, catalogue, store, n_spectra=9, limit=LIMIT).notes
    assert notes == (
        "the best fits and posteriors of 9 of 9 chosen stars are not those of the catalogue's labels: how it was "
        "labelled is not known, or the store or the model has changed since",
    )


def test_parts_of_a_run_are_shown_with_what_is_missing(run):
    model, catalogue, store = run
    assert explorer_html(model, None, store, limit=LIMIT).notes == (
        "there is no catalogue, so that no stars are shown",
    )
    found = explorer_html(model, catalogue, None, limit=LIMIT)
    assert found.notes == ("there is no store, so that no spectra of stars are shown",)
    assert data_of(found.html)["stars"] == []
    empty = data_of(explorer_html(model, catalogue[:0], store, limit=LIMIT).html)
    assert empty["catalogue"] is None
    with pytest.raises(InputError, match="there is no model whose spectra it could draw"):
        explorer_html(None, catalogue, store, limit=LIMIT)
    other = catalogue.copy()
    other.remove_columns(["teff", "flags"])
    with pytest.raises(InputError, match="the catalogue has no column flags, teff: it is not of this model"):
        explorer_html(model, other, store, limit=LIMIT)


def test_no_name_of_a_file_is_taken_for_html(run):
    model, catalogue, _ = run
    named = catalogue.copy()
    named["status_text"] = np.where(np.arange(len(named)) % 2, "</script><script>alert(1)</script>", "<!--")
    html = explorer_html(model, named, None, limit=LIMIT).html
    assert "alert(1)" in html
    assert "<script>alert" not in html
    assert html.count("<script") == 3


def test_further_models_are_laid_over_the_first(run):
    other = bc.train(toy.toy_reference(60, n_pixel=40, seed=4))
    data = data_of(explorer_html(run[0], None, None, also={"model": other}, limit=LIMIT).html)
    assert [one["name"] for one in data["models"]] == ["model", "model (also)"]


def test_a_survey_model_has_a_model_of_each_population(tmp_path):
    survey = known_survey()
    spectra, _, _ = draw_stars(survey, 40, seed=2)
    store = bc.save_spectra(spectra, tmp_path / "store.zarr")
    catalogue = bc.build_catalogue(bc.label_spectra(survey, spectra))
    data = data_of(explorer_html(survey, catalogue, store, n_spectra=10, limit=LIMIT).html)
    names = [one["name"] for one in data["models"]]
    assert {star["population"] for star in data["stars"]} <= set(names)
    assert len(names) == len(survey.distinct)


def test_a_star_that_is_not_in_the_store_takes_no_other_spectra_away(run):
    model, catalogue, store = run
    other = catalogue.copy()
    other["id"][0] = "nobody"
    found = explorer_html(model, other, store, n_spectra=10, limit=LIMIT)
    assert len(data_of(found.html)["stars"]) == 10
    assert found.notes[0] == (
        "1 of 600 rows are not told apart by the names in the store, or not in it: their spectra are not shown"
    )

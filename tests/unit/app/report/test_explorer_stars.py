"""The stars of a page: chosen from all kinds, with the spectra and errors of the run."""

import json

import numpy as np
import pytest
from labelled_store import labelled_store

import bayescannon as bc
from bayescannon.app.report import explorer_stars
from bayescannon.app.report.explorer_stars import choose_rows, reference_labels, star_data, told_apart
from bayescannon.app.report.packing import unpack_values
from bayescannon.data.flags import PosteriorStatus


@pytest.fixture(scope="module")
def run():
    model, store, spectra = labelled_store()
    catalogue = bc.build_catalogue(bc.label_spectra(model, spectra))
    return model, store, spectra, catalogue


def test_rows_are_of_all_kinds_and_spread_over_the_first_label(run):
    model, _, _, catalogue = run
    catalogue = catalogue.copy()
    catalogue["flag_bad"] = 0
    catalogue["flag_bad"][::4] = 1
    known = np.asarray(catalogue["id"]).astype(str)[1::4]
    rows = choose_rows(catalogue, model.label_names, known, 100, np.ones(len(catalogue), dtype=bool))
    assert len(rows) == len(set(rows.tolist())) == 100
    assert (catalogue["flag_bad"][rows] != 0).sum() == 15
    assert np.isin(catalogue["id"][rows], known).sum() == 35
    assert np.ptp(catalogue["teff"][rows]) > 0.9 * np.ptp(catalogue["teff"])


def test_few_stars_are_all_taken_and_those_without_labels_are_not(run):
    model, _, _, catalogue = run
    few = catalogue[:30].copy()
    few["status"][3] = 1
    few["teff"][4] = np.nan
    nobody = np.array([], dtype=str)
    among = np.arange(30) != 9
    rows = choose_rows(few, model.label_names, nobody, 100, among)
    assert rows.tolist() == [n for n in range(30) if n not in (3, 4, 9)]
    assert len(choose_rows(few[:0], model.label_names, nobody, 100, among[:0])) == 0


def test_a_star_has_its_spectrum_model_errors_and_posterior(run):
    model, store, spectra, catalogue = run
    rows = np.array([2, 300])
    stars = list(star_data(model, catalogue, store, rows, {}))
    json.dumps(stars, allow_nan=False)
    for star, row in zip(stars, rows, strict=True):
        assert star["id"] == catalogue["id"][row]
        good = spectra.ivar[row] > 0
        drawn = {name: unpack_values(star[name]) for name in ("flux", "fit", "error")}
        for values in drawn.values():
            np.testing.assert_array_equal(np.isfinite(values), good)
        np.testing.assert_allclose(drawn["flux"][good], spectra.flux[row][good], atol=2e-5)
        np.testing.assert_allclose(drawn["fit"][good], model.predict(star["fitted"])[good], atol=2e-5)
        np.testing.assert_allclose(drawn["error"][good], 1 / np.sqrt(spectra.ivar[row][good]), rtol=1e-4)
        np.testing.assert_allclose(star["labels"], [catalogue[name][row] for name in model.label_names], rtol=1e-6)
        np.testing.assert_allclose(star["fitted"], star["labels"], rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(
            star["calibrated"], [catalogue[f"e_{name}"][row] for name in model.label_names], rtol=1e-6
        )
        assert star["components"] is None
        assert star["trusted"] is None
        for k, draws in enumerate(map(unpack_values, star["draws"])):
            assert draws.shape == (300,)
            assert abs(draws.mean() - star["fitted"][k]) < star["formal"][k]
            assert 0.7 < draws.std() / star["formal"][k] < 1.4


def test_a_posterior_that_cannot_be_trusted_says_so(run, monkeypatch):
    model, store, _, catalogue = run

    def doubtful(*given, **options):
        found = bc.sample_posterior(*given, **options)
        found["posterior_status"][1] = PosteriorStatus.UNRELIABLE
        return found

    monkeypatch.setattr(explorer_stars, "sample_posterior", doubtful)
    stars = list(star_data(model, catalogue, store, np.array([2, 300]), {}))
    assert [star["doubt"] for star in stars] == ["", PosteriorStatus.UNRELIABLE.sentence]


def test_the_labels_of_reference_stars_are_known(run):
    model = run[0]
    known = reference_labels(model)
    assert len(known) == len(model.reference_id)
    np.testing.assert_array_equal(known[str(model.reference_id[4])], model.reference_labels[4])


def test_names_that_mean_no_spectrum_or_several_are_told(run):
    _, store, _, catalogue = run
    few = catalogue[:6].copy()
    few["id"][1] = "nobody"
    few["id"][3] = few["id"][2]
    assert told_apart(few, store).tolist() == [True, False, False, False, True, True]

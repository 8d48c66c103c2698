"""The explorer in Chromium where there are several models: hidden components, populations, models side by side."""

import re
from dataclasses import replace

import numpy as np
import pytest
import toy
from bare_page import write_bare_page
from survey_models import draw_stars, known_survey

import bayescannon as bc

pytestmark = pytest.mark.browser


def trace(page, meta):
    """The plotted flux of a model, or the information on a label."""
    found = page.evaluate(
        "(meta) => Array.from(document.getElementById('x-spectrum').data.find((one) => one.meta === meta).y)", meta
    )
    return np.array(found, dtype=np.float64)


def shown_labels(page, model):
    return np.array([float(page.input_value(f"#x-slide-{name}")) for name in model.label_names])


def test_a_second_model_is_drawn_at_the_same_labels(open_page, tmp_path):
    first = bc.train(toy.toy_reference(150, n_pixel=40))
    other = bc.train(toy.toy_reference(60, names=("teff", "logg"), n_pixel=40, seed=4))
    page = open_page(path=write_bare_page(tmp_path / "two.html", first, also={"two labels": other})[0])
    page.select_option("#x-model-2", "two labels")
    page.fill("#x-number-teff", "4650")
    page.press("#x-number-teff", "Enter")
    page.wait_for_timeout(300)
    labels = shown_labels(page, first)
    assert labels[0] == 4650
    np.testing.assert_allclose(trace(page, "model"), first.predict(labels), atol=1e-6)
    np.testing.assert_allclose(trace(page, "model 2"), other.predict(labels[:2]), atol=1e-6)
    # the other way round, what the first does not have is at the median of the other's reference set
    page.select_option("#x-model", "two labels")
    page.select_option("#x-model-2", "model")
    page.wait_for_timeout(300)
    assert shown_labels(page, other)[0] == 4650
    np.testing.assert_allclose(
        trace(page, "model 2"),
        first.predict([*shown_labels(page, other), np.median(first.reference_labels[:, 2])]),
        atol=1e-6,
    )


@pytest.mark.parametrize("choices", [{"hidden": 1}, {"noise": "global"}])
def test_hidden_components_and_noise_scales_are_in_the_information(open_page, tmp_path, choices):
    reference = toy.noisy_reference(300, hidden=0.01, n_pixel=40)[0]
    # errors that are given three times too large
    spectra = replace(reference.spectra, ivar=reference.spectra.ivar / 9)
    model = bc.train(replace(reference, spectra=spectra), **choices)
    # the test tells whether they are used
    assert model.loadings is not None if "hidden" in choices else np.all(model.noise_scale < 0.9)
    page = open_page(path=write_bare_page(tmp_path / "hidden.html", model)[0])
    page.select_option("#x-information", model.label_names[0])
    page.wait_for_timeout(300)
    found = bc.label_information(model, shown_labels(page, model), snr=50)
    marginal = found.marginal[:, 0]
    np.testing.assert_allclose(trace(page, "information"), 100 * marginal / marginal.sum(), atol=1e-6)
    said = re.search(r"S/N 50: (\S+) ", page.inner_text("#x-readout"))
    assert float(said[1]) == pytest.approx(float(found.error[0]), rel=2e-3, abs=0.006)


def test_a_star_is_shown_with_the_model_of_its_population(open_page, tmp_path):
    survey = known_survey()
    spectra, _, _ = draw_stars(survey, 60, seed=2)
    store = bc.save_spectra(spectra, tmp_path / "store.zarr")
    catalogue = bc.build_catalogue(bc.label_spectra(survey, spectra))
    page = open_page(path=write_bare_page(tmp_path / "survey.html", survey, catalogue, store)[0])
    populations = set()
    for number in range(0, page.locator("#x-star option").count(), 7):
        page.select_option("#x-star", str(number))
        page.wait_for_timeout(300)
        population = page.input_value("#x-model")
        populations.add(population)
        assert page.inner_text("#x-facts").split(": ")[1].startswith(f"model of {population}")
        model = survey.distinct[population]
        labels = shown_labels(page, model)
        np.testing.assert_allclose(trace(page, "model"), model.predict(labels), atol=1e-6)
        row = int(np.flatnonzero(np.asarray(catalogue["id"]).astype(str) == page.inner_text("#x-star-title")[5:])[0])
        assert catalogue["population"][row] == population
        # the best fit is at the population's own labels
        np.testing.assert_allclose(labels, [catalogue[name][row] for name in model.label_names], rtol=1e-3, atol=1e-3)
    assert len(populations) > 1


def test_a_catalogue_with_unfitted_stars_and_empty_columns_opens(open_page, tmp_path):
    model = bc.train(toy.toy_reference(150, n_pixel=40))
    spectra = toy.toy_spectra(toy.toy_labels(50, seed=5), seed=5, n_pixel=40)
    spectra.ivar[7] = 0.0
    store = bc.save_spectra(spectra, tmp_path / "store.zarr")
    catalogue = bc.build_catalogue(bc.label_spectra(model, spectra))
    catalogue["rchi2"] = np.float32(np.nan)
    page = open_page(path=write_bare_page(tmp_path / "odd.html", model, catalogue, store)[0])
    page.select_option("#x-kept", "all")
    page.select_option("#x-colour", "rchi2")
    page.select_option("#x-plane-b-x", "rchi2")
    page.wait_for_timeout(300)
    assert page.inner_text("#x-count") == "50 of 50 rows are shown"


def test_corrected_labels_are_told_from_those_of_the_best_fit(open_page, tmp_path):
    reference = toy.toy_reference(150, n_pixel=40)
    model = bc.qualify(bc.train(reference), reference, folds=2)
    spectra = toy.toy_spectra(toy.toy_labels(50, seed=5), seed=5, n_pixel=40)
    store = bc.save_spectra(spectra, tmp_path / "store.zarr")
    catalogue = bc.build_catalogue(bc.label_spectra(model, spectra, correct_offsets=True))
    page = open_page(path=write_bare_page(tmp_path / "corrected.html", model, catalogue, store)[0])
    row = int(np.flatnonzero(np.asarray(catalogue["id"]).astype(str) == page.inner_text("#x-star-title")[5:])[0])
    head = page.locator("#x-labels thead th").all_inner_texts()
    assert head[:4] == ["label", "value", "best fit", "calibrated"]
    fitted = bc.label_spectra(model, spectra)["labels"].to_numpy()[row]
    drawn = page.evaluate(
        "document.getElementById('x-posterior').data.filter((one) => one.mode === 'lines')"
        ".map((one) => [one.name, one.x[one.y.indexOf(Math.max(...one.y))], one.x[1] - one.x[0]])"
    )
    lines = page.locator("#x-labels tbody tr").all_inner_texts()
    for k, label in enumerate(model.labels):
        value, best = map(float, lines[k].split("\t")[1:3])
        half = 0.501 * 10.0**-label.digits
        assert abs(value - catalogue[label.name][row]) <= half
        assert abs(best - fitted[k]) <= half
        # each error is drawn around the labels that it is of
        (_, at, step), (_, corrected, _) = drawn[2 * k : 2 * k + 2]
        assert abs(at - fitted[k]) <= step
        assert abs(corrected - catalogue[label.name][row]) <= step


def test_whole_numbers_are_printed_with_every_digit(open_page, tmp_path):
    model = bc.train(toy.toy_reference(150, n_pixel=40))
    spectra = toy.toy_spectra(toy.toy_labels(20, seed=5), seed=5, n_pixel=40)
    store = bc.save_spectra(spectra, tmp_path / "store.zarr")
    catalogue = bc.build_catalogue(bc.label_spectra(model, spectra))
    catalogue["number"] = 101_001_001 + np.arange(20)
    page = open_page(path=write_bare_page(tmp_path / "numbers.html", model, catalogue, store)[0])
    row = int(np.flatnonzero(np.asarray(catalogue["id"]).astype(str) == page.inner_text("#x-star-title")[5:])[0])
    assert f"number\t{catalogue['number'][row]}" in page.inner_text("#x-row")
    # what rounds to zero has no sign
    page.fill("#x-number-fe_h", "-0.000001")
    page.press("#x-number-fe_h", "Enter")
    assert re.fullmatch(r"0\.0+ dex", page.get_attribute("#x-slide-fe_h", "aria-valuetext"))

"""The explorer in Chromium: what it draws and says is what Python computes."""

import re

import numpy as np
import pytest
import toy
from bare_page import write_bare_page

import bayescannon as bc

pytestmark = pytest.mark.browser


def curve(page, meta, axis="y"):
    """The plotted numbers of a trace of the spectrum."""
    return np.array(
        page.evaluate(
            "([meta, axis]) => Array.from(document.getElementById('x-spectrum').data"
            ".find((trace) => trace.meta === meta)[axis])",
            [meta, axis],
        ),
        dtype=np.float64,
    )


def shown_labels(page, model):
    """The labels at which the sliders are."""
    return np.array([float(page.input_value(f"#x-slide-{name}")) for name in model.label_names])


def settle(page):
    """Wait until what was asked for is drawn."""
    page.wait_for_timeout(300)


def assert_curve_is_the_models(page, model):
    flux = model.predict(shown_labels(page, model))
    flux[~np.isfinite(model.scatter)] = np.nan
    np.testing.assert_allclose(curve(page, "model"), flux, atol=1e-6, rtol=0)
    np.testing.assert_allclose(curve(page, "model", "x"), model.wavelength, rtol=1e-9)


def test_sliders_draw_the_models_spectrum(open_page, run):
    page = open_page()
    first = shown_labels(page, run.model)
    assert_curve_is_the_models(page, run.model)
    for name, key, times in (("teff", "ArrowRight", 12), ("logg", "ArrowLeft", 25), ("fe_h", "PageDown", 2)):
        page.focus(f"#x-slide-{name}")
        for _ in range(times):
            page.keyboard.press(key)
    page.fill("#x-number-alpha_m", "0.123")
    page.press("#x-number-alpha_m", "Enter")
    settle(page)
    moved = shown_labels(page, run.model)
    assert np.all((moved != first)[:4])
    assert moved[3] == 0.123
    assert_curve_is_the_models(page, run.model)
    page.locator("#x-slide-teff").click(position={"x": 5, "y": 5})
    settle(page)
    assert shown_labels(page, run.model)[0] < moved[0]
    assert_curve_is_the_models(page, run.model)
    page.click("#x-median")
    settle(page)
    np.testing.assert_allclose(shown_labels(page, run.model), np.median(run.model.reference_labels, axis=0), rtol=1e-12)
    assert_curve_is_the_models(page, run.model)


def test_labels_outside_the_reference_set_are_said(open_page):
    page = open_page()
    page.fill("#x-number-teff", "9000")
    page.press("#x-number-teff", "Enter")
    settle(page)
    assert page.inner_text("#x-range") == "outside the reference set: T_eff"


def test_information_of_pixels_and_the_formal_error_are_pythons(open_page, run):
    page = open_page()
    page.fill("#x-snr", "80")
    page.press("#x-snr", "Enter")
    page.select_option("#x-information", "fe_h")
    settle(page)
    found = bc.label_information(run.model, shown_labels(page, run.model), snr=80)
    marginal = found.marginal[:, 2]
    np.testing.assert_allclose(curve(page, "information"), 100 * marginal / marginal.sum(), atol=1e-6)
    said = re.fullmatch(
        r"Formal error of \[Fe/H\] at these labels and S/N 80: (\S+) dex", page.inner_text("#x-readout")
    )
    assert float(said[1]) == pytest.approx(float(found.error[2]), abs=6e-5)


def test_a_star_that_is_clicked_is_shown_with_its_labels(open_page, run):
    page = open_page()
    catalogue = bc.read_catalogue(run.folder / "catalogue.fits")
    plane = page.locator("#x-plane-a")
    plane.scroll_into_view_if_needed()
    before = page.inner_text("#x-star-title")
    # the place on the screen of the tenth star with a spectrum
    place = page.evaluate(
        """() => {
          const box = document.getElementById("x-plane-a");
          const { text, x, y } = box.data[box.data.length - 1];
          const { xaxis, yaxis } = box._fullLayout;
          const { left, top } = box.getBoundingClientRect();
          const at = { x: left + xaxis._offset + xaxis.d2p(x[9]), y: top + yaxis._offset + yaxis.d2p(y[9]) };
          return { id: text[9], ...at };
        }"""
    )
    page.mouse.click(place["x"], place["y"])
    settle(page)
    title = page.inner_text("#x-star-title")
    assert title != before
    # stars lie close together: the one under the pointer is near the one that was aimed at
    chosen = title.removeprefix("Star ")
    rows = {name: np.flatnonzero(np.asarray(catalogue["id"]).astype(str) == name)[0] for name in (chosen, place["id"])}
    assert abs(catalogue["teff"][rows[chosen]] - catalogue["teff"][rows[place["id"]]]) < 60
    lines = page.locator("#x-labels tbody tr").all_inner_texts()
    row = catalogue[rows[chosen]]
    for line, label in zip(lines, run.model.labels, strict=True):
        value, calibrated, formal = line.split("\t")[1:4]
        half = 0.501 * 10.0**-label.digits
        assert abs(float(value) - row[label.name]) <= half
        assert abs(float(calibrated) - row[f"e_{label.name}"]) <= half
        assert abs(float(formal) - row[f"e_formal_{label.name}"]) <= half
    # the sliders go to the star, and the model there is its best fit
    np.testing.assert_allclose(
        shown_labels(page, run.model), [row[name] for name in run.model.label_names], rtol=1e-3, atol=1e-3
    )
    assert_curve_is_the_models(page, run.model)
    assert page.inner_text("#x-row").count("\n") > 20


def test_keys_go_from_star_to_star(open_page):
    page = open_page()
    page.focus("#x-spectrum")
    first = page.inner_text("#x-star-title")
    page.keyboard.press("n")
    settle(page)
    second = page.inner_text("#x-star-title")
    page.keyboard.press("p")
    settle(page)
    assert page.inner_text("#x-star-title") == first != second
    page.keyboard.press("+")
    settle(page)
    low, high = page.evaluate("document.getElementById('x-spectrum').layout.xaxis.range")
    whole = curve(page, "model", "x")
    assert high - low == pytest.approx((whole[-1] - whole[0]) / 2)
    page.keyboard.press("0")
    page.focus("#x-plane-a")
    page.keyboard.press("ArrowRight")
    settle(page)
    assert page.inner_text("#x-star-title") != first


def test_rows_in_a_box_are_counted_and_listed(open_page, run):
    page = open_page()
    catalogue = bc.read_catalogue(run.folder / "catalogue.fits")
    page.locator("#x-plane-a").scroll_into_view_if_needed()
    page.locator("#x-plane-a").hover()
    page.locator('#x-plane-a [data-title="Box Select"]').click()
    area = page.locator("#x-plane-a .nsewdrag").first.bounding_box()
    page.mouse.move(area["x"] + 0.3 * area["width"], area["y"] + 0.3 * area["height"])
    page.mouse.down()
    page.mouse.move(area["x"] + 0.6 * area["width"], area["y"] + 0.7 * area["height"], steps=5)
    page.mouse.up()
    settle(page)
    drawn = page.evaluate(
        "() => { const one = document.getElementById('x-plane-a').layout.selections[0];"
        " return [[one.x0, one.x1], [one.y0, one.y1]]; }"
    )
    x, y = np.sort(np.array(drawn, dtype=np.float64))
    good = np.asarray(catalogue["flag_bad"]) == 0
    inside = good & (catalogue["teff"] >= x[0]) & (catalogue["teff"] <= x[1])
    inside &= (catalogue["logg"] >= y[0]) & (catalogue["logg"] <= y[1])
    assert inside.sum() > 10
    assert page.inner_text("#x-count").startswith(
        f"{good.sum()} of {len(catalogue)} rows are shown; {inside.sum()} selected"
    )
    assert page.locator("#x-selected tbody tr").count() == min(inside.sum(), 100)
    page.click("#x-clear")
    settle(page)
    assert page.inner_text("#x-count") == f"{good.sum()} of {len(catalogue)} rows are shown"


def test_colours_filters_and_axes_change_what_is_drawn(open_page, run):
    page = open_page()
    catalogue = bc.read_catalogue(run.folder / "catalogue.fits")
    page.select_option("#x-kept", "all")
    page.select_option("#x-filter", "snr_g")
    page.fill("#x-filter-low", "60")
    page.press("#x-filter-low", "Enter")
    settle(page)
    bright = int((catalogue["snr_g"] >= 60).sum())
    assert 0 < bright < len(catalogue)
    assert page.inner_text("#x-count") == f"{bright} of {len(catalogue)} rows are shown"
    page.select_option("#x-colour", "rchi2")
    page.select_option("#x-plane-b-x", "snr_g")
    settle(page)
    plane = page.evaluate(
        """() => {
          const { data: [trace], layout } = document.getElementById("x-plane-b");
          const bar = trace.marker.colorbar.title.text;
          return { title: layout.xaxis.title.text, bar, low: Math.min(...trace.x) };
        }"""
    )
    assert plane["title"].startswith("snr_g")
    assert plane["bar"].startswith("rchi2")
    assert plane["low"] >= 59.9


def observed(page):
    """Names of the observed spectra that are drawn."""
    names = page.evaluate("document.getElementById('x-spectrum').data.map((trace) => trace.name)")
    return [name.removeprefix("observed: ") for name in names if name.startswith("observed")]


def test_two_stars_are_overlaid(open_page):
    page = open_page()
    assert len(observed(page)) == 1
    page.select_option("#x-star-2", "3")
    settle(page)
    assert observed(page)[1] == page.locator("#x-star-2 option:checked").inner_text()


def test_the_posterior_of_a_star_is_drawn_with_both_errors(open_page, run):
    page = open_page()
    drawn = page.evaluate(
        "document.getElementById('x-posterior').data"
        ".filter((trace) => trace.type === 'histogram').map((trace) => Array.from(trace.x))"
    )
    lines = [line.split("\t") for line in page.locator("#x-labels tbody tr").all_inner_texts()]
    assert len(drawn) == len(lines) == len(run.model.labels)
    for draws, line, label in zip(drawn, lines, run.model.labels, strict=True):
        low, middle, high = map(float, line[4:7])
        np.testing.assert_allclose(
            np.quantile(draws, [0.1587, 0.5, 0.8413]), [low, middle, high], atol=0.6 * 10.0**-label.digits
        )
        assert 0.5 < (high - low) / 2 / float(line[3]) < 2


@pytest.mark.parametrize("width", [400, 1400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_and_a_desk_by_day_and_night(open_page, width, scheme):
    page = open_page(width, color_scheme=scheme)
    page.select_option("#x-information", "teff")
    settle(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for name in ("x-spectrum", "x-posterior", "x-plane-a", "x-plane-b"):
        box = page.locator(f"#{name}").bounding_box()
        assert box["width"] > 0.75 * min(width, 700)
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
    ink = page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--ink')").strip()
    assert page.evaluate("document.getElementById('x-spectrum').layout.font.color") == ink


def test_the_band_of_errors_has_no_gap_at_dead_pixels(open_page, tmp_path):
    """An area between curves with gaps would be drawn across the spectrum."""
    model = bc.train(toy.toy_reference(150, n_pixel=40))
    spectra = toy.toy_spectra(toy.toy_labels(20, seed=5), seed=5, n_pixel=40)
    spectra.ivar[:, [0, 1, 17, 39]] = 0.0
    store = bc.save_spectra(spectra, tmp_path / "store.zarr")
    catalogue = bc.build_catalogue(bc.label_spectra(model, spectra))
    page = open_page(path=write_bare_page(tmp_path / "dead.html", model, catalogue, store)[0])
    name = page.inner_text("#x-star-title")[5:]
    row = int(np.flatnonzero(spectra.id == name)[0])
    low, high = np.array(
        page.evaluate(
            "(name) => ['-', '+'].map((sign) => Array.from(document.getElementById('x-spectrum').data"
            ".find((trace) => trace.name === `${name} ${sign} error`).y))",
            name,
        ),
        dtype=np.float64,
    )
    assert np.isfinite([low, high]).all()
    live = spectra.ivar[row] > 0
    np.testing.assert_array_equal(low[~live], high[~live])
    np.testing.assert_allclose((low + high)[live] / 2, spectra.flux[row][live], atol=2e-5)
    np.testing.assert_allclose((high - low)[live] / 2, spectra.ivar[row][live] ** -0.5, rtol=1e-4)

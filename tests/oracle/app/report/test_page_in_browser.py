"""The page around the explorer in Chromium: by day and night, on a phone, by the keyboard, in print."""

import pytest

pytestmark = pytest.mark.browser

# boxes that are wider inside than outside, and those that the keyboard reaches
SCROLLING = """() => [...document.querySelectorAll("[data-scrolls]")].map((box) =>
  [box.scrollWidth > box.clientWidth + 1, box.tabIndex === 0 && box.getAttribute("role") === "region"])"""


def colours(page):
    return page.evaluate("[getComputedStyle(document.documentElement).backgroundColor, "
                         "getComputedStyle(document.body).color]")  # fmt: skip


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_button_changes_between_day_and_night(open_page, scheme):
    page = open_page(color_scheme=scheme)
    before = colours(page)
    assert before[0] == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(18, 22, 28)")
    button = page.locator("#theme")
    assert button.get_attribute("aria-pressed") == ("false" if scheme == "light" else "true")
    button.click()
    after = colours(page)
    assert after[0] == ("rgb(18, 22, 28)" if scheme == "light" else "rgb(255, 255, 255)")
    assert after[1] != before[1]
    button.click()
    assert colours(page) == before


def test_the_first_stop_of_the_keyboard_skips_to_the_contents(open_page):
    page = open_page()
    page.keyboard.press("Tab")
    skip = page.locator(".skip")
    assert skip.evaluate("(link) => link === document.activeElement")
    assert skip.bounding_box()["x"] >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#main"


@pytest.mark.parametrize("width", [400, 1400])
def test_tables_and_figures_scroll_in_their_boxes_and_by_the_keyboard(open_page, width):
    page = open_page(width)
    page.wait_for_function("document.readyState === 'complete'")
    found = page.evaluate(SCROLLING)
    assert all(wide == reached for wide, reached in found)
    assert any(wide for wide, _ in found) == (width == 400)
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_every_figure_is_drawn(open_page):
    page = open_page()
    sizes = page.evaluate("[...document.images].map((one) => [one.complete, one.naturalWidth, one.alt.length])")
    assert len(sizes) == 8
    assert all(complete and size > 100 and text > 10 for complete, size, text in sizes)


def test_print_has_all_but_the_explorer_and_the_buttons(open_page):
    page = open_page(color_scheme="dark")
    page.emulate_media(media="print")
    assert colours(page)[1] == "rgb(26, 33, 43)"
    for hidden in ("#x-app", "#theme", ".contents"):
        assert not page.locator(hidden).is_visible()
    for shown in ("#trust-title", "#explorer-title", ".only-print", "#provenance-title"):
        assert page.locator(shown).is_visible()


def test_contents_lead_to_their_sections(open_page):
    page = open_page()
    for link in page.locator(".contents a").all():
        target = link.get_attribute("href")
        assert page.locator(target).locator("h2").first.inner_text() in (link.inner_text(), "Warnings and notes")

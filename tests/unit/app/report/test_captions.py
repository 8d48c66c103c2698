"""Every figure that a run or a comparison draws has a caption and a text for those who do not see it."""

import re
from pathlib import Path

from bayescannon.app import catalogue_comparison, pictures
from bayescannon.app.report.captions import comparison_captions, run_captions


def drawn(module):
    """Names that a module yields with figures."""
    text = Path(module.__file__).read_text()
    names = re.findall(r'yield\s*\(?\s*f?"([a-z_0-9]+?)_?(?:\{\w+\})?"', text)
    return sorted({name.rstrip("_") for name in names})


def test_all_figures_of_a_run_have_captions():
    names = drawn(pictures)
    assert {"one_to_one", "coefficients", "distance", "kiel"} <= set(names)
    # of one population where there is one for each
    asked = [f"{name}_dwarf" if name in ("distance", "selection") else name for name in names]
    found = run_captions([*asked, "kiel_dwarf", "coefficients_dwarf"])
    assert set(found) == {*asked, "kiel_dwarf", "coefficients_dwarf"}
    for caption in found.values():
        assert caption.text.endswith(".")
        assert "{" not in caption.title + caption.text + caption.alt
    assert found["kiel_dwarf"].title == "Kiel diagram by membership: dwarf"
    assert "of dwarf" in found["coefficients_dwarf"].alt


def test_all_figures_of_a_comparison_have_captions():
    names = drawn(catalogue_comparison)
    assert set(comparison_captions(names)) == set(names) >= {"one_to_one", "pulls"}

from bayescannon.data.display import html_table, listed
from bayescannon.data.tally import TallyRow


def test_all_text_is_escaped():
    html = html_table("<b>", {"<i>": "<script>alert('x')</script>", "n": 3})
    assert "<b>" not in html
    assert "<i>" not in html
    assert "<script>" not in html
    assert "<td>3</td>" in html


def test_long_lists_are_cut():
    assert listed([]) == "none"
    assert listed(["a", "b"]) == "a, b"
    assert listed(list("abcd"), most=2) == "a, b and 2 more"


def test_repr_of_a_step():
    row = TallyRow("teff < 3500 K", 2, 10)
    assert repr(row) == "<TallyRow teff < 3500 K: 2 removed, 10 remain>"
    assert "teff &lt; 3500 K" in row._repr_html_()

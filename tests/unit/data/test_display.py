from bayescannon.data.display import as_message, html_table, listed, visible
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


# moves the title, the cursor, the direction of writing, and the start of the line
HOSTILE = ("\x1b]0;owned\x07", "\x1b[2J", "\x9b31m", "\r", "\b", "\x7f", "\u202e", "\u2066", "\u200f", "\u2028", "\x85")


def test_what_a_terminal_obeys_is_shown_and_not_obeyed():
    for signs in HOSTILE:
        shown = visible(f"a{signs}b")
        assert shown.isprintable()
        assert shown.encode().decode("unicode_escape") == f"a{signs}b"
    assert visible("\udcff") == "\\udcff"
    for text in ("[Fe/H] = -0.5 ± 0.1 Å", "星", "a\nb", "e\u0301", "a\u00a0b"):
        assert visible(text) == text


def test_a_line_break_in_a_name_does_not_begin_a_message():
    assert as_message("no file a\nbayescannon: labelled 3 of 3 stars") == (
        "no file a\n  bayescannon: labelled 3 of 3 stars"
    )
    assert as_message("the steps\n   3 removed\n") == "the steps\n   3 removed\n"

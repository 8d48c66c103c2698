"""Progress: whose function is called, and where a bar is drawn."""

import pytest

from bayescannon.numerics.progress import reporting


def test_a_function_is_called_as_it_is():
    seen = []
    with reporting(lambda done, total: seen.append((done, total)), "work") as report:
        report(1, 2)
        report(2, 2)
    assert seen == [(1, 2), (2, 2)]


@pytest.mark.parametrize(("progress", "drawn"), [(True, True), (False, False), (None, False)])
def test_a_bar_is_drawn_on_request_and_not_into_files(progress, drawn, capsys):
    with reporting(progress, "hold out") as report:
        for done in range(1, 4):
            report(done, 3)
    written = capsys.readouterr()
    assert written.out == ""
    assert ("hold out" in written.err) is drawn


def test_an_error_in_the_work_passes_through():
    with pytest.raises(RuntimeError, match="broken"), reporting(True, "work"):
        raise RuntimeError("broken")

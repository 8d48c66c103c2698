import numpy as np
import pytest

from bayescannon.data.grid_choice import choose_grid, is_grid_text, lamost_grid, parse_grid
from bayescannon.numerics.errors import InputError


def test_a_linear_grid_includes_its_stop():
    np.testing.assert_allclose(parse_grid("4000:7000:0.1"), np.linspace(4000, 7000, 30001), rtol=1e-14)
    assert parse_grid("4000:7000.05:0.1")[-1] == pytest.approx(7000.0)


def test_a_logarithmic_grid_steps_in_log10():
    grid = parse_grid("3905.7:9000:1e-4:log")
    np.testing.assert_allclose(np.diff(np.log10(grid)), 1e-4, rtol=1e-8)
    assert grid[-1] <= 9000
    low, high = lamost_grid()[[0, -1]]
    np.testing.assert_allclose(parse_grid(f"{low:.17g}:{high:.17g}:1e-4:log"), lamost_grid(), rtol=1e-12)


def test_pieces_are_joined_by_commas():
    grid = parse_grid(" 4960:5340:1e-5:log , 6308:6791:0.1 ")
    assert grid[0] == 4960
    assert grid[-1] == pytest.approx(6791)
    assert (np.diff(grid) > 0).all()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("4000:7000", "must be start:stop:step in Angstrom.*or a file.*got '4000:7000'"),
        ("4000:7000:1:linear", "must be start:stop:step"),
        ("4000:7000:1:log:2", "must be start:stop:step"),
        ("a:b:c", "must be start:stop:step"),
        ("", "must be start:stop:step"),
        ("4000:7000:1,", "must be start:stop:step"),
        ("7000:4000:1", "0 < start < stop"),
        ("4000:7000:-1", "0 < start < stop"),
        ("4000:7000:nan", "0 < start < stop"),
        ("4000:inf:1", "0 < start < stop"),
        ("0:10:1:log", "0 < start < stop"),
        ("4000:7000:1:log", "1 pixels.*step is in log10"),
        ("4000:7000:1e-5", "300000001 pixels.*step is in Angstrom"),
        ("4000:5000:1,4900:6000:1", "ascend and not overlap.*ends at 5000 A.*begins at 4900 A"),
        ("4000:5000:1,5000:6000:1", "not overlap"),
        ("0.4:0.7:0.001", "grid must be in Angstrom"),
    ],
)
def test_texts_that_are_no_grid(text, words):
    with pytest.raises(InputError, match=words):
        parse_grid(text)


def test_a_text_or_the_path_of_a_file():
    assert is_grid_text("1:2:3,4:5:6:log")
    assert is_grid_text("4000:7000:1:linear")
    for path in ("C:/grids/store.zarr", "grid.txt", "a:b:c", "", "4000"):
        assert not is_grid_text(path)


def test_the_grid_of_a_call():
    default = lamost_grid()
    assert choose_grid(None, default) is default
    assert choose_grid([5000, 5001], default).tolist() == [5000, 5001]
    assert choose_grid("5000:5002:1", default).tolist() == [5000, 5001, 5002]
    with pytest.raises(InputError, match="must be ascending"):
        choose_grid([5001, 5000], default)


@pytest.mark.parametrize(
    "text", ["4000:7000:1e-300", "4000:7000:1e-320", "1e-300:1e300:1e-310:log", "1:1e308:1e-5", "1e-320:1:1e-9:log"]
)
def test_tiny_steps_are_refused_and_not_counted(text):
    with pytest.raises(InputError, match=r"has (\S+) pixels; expected 2 to 1000000"):
        parse_grid(text)

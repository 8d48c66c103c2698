"""Stars on the sky (figure 12): Galactic coordinates around the anticentre, longitude to the left."""

import numpy as np
import pytest
from drawing import require_drawable

from bayescannon.data.labels import KNOWN_LABELS
from bayescannon.figures import plot_sky
from bayescannon.figures.style import new_figure
from bayescannon.numerics.errors import InputError

# positions in ICRS: centre and north pole of the Galaxy, the anticentre, and l = 90, b = 0
CENTRE, POLE, ANTICENTRE, LEFT = (266.405, -28.936), (192.859, 27.128), (86.405, 28.936), (318.004, 48.330)


def _offsets(*places):
    ax = plot_sky(*np.transpose(places))
    return np.rad2deg(ax.collections[0].get_offsets())


def test_known_places_are_where_they_belong():
    anticentre, pole, right = _offsets(ANTICENTRE, POLE, LEFT)
    np.testing.assert_allclose(anticentre, [0, 0], atol=0.01)
    assert pole[1] == pytest.approx(90, abs=0.01)
    # longitude increases to the left, so l = 90 is to the right of the anticentre
    np.testing.assert_allclose(right, [90, 0], atol=0.01)


def test_ticks_name_the_longitudes(tmp_path):
    ax = plot_sky([10.0, np.nan, 20.0], [5.0, 6.0, np.nan], values=[1.0, 2.0, 3.0], value_label=KNOWN_LABELS["a_k"])
    assert ax.get_title() == "Galactic coordinates of 1 star"
    places, texts = np.rad2deg(ax.get_xticks()), [text.get_text() for text in ax.get_xticklabels()]
    assert dict(zip(places.round().astype(int).tolist(), texts, strict=True))[90] == "90°"
    assert dict(zip(places.round().astype(int).tolist(), texts, strict=True))[-90] == "270°"
    require_drawable(ax.figure, tmp_path)


def test_wrong_calls_say_what_is_wrong():
    with pytest.raises(InputError, match="projection 'mollweide'"):
        plot_sky([1.0], [1.0], new_figure(3, 3).add_subplot())
    with pytest.raises(InputError, match="one value per star"):
        plot_sky([1.0, 2.0], [1.0])

"""Joining and selecting held-out stars keeps what their pixels tell, where it is known of all."""

from dataclasses import replace

import numpy as np
from known_errors import draw_stars

from bayescannon.reliability.damage_errors import InformationLeft
from bayescannon.reliability.out_of_fold import OutOfFold


def test_parts_join_and_stars_are_selected():
    one, two = draw_stars(5, seed=1)[0], draw_stars(3, seed=2)[0]
    left = [
        InformationLeft(part.formal * 2, np.full((len(part), 2), k), np.ones(len(part)))
        for k, part in enumerate((one, two))
    ]
    known = OutOfFold.join([replace(part, left=each) for part, each in zip((one, two), left, strict=True)])
    assert len(known) == 8
    np.testing.assert_array_equal(known.left.gaps[:, 0], [0] * 5 + [1] * 3)
    some = known.select(np.arange(8) > 5)
    np.testing.assert_array_equal(some.scaled, two.scaled[1:])
    np.testing.assert_array_equal(some.left.typical, two.formal[1:] * 2)
    assert OutOfFold.join([replace(one, left=left[0]), two]).left is None
    assert one.select(slice(2)).left is None

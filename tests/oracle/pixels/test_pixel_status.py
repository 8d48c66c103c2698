"""Which pixels can be fitted: the quick look at a sample of the stars against the rank of all of them."""

import numpy as np

from bayescannon.models.label_vector import label_vector
from bayescannon.pixels import pixel_status as status_module
from bayescannon.pixels.block import LabelMoments, PixelBlock
from bayescannon.pixels.pixel_status import PixelStatus, known_status, pixel_status
from bayescannon.pixels.prior import PixelPrior


def block():
    rng = np.random.default_rng(1)
    labels = rng.normal(size=(1500, 2))
    labels[:400, 1] = 0.3
    ivar = np.where(rng.random((1500, 5)) < 0.1, 0.0, 1e4)
    ivar[400:, 1] = 0  # live stars have the same second label
    ivar[6:, 2] = 0  # as many stars as terms
    ivar[5:, 3] = 0  # one less
    ivar[450:, 4] = 0  # few that differ
    moments = LabelMoments.known(label_vector(labels))
    return PixelBlock(moments, np.ones(ivar.shape), ivar, PixelPrior.flat(5, 6), marginal=False)


def test_a_sample_of_the_stars_changes_no_status(monkeypatch):
    data = block()
    n_live = (data.ivar > 0).sum(axis=0)
    quick = pixel_status(data, n_live)
    monkeypatch.setattr(status_module, "_SAMPLE_PER_TERM", 10**6)
    assert quick.tolist() == pixel_status(data, n_live).tolist()
    assert quick[[0, 4]].tolist() == [PixelStatus.CONVERGED] * 2
    assert quick[1] == PixelStatus.SINGULAR
    assert quick[3] == PixelStatus.DEAD


def test_pixels_without_a_scatter_or_with_too_few_stars_stay_dead():
    data = block()
    n_live = (data.ivar > 0).sum(axis=0)
    status = known_status(data, n_live, np.array([0.1, np.inf, 0.1, 0.1, 0.0]))
    assert status.tolist() == [PixelStatus.CONVERGED, *[PixelStatus.DEAD] * 1, 0, PixelStatus.DEAD, 0]

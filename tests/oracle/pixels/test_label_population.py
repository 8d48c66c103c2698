"""The population of true labels and the affine maps of labels."""

import numpy as np
from latent_survey import survey

from bayescannon.pixels.label_population import AffineMap, regress_reported


def test_regression_of_reported_labels_undoes_a_map():
    truth, observed, variance, *_ = survey(n_star=4000)
    wrong = AffineMap(np.array([[2.0, 0.3], [-0.4, 0.7]]), np.array([0.5, -1.0]))
    moved, _ = wrong.apply(truth, np.zeros((4000, 2, 2)))
    back = regress_reported(moved, np.zeros((4000, 2, 2)), observed, variance)
    again, _ = back.apply(moved, np.zeros((4000, 2, 2)))
    np.testing.assert_allclose(again, truth, atol=0.05)

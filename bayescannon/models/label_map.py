"""The model of two surveys' labels of the same stars: a linear map, its scatter, and a share of wrong labels."""

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from bayescannon.numerics.typing import BoolArray, FloatArray

# scaled labels: standard deviations of the priors of offsets, of slopes around 1 (between two labels: around 0), and of
# the scatter; surveys that measure the same label differ by some tens of per cent of its range
OFFSET_WIDTH, SLOPE_WIDTH, SCATTER_WIDTH = 10.0, 0.3, 1.0
# Beta prior of the share of wrong pairs: 5 per cent, as much as known from 20 stars
WRONG_PRIOR = (1.0, 19.0)
# how far wrong labels are off, in scaled labels: the difference of two stars' labels
WRONG_WIDTH = 1.5


def label_map_model(
    trusted: FloatArray,
    variance: FloatArray,
    centre: FloatArray,
    covariance: FloatArray,
    fitted: BoolArray,
) -> pm.Model:
    r"""
    State the model of N stars' labels in two surveys, with the true labels and the wrong stars integrated out.

    .. math::
        x_n \sim {\cal N}(\hat x_n, P_n), \quad
        y_n \sim (1 - \epsilon)\, {\cal N}(a + M x_n,\; S_n + T)
            + \epsilon\, {\cal N}(a + M x_n,\; S_n + T + w^2 1), \quad T = {\rm diag}(\tau^2)

    so that the mean is :math:`a + M \hat x_n` and the covariance :math:`S_n + T + M P_n M^T`, plus :math:`w^2` for a
    wrong star. Labels are scaled: less a pivot, over the spread of each label.
    :mod:`bayescannon.reliability.label_map_fit` maximises its posterior.

    Parameters
    ----------
    trusted, variance : float arrays of shape (N, K)
        y, labels of the survey on whose scale the others are put, and the diagonals of S.
    centre : float array of shape (N, K)
        Means of the true labels of the other survey, given its reported ones.
    covariance : float array of shape (N, K, K)
        P, their covariances.
    fitted : bool array of shape (K, K)
        Elements of M that are free; the others are those of the unit matrix.

    Returns
    -------
    model : pymc.Model
        Free variables ``offset`` (a), ``slope`` (the free elements of M, row by row), ``scatter`` (tau) and ``wrong``
        (epsilon), observed ``trusted``.
    """
    n_label = trusted.shape[1]
    unit = np.eye(n_label)
    with pm.Model() as model:
        offset = pm.Normal("offset", 0.0, OFFSET_WIDTH, shape=n_label)
        matrix = pt.as_tensor(unit)
        if fitted.any():
            slope = pm.Normal("slope", unit[fitted], SLOPE_WIDTH, shape=int(fitted.sum()))
            matrix = matrix[fitted].set(slope)
        scatter = pm.HalfNormal("scatter", SCATTER_WIDTH, shape=n_label)
        wrong = pm.Beta("wrong", *WRONG_PRIOR)
        mean = offset + pt.dot(centre, matrix.T)
        spread = pt.matmul(pt.matmul(matrix, covariance), matrix.T)
        right = spread + (variance[:, :, None] + scatter[:, None] ** 2) * unit
        parts = [pm.MvNormal.dist(mean, cov) for cov in (right, right + WRONG_WIDTH**2 * unit)]
        pm.Mixture("trusted", pt.stack([1 - wrong, wrong]), parts, observed=trusted)
    return model

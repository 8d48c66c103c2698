r"""
How much of a template a spectrum has that the model of its labels lacks.

With residuals r = f - m(l) at the best labels, weights W and templates g, the amplitude of a template added to the
model, of which labels (and hidden components) may take over a part, is known to 1 / sqrt(V), and

.. math::
    z = (g^T W r - C^T A^{-1} J^T W r) / \sqrt V,    V = g^T W g - C^T A^{-1} C,    C = J^T W g,    A = J^T W J

is Normal(0, 1) where the model is true: the score test of the template (Rao 1948, Proc. Camb. Phil. Soc. 44, 50).
"""

import numpy as np

from bayescannon.numerics.threads import map_blocks
from bayescannon.numerics.typing import BoolArray, FloatArray

_STARS = 64
# a template that labels can take over but for this share of its information says nothing
_LEAST_SHARE = 1e-3
# fewer pixels near to lines of the sky say nothing
_FEWEST_PIXELS = 8


def template_scores(
    residual: FloatArray,
    weight: FloatArray,
    columns: FloatArray,
    slopes: FloatArray,
    templates: FloatArray,
    *,
    prior: FloatArray | None = None,
    workers: int | None = None,
) -> FloatArray:
    """
    Return z of each template for N stars.

    Parameters
    ----------
    residual, weight : float arrays of shape (N, P)
        r, and w: 0 in dead pixels.
    columns : float array of shape (P, T)
        Coefficients, finite.
    slopes : float array of shape (N, T, K)
        J = columns @ slopes.
    templates : float array of shape (P, M), or (N, P, M) where each star has its own
    prior : float array of shape (K,), optional
        Inverse variances of the K parameters before the spectrum; 0 unless given.
    workers : int or None

    Returns
    -------
    z : float array of shape (N, M)
        NaN for a template that the live pixels do not see, or that labels describe.
    """
    n_label = slopes.shape[2]
    known = np.diag(np.zeros(n_label) if prior is None else prior)
    result = np.full((len(residual), templates.shape[-1]), np.nan)

    def one(part: slice) -> None:
        for n in range(part.start, part.stop):
            g = templates if templates.ndim == 2 else templates[n]
            weighted = weight[n][:, None] * g
            tangent = columns @ slopes[n]
            inverse = np.linalg.pinv((tangent * weight[n][:, None]).T @ tangent + known, hermitian=True)
            cross = tangent.T @ weighted
            alone = (weighted * g).sum(axis=0)
            left = alone - (cross * (inverse @ cross)).sum(axis=0)
            total = weighted.T @ residual[n] - cross.T @ (inverse @ (tangent.T @ (weight[n] * residual[n])))
            seen = left > _LEAST_SHARE * alone
            result[n, seen] = total[seen] / np.sqrt(left[seen])

    map_blocks(one, len(residual), _STARS, workers)
    return result


def excess_near(residual: FloatArray, weight: FloatArray, near: BoolArray) -> FloatArray:
    """
    Return the log of the mean of w r^2 in some pixels over that in the others, shape (N,).

    NaN with fewer than eight live pixels among either.
    """
    square, live = weight * residual**2, weight > 0
    means = []
    for pixels in (near & live, ~near & live):
        count = pixels.sum(axis=1)
        mean = np.where(pixels, square, 0.0).sum(axis=1) / np.maximum(count, 1)
        means.append(np.where((count >= _FEWEST_PIXELS) & (mean > 0), mean, np.nan))
    result: FloatArray = np.log(means[0] / means[1])
    return result

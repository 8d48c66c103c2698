"""The residuals of stars under a trained model, from which the novelty of spectra is computed."""

import numpy as np

from bayescannon.cannon.likelihood import StarLikelihood
from bayescannon.models.label_vector import label_vector, label_vector_jacobian
from bayescannon.numerics.tiles import map_tiles
from bayescannon.numerics.typing import FloatArray
from bayescannon.reliability.spectrum_scores import Residuals, block_residuals
from bayescannon.stars.quartic import compress_pixels


def star_residuals(likelihood: StarLikelihood, scaled: FloatArray, *, workers: int | None = None) -> Residuals:
    """
    Return the block averages of each star's residual at scaled labels (N, K), without hidden components and nuisances.

    See :func:`bayescannon.reliability.spectrum_scores.block_residuals`. The hidden components follow the blocks, since
    a spectrum may be unusual in what they describe, too; the spectrum leaves the variance 1 - C of their prior's 1.
    """

    def one(part: slice) -> Residuals:
        return _of_tile(likelihood, scaled[part], part)

    return Residuals.join(map_tiles(one, len(scaled), workers) or [one(slice(0, 0))])


def _of_tile(likelihood: StarLikelihood, scaled: FloatArray, part: slice) -> Residuals:
    """Return the residuals of a tile of stars."""
    model = likelihood.model
    columns = model.pixel_columns
    flux, ivar, whole = likelihood.spectra.flux[part], likelihood.ivar[part], likelihood.whole.select(part)
    known = np.isfinite(scaled).all(axis=1)
    at = np.where(known[:, None], scaled, 0.0)
    hidden = None if likelihood.hidden is None else likelihood.hidden.select(part)
    n_hidden = columns.columns.shape[1] - model.theta.shape[1]
    vectors, slopes = label_vector(at), label_vector_jacobian(at)
    if likelihood.settled is not None:
        flux = likelihood.select(part).clean_flux(at)
        whole = compress_pixels(columns, flux, ivar, workers=1)
    if hidden is not None:
        means = np.einsum("nht,nt->nh", hidden.map[:, :n_hidden], vectors)
        vectors = np.concatenate([vectors, means], axis=1)
    slopes = np.concatenate([slopes, np.zeros((len(slopes), n_hidden, slopes.shape[2]))], axis=1)
    vectors[~known] = np.nan
    noise = ivar if columns.live.all() else ivar * columns.live.astype(ivar.dtype)
    residuals = block_residuals(columns.columns, flux, noise, whole, vectors, slopes, workers=1)
    if hidden is None or not n_hidden:
        return residuals
    left = 1 - np.diagonal(hidden.covariance, axis1=1, axis2=2)[:, :n_hidden]
    return residuals.with_hidden(vectors[:, -n_hidden:], left)

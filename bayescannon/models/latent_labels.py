r"""
The spectral model with errors of the reference labels: the true labels are latent.

    x_n  ~ Normal(mu, Omega)                                       the population of true labels
    o_n  ~ Normal(x_n, Sigma_n)                                    reported labels, Sigma_n diagonal and known
    h_n  ~ Normal(0, 1) in R hidden components
    f_np ~ Normal(theta_p . v(x_n) + H_p . h_n, sqrt(s_p^2 + kappa^2 sigma_np^2))

Without the population the model is a regression on the reported labels o_n, whose errors bias the coefficients toward
zero. :func:`bayescannon.pixels.latent_label_fit.fit_latent_labels` maximises the posterior with x_n and h_n integrated
out.

A flat prior on theta does not affect that maximum, but it affects averages over the posterior: the volume of theta
grows as the labels shrink, by the factor |V^T V|^(-1/2) per pixel, which with many pixels outweighs the reported
labels. `reference_measure` removes the factor; the prior is then flat in the predicted spectra, whatever the scale of
the labels.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from bayescannon.models.form import WEAK_LINEAR, Form
from bayescannon.models.label_vector import label_vector, term_names
from bayescannon.models.reported_stars import ReportedStars
from bayescannon.models.spectral import flux_deviation, reported_sigma
from bayescannon.models.spectral_priors import SpectralPriors
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.typing import FloatArray

# standard deviation of the weak density of the mean of the scaled labels
_WEAK_LABEL = 1.0


def latent_label_model(
    stars: ReportedStars,
    *,
    label_names: Sequence[str],
    n_hidden: int = 0,
    population: tuple[FloatArray, FloatArray] | None = None,
    priors: SpectralPriors | None = None,
    reference_measure: bool = False,
    boundary: bool = False,
) -> pm.Model:
    """
    State the latent-label model in PyMC, with dims star, pixel, term, stellar_label and component.

    Parameters
    ----------
    stars : ReportedStars
        With positive variances. A dead pixel adds the same constant to every logp.
    label_names : sequence of K str
    n_hidden : int
        R, the number of hidden components.
    population : (mu, Omega), optional
        Shapes (K,) and (K, K). By default they are random variables: mu flat, Omega with flat correlations and wide
        half-normal standard deviations.
    priors : SpectralPriors, optional
        By default those of the paper. `allowed` is not used: every pixel depends on every term. If they are proper,
        mu and the loadings are so too.
    reference_measure : bool
        Multiply the posterior by |V^T V|^(1/2) for every pixel, where V holds the label vectors: for sampling with
        flat coefficients.
    boundary : bool
        Leave s untransformed, as in :func:`bayescannon.models.spectral.spectral_model`.

    Returns
    -------
    model : pm.Model
        Random variables ``labels`` (star, stellar_label), ``theta`` (pixel, term), ``scatter`` (pixel), with hidden
        components ``hidden`` (star, component) and ``loadings`` (pixel, component), without `population` ``label_mean``
        and ``omega``; observed ``reported`` and ``flux``.

    Raises
    ------
    InputError
        A label variance is not positive.
    """
    observed, flux, ivar = stars.observed, stars.flux, stars.ivar
    priors = priors or SpectralPriors()
    if not (stars.variance > 0).all():
        raise InputError(
            f"label variances must be positive; got {float(stars.variance.min()):g}. Give exact labels a small variance"
        )
    live = ivar > 0
    n_label = len(label_names)
    coords: dict[str, Any] = {
        "star": np.arange(len(flux)),
        "pixel": np.arange(flux.shape[1]),
        "term": term_names(label_names),
        "stellar_label": list(label_names),
        "component": np.arange(n_hidden),
    }
    form = Form(proper=priors.proper, boundary=boundary)
    with pm.Model(coords=coords) as model:
        sigma_data = pm.Data("sigma", reported_sigma(ivar), dims=("star", "pixel"))
        flux_data = pm.Data("flux_observed", np.where(live, flux, 0.0).astype(np.float64), dims=("star", "pixel"))
        if population is None:
            mu: Any = form.unbounded("label_mean", centre=0.0, width=_WEAK_LABEL, dims="stellar_label")
            spread = pm.HalfNormal.dist(10.0, shape=n_label)
            factor, _, _ = pm.LKJCholeskyCov("omega", n=n_label, eta=1.0, sd_dist=spread)
        else:
            mu, factor = population[0], np.linalg.cholesky(population[1])
        labels = pm.MvNormal("labels", mu, chol=factor, dims=("star", "stellar_label"))
        pm.Normal("reported", labels, np.sqrt(stars.variance), observed=observed, dims=("star", "stellar_label"))
        theta = priors.coefficients.declare_theta(form)
        s = priors.scatter.declare_scatter(form)
        kappa = priors.noise.declare_kappa(form)
        vectors = label_vector(pt.specify_shape(labels, (None, n_label)), pt)
        mean = vectors @ theta.T
        if n_hidden:
            hidden = pm.Normal("hidden", 0.0, 1.0, dims=("star", "component"))
            loadings = form.unbounded("loadings", centre=0.0, width=WEAK_LINEAR, dims=("pixel", "component"))
            mean = mean + hidden @ loadings.T
        if reference_measure:
            root = pt.linalg.cholesky(vectors.T @ vectors)
            pm.Potential("measure", flux.shape[1] * pt.sum(pt.log(pt.diag(root))))
        pm.Normal("flux", mean, flux_deviation(s, kappa, sigma_data), observed=flux_data, dims=("star", "pixel"))
    return model

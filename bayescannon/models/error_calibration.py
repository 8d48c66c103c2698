"""The model of the errors of one label: Student-t, plus the Gaussian errors of the reference labels."""

import pymc as pm

from bayescannon.numerics.typing import FloatArray


def error_model(
    off: FloatArray,
    log_formal: FloatArray,
    noise: FloatArray,
    vector: FloatArray,
    features: FloatArray,
    *,
    mean: FloatArray,
    width: FloatArray,
) -> pm.Model:
    r"""
    State the model of the errors in PyMC, with the Student-t as a scale mixture of Gaussians.

    .. math::
        d_n \sim {\cal N}(\mu \cdot v_n,\; \sigma_n^2 / \lambda_n + e_n^2), \quad
        \lambda_n \sim {\rm Gamma}(\nu_n/2, \nu_n/2), \quad \ln \nu_n = \delta \cdot (\phi_{n,1}, \phi_{n,2}), \quad
        \sigma_n^2 = f_n^2 e^{2 \alpha \cdot \phi_n} + e^{2 \beta \cdot \phi_n}

    :mod:`bayescannon.reliability.error_fit` maximises its posterior with lambda integrated out.

    Parameters
    ----------
    off, log_formal, noise : float arrays of shape (N,)
        d, inferred minus reference label; logarithm of the formal error f; standard deviation e of the reference label.
    vector, features : float arrays of shape (N, T) and (N, F)
        v and phi; the first two of phi are 1 and the standardised logarithm of S/N.
    mean, width : float arrays of shape (T + 2 F + 2,)
        Means and standard deviations of the Gaussian priors of mu, alpha, beta and delta.

    Returns
    -------
    model : pymc.Model
        Free variables ``parameters`` (mu, alpha, beta, delta) and ``precision`` (lambda), observed ``off``.
    """
    n_term, n_feature = vector.shape[1], features.shape[1]
    with pm.Model() as model:
        parameters = pm.Normal("parameters", mean, width)
        location = vector @ parameters[:n_term]
        formal = pm.math.exp(2 * (log_formal + features @ parameters[n_term : n_term + n_feature]))
        floor = pm.math.exp(2 * (features @ parameters[n_term + n_feature : -2]))
        half = pm.math.exp(features[:, :2] @ parameters[-2:]) / 2
        precision = pm.Gamma("precision", half, half, shape=len(off))
        pm.Normal("off", location, pm.math.sqrt((formal + floor) / precision + noise**2), observed=off)
    return model

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
        \lambda_n \sim {\rm Gamma}(\nu_n/2, \nu_n/2), \quad \ln \nu_n = \delta, \quad
        \sigma_n^2 = f_n^2 e^{2 \alpha} + e^{2 \beta \cdot \phi_n}

    :mod:`bayescannon.reliability.error_fit` maximises its posterior with lambda integrated out.

    Parameters
    ----------
    off, log_formal, noise : float arrays of shape (N,)
        d, inferred minus reference label; logarithm of the formal error f; standard deviation e of the reference label.
    vector, features : float arrays of shape (N, T) and (N, F)
        v and phi.
    mean, width : float arrays of shape (T + 1 + F + 1,)
        Means and standard deviations of the Gaussian priors of mu, alpha, beta and delta.

    Returns
    -------
    model : pymc.Model
        Free variables ``parameters`` (mu, alpha, beta, delta) and ``precision`` (lambda), observed ``off``.
    """
    n_term = vector.shape[1]
    with pm.Model() as model:
        parameters = pm.Normal("parameters", mean, width)
        location = vector @ parameters[:n_term]
        formal = pm.math.exp(2 * (log_formal + parameters[n_term]))
        floor = pm.math.exp(2 * (features @ parameters[n_term + 1 : -1]))
        half = pm.math.exp(parameters[-1]) / 2
        precision = pm.Gamma("precision", half, half, shape=len(off))
        pm.Normal("off", location, pm.math.sqrt((formal + floor) / precision + noise**2), observed=off)
    return model


def lost_pixels_model(
    off: FloatArray,
    scale: FloatArray,
    log_dof: FloatArray,
    noise: FloatArray,
    log_excess: FloatArray,
    features: FloatArray,
    *,
    mean: FloatArray,
    width: FloatArray,
) -> pm.Model:
    r"""
    State the model of the errors of one label of stars that lost pixels, given those of complete stars.

    .. math::
        d_n \sim {\cal N}(0,\; \sigma_n^2 / \lambda_n + e_n^2), \quad
        \lambda_n \sim {\rm Gamma}(\nu_n/2, \nu_n/2), \quad
        \sigma_n^2 = s_n^2 + T_n^2, \quad T_n = x_n e^{\gamma \cdot \psi_n}, \quad
        \ln \nu_n = (1 - T_n^2 / \sigma_n^2) \ln \nu_{0,n} + (T_n^2 / \sigma_n^2) \ln \nu_{\rm lost}

    :mod:`bayescannon.reliability.damage_fit` maximises its posterior with lambda integrated out.

    Parameters
    ----------
    off, noise : float arrays of shape (N,)
        d, inferred minus reference label, less the location; standard deviation e of the reference label.
    scale, log_dof : float arrays of shape (N,)
        s and ln nu_0 of complete stars.
    log_excess : float array of shape (N,)
        ln x.
    features : float array of shape (N, F)
        psi.
    mean, width : float arrays of shape (F + 1,)
        Means and standard deviations of the Gaussian priors of gamma and of ln nu_lost.

    Returns
    -------
    model : pymc.Model
        Free variables ``parameters`` (gamma, ln nu_lost) and ``precision`` (lambda), observed ``off``.
    """
    with pm.Model() as model:
        parameters = pm.Normal("parameters", mean, width)
        lost = pm.math.exp(2 * (log_excess + features @ parameters[:-1]))
        square = scale**2 + lost
        share = lost / square
        half = pm.math.exp((1 - share) * log_dof + share * parameters[-1]) / 2
        precision = pm.Gamma("precision", half, half, shape=len(off))
        pm.Normal("off", 0.0, pm.math.sqrt(square / precision + noise**2), observed=off)
    return model

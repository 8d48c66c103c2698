r"""
The model of a star that is two: the posterior of a pair's labels, given a trained spectral model.

The flux of two stars on the main sequence of the same age and composition, of which the second gives a share w of the
light, is (1 - w) theta . v(l_1) + w theta . v(l_2). With equal velocities the likelihood is, as for a single star
(:mod:`bayescannon.models.star_labels`), that of T numbers,

    y_k ~ Normal((R u)_k, 1),    u = (1 - w) v(l_1) + w v(l_2),

with l_2 and w from :mod:`bayescannon.models.main_sequence`, and the priors

    l_1 ~ the prior of single stars,    q ~ Uniform(least, 1),    rho ~ Normal(0, 1).

q is the ratio of the masses: the distribution over it of companions of stars like the Sun is about flat (Raghavan et
al. 2010, ApJS 190, 1). With velocities that differ, every pixel counts:

    f_p ~ Normal((1 - w_p) m_1(x_p - delta_1) + w_p m_2(x_p - delta_2), sigma_p^2 + s_p^2),

where m(x) is the spectrum over x = ln lambda as a spline, delta a velocity over c, and w_p the share at the pixel.
El-Badry et al. (2018, MNRAS 473, 5043) fit APOGEE spectra with such pairs.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from bayescannon.data.labels import LabelScaler
from bayescannon.data.raw_spectrum import SPEED_OF_LIGHT
from bayescannon.models.label_priors import LabelPrior
from bayescannon.models.label_vector import label_vector, n_terms
from bayescannon.models.main_sequence import DIFFERENCE_WIDTH, MEAN_WIDTH, SPREAD_WIDTH, MainSequence
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.typing import FloatArray


def pair_model(
    root: FloatArray,
    pseudo_observations: FloatArray,
    *,
    sequence: MainSequence,
    scaler: LabelScaler,
    prior: LabelPrior,
    least_ratio: float,
) -> pm.Model:
    """
    State the model of an unresolved pair in PyMC, with dims stellar_label and mode.

    Parameters
    ----------
    root : float array of shape (T, T)
        R, from :func:`bayescannon.stars.quartic.pseudo_observations`.
    pseudo_observations : float array of shape (T,)
        y, from the same function.
    sequence : MainSequence
    scaler : LabelScaler
        Of the trained model.
    prior : prior object
        Of the labels of single stars, see :mod:`bayescannon.models.label_priors`.
    least_ratio : float
        The smallest ratio of the masses.

    Returns
    -------
    model : pm.Model
        Random variables ``labels`` (stellar_label), scaled, of the first star, ``mass_ratio`` and ``rho``; the
        deterministic ``companion`` (stellar_label), scaled, and ``light_share``; and the observed ``y`` (mode).

    Raises
    ------
    InputError
        The shapes do not match the number of labels.
    """
    names: Sequence[str] = scaler.names
    size = n_terms(len(names))
    if root.shape != (size, size) or pseudo_observations.shape != (size,):
        raise InputError(
            f"{len(names)} labels need R of shape {(size, size)} and y of shape {(size,)}; got {root.shape} and "
            f"{pseudo_observations.shape}"
        )
    coords: dict[str, Any] = {"stellar_label": list(names), "mode": np.arange(size), "mode_": np.arange(size)}
    with pm.Model(coords=coords) as model:
        r = pm.Data("R", np.asarray(root, dtype=np.float64), dims=("mode", "mode_"))
        y = pm.Data("y_observed", np.asarray(pseudo_observations, dtype=np.float64), dims="mode")
        first = pt.specify_shape(prior.declare_labels("labels", scaler), len(names))
        q = pm.Uniform("mass_ratio", least_ratio, 1.0)
        rho = pm.Normal("rho", 0.0, 1.0)
        other = sequence.companion(first * scaler.scale + scaler.pivot, q, pt)
        second = pm.Deterministic("companion", (other.labels - scaler.pivot) / scaler.scale, dims="stellar_label")
        w = pm.Deterministic("light_share", pt.sigmoid(other.log_light + sequence.light_width * rho))
        u = (1 - w) * label_vector(first, pt) + w * label_vector(pt.specify_shape(second, len(names)), pt)
        pm.Normal("y", r @ u, 1.0, observed=y, dims="mode")
    return model


def double_lined_model(
    nodes: Sequence[tuple[float, tuple[FloatArray, FloatArray, FloatArray]]],
    flux: FloatArray,
    deviation: FloatArray,
    *,
    wavelength: FloatArray,
    sequence: MainSequence,
    scaler: LabelScaler,
    prior: LabelPrior,
    least_ratio: float,
) -> pm.Model:
    """
    State the model of a pair with two velocities in PyMC, with dims stellar_label and pixel.

    Parameters
    ----------
    nodes : two pairs of a velocity [km/s] and (theta, theta', theta'')
        For each star the coefficients (P, T) shifted by the velocity, with their derivatives by ln lambda; the shift
        from there is of second order.
    flux, deviation : float arrays of shape (P,)
        The flux, and the standard deviation of noise and scatter; inf in dead pixels.
    wavelength : float array of shape (P,)
        In Angstrom.
    sequence, scaler, prior, least_ratio
        As in :func:`pair_model`.

    Returns
    -------
    model : pm.Model
        Random variables ``labels``, ``mass_ratio``, ``rho``, and ``mean_velocity``, ``velocity_difference`` and
        ``line_spread`` in units of their standard deviations; the observed ``flux`` (pixel).
    """
    names, c = scaler.names, SPEED_OF_LIGHT / 1000
    coords: dict[str, Any] = {"stellar_label": list(names), "pixel": np.arange(len(flux))}
    with pm.Model(coords=coords) as model:
        first = pt.specify_shape(prior.declare_labels("labels", scaler), len(names))
        q = pm.Uniform("mass_ratio", least_ratio, 1.0)
        rho = pm.Normal("rho", 0.0, 1.0)
        mean, difference, spread = (
            pm.Normal(name, 0.0, 1.0) * unit
            for name, unit in zip(
                ("mean_velocity", "velocity_difference", "line_spread"),
                (MEAN_WIDTH, DIFFERENCE_WIDTH, SPREAD_WIDTH**2 / (2 * c**2)),
                strict=True,
            )
        )
        labels = first * scaler.scale + scaler.pivot
        other = sequence.companion(labels, q, pt)
        second = pt.specify_shape((other.labels - scaler.pivot) / scaler.scale, len(names))
        log_light = other.log_light + sequence.light_width * rho
        w = pt.sigmoid(log_light)
        share = pt.sigmoid(log_light + sequence.colour(labels, q, wavelength, pt))
        parts = []
        for (node, (values, slope, bend)), velocity, scaled in zip(
            nodes, (mean - w * difference, mean + (1 - w) * difference), (first, second), strict=True
        ):
            vector, off = label_vector(scaled, pt), (velocity - node) / c
            parts.append(values @ vector - off * (slope @ vector) + (off**2 / 2 + spread) * (bend @ vector))
        expected = parts[0] + share * (parts[1] - parts[0])
        pm.Normal("flux", expected, deviation, observed=flux, dims="pixel")
    return model

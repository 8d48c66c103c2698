r"""
What the hidden components of a trained model are: their shares of the variance, and the features that they change.

The loadings H are known up to a rotation of the components. Here they are rotated to the principal axes of H H^T, the
covariance of the flux that they describe: the components are orthogonal, and the first has most of the variance.
A component is compared with named features (:mod:`bayescannon.data.spectral_features`), with the derivatives of the
spectrum at the pivot by each label, and with what a velocity and a wider line spread do to it, m' and m'' by
ln lambda.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bayescannon.cannon.choices import INFORMATION_SNR
from bayescannon.cannon.hidden_result import (
    ComponentPeak,
    FeatureShare,
    HiddenAtlas,
    HiddenComponent,
    LabelCost,
    Resemblance,
)
from bayescannon.cannon.model_file import as_model
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.data.continuum import running_mean
from bayescannon.data.spectral_features import Feature, features_at, features_within
from bayescannon.models.nuisances import LINE_SPREAD, VELOCITY
from bayescannon.models.pixel_weights import pixel_weights
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.log_spline import LogSpline
from bayescannon.numerics.real_numbers import real_number
from bayescannon.numerics.typing import BoolArray, FloatArray
from bayescannon.stars.pixel_information import information_matrix, label_variance

# L of the running mean [Angstrom] that separates continuum and bands from lines; lines have a full width of 3 A
SMOOTH_WIDTH = 15.0
# peaks that are named, at least this far apart [Angstrom]
_N_PEAKS, _PEAK_DISTANCE = 8, 12.0
# they stand out from surroundings of this L [Angstrom], and from this share of the largest square at least
_SURROUNDINGS, _NEGLIGIBLE = 150.0, 1e-4
# neighbours of a peak of one pixel have less than this share of it on average; in a line of R 1800 they have 0.6
_SPIKE = 0.25


def hidden_atlas(model: TrainedModel | str | Path, *, snr: float = INFORMATION_SNR) -> HiddenAtlas:
    """
    Describe the hidden components of a trained model.

    Parameters
    ----------
    model : TrainedModel, or path of its file
        Trained with hidden components.
    snr : float
        S/N, as surveys report it, of the star whose formal errors the components add to.

    Returns
    -------
    atlas : HiddenAtlas

    Raises
    ------
    InputError
        The model has no hidden components, or the S/N is not positive.

    Examples
    --------
    >>> import bayescannon as bc
    >>> survey = bc.simulate_survey(80, 0, seed=1)
    >>> spectra = bc.prepare_spectra(list(survey.spectra()))
    >>> reference = bc.build_reference(spectra, survey.apogee, ("teff", "fe_h"), format="allstar-dr12")
    >>> model = bc.train(reference, label_errors={"teff": 90.0, "fe_h": 0.05}, hidden=2)
    >>> atlas = bc.hidden_atlas(model)
    >>> [component.number for component in atlas.components]
    [1, 2]
    """
    model = as_model(model)
    if model.loadings is None or not model.loadings.shape[1]:
        raise InputError(
            f"the model has no hidden components ({model.describe_priors()}); train with a number of them: --hidden R "
            "(train(hidden=))"
        )
    live = np.isfinite(model.scatter)
    rotated = _principal(np.where(live[:, None], np.asarray(model.loadings, dtype=float), 0.0))
    power = (rotated**2).sum(axis=0)
    scatter = float((model.scatter[live] ** 2).sum())
    smooth = _smoothed(rotated, live, model.wavelength)
    known = _known_changes(model, live)
    features = features_within(model.wavelength[live])
    shares = [_shares(rotated[:, r], live, model.wavelength, features) for r in range(rotated.shape[1])]
    costs = _costs(model, rotated, real_number(snr, "snr", above=0))
    components = tuple(
        HiddenComponent(
            number=r + 1,
            share=float(power[r] / power.sum()),
            share_of_scatter=float(power[r] / (power.sum() + scatter)),
            smooth_share=float((smooth[:, r] ** 2).sum() / power[r]) if power[r] > 0 else float("nan"),
            features=shares[r],
            peaks=_peaks(rotated[:, r], smooth[:, r], live, model.wavelength, shares[r]),
            resembles=_resemblances(rotated[:, r], known),
            costs=costs[r],
        )
        for r in range(rotated.shape[1])
    )
    return HiddenAtlas(model.wavelength, np.where(live[:, None], rotated, np.nan), components)


def _principal(loadings: FloatArray) -> NDArray[np.float64]:
    """Return loadings (P, R) on the principal axes of H H^T, each with its largest value positive."""
    left, size, _ = np.linalg.svd(loadings, full_matrices=False)
    rotated = left * size
    largest = rotated[np.abs(rotated).argmax(axis=0), np.arange(rotated.shape[1])]
    return np.asarray(rotated * np.where(largest < 0, -1.0, 1.0), dtype=np.float64)


def _smoothed(loadings: FloatArray, live: BoolArray, wavelength: FloatArray) -> NDArray[np.float64]:
    """Return running means of the loadings (P, R)."""
    weight = np.broadcast_to(live.astype(float), loadings.T.shape)
    # the running mean is of positive fluxes; that of a constant is the constant
    offset = 1.0 + np.abs(loadings).max()
    mean = running_mean(loadings.T + offset, weight, wavelength, SMOOTH_WIDTH) - offset
    return np.where(np.isfinite(mean), mean, 0.0).T


def _known_changes(model: TrainedModel, live: BoolArray) -> dict[str, NDArray[np.float64]]:
    """Return what labels, velocity and line spread do to the spectrum at the pivot, each of shape (P,)."""
    theta = np.where(live[:, None], model.theta, 0.0)
    known = {name: theta[:, 1 + k] for k, name in enumerate(model.label_names)}
    _, first, second = LogSpline.of(model.wavelength, theta[:, :1], live).at()
    return known | {VELOCITY: -first[:, 0], LINE_SPREAD: second[:, 0]}


def _costs(model: TrainedModel, rotated: FloatArray, snr: float) -> list[tuple[LabelCost, ...]]:
    """Return what each component costs the labels of a star at the pivot, with the same noise in all pixels."""
    n_label = len(model.label_names)
    slopes = np.where(np.isfinite(model.scatter)[:, None], model.theta, 0.0)[:, 1 : 1 + n_label]
    weight = pixel_weights(model.scatter, snr**2 / model.noise_scale**2)
    beside = [rotated, *(np.delete(rotated, r, axis=1) for r in range(rotated.shape[1]))]
    whole, *without = (label_variance(information_matrix(slopes, b, weight)[None], n_label)[0] for b in beside)
    found = []
    for left in without:
        shares = np.where(np.isfinite(whole), 1 - left / np.where(np.isfinite(whole), whole, 1.0), 0.0)
        costs = (LabelCost(name, float(share)) for name, share in zip(model.label_names, shares, strict=True))
        found.append(tuple(sorted(costs, key=lambda one: -one.share)))
    return found


def _resemblances(component: FloatArray, known: dict[str, NDArray[np.float64]]) -> tuple[Resemblance, ...]:
    found = []
    for name, change in known.items():
        norm = float(np.linalg.norm(component) * np.linalg.norm(change))
        found.append(Resemblance(name, float(component @ change) / norm if norm > 0 else 0.0))
    return tuple(sorted(found, key=lambda one: -abs(one.correlation)))


def _shares(
    component: FloatArray, live: BoolArray, wavelength: FloatArray, features: tuple[Feature, ...]
) -> tuple[FeatureShare, ...]:
    """Return the share of a component's variance in each feature."""
    power = component**2 / max(float((component**2).sum()), np.finfo(float).tiny)
    found = []
    for feature in features:
        own = feature.covers(wavelength) & live
        share = float(power[own].sum())
        found.append(FeatureShare(feature.name, str(feature.kind), share, share - float(own.sum() / live.sum())))
    return tuple(sorted(found, key=lambda one: -one.excess))


def _peaks(
    component: FloatArray,
    smooth: FloatArray,
    live: BoolArray,
    wavelength: FloatArray,
    shares: tuple[FeatureShare, ...],
) -> tuple[ComponentPeak, ...]:
    """Return the peaks of a component that stand out most from its surroundings, at least 12 A apart."""
    power = np.where(live, component**2, 0.0)
    # one is added because the running mean is of positive values only
    around = running_mean(power[None] + 1.0, live[None].astype(float), wavelength, _SURROUNDINGS)[0] - 1.0
    if not power.any():
        return ()
    # where the component is next to nothing, nothing stands out
    floor = max(float(np.median(around[live])), _NEGLIGIBLE * float(power.max()))
    contrast = np.where(live, np.abs(component) / np.sqrt(np.nan_to_num(around) + floor), 0.0)
    share = {one.feature: one.share for one in shares}
    found: list[ComponentPeak] = []
    for place in np.argsort(-contrast):
        at = float(wavelength[place])
        if len(found) == _N_PEAKS or power[place] == 0:
            break
        if all(abs(at - peak.wavelength) >= _PEAK_DISTANCE for peak in found):
            names = [feature.name for feature in features_at(at) if feature.name in share]
            # a peak that the running mean keeps is that of a band
            if np.abs(smooth[place]) > 0.5 * np.abs(component[place]):
                names.sort(key=lambda name: -share[name])
            beside = component[[max(place - 1, 0), min(place + 1, len(component) - 1)]]
            spike = bool(np.abs(beside).mean() < _SPIKE * np.abs(component[place]))
            found.append(ComponentPeak(at, float(component[place]), tuple(names), spike))
    return tuple(found)

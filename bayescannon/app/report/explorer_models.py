"""Trained models as the page's explorer computes spectra from them."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from bayescannon.app.report.packing import pack
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.data.labels import Label
from bayescannon.data.spectral_features import features_within
from bayescannon.models.label_vector import term_pairs
from bayescannon.numerics.typing import FloatArray


def model_data(name: str, model: TrainedModel) -> dict[str, Any]:
    """
    Return what the page needs of a model: the label vector's terms, coefficients, scatters, noise scales, loadings.

    Parameters
    ----------
    name : str
        Under which it is chosen.
    model : TrainedModel

    Returns
    -------
    data : dict
        JSON can hold it. Numbers that decide a spectrum are in double precision.
    """
    low, high = model.scaler.from_scaled(model.label_box)
    middle = np.median(model.reference_labels, axis=0)
    labels = [
        label_data(label) | {"low": float(low[k]), "high": float(high[k]), "median": float(middle[k])}
        for k, label in enumerate(model.labels)
    ]
    loadings = {} if model.loadings is None else {"loadings": pack(model.loadings, "f4")}
    return {
        "name": name,
        "title": f"{name} ({model.describe_reference()})",
        "hash": model.hash,
        "labels": labels,
        "pivot": model.scaler.pivot.tolist(),
        "scale": model.scaler.scale.tolist(),
        "pairs": [indices.tolist() for indices in term_pairs(len(labels))],
        "wavelength": pack(model.wavelength),
        "theta": pack(model.theta),
        "scatter": pack(model.scatter),
        "kappa": pack(model.noise_scale),
        "has_nuisances": bool(model.options.nuisances),
        **loadings,
    }


def label_data(label: Label) -> dict[str, Any]:
    """Return how a label is named and printed."""
    return {"name": label.name, "text": plain_symbol(label), "unit": label.unit, "digits": label.digits}


def plain_symbol(label: Label) -> str:
    r"""
    Return the name of a label in plain text.

    Examples
    --------
    >>> from bayescannon.data.labels import KNOWN_LABELS
    >>> [plain_symbol(KNOWN_LABELS[name]) for name in ("teff", "logg", "fe_h", "alpha_m", "a_k")]
    ['T_eff', 'log g', '[Fe/H]', '[α/M]', 'A_K']
    """
    text = re.sub(r"\\rm\s*|[${}]", "", label.symbol).replace(r"\alpha", "α")
    return re.sub(r"\\([a-z]+)\s*", r"\1 ", text)


def feature_data(wavelength: Iterable[float]) -> list[dict[str, Any]]:
    """Return the lines and bands on a grid of wavelengths, for marks in the page."""
    grid: FloatArray = np.asarray(wavelength, dtype=np.float64)
    return [
        {"name": feature.name, "kind": str(feature.kind), "spans": _rounded(feature.spans),
         "centres": [round(centre, 2) for centre in feature.centres]}
        for feature in features_within(grid)
    ]  # fmt: skip


def _rounded(spans: Sequence[tuple[float, float]]) -> list[list[float]]:
    return [[round(low, 2), round(high, 2)] for low, high in spans]

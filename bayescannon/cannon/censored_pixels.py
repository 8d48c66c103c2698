"""Which pixel may depend on which term, where labels are censored in ranges of wavelength."""

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayescannon.cannon.choice_fields import ChoiceError
from bayescannon.data.labels import labels_from_names
from bayescannon.models.label_vector import n_terms, term_pairs
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.typing import FloatArray


def check_censored(censored: Any) -> None:
    """
    Raise unless these are ranges of wavelengths of known labels.

    Raises
    ------
    LabelError
        An unknown label.
    ChoiceError
        Anything but a mapping of label names to sequences of (low, high).
    """
    expected = "censored must be a mapping of label to ranges in Angstrom, as {'teff': [(5885, 5900)]}"
    if not isinstance(censored, Mapping):
        raise ChoiceError(f"{expected}; got {censored!r}")
    for name, ranges in censored.items():
        labels_from_names([name])
        if not _is_listing(ranges) or not all(map(_is_listing, ranges)):
            raise ChoiceError(f"{expected}; got {ranges!r} for {name}")
        for bounds in ranges:
            if len(bounds) != 2 or not all(isinstance(x, Real) for x in bounds) or not bounds[0] < bounds[1]:
                raise ChoiceError(f"a censored range of {name} must be (low, high) in Angstrom; got {bounds!r}")


def _is_listing(given: Any) -> bool:
    return isinstance(given, Sequence | np.ndarray) and not isinstance(given, str)


def allowed_terms(
    censored: Mapping[str, Sequence[tuple[float, float]]], wavelength: FloatArray, label_names: Sequence[str]
) -> NDArray[np.bool_] | None:
    """Return :meth:`bayescannon.cannon.options.TrainingOptions.allowed` of the ranges (low, high) of each label."""
    if not censored:
        return None
    names = list(label_names)
    forbidden = np.zeros((len(wavelength), len(names)), dtype=bool)
    for name, ranges in censored.items():
        if name not in names:
            raise InputError(f"label {name!r} is censored but not trained; trained are {', '.join(names)}")
        for low, high in ranges:
            forbidden[:, names.index(name)] |= (wavelength >= low) & (wavelength <= high)
    i, j = term_pairs(len(names))
    allowed = np.ones((len(wavelength), n_terms(len(names))), dtype=bool)
    allowed[:, 1 : 1 + len(names)] = ~forbidden
    allowed[:, 1 + len(names) :] = ~(forbidden[:, i] | forbidden[:, j])
    return allowed

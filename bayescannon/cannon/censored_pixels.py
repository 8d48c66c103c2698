"""Which pixel may depend on which term, where labels are censored in ranges of wavelength."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from bayescannon.models.label_vector import n_terms, term_pairs
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.typing import FloatArray


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

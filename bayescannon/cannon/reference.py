"""
The reference set: Survey A's labels and Survey B's spectra, after named cuts (Ho et al. 2017, section 3).

The paper prints its cuts as "excise 3500 < Teff < 6000" and "[alpha/M] < 0.1", which would remove nearly every
giant; its numbers (11,057 stars, 9,952 kept) say that Teff *outside* 3500-6000 K and [alpha/M] below *-0.1* was
removed, and so it is here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bayescannon.data.labels import labels_from_names
from bayescannon.data.spectra import Spectra
from bayescannon.data.tally import TallyRow, tally_text
from bayescannon.models.label_vector import n_terms
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.typing import BoolArray, FloatArray
from bayescannon.pixels.label_population import ReferenceErrorError


class ReferenceSetError(InputError):
    """No usable reference set; the message holds the tally."""


@dataclass(frozen=True)
class ReferenceSet:
    """
    N reference stars.

    Attributes
    ----------
    spectra : Spectra
    labels, errors : float arrays of shape (N, K)
        Labels in their units, finite; their standard errors, NaN where unknown.
    label_names : tuple of K str
    tally : tuple of TallyRow
        How the set came about.
    """

    spectra: Spectra
    labels: FloatArray
    errors: FloatArray
    label_names: tuple[str, ...]
    tally: tuple[TallyRow, ...] = ()

    def __post_init__(self) -> None:
        labels_from_names(self.label_names)
        shape = (len(self.spectra), len(self.label_names))
        if self.labels.shape != shape or self.errors.shape != shape:
            raise InputError(
                f"labels and errors must have shape (star, label) = {shape}; got {self.labels.shape} and "
                f"{self.errors.shape}"
            )

    def __len__(self) -> int:
        return len(self.spectra)

    def select(self, index: NDArray[np.intp] | BoolArray) -> "ReferenceSet":
        """Return the stars of a boolean mask or an index array."""
        return replace(self, spectra=self.spectra.select(index), labels=self.labels[index], errors=self.errors[index])

    def drop(self, dropped: BoolArray, step: str, source: str = "") -> "ReferenceSet":
        """Remove the stars of a bool array of shape (N,) and add a row to the tally."""
        row = TallyRow(step, int(dropped.sum()), int((~dropped).sum()), source)
        return replace(self.select(~dropped), tally=(*self.tally, row))

    def require_enough(self, *, n_hidden: int = 0) -> None:
        """
        Raise unless there are at least twice as many stars as terms of the label vector and hidden components.

        Raises
        ------
        ReferenceSetError
            Too few stars; the message holds the tally.
        """
        n_term = n_terms(len(self.label_names))
        if len(self) < 2 * (n_term + n_hidden):
            hidden = f" and {n_hidden} hidden components" if n_hidden else ""
            fewer = "labels, fewer hidden components (n_hidden, --hidden)" if n_hidden else "labels"
            raise ReferenceSetError(
                f"{len(self)} reference stars are too few for the {n_term} terms of {len(self.label_names)} "
                f"labels{hidden}; at least {2 * (n_term + n_hidden)} are needed. Use fewer {fewer}, weaker cuts or "
                "more spectra.\n" + tally_text(self.tally)
            )


def take_errors(reference: ReferenceSet, label_errors: str | Mapping[str, float]) -> ReferenceSet:
    """
    Put the errors that a training takes into a reference set; stars that lack one are dropped, as a row of the tally.

    Parameters
    ----------
    reference : ReferenceSet
    label_errors : "table", or mapping of label name to error
        As in :class:`bayescannon.cannon.options.TrainingOptions`; labels without a constant keep the table's errors.

    Returns
    -------
    reference : ReferenceSet
        Whose errors are finite and not negative.

    Raises
    ------
    ReferenceErrorError
        A label of which no star has an error, a negative error, or a constant for a label that is not trained.
    """
    names = list(reference.label_names)
    errors = reference.errors.copy()
    for name, error in ({} if isinstance(label_errors, str) else label_errors).items():
        if name not in names:
            raise ReferenceErrorError(
                f"label {name!r} is given an error but not trained; trained are {', '.join(names)}"
            )
        errors[:, names.index(name)] = error
    if (errors < 0).any():
        star, label = np.argwhere(errors < 0)[0]
        raise ReferenceErrorError(
            f"label errors must not be negative; that of {names[label]} of {reference.spectra.id[star]} is "
            f"{errors[star, label]:g}"
        )
    known = np.isfinite(errors)
    unknown = [name for name, some in zip(names, known.any(axis=0), strict=True) if len(errors) and not some]
    if unknown:
        raise ReferenceErrorError(
            f"none of the {len(errors)} reference stars has a positive error of {', '.join(unknown)} in the label "
            f"table. Name its column (--columns e_{unknown[0]}=COLUMN), or give a constant in the label's unit "
            f"(--label-errors {unknown[0]}=0.1), which is 0 for an exact label"
        )
    reference = replace(reference, errors=errors)
    if known.all():
        return reference
    lacking = [name for name, every in zip(names, known.all(axis=0), strict=True) if not every]
    return reference.drop(~known.all(axis=1), f"no error of {' or '.join(lacking)} in the label table")

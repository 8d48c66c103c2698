"""The reference set: Survey A's labels and Survey B's spectra of the same stars (Ho et al. 2017, section 3)."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from bayescannon.cannon.choices import AUTO, LEARN
from bayescannon.cannon.reference_labels import error_matrix, label_matrix, source_names
from bayescannon.data.display import html_table
from bayescannon.data.label_table import LabelTable, require_errors
from bayescannon.data.parts import UNKNOWN, a_kind
from bayescannon.data.spectra import Spectra, describe_grid, row_index
from bayescannon.data.star_groups import counted, named_stars, star_groups, star_numbers
from bayescannon.data.tally import TallyRow, tally_text
from bayescannon.models.label_vector import n_terms
from bayescannon.numerics.errors import BayesCannonWarning, InputError, InputTypeError
from bayescannon.numerics.typing import BoolArray, FloatArray
from bayescannon.pixels.label_population import ReferenceErrorError


class ReferenceSetError(InputError):
    """No usable reference set; the message holds the tally."""


@dataclass(frozen=True, eq=False, repr=False)
class ReferenceSet:
    """
    N spectra of reference stars, and their labels in the same order.

    Attributes
    ----------
    spectra : Spectra
    labels : float array of shape (N, K)
        Labels in their units, finite. Of a DataFrame, a Table or a mapping the columns named after labels are taken,
        and its ids, if it has them, must be those of the spectra. A DataArray with coordinates is such a table too.
    errors : float array of shape (N, K)
        Standard errors of the labels, not negative, NaN where unknown. None takes the columns ``e_<label>`` of
        `labels`, or NaN.
    label_names : tuple of K str
        Needed for labels in an array without names.
    tally : tuple of TallyRow
        How the set came about.
    clipped : ReferenceSet, optional
        The spectra that :func:`bayescannon.cannon.training.train_clipped` removed from it: the model never saw them,
        and calibrated errors are learned from them too.
    star : str array of shape (N,)
        Names of the stars: spectra with the same name are of the same star, which is one star in folds, bootstraps,
        jackknife, calibration and coverage. Any names or numbers may be given; a spectrum with a blank name is a star
        of its own. By default by the rule of :mod:`bayescannon.data.star_groups`.
    notes : tuple of str
        What was taken and dropped when the tables of labels were read.
    source : str array of shape (N,)
        The survey that each spectrum has its labels from; empty where it is not known.

    Raises
    ------
    InputError, InputTypeError
        On construction: shapes that do not go together, labels that are not finite, negative errors, or labels of other
        stars.
    LabelError
        An unknown label.

    Examples
    --------
    >>> import numpy as np
    >>> from bayescannon.cannon.reference import ReferenceSet
    >>> from bayescannon.data.spectra import Spectra
    >>> spectra = Spectra([5000, 5001, 5002], np.ones((2, 3)), np.full((2, 3), 1e4), ["star-1", "star-2"])
    >>> ReferenceSet(spectra, [[4800, 2.5], [5100, 3.1]], label_names=("teff", "logg"))
    <ReferenceSet of 2 stars, labels teff, logg (errors of none) on a grid of 3 pixels from 5000.00 to 5002.00 A>
    >>> ReferenceSet(spectra, {"teff": [4800, 5100], "e_teff": [60, 70]}).errors.tolist()
    [[60.0], [70.0]]
    >>> ReferenceSet(spectra, {"teff": [4800, 4800]}, star=["a", "a"]).n_stars
    1
    """

    spectra: Spectra
    labels: FloatArray
    errors: FloatArray = UNKNOWN
    label_names: tuple[str, ...] = UNKNOWN
    tally: tuple[TallyRow, ...] = ()
    clipped: "ReferenceSet | None" = None
    star: NDArray[np.str_] = UNKNOWN
    notes: tuple[str, ...] = ()
    source: NDArray[np.str_] = UNKNOWN

    def __post_init__(self) -> None:
        if isinstance(self.labels, Spectra):
            raise InputTypeError("spectra and labels are swapped; give ReferenceSet(spectra, labels, ...)")
        if not isinstance(self.spectra, Spectra):
            raise InputTypeError(
                f"spectra must be Spectra; got {a_kind(self.spectra)}. build_reference also takes a store"
            )
        if isinstance(self.labels, LabelTable):
            raise InputTypeError("labels are an array of shape (star, label); build_reference matches a LabelTable")
        if self.label_names is None and _are_names(self.errors):
            raise InputTypeError("the third argument is errors; give the names of the labels as label_names=(...)")
        names, labels = label_matrix(self.labels, self.label_names, self.spectra.id.tolist())
        errors = error_matrix(self.errors, self.labels, names, self.spectra.id.tolist())
        for name, column in zip(names, errors.T, strict=True):
            require_errors(column, f"e_{name}")
        values = (
            ("labels", labels),
            ("errors", errors),
            ("label_names", names),
            ("star", self._star_names()),
            ("source", source_names(self.source, len(self.spectra))),
        )
        for name, value in values:
            object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        facts = self._facts()
        return (
            f"<ReferenceSet of {facts['stars']}, labels {facts['labels']} (errors of {facts['errors']}) on a "
            f"grid {facts['grid']}>"
        )

    def _repr_html_(self) -> str:
        """Show the set as a small table in a notebook, with its tally."""
        steps = {f"step {i}": f"{row.step}: {row.remaining} remain" for i, row in enumerate(self.tally, start=1)}
        return html_table("ReferenceSet", self._facts() | steps)

    def _facts(self) -> dict[str, str]:
        known = [
            name for name, some in zip(self.label_names, np.isfinite(self.errors).any(axis=0), strict=True) if some
        ]
        return {
            "stars": counted(self.n_stars, len(self)),
            "labels": ", ".join(self.label_names),
            "errors": ", ".join(known) or "none",
            "grid": describe_grid(self.spectra.wavelength),
        }

    def _star_names(self) -> NDArray[np.str_]:
        """Return the names of the stars that were given, or those of the rule."""
        if self.star is None:
            groups = star_groups(self.spectra.columns, len(self.spectra))
            if suspicion := groups.suspicion():
                warnings.warn(suspicion, BayesCannonWarning, stacklevel=4)
            return groups.names(self.spectra.id)
        return named_stars(self.star, self.spectra.id)

    def __len__(self) -> int:
        return len(self.spectra)

    @cached_property
    def star_number(self) -> NDArray[np.int64]:
        """Numbers of the stars, shape (N,), from 0 in the order of their first spectra."""
        return star_numbers(self.star)

    @property
    def n_stars(self) -> int:
        """Number of stars; N is the number of spectra."""
        return int(self.star_number.max(initial=-1)) + 1

    def select(self, index: Any) -> "ReferenceSet":
        """Return the spectra of a boolean mask or an index array."""
        rows = row_index(index, len(self))
        return replace(
            self, spectra=self.spectra.select(rows), labels=self.labels[rows], errors=self.errors[rows],
            star=self.star[rows], source=self.source[rows],
        )  # fmt: skip

    def drop(self, dropped: BoolArray, step: str, source: str = "") -> "ReferenceSet":
        """Remove the spectra of a boolean mask or an index array and add a row to the tally."""
        kept = np.ones(len(self), dtype=bool)
        kept[row_index(dropped, len(self))] = False
        row = TallyRow(step, int((~kept).sum()), int(kept.sum()), source)
        return replace(self.select(kept), tally=(*self.tally, row))

    def with_labels(self, names: Sequence[str]) -> "ReferenceSet":
        """
        Return the set with these of its labels, in this order.

        Raises
        ------
        ReferenceSetError
            It lacks one of them.
        """
        missing = [name for name in names if name not in self.label_names]
        if missing:
            raise ReferenceSetError(
                f"the reference set must have the labels {', '.join(names)}; got {', '.join(self.label_names)}. Build "
                f"it with {missing[0]!r} too"
            )
        if tuple(names) == self.label_names:
            return self
        columns = [self.label_names.index(name) for name in names]
        clipped = None if self.clipped is None else self.clipped.with_labels(names)
        return replace(
            self, labels=self.labels[:, columns], errors=self.errors[:, columns], label_names=tuple(names),
            clipped=clipped,
        )  # fmt: skip

    def require_enough(self, *, n_hidden: int = 0) -> None:
        """
        Raise unless there are at least twice as many stars as terms of the label vector and hidden components.

        Raises
        ------
        ReferenceSetError
            Too few stars; the message holds the tally.
        """
        n_term = n_terms(len(self.label_names))
        if self.n_stars < 2 * (n_term + n_hidden):
            stars = counted(self.n_stars, len(self), "reference stars")
            hidden = f" and {n_hidden} hidden components" if n_hidden else ""
            fewer = "labels, fewer hidden components (n_hidden, --hidden)" if n_hidden else "labels"
            raise ReferenceSetError(
                f"{stars} are too few for the {n_term} terms of {len(self.label_names)} "
                f"labels{hidden}; at least {2 * (n_term + n_hidden)} are needed. Use fewer {fewer}, weaker cuts or "
                "more spectra.\n" + tally_text(self.tally)
            )


def _are_names(given: Any) -> bool:
    return isinstance(given, list | tuple) and len(given) > 0 and all(isinstance(one, str) for one in given)


def needs_errors(label_errors: Any) -> TypeGuard[str | Mapping[str, float]]:
    """Tell whether a training needs an error of every label: those of the table, or constants."""
    return label_errors is not None and label_errors not in (LEARN, AUTO)


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
            f"(--label-errors {unknown[0]}=0.1), which is 0 for an exact label, or have the size of the errors fitted "
            "(--label-errors learn)"
        )
    reference = replace(reference, errors=errors)
    if known.all():
        return reference
    lacking = [name for name, every in zip(names, known.all(axis=0), strict=True) if not every]
    return reference.drop(~known.all(axis=1), f"no error of {' or '.join(lacking)} in the label table")

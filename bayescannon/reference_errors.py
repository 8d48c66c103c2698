"""The errors of the reference labels that a training takes: the table's own, or constants in the labels' units."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from bayescannon.label_population import LabelErrorsError
from bayescannon.reference import ReferenceSet


def take_errors(reference: ReferenceSet, label_errors: str | Mapping[str, float]) -> ReferenceSet:
    """
    Put the errors that a training takes into a reference set; stars that lack one are dropped, as a row of the tally.

    Parameters
    ----------
    reference : ReferenceSet
    label_errors : "table", or mapping of label name to error
        As in :class:`bayescannon.training_options.TrainingOptions`; labels without a constant keep the table's errors.

    Returns
    -------
    reference : ReferenceSet
        Whose errors are finite and not negative.

    Raises
    ------
    LabelErrorsError
        A label of which no star has an error, a negative error, or a constant for a label that is not trained.
    """
    names = list(reference.label_names)
    errors = reference.errors.copy()
    for name, error in ({} if isinstance(label_errors, str) else label_errors).items():
        if name not in names:
            raise LabelErrorsError(f"label {name!r} is given an error but not trained; trained are {', '.join(names)}")
        errors[:, names.index(name)] = error
    if (errors < 0).any():
        star, label = np.argwhere(errors < 0)[0]
        raise LabelErrorsError(
            f"label errors must not be negative; that of {names[label]} of {reference.spectra.id[star]} is "
            f"{errors[star, label]:g}"
        )
    known = np.isfinite(errors)
    unknown = [name for name, some in zip(names, known.any(axis=0), strict=True) if len(errors) and not some]
    if unknown:
        raise LabelErrorsError(
            f"none of the {len(errors)} reference stars has a positive error of {', '.join(unknown)} in the label "
            f"table. Name its column (--columns e_{unknown[0]}=COLUMN), or give a constant in the label's unit "
            f"(--label-errors {unknown[0]}=0.1), which is 0 for an exact label"
        )
    reference = replace(reference, errors=errors)
    if known.all():
        return reference
    lacking = [name for name, every in zip(names, known.all(axis=0), strict=True) if not every]
    return reference.drop(~known.all(axis=1), f"no error of {' or '.join(lacking)} in the label table")

"""A validation at one glance: figure 5 of Ho et al. 2017 for every label."""

from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from bayescannon.data.labels import labels_from_names
from bayescannon.figures.one_to_one import plot_one_to_one_panels

if TYPE_CHECKING:
    from bayescannon.cannon.validation import Validation


def plot_validation(
    validation: "Validation",
    *,
    method: str | None = None,
    snr_min: float | None = None,
    reference_name: str = "reference",
) -> Figure:
    """
    Plot inferred against reference labels, one panel per label, with bias and scatter (Ho et al. 2017, figure 5).

    Parameters
    ----------
    validation : Validation
        From :func:`bayescannon.cannon.validation.validate`.
    method : {"k-fold", "leave-none-out"}, optional
        Held-out labels where there are any, unless given.
    snr_min : float, optional
        Only stars above this S/N, which must be that of the validation's statistics; all stars unless given.
    reference_name : str
        Where the reference labels come from, for the axes.

    Returns
    -------
    figure : matplotlib Figure

    Raises
    ------
    InputError
        The validation has no statistics by this method, or above this S/N.
    """
    if method is None:
        method = "k-fold" if "k-fold" in validation.estimates else "leave-none-out"
    selection = "all" if snr_min is None else f"snr > {snr_min:g}"
    names = list(dict.fromkeys(row.label for row in validation.rows))
    rows = [validation.row(method, selection, name) for name in names]
    estimates = validation.estimates[method]
    snr = estimates["snr"].to_numpy()
    shown = snr > (float("-inf") if snr_min is None else snr_min)
    return plot_one_to_one_panels(
        validation.reference_labels[shown],
        estimates["labels"].to_numpy()[shown],
        labels_from_names(names),
        bias=[row.bias for row in rows],
        bias_error=[row.bias_error for row in rows],
        scatter=[row.scatter for row in rows],
        snr=snr[shown],
        names=(reference_name, f"{method}:" if snr_min is None else f"{method}, S/N > {snr_min:g}:"),
    )

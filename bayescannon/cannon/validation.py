"""Validation: inferred against reference labels, with the stars in the training set and left out of it."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayescannon.cannon.choices import N_FOLDS, N_STARTS, SEED, SNR_MIN
from bayescannon.cannon.held_out import HeldOut, hold_out
from bayescannon.cannon.labelling import formal_errors, label_spectra
from bayescannon.cannon.model_file import as_model
from bayescannon.cannon.reference import ReferenceSet
from bayescannon.cannon.reference_file import as_reference
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.data.display import html_table
from bayescannon.data.flags import FitStatus
from bayescannon.data.labels import labels_from_names
from bayescannon.data.star_groups import counted
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.intervals import CENTRAL_68
from bayescannon.numerics.progress import Progress
from bayescannon.numerics.real_numbers import real_number
from bayescannon.numerics.typing import FloatArray
from bayescannon.numerics.whole_numbers import whole_number


@dataclass(frozen=True)
class LabelStatistics:
    """
    How one label compares with the reference, over one selection of stars.

    Attributes
    ----------
    method : str
        ``"leave-none-out"`` or ``"k-fold"``.
    selection : str
        ``"all"`` or ``"snr > 50"``.
    label, unit : str
    n_stars, n_spectra, n_failed : int
        Stars that count, and their spectra; spectra of the selection left out because their fit failed.
    bias, bias_error : float
        Mean of (inferred - reference) over the spectra, and its standard error from the differences between stars.
    scatter, robust_scatter : float
        Standard deviation, and half the central 68.3 % width, of (inferred - reference).
    slope : float
        Least-squares slope of inferred on reference labels; 1 is no shrinkage, but for noise in the reference.
    pull_median, pull_width : float
        Median and half the central 68.3 % width of (inferred - reference) / formal error.
    within_error : float
        Share of the spectra whose label is within its calibrated error: 0.683 where all of the difference is the
        label's own. NaN without calibration, as out of fold.
    """

    method: str
    selection: str
    label: str
    unit: str
    n_stars: int
    n_spectra: int
    n_failed: int
    bias: float
    bias_error: float
    scatter: float
    robust_scatter: float
    slope: float
    pull_median: float
    pull_width: float
    within_error: float


def robust_scatter(values: FloatArray) -> float:
    """Return half the width between the 15.9 % and 84.1 % quantiles; NaN of nothing."""
    if len(values) == 0:
        return float("nan")
    low, high = np.quantile(values, CENTRAL_68)
    return float(high - low) / 2


@dataclass(frozen=True, repr=False)
class Validation:
    """
    Statistics of each label, and the estimates that they summarise.

    Attributes
    ----------
    rows : tuple of LabelStatistics
    estimates : dict of str to xarray.Dataset
        By method, see :func:`bayescannon.cannon.labelling.label_spectra`; spectra in the order of the reference set.
    reference_labels : float array of shape (N, K)
    n_stars : int, optional
        Number of stars that the spectra are of; N unless given.

    Examples
    --------
    >>> import bayescannon as bc
    >>> survey = bc.simulate_survey(80, 20, seed=1)
    >>> spectra = bc.prepare_spectra(list(survey.spectra()))
    >>> reference = bc.build_reference(spectra, survey.apogee, ("teff", "logg"), format="allstar-dr12")
    >>> validation = bc.validate(bc.train(reference), reference, folds=0)
    >>> [(row.selection, row.label, row.unit) for row in validation.rows]
    [('all', 'teff', 'K'), ('all', 'logg', 'dex'), ('snr > 50', 'teff', 'K'), ('snr > 50', 'logg', 'dex')]
    """

    rows: tuple[LabelStatistics, ...]
    estimates: dict[str, xr.Dataset]
    reference_labels: FloatArray
    n_stars: int | None = None

    def __repr__(self) -> str:
        names = ", ".join(dict.fromkeys(row.label for row in self.rows))
        n_spectra = len(self.reference_labels)
        stars = counted(n_spectra if self.n_stars is None else self.n_stars, n_spectra)
        return f"<Validation of {stars}, labels {names}; by {' and '.join(self.estimates)}>"

    def _repr_html_(self) -> str:
        """Show bias and scatter of each label as a small table in a notebook."""
        facts = {
            f"{row.label} [{row.unit}], {row.method}, {row.selection}": (
                f"bias {row.bias:.4g}, scatter {row.scatter:.4g}, {counted(row.n_stars, row.n_spectra)}"
            )
            for row in self.rows
        }
        return html_table("Validation", facts)

    def row(self, method: str, selection: str, label: str) -> LabelStatistics:
        """
        Return the statistics of one label.

        Raises
        ------
        InputError
            There are none; the message names those that there are.
        """
        for row in self.rows:
            if (row.method, row.selection, row.label) == (method, selection, label):
                return row
        known = [
            list(dict.fromkeys(getattr(row, name) for row in self.rows)) for name in ("method", "selection", "label")
        ]
        raise InputError(
            f"there are no statistics of {label!r} by {method!r} over {selection!r}; there are those of "
            f"{', '.join(known[2])} by {', '.join(known[0])} over {', '.join(known[1])}"
        )

    def to_json(self) -> str:
        """Return the statistics as JSON: a list of objects with the attributes of LabelStatistics."""
        rows = [
            {key: None if isinstance(value, float) and not np.isfinite(value) else value for key, value in row.items()}
            for row in map(asdict, self.rows)
        ]
        return json.dumps(rows, indent=1)


def compare(
    estimates: xr.Dataset,
    reference_labels: FloatArray,
    *,
    method: str,
    snr_min: float,
    star: NDArray[np.int64] | None = None,
) -> list[LabelStatistics]:
    """
    Summarise (inferred - reference) of every label, over all stars and over those with S/N above `snr_min`.

    Parameters
    ----------
    estimates : xarray.Dataset
        Of N spectra.
    reference_labels : float array of shape (N, K)
        In the labels' units.
    method : str
        Name for the rows.
    snr_min : float
    star : int array of shape (N,), optional
        Number of each spectrum's star, from 0; every spectrum is of another unless given.
    """
    labels = labels_from_names([str(name) for name in estimates["stellar_label"].to_numpy()])
    inferred, errors = estimates["labels"].to_numpy(), formal_errors(estimates)
    good = estimates["status"].to_numpy() == FitStatus.CONVERGED
    snr = estimates["snr"].to_numpy()
    is_calibrated = "calibrated_error" in estimates
    calibrated = estimates["calibrated_error"].to_numpy() if is_calibrated else errors
    number = np.arange(len(snr)) if star is None else star
    rows = []
    for selection, chosen in (("all", np.ones(len(snr), dtype=bool)), (f"snr > {snr_min:g}", snr > snr_min)):
        use = chosen & good
        for k, label in enumerate(labels):
            off = inferred[use, k] - reference_labels[use, k]
            pull = off / errors[use, k]
            n_spectra = int(use.sum())
            centred = reference_labels[use, k] - reference_labels[use, k].mean() if n_spectra else off
            rows.append(
                LabelStatistics(
                    method=method,
                    selection=selection,
                    label=label.name,
                    unit=label.unit,
                    n_stars=len(np.unique(number[use])),
                    n_spectra=n_spectra,
                    n_failed=int((chosen & ~good).sum()),
                    bias=_or_nan(np.mean, off),
                    bias_error=_bias_error(off, number[use]),
                    scatter=_or_nan(np.std, off),
                    robust_scatter=robust_scatter(off),
                    slope=float(centred @ inferred[use, k] / (centred @ centred)) if n_spectra > 1 else float("nan"),
                    pull_median=_or_nan(np.median, pull),
                    pull_width=robust_scatter(pull),
                    within_error=_or_nan(np.mean, np.abs(off) <= calibrated[use, k]) if is_calibrated else float("nan"),
                )
            )
    return rows


def _bias_error(off: FloatArray, number: NDArray[np.int64]) -> float:
    """Return the standard error of the mean: the sums over each star's spectra are independent."""
    # Liang & Zeger 1986, Biometrika 73, 13
    if len(off) == 0:
        return float("nan")
    return float(np.sqrt(np.sum(np.bincount(number, off - off.mean()) ** 2)) / len(off))


def _or_nan(statistic: Callable[[Any], Any], values: Any) -> float:
    return float(statistic(values)) if len(values) else float("nan")


def validate(
    model: TrainedModel | str | Path,
    reference: ReferenceSet | str | Path,
    *,
    folds: int = N_FOLDS,
    snr_min: float = SNR_MIN,
    n_starts: int = N_STARTS,
    seed: int = SEED,
    workers: int | None = None,
    progress: Progress = None,
    held_out: HeldOut | None = None,
) -> Validation:
    """
    Compare inferred with reference labels, leave-none-out (as the paper's figure 5) and k-fold.

    Parameters
    ----------
    model : TrainedModel, or path of its file
    reference : ReferenceSet, or path of its file
        The N spectra that the model was trained on. Its labels are taken by name.
    folds : int
        0 leaves the k-fold part out. The held-out labels of a qualified model are used where they have as many folds,
        the same starts and the same seed; other folds train anew.
    snr_min : float
        Statistics are also given for stars with a larger signal-to-noise ratio, as their survey gave it. (The S/N in
        figure 7 of the paper is three times the header's.)
    n_starts, seed, workers, progress
        As in :func:`bayescannon.cannon.held_out.hold_out`.
    held_out : HeldOut, optional
        What that function returned for `reference`, if it is known already.

    Returns
    -------
    validation : Validation

    Raises
    ------
    ReferenceSetError
        The reference set lacks a label of the model.
    InputError, InputTypeError
        An argument of another kind, or more folds than stars allow.

    Examples
    --------
    >>> import bayescannon as bc
    >>> survey = bc.simulate_survey(80, 20, seed=1)
    >>> spectra = bc.prepare_spectra(list(survey.spectra()))
    >>> reference = bc.build_reference(spectra, survey.apogee, ("teff", "logg"), format="allstar-dr12")
    >>> validation = bc.validate(bc.train(reference), reference, folds=4)
    >>> validation
    <Validation of ... stars, labels teff, logg; by leave-none-out and k-fold>
    >>> row = validation.row("k-fold", "all", "teff")
    >>> row.unit, 0 < row.scatter < 500
    ('K', True)
    """
    model = as_model(model)
    reference = as_reference(reference).with_labels(model.label_names)
    snr_min = real_number(snr_min, "snr_min")
    folds = whole_number(folds, "folds")
    search: dict[str, Any] = {"n_starts": n_starts, "seed": seed}
    estimates = {"leave-none-out": label_spectra(model, reference.spectra, workers=workers, **search)}
    if folds:
        known = None if model.held_out is None else model.held_out.of(reference, folds=folds, **search)
        if held_out is not None:
            known = held_out.estimates
        elif known is None:
            made = hold_out(
                reference,
                folds=folds,
                options=model,
                copies=False,
                progress=progress,
                workers=workers,
                **search,
            )
            known = made.estimates
        estimates["k-fold"] = known
    rows = [
        row
        for method, dataset in estimates.items()
        for row in compare(dataset, reference.labels, method=method, snr_min=snr_min, star=reference.star_number)
    ]
    return Validation(tuple(rows), estimates, reference.labels, reference.n_stars)

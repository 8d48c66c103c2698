"""Some stars of a run for the page's explorer: spectra, best-fit models, labels with errors, posterior draws."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

from bayescannon.app.label_plan import LabelOptions, plan_labels
from bayescannon.app.model_spectra import fit_stars
from bayescannon.app.report.packing import pack_values
from bayescannon.cannon.populations.either_model import sample_posterior
from bayescannon.cannon.populations.survey_model import SurveyModel
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.data.flags import FitStatus, PosteriorStatus, ResultFlag
from bayescannon.io.store import load_spectra, open_store
from bayescannon.numerics.typing import BoolArray, FloatArray

# of each star: what importance sampling draws, and what of it the page holds
_N_DRAWS, _N_KEEP = 1000, 300
# shares of the stars that are flag_bad, and that are of the reference set, where there are so many
_BAD, _REFERENCE = 0.15, 0.35
# choices of labelling that decide the posterior
_OF_POSTERIOR = ("prior", "nuisances", "n_starts", "seed")
# what is said of posteriors that cannot be trusted
_DOUBTS = {int(one): one.sentence for one in (PosteriorStatus.UNRELIABLE, PosteriorStatus.NO_POSTERIOR)}
# digits with which numbers beside the labels are given
_DIGITS = 6


def told_apart(catalogue: Table, store: Path) -> BoolArray:
    """Tell which rows of a catalogue have the name of one spectrum in a store, which no other row has."""
    ids = np.asarray(catalogue["id"]).astype(str)
    found = np.ones(len(ids), dtype=bool)
    for names in (np.asarray(open_store(store)["star"]).astype(str), ids):
        once, number = np.unique(names, return_counts=True)
        found &= np.isin(ids, once[number == 1])
    return found


def choose_rows(
    catalogue: Table, label_names: tuple[str, ...], reference_id: NDArray[np.str_], number: int, among: BoolArray
) -> NDArray[np.intp]:
    """
    Choose the rows of a catalogue whose spectra the page holds: all kinds of stars, from end to end of label space.

    At most 15 % are flag_bad and 35 % of the reference set, if there are others; of each kind the rows are evenly
    spaced in the order of the first label. Rows that are not `among` those to choose from are left out.
    """
    fitted = among & (np.asarray(catalogue["status"]) == FitStatus.CONVERGED)
    fitted &= np.isfinite([np.asarray(catalogue[name], dtype=np.float64) for name in label_names]).all(axis=0)
    bad = np.asarray(catalogue["flag_bad"]) != 0
    known = np.isin(np.asarray(catalogue["id"]).astype(str), reference_id)
    first = np.asarray(catalogue[label_names[0]], dtype=np.float64)
    kinds = [np.flatnonzero(fitted & chosen) for chosen in (bad, ~bad & known, ~bad & ~known)]
    sizes = [len(kind) for kind in kinds]
    wanted = [round(_BAD * number), round(_REFERENCE * number)]
    wanted = [min(size, want) for size, want in zip(sizes, wanted, strict=False)]
    wanted.append(min(sizes[2], number - sum(wanted)))
    # where one kind has too few, the others fill up
    for kind in (1, 0):
        wanted[kind] = min(sizes[kind], wanted[kind] + number - sum(wanted))
    chosen = [_evenly(kind[np.argsort(first[kind], kind="stable")], want)
              for kind, want in zip(kinds, wanted, strict=True)]  # fmt: skip
    return np.sort(np.concatenate(chosen))


def _evenly(rows: NDArray[np.intp], number: int) -> NDArray[np.intp]:
    return rows[np.linspace(0, max(len(rows) - 1, 0), number).round().astype(np.intp)] if number else rows[:0]


def star_data(
    model: TrainedModel | SurveyModel, catalogue: Table, store: Path, rows: NDArray[np.intp], options: LabelOptions
) -> Iterator[dict[str, Any]]:
    """
    Yield what the page shows of each star.

    Parameters
    ----------
    model : TrainedModel or SurveyModel
        That labelled the catalogue.
    catalogue : Table
    store : Path
        With the spectra.
    rows : int array
        Of the catalogue.
    options : LabelOptions
        How the stars were labelled.
    """
    names = model.label_names
    ids = np.asarray(catalogue["id"]).astype(str)[rows]
    spectra = load_spectra(store, ids.tolist())
    found = fit_stars(spectra, plan_labels(model, store, options).task.labeller)
    given: dict[str, Any] = {name: value for name, value in options.items() if name in _OF_POSTERIOR}
    posterior = sample_posterior(
        cast(TrainedModel, model), spectra, n_draws=_N_DRAWS, n_keep=_N_KEEP, nuts=False, **given
    )
    draws = posterior["posterior_draws"].transpose("star", "draw", "stellar_label").to_numpy()
    doubts = [_DOUBTS.get(one, "") for one in posterior["posterior_status"].to_numpy().tolist()]
    trusted = reference_labels(model)
    populations = model.names if isinstance(model, SurveyModel) else ("",)
    with np.errstate(divide="ignore"):
        error = np.where(spectra.ivar > 0, 1 / np.sqrt(spectra.ivar), np.nan)
    for n, row in enumerate(rows.tolist()):
        observed = np.where(spectra.ivar[n] > 0, spectra.flux[n], np.nan)
        components = found.fit.components[n]
        yield {
            "id": ids[n],
            "row": row,
            "facts": _facts(catalogue, row),
            "flags": [[flag.name, flag.sentence] for flag in ResultFlag if int(catalogue["flags"][row]) & flag],
            "population": populations[found.population[n]] if found.population[n] >= 0 else "",
            "fitted": _numbers(found.labels[n]),
            "labels": _of_catalogue(catalogue, row, names, ""),
            "formal": _of_catalogue(catalogue, row, names, "e_formal_"),
            "calibrated": _of_catalogue(catalogue, row, names, "e_"),
            "trusted": _numbers(trusted[ids[n]]) if ids[n] in trusted else None,
            "flux": pack_values(observed),
            "error": pack_values(error[n]),
            "fit": pack_values(np.where(spectra.ivar[n] > 0, found.fit.flux[n], np.nan)),
            "components": pack_values(components) if np.any(components) else None,
            "doubt": doubts[n],
            "draws": [pack_values(own) for own in draws[n].T],
        }


def reference_labels(model: TrainedModel | SurveyModel) -> dict[str, FloatArray]:
    """Return the trusted labels of each reference spectrum, in the order of the model's labels."""
    models = [model] if isinstance(model, TrainedModel) else [model.router, *model.distinct.values()]
    known: dict[str, FloatArray] = {}
    for one in models:
        known |= dict(zip(one.reference_id.tolist(), one.reference_labels, strict=True))
    return known


def _facts(catalogue: Table, row: int) -> dict[str, Any]:
    """Return the numbers and texts of a row that say how good a fit is."""
    wanted: Mapping[str, str] = {"snr_g": "S/N", "rchi2": "reduced chi2", "p_coverage": "p (coverage)",
                                 "p_novelty": "p (novelty)", "status_text": "status"}  # fmt: skip
    facts: dict[str, Any] = {}
    for name, text in wanted.items():
        if name in catalogue.colnames:
            value = catalogue[name][row]
            facts[text] = _number(value) if np.asarray(catalogue[name]).dtype.kind in "fui" else str(value)
    return facts


def _of_catalogue(catalogue: Table, row: int, names: tuple[str, ...], start: str) -> list[float | None] | None:
    """Return the numbers of a row in the columns of the labels; None where there are no such columns."""
    if not {f"{start}{name}" for name in names} <= set(catalogue.colnames):
        return None
    return [_number(catalogue[f"{start}{name}"][row]) for name in names]


def _numbers(values: FloatArray) -> list[float | None]:
    return [_number(value) for value in values]


def _number(value: Any) -> float | None:
    """Return a number as JSON can hold it: None for NaN."""
    return float(f"{float(value):.{_DIGITS + 3}g}") if np.isfinite(value) else None

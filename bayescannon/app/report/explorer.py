"""The explorer of a page: spectra of a model by its labels, stars against their models, the catalogue in two planes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import Table
from markupsafe import Markup
from numpy.typing import NDArray

from bayescannon.app.label_plan import LabelOptions
from bayescannon.app.report.explorer_catalogue import pack_catalogue, rows_that_fit
from bayescannon.app.report.explorer_models import feature_data, model_data
from bayescannon.app.report.explorer_stars import choose_rows, reference_labels, star_data, told_apart
from bayescannon.app.report.page_files import own_text, template
from bayescannon.cannon.populations.survey_model import SurveyModel
from bayescannon.cannon.report_choices import N_SPECTRA
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.figures.style import COLOUR_MAP, DARK_COLOUR_MAP
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.typing import BoolArray

# of what the models leave, the catalogue takes at most this share; spectra of stars take the rest
_CATALOGUE_SHARE = 0.8
# parts of the page's program, in the order in which they need each other
_SCRIPTS = ("data", "model", "theme", "spectrum", "star", "plane", "catalogue", "main")
# of the formal error: labels that differ by more are of other choices, not of another order of sums
_SAME = 0.1
# steps of a colour map
_N_COLOURS = 17


@dataclass(frozen=True)
class ExplorerHtml:
    """
    The explorer as a part of a page.

    Attributes
    ----------
    html : str
        With its own style, scripts and data.
    notes : tuple of str
        What of the run it does not hold.
    """

    html: str
    notes: tuple[str, ...]


def explorer_html(
    model: TrainedModel | SurveyModel | None,
    catalogue: Table | None,
    store: Path | None,
    *,
    also: Mapping[str, TrainedModel] | None = None,
    n_spectra: int = N_SPECTRA,
    limit: int,
    options: LabelOptions | None = None,
) -> ExplorerHtml:
    """
    Return the explorer of a run.

    Its program, its drawing library and all of its data are in the text, so that it needs no network.

    Parameters
    ----------
    model : TrainedModel or SurveyModel, optional
        That labelled the catalogue.
    catalogue : Table, optional
        Without one there are no planes and no spectra of stars.
    store : Path, optional
        With the spectra of the stars.
    also : mapping of str to TrainedModel, optional
        Further models by name, whose spectra can be laid over those of the first.
    n_spectra : int
        Stars whose spectra the page holds, at most.
    limit : int
        Of the size [bytes].
    options : LabelOptions, optional
        How the stars were labelled, where not as usual.

    Raises
    ------
    InputError
        There is no model, or the models alone are larger than the limit.
    """
    models = _models(model, also or {})
    if not models:
        raise InputError("there is no model whose spectra it could draw")
    notes: list[str] = []
    data: dict[str, Any] = {
        "models": [model_data(name, one) for name, one in models.items()],
        "features": feature_data(np.concatenate([one.wavelength for one in models.values()])),
        "colours": {"light": _colours(COLOUR_MAP), "dark": _colours(DARK_COLOUR_MAP)},
        "stars": [],
        "catalogue": None,
    }
    left = limit - len(_page(data).encode())
    if left < 0:
        raise InputError(f"the models need {(limit - left) / 1e6:.1f} MB, and there is room for {limit / 1e6:.1f} MB")
    if catalogue is not None and model is not None and len(catalogue):
        _check_columns(catalogue, model)
        reference_id = np.array(list(reference_labels(model)), dtype=str)
        room = int(_CATALOGUE_SHARE * left)
        shown = rows_that_fit(catalogue, model.label_names, limit=room)
        if len(shown) < len(catalogue):
            notes.append(
                f"{len(shown):,} of {len(catalogue):,} rows of the catalogue, evenly spaced, fit into this page"
            )
            catalogue = catalogue[shown]
    if catalogue is not None and model is not None and len(catalogue):
        packed = pack_catalogue(catalogue, model.label_names, reference_id, limit=room)
        data["catalogue"] = packed.data
        left -= len(json.dumps(packed.data))
        if packed.left_out:
            notes.append(f"columns of the catalogue that did not fit into this page: {', '.join(packed.left_out)}")
        if packed.rounded:
            notes.append(packed.rounded)
        if store is not None and n_spectra:
            among, said = _told_apart(catalogue, store)
            rows = choose_rows(catalogue, model.label_names, reference_id, n_spectra, among)
            notes += said
            found, said = _stars(model, catalogue, store, rows, options or {})
            notes += said
            largest = max((len(json.dumps(star)) + 2 for star in found), default=1)
            fitting = min(len(found), max(left, 0) // largest)
            # those that stay are as evenly spaced
            data["stars"] = [found[n] for n in np.linspace(0, len(found) - 1, fitting).round().astype(int)]
            if fitting < len(found):
                notes.append(f"the spectra of {fitting} of {len(found)} chosen stars fit into this page")
    if catalogue is None:
        notes.append("there is no catalogue, so that no stars are shown")
    elif store is None:
        notes.append("there is no store, so that no spectra of stars are shown")
    return ExplorerHtml(_page(data), tuple(notes))


def _told_apart(catalogue: Table, store: Path) -> tuple[BoolArray, list[str]]:
    """Return the rows whose spectra can be shown, and what is to be said of others."""
    among = told_apart(catalogue, store)
    if not among.any():
        # names that differ by folders and endings only are found, others are an error
        return np.ones(len(catalogue), dtype=bool), []
    notes = [] if among.all() else [
        f"{(~among).sum():,} of {len(among):,} rows are not told apart by the names in the store, or not in it: "
        "their spectra are not shown"
    ]  # fmt: skip
    return among, notes


def _stars(
    model: TrainedModel | SurveyModel, catalogue: Table, store: Path, rows: NDArray[np.intp], options: LabelOptions
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return what the page shows of stars, and what is to be said of their fits."""
    found = list(star_data(model, catalogue, store, rows, options)) if len(rows) else []
    other = _n_otherwise(found, catalogue, model.label_names) if isinstance(model, TrainedModel) else 0
    said = (
        f"the best fits and posteriors of {other} of {len(found)} chosen stars are not those of the catalogue's "
        "labels: how it was labelled is not known, or the store or the model has changed since"
    )
    return found, [said] if other else []


def _n_otherwise(stars: list[dict[str, Any]], catalogue: Table, names: tuple[str, ...]) -> int:
    """Return how many stars have best fits whose labels are not those of the catalogue, but for expected offsets."""
    number = 0
    for star in stars:
        row, formal = star["row"], star["formal"]
        given = np.array([catalogue[name][row] for name in names], dtype=np.float64)
        fitted = np.array([np.nan if value is None else value for value in star["fitted"]])
        error = np.array([np.nan if value is None else value for value in formal or [None] * len(names)])
        columns = [f"offset_{name}" for name in names]
        offset = np.zeros(len(names))
        if set(columns) <= set(catalogue.colnames):
            offset = np.nan_to_num(np.array([catalogue[name][row] for name in columns], dtype=np.float64))
        off = np.minimum(np.abs(given - fitted), np.abs(given + offset - fitted))
        number += bool((off > _SAME * error).any())
    return number


def _models(model: TrainedModel | SurveyModel | None, also: Mapping[str, TrainedModel]) -> dict[str, TrainedModel]:
    """Return every trained model by the name under which it is chosen."""
    own: dict[str, TrainedModel] = {}
    if isinstance(model, SurveyModel):
        own = dict(model.distinct)
    elif model is not None:
        own = {"model": model}
    return own | {name if name not in own else f"{name} (also)": one for name, one in also.items()}


def _check_columns(catalogue: Table, model: TrainedModel | SurveyModel) -> None:
    """Raise an error if the catalogue is not of such a model."""
    needed = ("id", "status", "flags", "flag_bad", *model.label_names)
    missing = [name for name in needed if name not in catalogue.colnames]
    if missing:
        raise InputError(f"the catalogue has no column {', '.join(missing)}: it is not of this model")


def _colours(colour_map: Any) -> list[list[Any]]:
    """Return the steps of a colour map."""
    steps = np.linspace(0, 1, _N_COLOURS)
    codes = ["#" + "".join(f"{round(255 * part):02x}" for part in colour_map(step)[:3]) for step in steps]
    return [[float(step), code] for step, code in zip(steps, codes, strict=True)]


def _page(data: Mapping[str, Any]) -> str:
    """Return the explorer with its data."""
    # a text of a file may hold anything: nothing in the data can end the element that it is in
    text = json.dumps(data, allow_nan=False).replace("<", "\\u003c")
    html: str = template("explorer/explorer.html.j2").render(
        has_stars=bool(data["stars"]), has_catalogue=data["catalogue"] is not None, n_models=len(data["models"]),
        data=Markup(text), style=own_text("explorer/explorer.css"), library=Markup(_library()),
        program=Markup("\n").join(own_text(f"explorer/{name}.js") for name in _SCRIPTS),
    )  # fmt: skip
    return html


@cache
def _library() -> str:
    """Return the drawing library, with its licence in its first lines."""
    from plotly.offline import get_plotlyjs

    library: str = get_plotlyjs()
    return library

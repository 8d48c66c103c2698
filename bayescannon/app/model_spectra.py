"""Spectra of the best-fit models of a catalogue's stars, and what they leave of the data, as stores."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray
from rich.console import Console

from bayescannon import __version__
from bayescannon.app.stores import star_choice
from bayescannon.app.terminal import progress_bar, say
from bayescannon.cannon.populations.survey_file import as_any_model
from bayescannon.cannon.populations.survey_model import SurveyModel
from bayescannon.cannon.star_choices import ModelSpectraChoices
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.data.flags import FitStatus
from bayescannon.data.spectra import Spectra
from bayescannon.io.catalogue import read_catalogue
from bayescannon.io.store import open_reader, store_id
from bayescannon.io.store_rows import n_stars, read_rows
from bayescannon.io.store_writer import StoreWriter
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.progress import Progress, reporting
from bayescannon.numerics.rows import rows_of
from bayescannon.numerics.typing import BoolArray, FloatArray

# stars in memory at a time
_BLOCK = 1024
MODEL, RESIDUAL = "model flux", "data - model"


class ModelSpectraError(InputError):
    """There are no stars of which a model could be written, or a name that the catalogue does not have."""


def write_model_spectra(
    model: TrainedModel | SurveyModel | str | Path,
    store: str | Path,
    catalogue: Table | str | Path,
    out: str | Path | None,
    *,
    residuals: str | Path | None = None,
    stars: list[str] | int | None = None,
    overwrite: bool = False,
    progress: Progress = None,
) -> int:
    """
    Write the model flux of a catalogue's stars at their labels, and (data - model), as stores of spectra.

    The model flux is theta . v(l) at the catalogue's labels (Ho et al. 2017, eq. 4), without hidden components and
    nuisances; of a survey model it is that of the star's most probable population. Pixels that are dead in the data or
    in the model have an inverse variance of 0; others have that of the data. Stars without labels are left out.

    Parameters
    ----------
    model : TrainedModel or SurveyModel, or path of its file
    store : str or Path
        The spectra.
    catalogue : Table, or path
        Their labels.
    out, residuals : str or Path, optional
        Stores for the model flux, and for (data - model); at least one.
    stars : list of str, or int, optional
        Ids, or how many: the first of the store; all unless given.
    overwrite : bool
        Replace stores that exist.
    progress : callable, bool or None
        See :func:`bayescannon.numerics.progress.reporting`; a function is called with (stars done, stars).

    Returns
    -------
    n_star : int
        Stars that were written.

    Raises
    ------
    ModelSpectraError
        No star is left, an id is not in the catalogue, or neither store is asked for.
    OutputExistsError
        A store exists, and `overwrite` is False.
    """
    model = as_any_model(model)
    targets = [(kind, Path(path)) for kind, path in ((MODEL, out), (RESIDUAL, residuals)) if path is not None]
    if not targets:
        raise ModelSpectraError("nothing to write: give a store for the model spectra, for the residuals, or both")
    table = read_catalogue(catalogue) if isinstance(catalogue, str | Path) else catalogue
    wanted = _wanted(table, stars)
    if not wanted.any():
        raise ModelSpectraError("no star of the catalogue has labels, so that there is no model spectrum to write")
    predicted = _Predictor(model, table)
    wavelength = np.asarray(open_reader(store).values("wavelength"), dtype=np.float64)
    with ExitStack() as stack, reporting(progress, "model spectra") as report:
        writers = [
            (kind, stack.enter_context(StoreWriter(path, wavelength, overwrite=overwrite))) for kind, path in targets
        ]
        limit = int(wanted.sum())
        done, attrs = 0, {}
        for spectra, rows in _blocks(store, table, wanted):
            attrs = dict(spectra.attrs)
            flux = predicted(rows)
            live = np.isfinite(flux)
            ivar = np.where(live, spectra.ivar, 0).astype(np.float32)
            for kind, writer in writers:
                values = flux if kind == MODEL else np.where(ivar > 0, spectra.flux - flux, 0.0)
                clean = np.where(live, values, 1.0 if kind == MODEL else 0.0).astype(np.float32)
                writer.append(replace(spectra, flux=clean, ivar=ivar))
            done += len(spectra)
            report(done, limit)
        for kind, writer in writers:
            writer.finish({**attrs, **_provenance(model, store, kind)})
    return done


class _Predictor:
    """The model flux of rows of a catalogue."""

    def __init__(self, model: TrainedModel | SurveyModel, table: Table) -> None:
        self._labels = np.column_stack([np.asarray(table[name], dtype=np.float64) for name in model.label_names])
        self._models = (
            [model] if isinstance(model, TrainedModel) else [model.model_of(k) for k in range(len(model.names))]
        )
        self._which = np.zeros(len(table), dtype=np.intp)
        if isinstance(model, SurveyModel):
            shares = np.column_stack([np.asarray(table[f"p_{name}"], dtype=np.float64) for name in model.names])
            self._which = np.argmax(np.nan_to_num(shares), axis=1)

    def __call__(self, rows: NDArray[np.intp]) -> FloatArray:
        flux = np.full((len(rows), len(self._models[0].wavelength)), np.nan)
        for number, one in enumerate(self._models):
            own = self._which[rows] == number
            if own.any():
                flux[own] = one.predict(self._labels[rows[own]])
        return flux


def _wanted(table: Table, stars: list[str] | int | None) -> BoolArray:
    """Return which rows of a catalogue are wanted: those with labels, of the stars that are named."""
    fitted: BoolArray = np.asarray(table["status"]) == FitStatus.CONVERGED
    if stars is None:
        return fitted
    if isinstance(stars, int):
        if stars < 1:
            raise ModelSpectraError(f"the number of stars must be at least 1; got {stars}")
        first: BoolArray = fitted & (np.cumsum(fitted) <= stars)
        return first
    names = [str(name) for name in table["id"]]
    missing = sorted(set(stars) - set(names))
    if missing:
        raise ModelSpectraError(f"{len(missing)} of the stars are not in the catalogue, as {missing[0]!r}")
    named: BoolArray = fitted & np.isin(names, stars)
    return named


def _blocks(store: str | Path, table: Table, wanted: BoolArray) -> Iterator[tuple[Spectra, NDArray[np.intp]]]:
    """Yield blocks of a store's spectra that are wanted, with their rows in the catalogue."""
    identity = store_id(store)
    names = [str(name) for name in table["id"]]
    for start in range(0, n_stars(store), _BLOCK):
        spectra = read_rows(store, slice(start, start + _BLOCK), of_store=identity)
        rows = rows_of(names, spectra.id)
        keep = (rows >= 0) & wanted[rows]
        if keep.any():
            yield spectra.select(keep), rows[keep]


def _provenance(model: TrainedModel | SurveyModel, store: str | Path, kind: str) -> dict[str, Any]:
    return {"contents": kind, "version": __version__, "model_hash": model.hash, "of_store": store_id(store)}


def write_chosen_spectra(
    console: Console,
    choices: ModelSpectraChoices,
    model: TrainedModel | SurveyModel,
    store: str | Path,
    catalogue: Path,
    *,
    overwrite: bool,
    beside: Path | None = None,
) -> None:
    """Write the stores of model spectra and residuals that are asked for; their names are relative to `beside`."""
    asked = {name: getattr(choices, name) for name in ("model_spectra", "residual_spectra")}
    paths = {name: (beside / path if beside else Path(path)) for name, path in asked.items() if path is not None}
    if not paths:
        return
    with progress_bar(console, "model spectra") as progress:
        n_star = write_model_spectra(
            model, store, catalogue, paths.get("model_spectra"), residuals=paths.get("residual_spectra"),
            stars=star_choice(choices.model_stars), overwrite=overwrite, progress=progress,
        )  # fmt: skip
    say(console, f"model spectra of {n_star} stars: {', '.join(map(str, paths.values()))}")

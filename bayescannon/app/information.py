"""The information on labels in a model's pixels, for the command line: evaluated, and written as file and figures."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from bayescannon.cannon.choices import SAMPLE, InformationChoices
from bayescannon.cannon.fisher_information import label_information, typical_ivar
from bayescannon.cannon.hidden_components import hidden_atlas
from bayescannon.cannon.hidden_result import HiddenAtlas
from bayescannon.cannon.information_result import LabelInformation
from bayescannon.cannon.populations.survey_file import as_any_model
from bayescannon.cannon.populations.survey_model import SurveyModel
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.data.spectra import require_same_grid
from bayescannon.figures import plot_expected_errors, plot_hidden_components, plot_information, save_figure
from bayescannon.io.netcdf import write_tree
from bayescannon.io.store import load_spectra, open_store
from bayescannon.numerics.errors import InputError


@dataclass(frozen=True)
class InformationResult:
    """
    What is known of a model's pixels.

    Attributes
    ----------
    information : LabelInformation
    atlas : HiddenAtlas or None
        None for a model without hidden components.
    noise : str
        Where the noise of the pixels is from.
    """

    information: LabelInformation
    atlas: HiddenAtlas | None
    noise: str


def evaluate_information(
    model: TrainedModel | SurveyModel | str | Path,
    choices: InformationChoices,
    *,
    store: str | Path | None = None,
    population: str | None = None,
) -> InformationResult:
    """
    Evaluate the information of a model's pixels, and describe its hidden components.

    Parameters
    ----------
    model : TrainedModel or SurveyModel, or path of its file
    choices : InformationChoices
    store : path, optional
        Spectra whose typical noise is taken, of a sample of them; the same noise in all pixels unless given.
    population : str, optional
        Of a survey model, the name of the population whose model is meant, or "router".

    Raises
    ------
    BayesCannonError
        As :func:`bayescannon.cannon.fisher_information.label_information`; or of a survey model there is no such
        population.
    """
    model = _one_model(as_any_model(model), population)
    ivar, noise = None, "the same in all of them"
    if store is not None:
        with open_store(store) as dataset:
            names = dataset["star"].to_numpy()
        chosen = names[np.unique(np.linspace(0, len(names) - 1, min(SAMPLE, len(names))).astype(int))]
        spectra = load_spectra(store, chosen.tolist())
        require_same_grid(spectra.wavelength, model.wavelength, got_from=str(store), want_from="the model")
        ivar = typical_ivar(spectra, choices.snr)
        noise = f"the median of {len(spectra)} of the {len(names)} spectra of {store}"
    information = label_information(model, choices.at, snr=choices.snr, ivar=ivar, block=choices.block)
    atlas = None if model.loadings is None or not model.loadings.shape[1] else hidden_atlas(model, snr=choices.snr)
    return InformationResult(information, atlas, noise)


def _one_model(model: TrainedModel | SurveyModel, population: str | None) -> TrainedModel:
    """Return the model of a population; the model itself if it is of one."""
    if isinstance(model, TrainedModel):
        if population is not None:
            raise InputError(f"the model is of one population; leave out the population, {population}")
        return model
    if population in model.distinct:
        return model.distinct[population]
    raise InputError(
        f"the model has several populations: give one of {', '.join(model.distinct)} (--population NAME); got "
        f"{population or 'none'}"
    )


def write_information(
    result: InformationResult, *, out: Path | None, figures: Path | None, overwrite: bool = False
) -> list[Path]:
    """
    Write the numbers as netCDF, and the figures; return the paths of what was written.

    Raises
    ------
    OutputExistsError
        `out` exists and `overwrite` is False. Figures are replaced.
    """
    written = []
    if out is not None:
        groups = {"/information": result.information.to_dataset()}
        if result.atlas is not None:
            groups["/hidden_components"] = result.atlas.to_dataset()
        write_tree(xr.DataTree.from_dict(groups), out, overwrite=overwrite)
        written.append(out)
    if figures is not None:
        figures.mkdir(parents=True, exist_ok=True)
        drawn = {
            "information": plot_information(result.information),
            "expected_errors": plot_expected_errors(result.information),
        }
        if result.atlas is not None:
            drawn["hidden_components"] = plot_hidden_components(result.atlas)
        for name, figure in drawn.items():
            save_figure(figure, figures / f"{name}.png")
            written.append(figures / f"{name}.png")
    return written

"""The figures of a run: one-to-one panels (figure 5 of Ho et al. 2017), coefficients (figure 4), Kiel diagram."""

from pathlib import Path

from bayescannon.app.result import RunResult
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.data.flags import FitStatus
from bayescannon.figures import plot_coefficients, plot_kiel, plot_validation, save_figure
from bayescannon.figures.style import new_figure


def write_figures(result: RunResult, folder: Path, *, snr_min: float) -> dict[str, Path]:
    """Draw the one-to-one panels (as figure 5 of the paper), the coefficients (figure 4) and the Kiel diagram."""
    folder.mkdir(parents=True, exist_ok=True)
    model = result.model if isinstance(result.model, TrainedModel) else result.model.router
    paths = {name: folder / f"{name}.png" for name in ("one_to_one", "coefficients", "kiel")}
    save_figure(plot_validation(result.validation, snr_min=snr_min), paths["one_to_one"])
    coefficients = plot_coefficients(
        model.wavelength, model.theta, model.scatter, model.labels, scale=model.scaler.scale
    )
    save_figure(coefficients, paths["coefficients"])
    if {"teff", "logg"} <= set(model.label_names):
        fitted = result.estimates.isel(star=result.estimates["status"].to_numpy() == FitStatus.CONVERGED)
        values = {name: fitted["labels"].sel(stellar_label=name).to_numpy() for name in model.label_names}
        third = next((label for label in model.labels if label.name not in ("teff", "logg")), model.labels[0])
        figure = new_figure(6.0, 5.0)
        plot_kiel(values["teff"], values["logg"], values[third.name], figure.add_subplot(), colour_label=third)
        save_figure(figure, paths["kiel"])
    else:
        del paths["kiel"]
    return paths

"""The whole pipeline in one call: spectra and labels in; store, model, catalogue, statistics and figures out."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import xarray as xr
from astropy.table import Table
from rich.console import Console

from bayescannon.app.config import LabelsConfig, RunConfig, TrainConfig
from bayescannon.app.stores import label_store
from bayescannon.app.terminal import print_calibration, print_refused, print_statistics, print_tally, progress_bar, say
from bayescannon.cannon.cuts import CUT_SETS, Cut, range_cut
from bayescannon.cannon.held_out import hold_out
from bayescannon.cannon.label_priors import build_label_prior
from bayescannon.cannon.matching import Matching, build_reference
from bayescannon.cannon.qualification import qualify
from bayescannon.cannon.reference import ReferenceSet
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.cannon.training import train_clipped
from bayescannon.cannon.validation import Validation, validate
from bayescannon.data.flags import FitStatus, PosteriorStatus, ResultFlag
from bayescannon.data.label_distance import select_by_distance
from bayescannon.data.label_table import LabelTable
from bayescannon.data.preset import PRESETS, Preset
from bayescannon.figures import plot_coefficients, plot_kiel, plot_one_to_one_panels, save_figure
from bayescannon.figures.style import new_figure
from bayescannon.io.catalogue import build_catalogue, check_catalogue_path, write_catalogue
from bayescannon.io.outputs import refuse_existing, replacing
from bayescannon.io.preparation import prepare_files
from bayescannon.io.tables import read_labels
from bayescannon.numerics.errors import InputError


@dataclass(frozen=True)
class RunResult:
    """
    What a run made.

    Attributes
    ----------
    model : TrainedModel
    reference : ReferenceSet
        After cuts and clipping.
    validation : Validation
    estimates : xarray.Dataset
        Of every star of the store, see :func:`bayescannon.cannon.labelling.label_spectra`.
    outputs : mapping of str to Path
        ``store``, ``model``, ``validation``, ``catalogue`` and the figures.
    """

    model: TrainedModel
    reference: ReferenceSet
    validation: Validation
    estimates: xr.Dataset
    outputs: Mapping[str, Path]


def choose_preset(name: str, variance: str | None) -> Preset:
    """Return a preset of the preparation by name, with the variances of the resampling changed if asked for."""
    if name not in PRESETS:
        raise InputError(f"preset must be one of {', '.join(PRESETS)}; got {name!r}")
    if variance is None:
        return PRESETS[name]
    if variance not in ("interpolate", "propagate"):
        raise InputError(f"variance must be 'interpolate' or 'propagate'; got {variance!r}")
    return replace(PRESETS[name], variance=variance)


def choose_cuts(config: TrainConfig, labels_format: str) -> tuple[Cut, ...]:
    """Return the cuts of a configuration: the paper's for an APOGEE table and none for others, unless it says."""
    name = config.cuts or ("none" if labels_format == "table" else "paper")
    if name not in CUT_SETS:
        raise InputError(f"cuts must be one of {', '.join(CUT_SETS)}; got {name!r}")
    ranges = []
    for label, bounds in config.keep.items():
        if len(bounds) != 2 or not bounds[0] < bounds[1]:
            raise InputError(f"the range of {label} must be two numbers [low, high] with low < high; got {bounds}")
        ranges.append(range_cut(label, *bounds, source="configured"))
    return (*CUT_SETS[name], *ranges)


def read_reference_labels(config: LabelsConfig, label_names: Sequence[str], cuts: Sequence[Cut] = ()) -> LabelTable:
    """Read the labels to train on, and those that the cuts look at."""
    wanted = dict.fromkeys([*label_names, *(name for cut in cuts for name in cut.needs)])
    return read_labels(config.table, format=config.format, label_names=list(wanted), columns=config.columns)


def train_from_config(
    store: str | Path, labels: LabelsConfig, config: TrainConfig, *, seed: int = 0
) -> tuple[TrainedModel, ReferenceSet, ReferenceSet]:
    """Match, cut, clip and train; return the model, the stars it was trained on, and those that were clipped."""
    cuts = choose_cuts(config, labels.format)
    table = read_reference_labels(labels, config.label_names, cuts)
    matching = Matching(labels.match, labels.radius)
    reference = build_reference(store, table, config.label_names, cuts=cuts, match=matching)
    model, kept = train_clipped(
        reference, n_sigma=config.clip_sigma, max_rounds=config.clip_rounds, options=config.options(), seed=seed
    )
    return model, kept, reference.select(~np.isin(reference.spectra.id, kept.spectra.id))


def write_figures(result: RunResult, folder: Path, *, snr_min: float) -> dict[str, Path]:
    """Draw the one-to-one panels (as figure 5 of the paper), the coefficients (figure 4) and the Kiel diagram."""
    folder.mkdir(parents=True, exist_ok=True)
    model, method = result.model, "k-fold" if "k-fold" in result.validation.estimates else "leave-none-out"
    estimates = result.validation.estimates[method]
    bright = estimates["snr"].to_numpy() > snr_min
    rows = [result.validation.row(method, f"snr > {snr_min:g}", name) for name in model.label_names]
    paths = {name: folder / f"{name}.png" for name in ("one_to_one", "coefficients", "kiel")}
    panels = plot_one_to_one_panels(
        result.validation.reference_labels[bright],
        estimates["labels"].to_numpy()[bright],
        model.labels,
        bias=[row.bias for row in rows],
        scatter=[row.scatter for row in rows],
        snr=estimates["snr"].to_numpy()[bright],
        inferred_name=f"{method}, S/N > {snr_min:g}:",
    )
    save_figure(panels, paths["one_to_one"])
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


def run(config: RunConfig, *, overwrite: bool = False, console: Console | None = None) -> RunResult:
    """
    Run the whole pipeline: prepare, train, validate, label, write the catalogue and the figures.

    Parameters
    ----------
    config : RunConfig
    overwrite : bool
        Replace outputs that exist.
    console : rich.console.Console, optional
        Where to report; standard output otherwise.

    Returns
    -------
    result : RunResult

    Raises
    ------
    ValueError, OSError
        As the steps do, before any work where that can be told.
    """
    console = console or Console()
    out = Path(config.out)
    paths = {
        "store": out / "store.zarr",
        "model": out / "model.nc",
        "validation": out / "validation.json",
        "catalogue": out / config.label.catalogue,
    }
    for path in [*paths.values(), *([out / "figures"] if config.figures else [])]:
        refuse_existing(path, overwrite=overwrite)
    preset = choose_preset(config.prepare.preset, config.prepare.variance)
    cuts = choose_cuts(config.train, config.labels.format)
    # a wrong way to match and a wrong table are found before the spectra are prepared
    Matching(config.labels.match, config.labels.radius)
    out.mkdir(parents=True, exist_ok=True)
    check_catalogue_path(paths["catalogue"], overwrite=overwrite)
    read_reference_labels(config.labels, config.train.label_names, cuts)

    with progress_bar(console, "prepare") as progress:
        report = prepare_files(
            config.prepare.spectra,
            paths["store"],
            preset=preset,
            workers=config.prepare.workers,
            overwrite=overwrite,
            progress=progress,
        )
    say(console, f"prepared {report.n_stars} of {report.n_files} spectra: {paths['store']}")
    print_refused(console, report.refused)

    seed, starts = config.label.seed, config.label.starts
    with console.status("train") if console.is_terminal else nullcontext():
        model, reference, clipped = train_from_config(paths["store"], config.labels, config.train, seed=seed)
    print_tally(console, reference.tally)
    model.save(paths["model"], overwrite=overwrite)
    say(console, f"{model.describe()}: {paths['model']}")

    held_out = None
    if config.validate.folds:
        with progress_bar(console, "hold out") as progress:
            held_out = hold_out(
                reference, folds=config.validate.folds, options=config.train.options(), n_starts=starts, seed=seed,
                progress=progress,
            )  # fmt: skip
    validation = validate(
        model, reference, folds=config.validate.folds, snr_min=config.validate.snr_min, n_starts=starts, seed=seed,
        held_out=held_out,
    )  # fmt: skip
    print_statistics(console, validation.rows)
    if config.train.folds:
        same = config.train.folds == config.validate.folds
        with progress_bar(console, "qualify") as progress:
            model = qualify(
                model, reference, clipped=clipped, folds=config.train.folds, held_out=held_out if same else None,
                n_starts=starts, seed=seed, progress=progress,
            )  # fmt: skip
        print_calibration(console, model)
        model.save(paths["model"], overwrite=True)
    with replacing(paths["validation"], overwrite=overwrite) as partial:
        partial.write_text(validation.to_json() + "\n", encoding="utf-8")

    with progress_bar(console, "label") as progress:
        estimates = label_store(
            model, paths["store"], prior=build_label_prior(config.label.prior, model, seed=seed),
            n_draws=config.label.draws if config.label.posterior else 0, n_starts=starts, seed=seed, progress=progress,
        )  # fmt: skip
    write_catalogue(build_catalogue(estimates), paths["catalogue"], overwrite=overwrite)
    say(console, summary(estimates, n_starts=starts) + f": {paths['catalogue']}")

    result = RunResult(model, reference, validation, estimates, paths)
    if config.figures:
        figures = write_figures(result, out / "figures", snr_min=config.validate.snr_min)
        say(console, f"drew {', '.join(figures)}: {out / 'figures'}")
        result = replace(result, outputs={**paths, **figures})
    return result


def summary(estimates: xr.Dataset, *, n_starts: int) -> str:
    """Say in a phrase how labelling went."""
    good = estimates["status"].to_numpy() == FitStatus.CONVERGED
    text = f"labelled {good.sum()} of {len(good)} stars"
    if good.any():
        share = estimates["agreeing_starts"].to_numpy()[good].mean() / n_starts
        median = np.median(estimates["reduced_chi2"].to_numpy()[good])
        text += f", {100 * share:.1f} % of the starts reach the best optimum, median reduced chi2 {median:.2f}"
    if "posterior_status" in estimates:
        counts = np.bincount(estimates["posterior_status"].to_numpy(), minlength=len(PosteriorStatus))
        text += "; posteriors " + ", ".join(
            f"{count} {member.name}" for member, count in zip(PosteriorStatus, counts, strict=True) if count
        )
    return text


def coverage_summary(catalogue: Table) -> str:
    """Say in a phrase how many stars of an assessed catalogue are flagged, and how many pass the paper's cut."""
    flags = np.asarray(catalogue["flags"])
    text = f"assessed {len(flags)} stars"
    for flag in (ResultFlag.OUTSIDE_COVERAGE, ResultFlag.NOVEL_SPECTRUM):
        text += f", {((flags & int(flag)) != 0).sum()} {flag.name}"
    distance = np.asarray(catalogue["label_distance"])
    if np.isfinite(distance).any():
        row = select_by_distance(distance)[1][-1]
        text += f"; {row.step} keeps {row.remaining}"
    return text

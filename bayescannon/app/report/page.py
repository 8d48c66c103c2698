"""The page of a run: one HTML file with what was run, whether its labels can be trusted, and an explorer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from bayescannon import __version__
from bayescannon.app.config_text import absolute_paths, changed_lines, config_text
from bayescannon.app.label_plan import LabelOptions
from bayescannon.app.report.captions import comparison_captions, run_captions
from bayescannon.app.report.explorer import ExplorerHtml, explorer_html
from bayescannon.app.report.page_figures import PageFigure, figure_names, page_figures
from bayescannon.app.report.page_tables import (
    flags_table,
    provenance_table,
    refused_table,
    status_table,
    steps_table,
)
from bayescannon.app.report.run_contents import RunContents
from bayescannon.app.report.run_folder import RunFolder
from bayescannon.app.report.theme import theme_css
from bayescannon.app.report.trust import conclusion, trust_lines
from bayescannon.app.shown_tables import (
    COMPARISON_NOTE,
    STATISTICS_NOTE,
    budget_table,
    comparison_tables,
    statistics_tables,
    tally_table,
)
from bayescannon.app.step_names import COMPARE, FIGURES, UNCERTAINTIES
from bayescannon.app.summary import coverage_summary, uselessness
from bayescannon.cannon.choices import LABEL_PRIORS
from bayescannon.cannon.options import choose_nuisances
from bayescannon.cannon.populations.survey_file import load_any_model
from bayescannon.cannon.populations.survey_model import SurveyModel
from bayescannon.cannon.report_choices import N_SPECTRA, ReportChoices
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.io.outputs import check_output_file, replacing
from bayescannon.io.paths import as_path
from bayescannon.numerics.errors import BayesCannonError, InputError

# of a page, and kept for what surrounds the explorer's part [bytes]
LIMIT = 25_000_000
_MARGIN = 10_000
# the page's name in the folder of its run
NAME = "report.html"
# figures by the section of the page that they are in; others are of the catalogue
_OF_VALIDATION = ("one_to_one", "scatter_by_snr", "corner", "selection")
_OF_MODEL = ("coefficients",)


def write_report(
    run: str | Path,
    out: str | Path | None = None,
    *,
    n_spectra: int = N_SPECTRA,
    also: Sequence[str | Path] = (),
    overwrite: bool = False,
) -> Path:
    """
    Write a page of a run: what was run, whether its labels can be trusted, tables, figures, and an explorer.

    The page is one file of at most 25 MB that needs no network. The same run gives the same bytes.

    Parameters
    ----------
    run : str or Path
        The folder that ``bayescannon run`` wrote. What is missing or damaged in it is said at the top of the page.
    out : str or Path, optional
        The page; ``report.html`` in the folder of the run unless given.
    n_spectra : int
        Stars whose spectra the page holds, at most; fewer where they do not fit.
    also : sequence of str or Path
        Files of further models, whose spectra can be laid over those of the run's.
    overwrite : bool
        Replace a page that exists.

    Returns
    -------
    path : Path

    Raises
    ------
    InputError
        There is no run in the folder, or a further model cannot be read.
    OutputExistsError
        The page exists, and `overwrite` is False.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import bayescannon as bc
    >>> survey = bc.simulate_survey(80, 20, seed=1)
    >>> spectra = bc.prepare_spectra(list(survey.spectra()))
    >>> reference = bc.build_reference(spectra, survey.apogee, ("teff", "logg"), format="allstar-dr12")
    >>> run = Path(tempfile.mkdtemp())
    >>> bc.save_model(bc.train(reference), run / "model.nc")
    >>> bc.write_report(run).name
    'report.html'
    """
    chosen = ReportChoices(n_spectra=n_spectra, also=[str(one) for one in also])
    folder = RunFolder.open(run)
    path = folder.path / NAME if out is None else as_path(out, "the page")
    check_output_file(path, overwrite=overwrite)
    text = report_html(folder, chosen)
    with replacing(path, overwrite=overwrite) as partial:
        partial.write_text(text, encoding="utf-8")
    return path


def report_html(folder: RunFolder, chosen: ReportChoices | None = None) -> str:
    """Return the page of a run as text."""
    chosen = chosen or ReportChoices()
    run = RunContents.read(folder)
    also = further_models(chosen.also)
    parts = _Parts.of(run)
    bare = parts.render(explorer=Markup(""), fault="", notes=(), size="25.0 MB")
    limit = LIMIT - _MARGIN - len(bare.encode())
    explorer, fault = Markup(""), ""
    notes: tuple[str, ...] = ()
    try:
        made = _explorer(run, also, chosen.n_spectra, limit)
        explorer, notes = Markup(made.html), made.notes
    except BayesCannonError as error:
        fault = f"There is no explorer: {error}."
    size = len(bare.encode()) + len(explorer.encode())
    return parts.render(explorer=explorer, fault=fault, notes=notes, size=f"{size / 1e6:.1f} MB")


def _explorer(run: RunContents, also: Mapping[str, TrainedModel], n_spectra: int, limit: int) -> ExplorerHtml:
    """Return the explorer, without spectra if those of the store are not the catalogue's, or cannot be read."""
    how: dict[str, Any] = {"also": also, "limit": limit, "options": label_options(run)}
    if run.store is not None and run.catalogue is not None:
        try:
            return explorer_html(run.model, run.catalogue, run.store.path, n_spectra=n_spectra, **how)
        except (BayesCannonError, OSError) as error:
            made = explorer_html(run.model, run.catalogue, None, **how)
            said = str(error).replace(str(run.store.path), run.store.path.name)
            return replace(made, notes=(*made.notes, f"the spectra cannot be shown: {said}"))
    return explorer_html(run.model, run.catalogue, None, n_spectra=n_spectra, **how)


def further_models(paths: Sequence[str]) -> dict[str, TrainedModel]:
    """
    Return models by the names of their files; of a survey model, each of its models.

    Raises
    ------
    BayesCannonError
        One cannot be read.
    InputError
        Two files have the same name.
    """
    found: dict[str, TrainedModel] = {}
    for path in paths:
        model, name = load_any_model(path), Path(path).stem
        named = {name: model} if isinstance(model, TrainedModel) else {
            f"{name} {one}": each for one, each in model.distinct.items()
        }  # fmt: skip
        twice = named.keys() & found.keys()
        if twice:
            raise InputError(f"further models are told apart by the names of their files; two are called {name!r}")
        found |= named
    return found


def label_options(run: RunContents) -> LabelOptions:
    """Return how the stars of a run were labelled: as its configuration says, else its catalogue."""
    options: LabelOptions = {}
    if run.folder.config is not None and run.model is not None:
        label = run.folder.config.label
        options = {
            "prior": label.prior, "n_starts": label.starts, "seed": label.seed,
            "nuisances": choose_nuisances(label, run.model.options.nuisances),
        }  # fmt: skip
    elif run.catalogue is not None:
        meta = run.catalogue.meta
        if meta.get("prior") in LABEL_PRIORS:
            options["prior"] = meta["prior"]
        if isinstance(meta.get("n_starts"), int) and isinstance(meta.get("seed"), int):
            options |= {"n_starts": meta["n_starts"], "seed": meta["seed"]}
    return options


@dataclass(frozen=True)
class _Parts:
    """What a page shows of a run, but for the explorer."""

    run: RunContents
    values: Mapping[str, Any]
    warnings: tuple[str, ...]

    @classmethod
    def of(cls, run: RunContents) -> "_Parts":
        """Find it."""
        trust = trust_lines(run)
        figures, notes = _figures(run)
        comparison = run.comparison
        catalogue = [flags_table(run.facts)] if run.facts else []
        catalogue += [one] if (one := status_table(run)) else []
        name = run.folder.path.resolve().name or "run"
        tables = [tally_table(run.model.tally)] if run.model is not None and run.model.tally else []
        tables += [one] if (one := refused_table(run)) else []
        values: dict[str, Any] = {
            "title": f"bayescannon run: {name}", "subtitle": _subtitle(run), "missing": _missing(run),
            "trust": trust, "conclusion": conclusion(trust), "facts": _facts(run),
            "config": _config(run.folder), "steps": steps_table(run.folder), "reference": tables,
            "statistics": statistics_tables(run.validation), "statistics_note": STATISTICS_NOTE,
            "catalogue": catalogue, "comparison": comparison, "comparison_note": COMPARISON_NOTE,
            "comparison_tables": comparison_tables(comparison.rows, comparison.flags) if comparison else [],
            "provenance": provenance_table(run), **figures,
        }  # fmt: skip
        budget, fault = _budget(run)
        values["more"] = budget
        return cls(run, values, (*_warnings(run), *notes, *fault))

    def render(self, *, explorer: Markup, fault: str, notes: Sequence[str], size: str) -> str:
        """Return the page."""
        values = {**self.values, "warnings": [*self.warnings, *notes]}
        text: str = _template().render(
            **values, contents=_contents(values), version=__version__, explorer=explorer, explorer_fault=fault,
            size=size, style=Markup(theme_css() + _read("page.css")), script=Markup(_read("page.js")),
        )  # fmt: skip
        return text


def _contents(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return ids and headings of the sections that the page has."""
    sections = (
        ("trust", "Can I trust this?", True), ("warnings", "Warnings", values["warnings"]),
        ("run", "What was run", True), ("reference", "Reference set", values["reference"]),
        ("held-out", "Held-out stars", values["statistics"] or values["validation_figures"]),
        ("catalogue", "Catalogue", values["catalogue"] or values["catalogue_figures"]),
        ("comparison", "Comparison", values["comparison"]), ("errors", "Kinds of error", values["more"]),
        ("explorer", "Explorer", True), ("model", "Model", values["model_figures"]),
        ("provenance", "Provenance", True), ("cite", "How to cite", True),
    )  # fmt: skip
    return [(name, heading) for name, heading, there in sections if there]


def _subtitle(run: RunContents) -> str:
    parts = []
    if run.catalogue is not None:
        parts.append(f"{len(run.catalogue):,} stars")
    if run.model is not None:
        parts.append(f"labels {', '.join(run.model.label_names)}")
    if run.catalogue is not None and "created" in run.catalogue.meta:
        parts.append(f"made {run.catalogue.meta['created']}")
    return " · ".join(part for part in parts if part) or "a run of bayescannon"


def _facts(run: RunContents) -> list[tuple[str, str]]:
    """Return the numbers that say at a glance what was run."""
    facts = []
    if run.store is not None:
        attributes = run.store.attributes
        refused = sum(run.store.refused.values())
        facts += [
            ("spectra in the store", f"{run.store.n_stars:,}"), ("files refused", f"{refused:,}"),
            ("preparation", str(attributes.get("preset", "-"))),
            ("data release", str(attributes.get("data_release") or "-")),
        ]  # fmt: skip
    model = run.model
    if model is not None:
        router = model.router if isinstance(model, SurveyModel) else model
        facts += [
            ("reference spectra", f"{len(router.reference_id):,}"), ("labels", ", ".join(model.label_names)),
            ("live pixels", f"{int(router.fit.live.sum()):,}"), ("model", model.hash),
        ]  # fmt: skip
        if isinstance(model, SurveyModel):
            facts.append(("populations", ", ".join(model.names)))
    if run.catalogue is not None:
        meta = run.catalogue.meta
        facts.append(("stars in the catalogue", f"{len(run.catalogue):,}"))
        facts += [(name, str(meta[name])) for name in ("recipe", "prior", "seed", "created") if name in meta]
    version = run.catalogue.meta.get("version") if run.catalogue is not None else None
    facts.append(("version that ran", str(version or (model and _version(model)) or "unknown")))
    return facts


def _version(model: TrainedModel | SurveyModel) -> str:
    return (model.router if isinstance(model, SurveyModel) else model).provenance.version


def _config(folder: RunFolder) -> str:
    if folder.config is None:
        return ""
    return changed_lines(config_text(absolute_paths(folder.config), folder.path.resolve().parent))


def _missing(run: RunContents) -> list[str]:
    found = [*run.folder.notes, *run.faults]
    if run.catalogue is not None and not len(run.catalogue):
        found.append("the catalogue has no stars")
    return found


def _warnings(run: RunContents) -> list[str]:
    """Return sentences on what makes labels less useful than they look."""
    found = []
    if run.facts is not None and (text := uselessness(run.facts)):
        found.append(text)
    if run.model is not None and run.catalogue is not None and len(run.catalogue):
        unlabelled = ~np.isfinite(
            [np.asarray(run.catalogue[name], dtype=np.float64) for name in run.model.label_names
             if name in run.catalogue.colnames]
        ).all(axis=0)  # fmt: skip
        if unlabelled.any():
            found.append(f"{int(unlabelled.sum()):,} stars of the catalogue have no labels: see their status")
        made_by = run.catalogue.meta.get("model_hash")
        if made_by and made_by != run.model.hash:
            found.append(f"the catalogue is by the model {made_by}, and the model here is {run.model.hash}")
    if isinstance(run.model, SurveyModel):
        found += [f"populations: {note}" for note in run.model.notes]
    elif run.model is not None and run.model.calibration is None:
        found.append(f"errors of the labels: {run.model.describe_errors()}")
    if run.coverage is not None:
        found.append(f"coverage: {coverage_summary(run.coverage)}")
    return found


def _budget(run: RunContents) -> tuple[list[Any], list[str]]:
    """Return the medians of the kinds of error, if the run has them, and what kept them from being read."""
    path = run.folder.outputs.get(UNCERTAINTIES)
    if path is None:
        return [], []
    try:
        with xr.open_dataset(path, engine="h5netcdf") as budget:
            return [budget_table(budget)], []
    except (OSError, KeyError, ValueError) as error:
        return [], [f"{path.name} cannot be read: {error}"]


def _figures(run: RunContents) -> tuple[dict[str, list[PageFigure]], list[str]]:
    """Return the figures of each section, and what was left out."""
    found: dict[str, list[PageFigure]] = {
        f"{name}_figures": [] for name in ("validation", "catalogue", "model", "comparison")
    }
    notes: list[str] = []
    folder = run.folder.outputs.get(FIGURES)
    if folder is not None:
        drawn, notes = page_figures(folder, run_captions(figure_names(folder)))
        for one in drawn:
            section = (
                "validation" if one.name.startswith(_OF_VALIDATION) else "model"
                if one.name.startswith(_OF_MODEL) else "catalogue"
            )  # fmt: skip
            found[f"{section}_figures"].append(one)
    compared = run.folder.outputs.get(COMPARE)
    if compared is not None:
        found["comparison_figures"], more = page_figures(compared, comparison_captions(figure_names(compared)))
        notes += more
    return found, notes


@cache
def _template() -> Any:
    loader = PackageLoader("bayescannon.app.report")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True,
                              lstrip_blocks=True)  # fmt: skip
    return environment.get_template("report.html.j2")


@cache
def _read(name: str) -> str:
    return (files("bayescannon.app.report") / "templates" / name).read_text(encoding="utf-8")

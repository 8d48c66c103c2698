"""What a page shows of a run: its tables, figures, warnings and numbers, by the names of the template."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import xarray as xr

from bayescannon.app.config_text import absolute_paths, changed_lines, config_text
from bayescannon.app.report.captions import comparison_captions, run_captions
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
from bayescannon.cannon.populations.survey_model import SurveyModel
from bayescannon.cannon.trained_model import TrainedModel

# figures by the section of the page that they are in; others are of the catalogue
_OF_VALIDATION = ("one_to_one", "scatter_by_snr", "corner", "selection")
_OF_MODEL = ("coefficients",)


@dataclass(frozen=True)
class PageParts:
    """
    What a page shows of a run, but for the explorer.

    Attributes
    ----------
    values : mapping
        Of the template, by name.
    warnings : tuple of str
        What makes labels less useful than they look, and what is not shown.
    """

    values: Mapping[str, Any]
    warnings: tuple[str, ...]

    @classmethod
    def of(cls, run: RunContents) -> "PageParts":
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
        return cls(values, (*_warnings(run), *notes, *fault))


def contents_of_page(values: Mapping[str, Any]) -> list[tuple[str, str]]:
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
    said = [run.catalogue.meta.get("version") if run.catalogue is not None else "", model and _version(model)]
    said.append(run.store.attributes.get("bayescannon_version") if run.store is not None else "")
    facts.append(("version that ran", next((str(one) for one in said if one), "unknown")))
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
    if run.without_labels.any():
        found.append(f"{int(run.without_labels.sum()):,} stars of the catalogue have no labels: see their status")
    if run.model is not None and run.catalogue is not None:
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
    drawn: list[PageFigure] = []
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
        captions = comparison_captions(figure_names(compared))
        found["comparison_figures"], more = page_figures(compared, captions, drawn)
        notes += more
    return found, notes

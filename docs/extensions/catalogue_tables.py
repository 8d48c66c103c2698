"""The columns of a catalogue, made by the package's function of estimates that have all that a catalogue may have."""

from typing import Any

import numpy as np
import xarray as xr
from markdown_tables import cell, code, table

from bayescannon.data.flags import FitStatus, PosteriorStatus
from bayescannon.data.labels import KNOWN_LABELS
from bayescannon.data.spectra import IDENTITY_COLUMNS
from bayescannon.io.catalogue_columns import COVERAGE_COLUMNS, ODD_COLUMNS, estimate_columns
from bayescannon.io.catalogue_style import column_style
from bayescannon.reliability.label_scores import SCORES
from bayescannon.reliability.odd_reference import ODD_CLASSES

# two labels stand for all
NAMES = ("teff", "logg")
_NUMBERS = (
    "snr", "reduced_chi2", "ra", "dec", "redshift", "rv_residual", "rv_residual_error", "line_spread",
    "line_spread_error", "noise_scale", "p_none", "k_hat", "ess",
)  # fmt: skip
_COUNTS = ("live_pixels", "outlying_pixels", "agreeing_starts", "n_modes", "posterior_status", "status", "flags")
# which columns a catalogue has beside those of every catalogue
_WHEN = {
    "calibrated model": ("offset_", "e_"),
    "survey model": ("population", "p_giant", "p_none"),
    "velocity prior": ("rv_", "e_rv_"),
    "line-spread prior": ("line_", "e_line_"),
    "noise of stars": ("noise_scale",),
    "outliers of pixels": ("outlying",),
    "coverage assessed": ("cov_", "p_coverage", "p_novelty", "p_joint", "label_distance"),
    "`--posterior`": ("k_hat", "ess", "n_modes", "posterior_", *(f"{name}_p" for name in NAMES)),
    "`--odd`": ("p_odd_", "primary_", "companion_"),
}


def estimates() -> xr.Dataset:
    """Return estimates of one star with every variable that columns are made of."""
    label, pair = ("star", "stellar_label"), ("star", "stellar_label", "stellar_label_2")
    n_label = len(NAMES)
    variables: dict[str, Any] = {name: ("star", [1.0]) for name in _NUMBERS}
    variables |= {name: ("star", [0]) for name in _COUNTS}
    variables |= {name: ("star", [""]) for name in (*IDENTITY_COLUMNS, "population")}
    variables |= {name: ("star", [0.5]) for name in COVERAGE_COLUMNS}
    variables |= {name: ("star", [0.5]) for name in ODD_COLUMNS}
    variables |= {f"{name}_error": ("star", [0.5]) for name in ODD_COLUMNS if column_style(f"e_{name}")}
    for name in ("labels", "calibrated_error", "expected_offset", "primary_labels", "companion_labels"):
        variables[name] = (label, np.ones((1, n_label)))
    variables["formal_covariance"] = (pair, np.eye(n_label)[None])
    variables["membership"] = (("star", "population_name"), [[1.0]])
    variables["posterior_quantile"] = (("star", "quantile", "stellar_label"), np.ones((1, 3, n_label)))
    variables["score"] = (("star", "score_name"), np.ones((1, len(SCORES))))
    variables["p_odd"] = (("star", "odd_class"), np.ones((1, len(ODD_CLASSES))))
    coords: dict[str, Any] = {
        "star": ["star"], "stellar_label": list(NAMES), "stellar_label_2": list(NAMES), "population_name": ["giant"],
        "quantile": [0.159, 0.5, 0.841], "score_name": list(SCORES), "odd_class": list(ODD_CLASSES),
    }  # fmt: skip
    return xr.Dataset(variables, coords)


def _when(name: str) -> str:
    """Return what a catalogue needs for the column: the longest beginning counts."""
    if name.removeprefix("e_") in ODD_COLUMNS:
        return "`--odd`"
    if name.startswith("e_formal_"):
        return ""
    fitting = [(len(start), when) for when, starts in _WHEN.items() for start in starts if name.startswith(start)]
    return max(fitting, default=(0, ""))[1]


def catalogue() -> str:
    """Return the table of columns, and of the statuses that two of them hold."""
    rows = []
    for column in estimate_columns(estimates(), tuple(KNOWN_LABELS[name] for name in NAMES)):
        style = column_style(column.name)
        if style is None:
            raise LookupError(f"column {column.name} has no style; give it one in io/catalogue_style.py")
        kind = {"U": "text"}.get(style.dtype, style.dtype)
        unit = "" if column.unit is None else str(column.unit)
        meaning = cell(column.description)
        rows.append((code(column.name), kind, cell(unit), meaning, _when(column.name), code(style.ucd)))
    columns = table(("column", "type", "unit", "meaning", "only with", "UCD"), rows)
    fits = table(("status", "name", "meaning"), [(str(int(m)), code(m.name), cell(m.sentence)) for m in FitStatus])
    draws = table(
        ("posterior_status", "name", "meaning"),
        [(str(int(m)), code(m.name), cell(m.sentence)) for m in PosteriorStatus],
    )
    return "\n\n".join([columns, "## Statuses", fits, draws])

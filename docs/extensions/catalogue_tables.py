"""The columns of a catalogue, from the function that makes them, of estimates that have all that a catalogue may have."""

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
    "e_formal_": "", "e_rv_": "velocity prior", "e_line_": "line-spread prior", "e_": "calibrated model",
    "offset_": "calibrated model", "population": "survey model", "p_giant": "survey model", "p_none": "survey model",
    "rv_": "velocity prior", "line_": "line-spread prior", "noise_scale": "noise of stars", "outlying": "outliers of pixels",
    "cov_": "coverage assessed", "p_coverage": "coverage assessed", "p_novelty": "coverage assessed", "p_joint": "coverage assessed",
    "label_distance": "coverage assessed", "k_hat": "`--posterior`", "ess": "`--posterior`", "n_modes": "`--posterior`",
    "posterior_": "`--posterior`", "primary_": "`--odd`", "companion_": "`--odd`",
}  # fmt: skip


def estimates() -> xr.Dataset:
    """Return estimates of one star with every variable that columns are made of."""
    label, pair = ("star", "stellar_label"), ("star", "stellar_label", "stellar_label_2")
    n_label = len(NAMES)
    variables: dict[str, Any] = {name: ("star", [1.0]) for name in _NUMBERS}
    variables |= {name: ("star", [0]) for name in _COUNTS}
    variables |= {name: ("star", [""]) for name in (*IDENTITY_COLUMNS, "population")}
    variables |= {name: ("star", [0.5]) for name in COVERAGE_COLUMNS}
    variables |= {f"{name}{end}": ("star", [0.5]) for name in ODD_COLUMNS for end in ("", "_error")}
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
    if name.startswith("p_odd_") or name.removeprefix("e_") in ODD_COLUMNS:
        return "`--odd`"
    if name.removeprefix(f"{NAMES[0]}_p").replace("_", "").isdigit() or name.startswith(
        tuple(f"{one}_p" for one in NAMES)
    ):
        return "`--posterior`"
    return next((when for start, when in _WHEN.items() if name.startswith(start)), "")


def catalogue() -> str:
    """Return the table of columns, and of the statuses that two of them hold."""
    rows = []
    for column in estimate_columns(estimates(), tuple(KNOWN_LABELS[name] for name in NAMES)):
        style = column_style(column.name)
        if style is None:
            raise LookupError(f"column {column.name} has no style; give it one in io/catalogue_style.py")
        kind = {"U": "text"}.get(style.dtype, style.dtype)
        unit = "" if column.unit is None else str(column.unit)
        rows.append((code(column.name), kind, cell(unit), code(style.ucd), _when(column.name), cell(column.description)))
    columns = table(("column", "type", "unit", "UCD", "only with", "meaning"), rows)
    fits = table(("status", "name", "meaning"), [(str(int(m)), code(m.name), cell(m.sentence)) for m in FitStatus])
    draws = table(
        ("posterior_status", "name", "meaning"), [(str(int(m)), code(m.name), cell(m.sentence)) for m in PosteriorStatus]
    )
    return "\n\n".join([columns, "## Statuses", fits, draws])

"""The paper's numbers beside those of this run, with the reason why they differ."""

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bayescannon.cannon.choices import CLIP_SIGMA, HIGH_REDUCED_CHI2
from bayescannon.data.labels import KNOWN_LABELS
from bayescannon.data.preset import PAPER, SKY_HALF_WIDTH
from bayescannon.models.label_vector import n_terms
from bayescannon.pixels.scatter_search import GRID_LN_SCATTER

PUBLISHED = Path(__file__).with_name("published.csv")

FORMAL_LABELS = ("teff", "logg", "fe_h", "alpha_m")
LABELS = (*FORMAL_LABELS, "a_k")


@dataclass(frozen=True)
class Published:
    """A number in print, its unit, decimals that are worth printing, and where it stands."""

    name: str
    value: float
    unit: str
    digits: int
    source: str


@dataclass(frozen=True)
class Ours:
    """How a number is taken from the results, and why it is not the paper's on the mock survey."""

    value: Callable[[Any], float]
    why: str = ""


def read_published() -> dict[str, Published]:
    """Read the paper's numbers, by name."""
    with PUBLISHED.open(encoding="utf-8", newline="") as file:
        rows = [
            Published(row["name"], float(row["value"]), row["unit"], int(row["digits"]), row["source"])
            for row in csv.DictReader(file)
        ]
    return {row.name: row for row in rows}


_OTHER_STARS = "other stars: the noise and unmodelled physics of the mock are calibrated on 172 giants of DR10"
_SMALLER = "the mock survey is smaller"
_TABLE_1 = (
    "other stars, those at 5, 25, 75 and 95 % of the S/N; formal errors follow the S/N, which the paper does not give"
)
_BOOTSTRAP = (
    "median over test stars of the standard deviation by all models; on the mock, models of disjoint halves of the "
    "reference stars differ as much, and with true reference labels by a third of it"
)


def _validation(label: str, what: str) -> Ours:
    why = "bias of other stars; its error is in the table above" if what == "bias" else _OTHER_STARS
    return Ours(lambda results: getattr(results.row("leave-none-out", label), what), why)


def _table_1(column: str, end: Callable[[Any], Any]) -> Ours:
    def value(results: Any) -> float:
        return float(end(results.stars.column(column)[results.table_1]))

    return Ours(value, _TABLE_1)


def _median_error(results: Any, label: str) -> float:
    errors = results.reference.errors
    known = errors[:, results.reference.label_names.index(label)]
    return float(np.median(known[known > 0])) if (known > 0).any() else float("nan")


def _bootstrap(results: Any, label: str) -> float:
    return float(np.nanmedian(results.budget["error"].sel(kind="bootstrap", stellar_label=label)))


def _failed(results: Any) -> float:
    chosen = results.stars.in_catalogue
    chi2 = results.stars.column("rchi2")[chosen]
    failed = ~np.isfinite(results.stars.labels[chosen]).all(axis=1)
    return 100 * float(np.mean(failed | (chi2 > HIGH_REDUCED_CHI2)))


OURS: dict[str, Ours] = {
    **{f"{label} {what}": _validation(label, what) for what in ("bias", "scatter") for label in LABELS},
    **{
        f"{label} error": Ours(
            lambda results, label=label: _median_error(results, label),
            "median of the errors that Survey A states; the mock's are smaller, for the scatter of figure 5",
        )
        for label in FORMAL_LABELS
    },
    **{
        f"{label} bootstrap": Ours(
            lambda results, label=label: _bootstrap(results, label),
            _BOOTSTRAP,
        )
        for label in FORMAL_LABELS
    },
    **{
        f"{label} plot scale": Ours(lambda _, label=label: KNOWN_LABELS[label].published.plot_scale) for label in LABELS
    },
    "labels": Ours(lambda results: len(results.model.label_names)),
    "pixels": Ours(lambda results: len(results.model.wavelength)),
    "step of the grid in log10": Ours(lambda results: float(np.diff(np.log10(results.model.wavelength)).mean())),
    "L of the running mean": Ours(lambda _: PAPER.width),
    "half-width of a masked sky line": Ours(lambda _: SKY_HALF_WIDTH, "not used: the preset `paper` masks no lines"),
    "terms of five labels": Ours(lambda _: n_terms(5)),
    "terms of four labels": Ours(lambda _: n_terms(4)),
    "terms of three labels": Ours(lambda _: n_terms(3)),
    "scatters of the clip": Ours(lambda _: CLIP_SIGMA),
    "limit of the reduced chi2": Ours(lambda _: HIGH_REDUCED_CHI2),
    "first scatter tried": Ours(lambda _: float(np.exp(GRID_LN_SCATTER[0])), "of `--scatter grid`; here exact"),
    "step of ln scatter": Ours(lambda _: float(np.diff(GRID_LN_SCATTER).mean()), "of `--scatter grid`; here exact"),
    "last scatter tried": Ours(lambda _: float(np.exp(GRID_LN_SCATTER[-1])), "of `--scatter grid`; here exact"),
    "stars in common": Ours(lambda results: results.n_common),
    "reference stars": Ours(
        lambda results: results.reference.n_stars, "cuts and clip remove what is wrong in the table; the mock has less"
    ),
    "test stars": Ours(lambda results: int(results.stars.is_test.sum()), _SMALLER),
    "stars of the catalogue": Ours(lambda results: int(results.stars.in_catalogue.sum()), _SMALLER),
    "share failed or above the limit of reduced chi2 [%]": Ours(_failed),
    **{
        f"table 1 {end} {label} error": _table_1(f"e_formal_{label}", function)
        for label in FORMAL_LABELS
        for end, function in (("lowest", np.min), ("highest", np.max))
    },
    "table 1 lowest reduced chi2": _table_1("rchi2", np.min),
    "table 1 highest reduced chi2": _table_1("rchi2", np.max),
}


def text_of(value: float, digits: int, unit: str) -> str:
    """Return a number with its unit; small ones with an exponent."""
    if not np.isfinite(value):
        return "-"
    shown = f"{value:.{digits}f}" if value == 0 or abs(value) >= 10.0**-digits else f"{value:.2g}"
    return f"{shown} {unit}".strip()


def write_numbers(results: Any, path: Path) -> None:
    """Write the table of numbers as Markdown and as CSV."""
    rows = []
    for name, printed in read_published().items():
        ours = OURS[name]
        label = next((one for one in LABELS if f" {one} " in f" {name} "), None)
        if label is not None and label not in results.model.label_names:
            text = text_of(printed.value, printed.digits, printed.unit)
            rows.append([name, text, "-", f"this run has no {label}", printed.source])
            continue
        value = ours.value(results)
        same = text_of(value, printed.digits, "") == text_of(printed.value, printed.digits, "")
        unused = "not used" in ours.why or "here exact" in ours.why
        why = ours.why if (not same or unused) else ""
        if results.is_real and why and not unused:
            why = "other stars"
        texts = [text_of(one, printed.digits, printed.unit) for one in (printed.value, value)]
        rows.append([name, *texts, why, printed.source])
    head = ["number", "paper", "ours", "why they differ", "source in the paper"]
    lines = ["| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows)]
    path.with_suffix(".md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    with path.with_suffix(".csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([head, *rows])

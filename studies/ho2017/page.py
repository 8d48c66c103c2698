"""The page of the study: its figures, tables and numbers in one Markdown file."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from results import Results

from bayescannon.app.shown_tables import format_value
from bayescannon.data.star_groups import counted

METHODS = {
    "leave-none-out": "by the model that was trained on all of them, as in figure 5",
    "80/20": "a fifth of the stars, by a model that was trained on the others",
    "k-fold": "each by a model that was trained on the other folds",
}


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table as Markdown."""
    lines = ["| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows)]
    return "\n".join(lines)


def validation(results: Results) -> str:
    """Return bias and scatter by each way to validate, beside the paper's."""
    parts = []
    for method, said in METHODS.items():
        rows = [results.row(method, name) for name in results.model.label_names]
        cells = []
        for row, label in zip(rows, results.model.labels, strict=True):
            values = (row.bias, row.bias_error, label.published.bias, row.scatter, row.robust_scatter)
            texts = [format_value(row.label, value) for value in (*values, label.published.scatter)]
            cells.append([f"{row.label} [{row.unit}]", *texts, f"{row.slope:.2f}"])
        head = ["label", "bias", "+-", "paper", "scatter", "robust", "paper", "slope"]
        stars = counted(rows[0].n_stars, rows[0].n_spectra)
        parts.append(f"**{method}**, S/N > 50, {stars}: {said}\n\n{table(head, cells)}")
    return "\n\n".join(parts)


def write_page(results: Results, out: Path, figures: Mapping[str, tuple[Path, str]]) -> None:
    """Write README.md into the folder of the study."""
    tally = [[row.step, str(row.removed), str(row.remaining)] for row in results.model.tally]
    parts = [
        "# Ho et al. (2017), reproduced",
        "Made by `studies/ho2017/run.py`. S/N is the header's in the g band.",
        f"## Reference set\n\n{table(['step', 'removed', 'remain'], tally)}",
        f"## Validation\n\n{validation(results)}",
        "## Numbers\n\n" + (out / "numbers.md").read_text(encoding="utf-8"),
        "## Figures",
        *(f"### {name}\n\n{said}\n\n![{name}]({path.relative_to(out)})" for name, (path, said) in figures.items()),
    ]
    (out / "README.md").write_text("\n\n".join(part.rstrip() for part in parts) + "\n", encoding="utf-8")

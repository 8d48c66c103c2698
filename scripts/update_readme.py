"""
Run the README's example and the demonstration, and put what they print and draw into the README and the tutorial.

Usage: python scripts/update_readme.py [example] [demo]
"""

import contextlib
import io
import os
import re
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from astropy.table import Table
from PIL import Image
from rich.console import Console

import bayescannon as bc
from bayescannon.app.demo import run_demo
from bayescannon.app.shown_tables import format_value
from bayescannon.cannon.choices import SNR_MIN
from bayescannon.cannon.validation import robust_scatter
from bayescannon.data.flags import FitStatus
from bayescannon.data.labels import KNOWN_LABELS
from bayescannon.io.store import load_spectra
from bayescannon.mock.catalogues import TRUTH_COLUMNS

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
DEMONSTRATION = ROOT / "docs" / "tutorial" / "demonstration.md"
FIGURE = ROOT / "docs" / "one_to_one.png"
# pixels of the figure's width in the README
WIDTH = 1000
NAMES = {"teff": "Teff [K]", "logg": "log g", "fe_h": "[Fe/H]", "alpha_m": "[alpha/M]", "a_k": "A_K"}
RECIPES = ("paper", "recommended")
HEAD = """\
| S/N > 50 | bias | of Ho et al. | scatter: paper | recommended | of Ho et al. | truth: paper | recommended |
|---|---|---|---|---|---|---|---|
"""


def replace(page: Path, pattern: str, text: str) -> None:
    """Replace the one place of a page that the pattern finds."""
    changed, count = re.subn(pattern, lambda _: text, page.read_text("utf-8"), flags=re.S)
    if count != 1:
        raise SystemExit(f"{page.name} has {count} places like {pattern!r}; expected one")
    page.write_text(changed, "utf-8")


def example() -> None:
    """Run the example in a folder of its own."""
    code = README.read_text("utf-8").partition("```python\n")[2].partition("```")[0]
    here, printed = Path.cwd(), io.StringIO()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            with contextlib.redirect_stdout(printed):
                exec(compile(code, str(README), "exec"), {})
            image = Image.open("one_to_one.png").convert("RGB")
        finally:
            os.chdir(here)
    FIGURE.parent.mkdir(exist_ok=True)
    height = round(image.height * WIDTH / image.width)
    image.resize((WIDTH, height), Image.Resampling.LANCZOS).save(FIGURE, optimize=True)
    rows = "\n".join(line.rstrip() for line in printed.getvalue().splitlines())
    replace(README, r"prints\n\n```\n.*?\n```\n", f"prints\n\n```\n{rows}\n```\n")


def demo() -> None:
    """Run the demonstration, train on its reference stars by the other recipe too, and tabulate both."""
    with tempfile.TemporaryDirectory() as folder:
        result = run_demo(Path(folder) / "demo", console=Console(stderr=True))
        truth = Table.read(Path(folder) / "demo" / "survey" / "truth.csv", format="ascii.csv")
        spectra = load_spectra(result.outputs["store"])
    truth = truth[np.asarray(truth["is_reference"]).astype(str) == "False"]
    test = spectra.select(np.isin(spectra.id, np.asarray(truth["id"]).astype(str)))
    row_of = {str(name): row for row, name in enumerate(truth["id"])}
    truth = truth[[row_of[str(name)] for name in test.id]]
    names, held, off = result.model.label_names, {}, {}
    for recipe in RECIPES:
        model = result.model if recipe == "paper" else bc.train(result.reference, recipe=recipe)
        check = result.validation if recipe == "paper" else bc.validate(model, result.reference)
        held[recipe] = [check.row("k-fold", f"snr > {SNR_MIN:g}", name) for name in names]
        estimates = bc.label_spectra(model, test)
        good = (estimates["snr"].to_numpy() > SNR_MIN) & (estimates["status"].to_numpy() == FitStatus.CONVERGED)
        true = np.column_stack([np.asarray(truth[TRUTH_COLUMNS.get(name, name)]) for name in names])
        off[recipe] = (estimates["labels"].to_numpy() - true)[good]
    rows = HEAD
    for k, name in enumerate(names):
        paper, label = held["paper"][k], KNOWN_LABELS[name]
        values = {recipe: (held[recipe][k], off[recipe][:, k]) for recipe in RECIPES}
        inside = [f"{format_value(name, row.scatter)} ({format_value(name, row.robust_scatter)})"
                  for row, _ in values.values()]  # fmt: skip
        true_scatter = [f"{format_value(name, x.std())} ({format_value(name, robust_scatter(x))})"
                        for _, x in values.values()]  # fmt: skip
        cells = (
            NAMES[name],
            f"{format_value(name, paper.bias)} +- {format_value(name, paper.bias_error)}",
            format_value(name, label.published.bias), *inside, format_value(name, label.published.scatter),
            *true_scatter,
        )  # fmt: skip
        rows += f"| {' | '.join(cells)} |\n"
    count = f"{held['paper'][0].n_stars} held-out mock stars"
    replace(DEMONSTRATION, r"\| S/N > 50.*?\n\n", rows + "\n")
    replace(DEMONSTRATION, r"\d+ held-out mock stars", count)


def main() -> None:
    """Run what is named, or both; say how long it took."""
    start = time.monotonic()
    for part in sys.argv[1:] or ["example", "demo"]:
        {"example": example, "demo": demo}[part]()
    print(f"ran in {time.monotonic() - start:.0f} s")


if __name__ == "__main__":
    main()

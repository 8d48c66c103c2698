"""
Compare label priors, and scores that find stars unlike the training set.

Usage: python run.py [--data DATA] [--out DIR] [--reference N] [--test N] [--stars N] [--folds N] [--deals N]
A mock survey with known truth; with DATA, also the real LAMOST DR10 stars of DATA/lamost/dr10, labelled with a model of
the giants among them.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
from mock_stars import METALLICITY, NAMES, PRIORS, MockStars, study_coverage, study_snr
from real_stars import RealStars, distances, study_real, study_shift
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bayescannon.data.label_distance import PAPER_CUT
from bayescannon.figures import plot_distances, plot_kiel_distance, save_figure
from bayescannon.figures.style import new_figure


def numbers(values: list[float]) -> str:
    return " ".join(f"{value:.3g}" for value in values)


def cell(value: object) -> str:
    if isinstance(value, list):
        return numbers(value)
    return f"{value:.2f}" if isinstance(value, float) else escape(str(value))


def show(console: Console, title: str, rows: list[dict], columns: list[str]) -> None:
    table = Table(title=escape(title))
    for name in columns:
        table.add_column(name)
    for row in rows:
        table.add_row(*(cell(row[name]) for name in columns))
    console.print(table)


def draw_alpha(shown: dict[str, dict[str, np.ndarray]], path: Path) -> None:
    """Draw the distribution of [alpha/M] with each prior, at low and high S/N."""
    figure = new_figure(9, 3.4)
    edges = np.arange(-0.08, 0.361, 0.02)
    for k, (snr, values) in enumerate(shown.items()):
        ax = figure.add_subplot(1, len(shown), k + 1)
        for name, alpha in values.items():
            style = {"color": "0.6", "linewidth": 3} if name == "truth" else {"linewidth": 1.2}
            if name != "box":
                ax.stairs(np.histogram(alpha, edges)[0], edges, label=name, **style)
        ax.set_title(f"{snr} S/N, {METALLICITY[0]} < [Fe/H] < {METALLICITY[1]}", fontsize="medium")
        ax.set_xlabel(r"[$\alpha$/M] [dex]")
    figure.axes[0].set_ylabel("stars per bin")
    figure.axes[0].legend(fontsize="small")
    save_figure(figure, path, dpi=100)


def draw_distances(stars: RealStars, path: Path) -> None:
    """Draw figures 9 and 10 of Ho et al. 2017 for these stars."""
    found = distances(stars)
    figure = new_figure(11, 4.4)
    plot_distances(
        found["from reference"], found["from pipeline"], figure.add_subplot(1, 2, 1), cut=PAPER_CUT,
        kinds=found["kinds"],
    )  # fmt: skip
    teff, logg, _ = stars.pipeline.T
    reference_teff, reference_logg, _ = stars.reference.labels.T
    plot_kiel_distance(
        teff, logg, found["from reference"], figure.add_subplot(1, 2, 2), cut=PAPER_CUT,
        reference_teff=reference_teff, reference_logg=reference_logg,
    )  # fmt: skip
    save_figure(figure, path, dpi=100)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("results"))
    parser.add_argument("--reference", type=int, default=1200, help="reference stars of the mock survey")
    parser.add_argument("--test", type=int, default=2500, help="test stars of the mock survey")
    parser.add_argument("--stars", type=int, default=80, help="test stars per zone; four times as many per S/N")
    parser.add_argument("--folds", type=int, default=4, help="folds of the mock survey's held-out stars")
    parser.add_argument("--deals", type=int, default=1, help="random assignments of the real giants to folds")
    options = parser.parse_args()
    console = Console(width=220)
    options.out.mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    results = {}
    if options.data:
        stars = RealStars(options.data)
        draw_distances(stars, options.out / "distance.png")
        results["real shift"] = study_shift(stars, folds=8)
        show(console, "shift of held-out real giants, S/N > 50, in formal errors", results["real shift"],
             ["prior", "stars", "mean", "rms"])  # fmt: skip
        results["real"] = study_real(console, stars, outer=5, folds=5, deals=options.deals)
        show(
            console,
            "found by each score",
            results["real"],
            ["score", "kind", "rate", "stars", "share", "low", "high"],
        )
    mock = MockStars(options.reference, options.test)
    console.print(f"{len(mock.reference)} clean reference stars of the mock survey, labels {', '.join(NAMES)}")
    results["errors"], results["valleys"], shown = study_snr(
        console, mock, folds=options.folds, n_stars=4 * options.stars
    )
    draw_alpha(shown, options.out / "alpha.png")
    common = ["prior", "stars", "rms", "bias", "width", "pull", "prior dominated"]
    show(console, "errors by S/N", results["errors"], ["snr", *common])
    intervals = ["inside 68 %", "inside 95 %", "inside calibrated 68 %", "shift", "shift of the maximum"]
    show(console, "intervals and shifts", results["errors"], ["snr", "prior", *intervals])
    show(console, "[alpha/M]: density in the gap relative to that of the sequences", results["valleys"],
         ["snr", "prior", "stars", "in the gap", "high alpha", "valley", "valley, uniform"])  # fmt: skip
    results["coverage"] = study_coverage(console, mock, folds=options.folds, n_stars=options.stars)
    show(console, "errors by coverage", results["coverage"], ["without", "zone", *common])
    show(console, "flags by coverage", results["coverage"],
         ["without", "zone", "prior", "outside coverage", "novel", "distance", "prior dominated"])  # fmt: skip
    (options.out / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    console.print(f"{len(PRIORS)} priors, {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()

"""
Evaluate priors of the coefficients by the label errors of held-out stars, for several numbers of reference stars.

Usage: python run.py [--out DIR] [--data DATA] [--repeats N] [--sizes N ...] [--priors NAME ...]
A mock survey of 4000 reference stars and 2000 test stars of known truth; with DATA, also the real LAMOST DR10 giants of
DATA/lamost/dr10, 8-fold.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from rich.console import Console

import bayescannon as bc
from bayescannon.cannon.cuts import range_cut
from bayescannon.cannon.held_out import hold_out
from bayescannon.cannon.labelling import formal_errors
from bayescannon.cannon.options import TrainingOptions
from bayescannon.cannon.reference import ReferenceSetError
from bayescannon.cannon.training import train
from bayescannon.cannon.validation import compare, robust_scatter
from bayescannon.data.flags import FitStatus
from bayescannon.data.labels import labels_from_names
from bayescannon.figures import save_figure
from bayescannon.figures.style import new_figure
from bayescannon.io.lamost import read_lamost

SIZES = (100, 200, 400, 800, 1600, 4000)
PRIORS = {
    "flat": TrainingOptions(),
    "flat, kappa": TrainingOptions.from_names(noise="global"),
    "normal 0.003, kappa": TrainingOptions.from_names(coefficients="normal", coefficient_scale=0.003, noise="global"),
    "pooled, kappa": TrainingOptions.from_names(coefficients="pooled", noise="global"),
    "pooled all, kappa": TrainingOptions.from_names(coefficients="pooled", terms="all", noise="global"),
    "laplace 0.002, kappa": TrainingOptions.from_names(coefficients="laplace", coefficient_scale=0.002, noise="global"),
    "smooth, kappa": TrainingOptions.from_names(coefficients="smooth", noise="global"),
}
MOCK_NAMES = ["teff", "logg", "fe_h", "alpha_m", "a_k"]
TRUE_NAMES = ["teff", "logg", "m_h", "alpha_m", "a_k"]


def summarise(inferred: np.ndarray, truth: np.ndarray, errors: np.ndarray) -> dict[str, list[float]]:
    """Return root mean square, robust scatter, slope and pull width of each label."""
    off = inferred - truth
    centred = truth - truth.mean(axis=0)
    return {
        "rms": np.sqrt(np.mean(off**2, axis=0)).tolist(),
        "robust": [robust_scatter(column) for column in off.T],
        "slope": (np.sum(centred * inferred, axis=0) / np.sum(centred**2, axis=0)).tolist(),
        "pull": [robust_scatter(column) for column in (off / errors).T],
    }


def study_mock(console: Console, repeats: int, sizes: list[int], priors: list[str]) -> list[dict]:
    """Train on subsets of a mock survey, label its test stars, compare with the truth."""
    survey = bc.simulate_survey(int(1.15 * max(sizes)), 2000, seed=11)
    spectra = bc.prepare_spectra(list(survey.spectra()))
    table = bc.read_labels(survey.apogee, format="allstar-dr12", label_names=MOCK_NAMES)
    _, reference = bc.train_clipped(bc.build_reference(spectra, table, MOCK_NAMES))
    console.print(f"{len(reference)} clean reference stars")
    test = spectra.select(np.asarray(survey.truth["is_reference"]) == False)  # noqa: E712 - a column of numpy bools
    row_of = {str(name): row for row, name in enumerate(survey.truth["id"])}
    rows = [row_of[name] for name in test.id.tolist()]
    truth = np.column_stack([np.asarray(survey.truth[name])[rows] for name in TRUE_NAMES])
    results = []
    for size in sizes:
        for repeat in range(repeats if size <= 400 else 1):
            chosen = np.random.default_rng(100 + repeat).permutation(len(reference))[:size]
            subset = reference.select(chosen)
            for name in priors:
                model = train(subset, options=PRIORS[name])
                estimates = bc.label_spectra(model, test, n_starts=7, seed=1)
                good = estimates["status"].to_numpy() == FitStatus.CONVERGED
                inferred, errors = estimates["labels"].to_numpy()[good], formal_errors(estimates)[good]
                row = {"size": size, "repeat": repeat, "prior": name, "failed": int((~good).sum())}
                row |= summarise(inferred, truth[good], errors)
                row["kappa"] = float(np.median(model.noise_scale))
                row["chi2"] = float(np.median(estimates["reduced_chi2"].to_numpy()[good]))
                results.append(row)
                console.print(size, repeat, name, [f"{x:.4g}" for x in row["rms"]], [f"{x:.2f}" for x in row["slope"]],
                              f"kappa {row['kappa']:.3f} chi2 {row['chi2']:.2f}")  # fmt: skip
    return results


def study_real(console: Console, data: Path) -> list[dict]:
    """Label held-out real DR10 giants, with the labels of LAMOST's pipeline as reference labels."""
    names = ["teff", "logg", "fe_h"]
    spectra = bc.prepare_spectra([read_lamost(path) for path in sorted((data / "lamost" / "dr10").glob("*.fits.gz"))])
    columns = {"id": "file", "snr": "snrg"}
    table = bc.read_labels(data / "lamost" / "lasp_dr10.csv", label_names=names, columns=columns)
    cuts = [range_cut("teff", 3500, 5800), range_cut("logg", -1, 3.8)]
    _, reference = bc.train_clipped(bc.build_reference(spectra, table, names, cuts=cuts))
    results = []
    for name, options in PRIORS.items():
        for seed in range(3):
            try:
                estimates = hold_out(reference, folds=8, options=options, seed=seed).estimates
            except ReferenceSetError as error:
                console.print(f"{name}: {error}")
                continue
            rows = compare(estimates, reference.labels, method="8-fold", snr_min=50)[:3]
            results.append(
                {
                    "prior": name,
                    "seed": seed,
                    "robust": [row.robust_scatter for row in rows],
                    "rms": [float(np.hypot(row.scatter, row.bias)) for row in rows],
                    "slope": [row.slope for row in rows],
                    "pull": [row.pull_width for row in rows],
                    "chi2": float(np.nanmedian(estimates["reduced_chi2"])),
                }
            )
            console.print(name, seed, results[-1])
    return results


def draw(results: list[dict], path: Path, sizes: list[int], priors: list[str]) -> None:
    """Draw the root mean square error relative to that of the flat prior against the number of reference stars."""
    figure = new_figure(15, 3.6)
    labels = labels_from_names(MOCK_NAMES)
    for k, label in enumerate(labels):
        ax = figure.add_subplot(1, len(labels), k + 1)
        for name in priors:
            ratio = []
            for size in sizes:
                own, flat = (
                    [row["rms"][k] for row in results if row["size"] == size and row["prior"] == prior]
                    for prior in (name, "flat")
                )
                ratio.append(np.mean(own) / np.mean(flat))
            ax.plot(sizes, ratio, marker="o", markersize=3, label=name)
        ax.set_xscale("log")
        ax.set_xticks(sizes, [str(size) for size in sizes], fontsize="small")
        ax.minorticks_off()
        ax.set_title(label.symbol)
        ax.set_xlabel("reference stars")
    figure.axes[0].set_ylabel("rms error / that of the flat prior")
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(priors))
    save_figure(figure, path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("results"))
    parser.add_argument("--data", type=Path)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES), help="numbers of reference stars")
    parser.add_argument(
        "--priors", nargs="+", default=list(PRIORS), choices=PRIORS, help="of the mock survey; with flat"
    )
    options = parser.parse_args()
    console = Console(width=160)
    options.out.mkdir(parents=True, exist_ok=True)
    results = {"mock": study_mock(console, options.repeats, options.sizes, options.priors)}
    if options.data:
        results["real"] = study_real(console, options.data)
    draw(results["mock"], options.out / "priors.png", options.sizes, options.priors)
    (options.out / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

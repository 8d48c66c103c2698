"""
Evaluate training with label errors by slopes and errors of held-out stars, for original and tripled label errors.

Usage: python run.py [--out DIR] [--stars N] [--test M] [--halves]
A mock survey of known truth. The tripled errors are made by adding noise to the reference labels.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.console import Console

import bayescannon as bc
from bayescannon.cannon.labelling import formal_errors
from bayescannon.cannon.options import TrainingOptions
from bayescannon.cannon.reference import ReferenceSet, take_errors
from bayescannon.cannon.training import train
from bayescannon.cannon.validation import robust_scatter
from bayescannon.data.flags import FitStatus

LABELS = ["teff", "logg", "fe_h", "alpha_m", "a_k"]
TRUE_NAMES = ["teff", "logg", "m_h", "alpha_m", "a_k"]
POOLED = {"coefficients": "pooled", "noise": "global"}
TRAININGS = {
    "flat (paper)": TrainingOptions(),
    "flat, label errors": TrainingOptions.from_names(label_errors="table"),
    "pooled, kappa": TrainingOptions.from_names(**POOLED),
    "pooled, kappa, label errors": TrainingOptions.from_names(**POOLED, label_errors="table"),
}
# latent labels without hidden components, and hidden components without latent labels
HALVES = {
    "flat, exact labels, hidden components": TrainingOptions.from_names(label_errors=dict.fromkeys(LABELS, 0.0)),
    "flat, label errors, no hidden components": TrainingOptions.from_names(label_errors="table", hidden=0),
}


def enlarge(reference: ReferenceSet, factor: float, *, seed: int) -> ReferenceSet:
    """Add noise to the reference labels, so that their errors are `factor` times as large."""
    noise = np.random.default_rng(seed).normal(size=reference.labels.shape)
    added = np.sqrt(factor**2 - 1) * reference.errors * noise
    return replace(reference, labels=reference.labels + added, errors=factor * reference.errors)


def summarise(inferred: np.ndarray, truth: np.ndarray, errors: np.ndarray) -> dict[str, list[float]]:
    """Return slope on true labels, its error, root mean square, robust scatter and pull width of each label."""
    off, centred = inferred - truth, truth - truth.mean(axis=0)
    size = np.sum(centred**2, axis=0)
    slope = np.sum(centred * inferred, axis=0) / size
    rest = off - off.mean(axis=0) - (slope - 1) * centred
    return {
        "slope": slope.tolist(),
        "slope_error": (np.sqrt(np.sum((centred * rest) ** 2, axis=0)) / size).tolist(),
        "rms": np.sqrt(np.mean(off**2, axis=0)).tolist(),
        "robust": [robust_scatter(column) for column in off.T],
        "pull": [robust_scatter(column) for column in (off / errors).T],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("results"))
    parser.add_argument("--stars", type=int, default=3000, help="reference stars")
    parser.add_argument("--test", type=int, default=1500, help="held-out stars")
    parser.add_argument("--halves", action="store_true", help="also hidden components, and label errors, only")
    options = parser.parse_args()
    console = Console(width=180)
    options.out.mkdir(parents=True, exist_ok=True)
    survey = bc.simulate_survey(int(1.15 * options.stars), options.test, seed=11)
    spectra = bc.prepare_spectra(list(survey.spectra()))
    table = bc.read_labels(survey.apogee, format="allstar-dr12", label_names=LABELS)
    _, clean = bc.train_clipped(bc.build_reference(spectra, table, LABELS))
    # all trainings use the same stars, those with an error for every label
    clean = take_errors(clean, "table")
    clean = clean.select(np.random.default_rng(1).permutation(len(clean))[: options.stars])
    test = spectra.select(
        ~np.isin(spectra.id, np.asarray(survey.truth["id"])[np.asarray(survey.truth["is_reference"])])
    )
    row_of = {str(name): row for row, name in enumerate(survey.truth["id"])}
    rows = [row_of[name] for name in test.id.tolist()]
    truth = np.column_stack([np.asarray(survey.truth[name])[rows] for name in TRUE_NAMES])
    error = ", ".join(f"{x:.3g}" for x in np.median(clean.errors, axis=0))
    console.print(f"{len(clean)} reference and {len(test)} test stars; median label errors {error}")
    results = []
    for factor in (1.0, 3.0):
        reference = enlarge(clean, factor, seed=2)
        for name, chosen in {**TRAININGS, **(HALVES if options.halves else {})}.items():
            model = train(reference, options=chosen)
            estimates = bc.label_spectra(model, test, n_starts=7, seed=1)
            good = estimates["status"].to_numpy() == FitStatus.CONVERGED
            inferred, errors = estimates["labels"].to_numpy()[good], formal_errors(estimates)[good]
            row = {"factor": factor, "training": name, "failed": int((~good).sum())}
            row |= summarise(inferred, truth[good], errors)
            row["chi2"] = float(np.median(estimates["reduced_chi2"].to_numpy()[good]))
            row["status"] = "" if model.latent_labels is None else model.latent_labels.status.name
            results.append(row)
            console.print(
                f"errors x {factor:g} | {name} | slope {' '.join(f'{x:.3f}' for x in row['slope'])} "
                f"+- {' '.join(f'{x:.3f}' for x in row['slope_error'])} | rms "
                f"{' '.join(f'{x:.4g}' for x in row['rms'])} | pull {' '.join(f'{x:.1f}' for x in row['pull'])} | "
                f"chi2 {row['chi2']:.2f} | failed {row['failed']} {row['status']}"
            )
    (options.out / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

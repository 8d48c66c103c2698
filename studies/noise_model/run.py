"""
Compare noise models by the errors of labels: flat, kappa, pooled, low rank, low rank with label errors, recommended.

Usage: python run.py [--stars N] [--test M] [--seeds S ...] [--release dr2|dr10] [--out DIR]
       python run.py --real DATA [--folds 8] [--seeds S ...] [--out DIR]
       python run.py --compare [--real DATA] [--folds 4] [--stars N] [--out DIR]
       python run.py --bootstrap 20 [--stars N] [--test M] [--out DIR]
Mock surveys are held against the true labels of stars that no training saw; real giants (DATA/lamost/dr10 and
DATA/lamost/lasp_dr10.csv) against the labels of LASP, held out in folds. --compare ranks models by held-out
spectra and labels instead; --bootstrap gives the spread of labels over models of resampled reference stars.
"""

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import bayescannon as bc
from bayescannon.cannon.held_out import hold_out
from bayescannon.cannon.labelling import formal_errors
from bayescannon.cannon.reference import ReferenceSet, take_errors
from bayescannon.cannon.training import train
from bayescannon.cannon.validation import robust_scatter
from bayescannon.data.flags import FitStatus
from bayescannon.uncertainty.bootstrap import bootstrap_labels

LABELS = ("teff", "logg", "fe_h", "alpha_m", "a_k")
TRUE_NAMES = ("teff", "logg", "m_h", "alpha_m", "a_k")
POOLED = {"coefficients": "pooled", "noise": "global"}
TRAININGS: dict[str, dict[str, Any]] = {
    "flat (paper)": {},
    "kappa": {"noise": "global"},
    "pooled, kappa": POOLED,
    "low rank": {**POOLED, "hidden": "auto"},
    "low rank, label errors": {**POOLED, "hidden": "auto", "label_errors": "table"},
    "recommended": {"recipe": "recommended"},
    "recommended, outliers": {"recipe": "recommended", "outliers": "mixture"},
}
COMPARED: dict[str, dict[str, Any]] = {
    **TRAININGS,
    "pooled all terms, kappa": {**POOLED, "terms": "all"},
    "linear, kappa": {"noise": "global", "coefficients": "normal", "coefficient_scale": 1e-6},
}
RANGES = {"S/N > 50": (50.0, np.inf), "S/N 30-50": (30.0, 50.0), "S/N 10-30": (10.0, 30.0)}


def mock_survey(n_star: int, n_test: int, seed: int, release: str) -> tuple[ReferenceSet, Any, np.ndarray]:
    """Return a clean reference set, the test spectra and their true labels."""
    survey = bc.simulate_survey(int(1.2 * n_star), n_test, seed=seed, release=release)
    spectra = bc.prepare_spectra(list(survey.spectra()))
    table = bc.read_labels(survey.apogee, format="allstar-dr12", label_names=LABELS)
    _, clean = bc.train_clipped(bc.build_reference(spectra, table, LABELS))
    clean = take_errors(clean, "table")
    clean = clean.select(np.random.default_rng(1).permutation(len(clean))[:n_star])
    known = np.asarray(survey.truth["id"])[np.asarray(survey.truth["is_reference"])]
    test = spectra.select(~np.isin(spectra.id, known))
    row_of = {str(name): row for row, name in enumerate(survey.truth["id"])}
    rows = [row_of[name] for name in test.id.tolist()]
    return clean, test, np.column_stack([np.asarray(survey.truth[name])[rows] for name in TRUE_NAMES])


def real_giants(data: Path, out: Path) -> ReferenceSet:
    """Return the giants of LAMOST DR10 with LASP's labels, after the clip."""
    store = out / "dr10.zarr"
    bc.prepare_files(data / "lamost" / "dr10", store, overwrite=True)
    reference = bc.build_reference(
        store, data / "lamost" / "lasp_dr10.csv", LABELS[:3], columns={"id": "file", "snr": "snrg"},
        keep={"logg": (-1, 3.8), "teff": (3000, 5800)},
    )  # fmt: skip
    return bc.train_clipped(reference)[1]


def measure(off: np.ndarray, errors: np.ndarray, snr: np.ndarray) -> Iterator[dict[str, Any]]:
    """Yield robust scatter, standard deviation and coverage of the formal errors, by S/N."""
    for name, (low, high) in {"all": (-np.inf, np.inf), **RANGES}.items():
        some = (snr > low) & (snr <= high) & np.isfinite(off).all(axis=1)
        if some.sum() < 20:
            continue
        yield {
            "range": name,
            "stars": int(some.sum()),
            "robust": [robust_scatter(x) for x in off[some].T],
            "std": off[some].std(axis=0).tolist(),
            "bias": off[some].mean(axis=0).tolist(),
            "inside": (np.abs(off[some]) < errors[some]).mean(axis=0).tolist(),
        }


def say(name: str, row: dict[str, Any]) -> None:
    """Print a row of the table."""
    numbers = " | ".join(" ".join(f"{x:.3g}" for x in row[key]) for key in ("robust", "std", "inside"))
    print(f"{name:24s} {row['range']:10s} {row['stars']:5d} | {numbers}", flush=True)


def trained(name: str, reference: ReferenceSet) -> tuple[bc.TrainedModel, float]:
    """Train; return the model and the processor time."""
    start = time.process_time()
    model = train(reference, workers=1, **COMPARED[name])
    return model, time.process_time() - start


def possible(names: list[str], reference: ReferenceSet) -> list[str]:
    """Leave out the trainings that need errors of the reference labels where the table has none."""
    if np.isfinite(reference.errors).any():
        return names
    without = [name for name in names if COMPARED[name].get("label_errors") == "table"]
    for name in without:
        print(f"{name}: left out, the reference labels have no errors")
    return [name for name in names if name not in without]


def compare(names: list[str], reference: ReferenceSet, folds: int, seed: int, out: Path) -> None:
    """Rank models by held-out spectra and labels; what `auto` chose from all stars holds in every fold."""
    models = {name: train(reference, workers=1, **COMPARED[name]).settled_options for name in names}
    found = bc.compare_models(reference, models, folds=folds, seed=seed, workers=1)
    print(found.to_text())
    (out / "comparison.json").write_text(found.to_json() + "\n", encoding="utf-8")


def bootstrap(name: str, reference: ReferenceSet, test: Any, n_bootstrap: int) -> None:
    """Print the median spread of labels over models of resampled reference stars."""
    model, _ = trained(name, reference)
    start = time.process_time()
    draws = bootstrap_labels(model, reference, test, n_bootstrap=n_bootstrap, workers=1)["labels"].to_numpy()
    spread = np.nanmedian(np.nanstd(draws, axis=0, ddof=1), axis=0)
    weights = 1 / (model.fit.scatter**2 + model.noise_scale**2 / reference.spectra.ivar.clip(1e-30))
    effective = weights.sum(axis=0) ** 2 / (weights**2).sum(axis=0) / len(reference)
    print(f"{name}: {len(reference)} reference stars, {n_bootstrap} bootstraps, {len(test)} stars: "
          f"{' '.join(f'{x:.3g}' for x in spread)}; median N_eff/N {np.median(effective[model.fit.live]):.2f}; "
          f"{time.process_time() - start:.0f} s", flush=True)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("results"))
    parser.add_argument("--stars", type=int, default=2000, help="reference stars")
    parser.add_argument("--test", type=int, default=1200, help="held-out stars")
    parser.add_argument("--seeds", type=int, nargs="+", default=[101])
    parser.add_argument("--release", default="dr2", help="of the mock survey")
    parser.add_argument("--trainings", nargs="+", choices=COMPARED, help="all but two unless given; all for --compare")
    parser.add_argument("--compare", action="store_true", help="rank the models by held-out spectra and labels")
    parser.add_argument("--bootstrap", type=int, metavar="B", help="spread over B models of resampled stars")
    parser.add_argument("--real", type=Path, help="folder of real data: real giants in folds instead of mock surveys")
    parser.add_argument("--folds", type=int, default=8)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    results = []
    giants = None if options.real is None else real_giants(options.real, options.out)
    for seed in options.seeds:
        if giants is None:
            reference, test, truth = mock_survey(options.stars, options.test, seed, options.release)
        else:
            reference = giants
        names = possible(options.trainings or list(COMPARED if options.compare else TRAININGS), reference)
        if options.compare:
            compare(names, reference, options.folds, seed, options.out)
            continue
        for name in names:
            if options.bootstrap is not None:
                bootstrap(name, reference, test, options.bootstrap)
                continue
            model, seconds = trained(name, reference)
            if giants is None:
                estimates = bc.label_spectra(model, test, seed=1)
                off = estimates["labels"].to_numpy() - truth
            else:
                held = hold_out(
                    reference, folds=options.folds, options=model.settled_options, copies=False, seed=seed, workers=1
                )
                estimates = held.estimates
                off = estimates["labels"].to_numpy() - reference.labels
            good = estimates["status"].to_numpy() == FitStatus.CONVERGED
            off[~good] = np.nan
            size = 0 if model.loadings is None else model.loadings.shape[1]
            latent = model.latent_labels is not None
            print(f"seed {seed}: {name}, {size} hidden components, labels {'latent' if latent else 'exact'}, "
                  f"{seconds:.0f} s, {int((~good).sum())} failed")  # fmt: skip
            for row in measure(off, formal_errors(estimates), estimates["snr"].to_numpy()):
                say(name, row)
                results.append({"seed": seed, "training": name, "hidden": size, "latent": latent,
                                "seconds": seconds, **row})  # fmt: skip
    (options.out / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

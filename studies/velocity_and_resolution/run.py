"""
Evaluate labels of stars with wrong redshifts and resolutions, with and without nuisances in likelihood and training.

Usage: python run.py [--reference N] [--test M] [--seeds S] [--data DATA]
Mock surveys of known truth; with DATA/lamost/dr10/*.fits.gz and DATA/lamost/lasp_dr10.csv real giants too.
"""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.ndimage import gaussian_filter1d

import bayescannon as bc
from bayescannon.cannon.validation import robust_scatter
from bayescannon.data.flags import ResultFlag
from bayescannon.io.lamost import read_lamost

C_KM_S = 299_792.458
LABELS = ("teff", "logg", "fe_h", "alpha_m", "a_k")
TRUE_NAMES = ("teff", "logg", "m_h", "alpha_m", "a_k")
DIGITS = (1, 3, 3, 3, 3)
SHIFTS = (0, 3, 5, 10, 20, 40)
BLURS = (0.6, 1.2)
NUISANCES = {
    "none": bc.Nuisances(),
    "v 20": bc.Nuisances(velocity=20),
    "v 20, l 40": bc.Nuisances(velocity=20, line_spread=40),
    "v 5, l 40": bc.Nuisances(velocity=5, line_spread=40),
}
TRAINED = bc.Nuisances(velocity=5, line_spread=40)


def variants(raws: list[bc.RawSpectrum]) -> Iterator[tuple[str, bc.Spectra]]:
    """Yield the prepared spectra with redshifts that are too small by some km/s, and with broader lines."""
    for shift in SHIFTS:
        moved = [replace(raw, redshift=(1 + raw.redshift) * (1 - shift / C_KM_S) - 1) for raw in raws]
        yield f"shift {shift} km/s", bc.prepare_spectra(moved)
    for blur in BLURS:
        blurred = [replace(raw, flux=gaussian_filter1d(raw.flux, blur)) for raw in raws]
        yield f"blur {blur} px", bc.prepare_spectra(blurred)


def mock(n_reference: int, n_test: int, seed: int) -> Iterator[tuple[str, str, dict[str, np.ndarray]]]:
    """Yield variant, likelihood and results of the test stars of one survey."""
    survey = bc.simulate_survey(n_reference, n_test, seed=seed)
    raws = list(survey.spectra())
    training = bc.prepare_spectra(raws[:n_reference])
    reference = bc.build_reference(training, survey.apogee, LABELS, format="allstar-dr12")
    model, kept = bc.train_clipped(reference, coefficients="pooled", noise="global")
    clean = bc.train(kept, options=replace(model.options, nuisances=TRAINED))
    truth = np.column_stack([np.asarray(survey.truth[name], dtype=float) for name in TRUE_NAMES])[n_reference:]
    for variant, spectra in variants(raws[n_reference:]):
        ways = [(name, model, nuisances) for name, nuisances in NUISANCES.items()]
        for name, trained, nuisances in [*ways, ("trained, v 20, l 40", clean, NUISANCES["v 20, l 40"])]:
            found = bc.label_spectra(trained, spectra, nuisances=nuisances)
            none = np.full(len(truth), np.nan)
            yield (
                variant,
                name,
                {
                    "off": found["labels"].to_numpy() - truth,
                    "rv": found["rv_residual"].to_numpy() if "rv_residual" in found else none,
                    "line": found["line_spread"].to_numpy() if "line_spread" in found else none,
                    "flagged": (found["flags"].to_numpy() & int(ResultFlag.LARGE_NUISANCE)) != 0,
                    "snr": found["snr"].to_numpy(),
                },
            )


def print_mock(console: Console, results: dict[tuple[str, str], dict[str, np.ndarray]], title: str) -> None:
    """Print a row for each variant and likelihood."""
    table = Table(title=title)
    for name in ("spectra", "nuisances", *LABELS, "rv [km/s]", "line [km2/s2]", "flagged"):
        table.add_column(name, justify="right")
    for (variant, name), found in results.items():
        off = found["off"]
        labels = [
            f"{robust_scatter(column):.{digits}f} ({np.median(column):+.{digits}f})"
            for column, digits in zip(off.T, DIGITS, strict=True)
        ]
        known = [
            "" if np.isnan(values).all() else f"{np.median(values):.{digits}f} +- {robust_scatter(values):.{digits}f}"
            for values, digits in ((found["rv"], 1), (found["line"], 0))
        ]
        table.add_row(variant, name, *labels, *known, f"{100 * found['flagged'].mean():.1f} %")
    console.print(table)


def real(console: Console, data: Path) -> None:
    """Compare labels of real giants with a redshift that is 20 km/s off with their labels at the right one."""
    lasp = bc.read_labels(
        data / "lamost" / "lasp_dr10.csv", label_names=LABELS[:3], columns={"id": "file", "snr": "snrg"}
    )
    giants = set(lasp.id[(lasp.labels["logg"] < 3.8) & (lasp.labels["teff"] < 5800)].tolist())
    raws = [read_lamost(path) for path in sorted((data / "lamost" / "dr10").glob("*.fits.gz"))]
    raws = [raw for raw in raws if raw.id in giants]
    fold = np.random.default_rng(1).permutation(len(raws)) % 2
    table = Table(title=f"{len(raws)} real giants: labels at a wrong redshift less labels at the right one")
    for name in ("spectra", "nuisances", *LABELS[:3], "rv - rv at rest [km/s]"):
        table.add_column(name, justify="right")
    rows: dict[tuple[str, str], list[np.ndarray]] = {}
    for k in (0, 1):
        others = bc.prepare_spectra([raw for raw, own in zip(raws, fold, strict=True) if own != k])
        reference = bc.build_reference(others, lasp, LABELS[:3])
        model = bc.train(reference, coefficients="pooled", noise="global")
        seen = dict(variants([raw for raw, own in zip(raws, fold, strict=True) if own == k]))
        for name, nuisances in NUISANCES.items():
            right = bc.label_spectra(model, seen["shift 0 km/s"], nuisances=nuisances)
            for variant in ("shift 5 km/s", "shift 20 km/s", "blur 1.2 px"):
                found = bc.label_spectra(model, seen[variant], nuisances=nuisances)
                off = found["labels"].to_numpy() - right["labels"].to_numpy()
                rv = np.full(len(off), np.nan)
                if nuisances:
                    rv = (found["rv_residual"] - right["rv_residual"]).to_numpy()
                rows.setdefault((variant, name), []).append(np.column_stack([off, rv]))
    for (variant, name), parts in sorted(rows.items()):
        off = np.concatenate(parts)
        cells = [
            f"{robust_scatter(column):.{digits}f} ({np.median(column):+.{digits}f})"
            for column, digits in zip(off.T, (1, 3, 3, 1), strict=True)
        ]
        table.add_row(variant, name, *cells[:3], cells[3] if np.isfinite(off[:, 3]).any() else "")
    console.print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference", type=int, default=700)
    parser.add_argument("--test", type=int, default=500)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--data", type=Path, help="folder with lamost/dr10 and lamost/lasp_dr10.csv")
    options = parser.parse_args()
    console = Console(width=200)
    parts: dict[tuple[str, str], list[dict[str, np.ndarray]]] = {}
    for seed in range(1, 1 + options.seeds):
        for variant, name, found in mock(options.reference, options.test, seed):
            parts.setdefault((variant, name), []).append(found)
    results = {
        key: {name: np.concatenate([one[name] for one in some]) for name in some[0]} for key, some in parts.items()
    }
    print_mock(console, results, "all S/N: robust width (bias) of labels less true labels")
    for text, low, high in (("S/N below 50", 0, 50), ("S/N above 50", 50, np.inf)):
        chosen = {
            key: {name: values[(found["snr"] > low) & (found["snr"] <= high)] for name, values in found.items()}
            for key, found in results.items()
            if key[0] in ("shift 0 km/s", "shift 20 km/s", "blur 1.2 px")
        }
        print_mock(console, chosen, text)
    if options.data:
        real(console, options.data)


if __name__ == "__main__":
    main()

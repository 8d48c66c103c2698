"""
Compare the error budget of held-out stars with their actual errors.

Usage: python run.py [--out DIR] [--data DATA] [--stars N] [--test M] [--bootstrap B] [--pooled]
A mock survey with N reference stars after the cuts and M test stars of known truth; with DATA, also the real LAMOST
DR10 giants of DATA/lamost/dr10, 8-fold, compared with the labels of LAMOST's pipeline. --pooled repeats everything for
training with pooled coefficients and kappa, which takes longer.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import xarray as xr
from rich.console import Console
from rich.table import Table

import bayescannon as bc
from bayescannon.cannon.cuts import range_cut
from bayescannon.cannon.options import TrainingOptions
from bayescannon.cannon.qualification import qualify
from bayescannon.cannon.training import train
from bayescannon.data.labels import labels_from_names
from bayescannon.figures import plot_coverage, plot_kiel, plot_pit, save_figure
from bayescannon.figures.style import SNR_TEXT, log_numbers, log_ticks, new_figure
from bayescannon.io.lamost import read_lamost
from bayescannon.uncertainty.budget import error_budget
from bayescannon.uncertainty.explained import (
    combine_kinds,
    explain_errors,
    interval_coverage,
    pit_histogram,
    pit_values,
)
from bayescannon.uncertainty.kinds import KINDS

TRAININGS = {
    "flat (paper)": TrainingOptions(),
    "pooled, kappa": TrainingOptions.from_names(coefficients="pooled", noise="global"),
}
MOCK_NAMES = ["teff", "logg", "fe_h", "alpha_m", "a_k"]
TRUE_NAMES = ["teff", "logg", "m_h", "alpha_m", "a_k"]
# independent sources of error: the noise of the star, and the choice of the reference stars
SUMS = {"formal + bootstrap": ("formal", "bootstrap"), "sandwich + jackknife": ("sandwich", "jackknife")}
SNR_EDGES = {"S/N 10-30": (10, 30), "S/N 30-60": (30, 60), "S/N > 60": (60, np.inf)}
# selections by inferred log g and [Fe/H], because true labels of a survey are not known
PLACES = {
    "log g < 1.8": ((-9, 1.8), (-9, 9)),
    "log g 1.8-2.8, [Fe/H] < -0.6": ((1.8, 2.8), (-9, -0.6)),
    "log g 1.8-2.8, [Fe/H] > -0.6": ((1.8, 2.8), (-0.6, 9)),
    "log g > 2.8": ((2.8, 9), (-9, 9)),
}
SHOWN = ("formal", "coefficient", "bootstrap", "sandwich", "sandwich + jackknife")


def make_groups(budget: xr.Dataset, snr: np.ndarray) -> dict[str, np.ndarray]:
    """Select stars by S/N and by position in the Kiel diagram."""
    labels = budget["value"].sel(kind="formal")
    logg, fe_h = labels.sel(stellar_label="logg").to_numpy(), labels.sel(stellar_label="fe_h").to_numpy()
    groups = {"all": np.ones(len(snr), dtype=bool)}
    groups |= {name: (snr > low) & (snr <= high) for name, (low, high) in SNR_EDGES.items()}
    for name, (gravity, metals) in PLACES.items():
        groups[name] = (logg > gravity[0]) & (logg <= gravity[1]) & (fe_h > metals[0]) & (fe_h <= metals[1])
    return groups


def show(console: Console, title: str, shares: xr.Dataset) -> None:
    """Print true and predicted scatter, shares and coverage of each group and kind."""
    labels = labels_from_names(shares["stellar_label"].to_numpy().tolist())
    for group in shares["group"].to_numpy():
        part = shares.sel(group=group)
        table = Table(title=f"{title}: {group}, {int(part['n_stars'].max())} stars", title_justify="left")
        table.add_column("kind")
        for label in labels:
            table.add_column(f"{label.name} [{label.unit}]", justify="right")
        for column in ("stars", "within 68.3 %", "within 95 %"):
            table.add_column(column, justify="right")
        table.add_row(
            "true scatter of inferred labels", *(f"{x:.3g}" for x in part["scatter"].sel(kind="formal").to_numpy())
        )
        for kind in part["kind"].to_numpy():
            own = part.sel(kind=kind)
            table.add_row(
                kind,
                *(
                    f"{x:.3g} ({100 * s:.0f} %)"
                    for x, s in zip(own["predicted"].values, own["share"].values, strict=True)
                ),
                str(int(own["n_stars"].max())),
                " ".join(f"{100 * x:.0f}" for x in own["within_68"].values),
                " ".join(f"{100 * x:.0f}" for x in own["within_95"].values),
            )
        console.print(table)


def study_mock(console: Console, options: argparse.Namespace) -> dict[str, tuple[xr.Dataset, np.ndarray, np.ndarray]]:
    """Return the budgets of the test stars, their true labels and S/N, for each training."""
    # an eighth of the stars is removed by the cuts and the clip
    survey = bc.simulate_survey(int(1.18 * options.stars), options.test, seed=11)
    spectra = bc.prepare_spectra(list(survey.spectra()))
    table = bc.read_labels(survey.apogee, format="allstar-dr12", label_names=MOCK_NAMES)
    _, clean = bc.train_clipped(bc.build_reference(spectra, table, MOCK_NAMES))
    chosen = np.random.default_rng(1).permutation(len(clean))[: options.stars]
    console.print(f"{len(clean)} clean reference stars, of which {len(chosen)} are taken")
    reference = clean.select(chosen)
    named = np.asarray(survey.truth["id"])[np.asarray(survey.truth["is_reference"])]
    test = spectra.select(~np.isin(spectra.id, named))
    row_of = {str(name): row for row, name in enumerate(survey.truth["id"])}
    rows = [row_of[name] for name in test.id.tolist()]
    truth = np.column_stack([np.asarray(survey.truth[name])[rows] for name in TRUE_NAMES])
    kinds = [kind for kind in KINDS if kind != "repeat"]
    results = {}
    for name, training in options.trainings.items():
        model = train(reference, options=training)
        if "calibrated" in kinds:
            model = qualify(model, reference, folds=8)
        budget = error_budget(model, test, reference=reference, kinds=kinds, n_bootstrap=options.bootstrap, seed=1)
        results[name] = (combine_kinds(budget, SUMS), truth, test.columns["snr"])
        console.print(f"mock, {name}: done")
    return results


def study_real(console: Console, options: argparse.Namespace) -> dict[str, tuple[xr.Dataset, np.ndarray, np.ndarray]]:
    """Return the budgets of held-out real DR10 giants, the labels of LAMOST's pipeline and S/N, for each training."""
    names = ["teff", "logg", "fe_h"]
    files = sorted((options.data / "lamost" / "dr10").glob("*.fits.gz"))
    spectra = bc.prepare_spectra([read_lamost(path) for path in files])
    columns = {"id": "file", "snr": "snrg"}
    table = bc.read_labels(options.data / "lamost" / "lasp_dr10.csv", label_names=names, columns=columns)
    cuts = [range_cut("teff", 3500, 5800), range_cut("logg", -1, 3.8)]
    _, reference = bc.train_clipped(bc.build_reference(spectra, table, names, cuts=cuts))
    fold = np.random.default_rng(0).permutation(len(reference)) % 8
    # there are too few stars to calibrate errors for each fold
    kinds = [kind for kind in KINDS if kind not in ("repeat", "calibrated")]
    results = {}
    for name, training in options.trainings.items():
        parts = []
        for k in range(8):
            rest, own = reference.select(fold != k), reference.spectra.select(np.flatnonzero(fold == k))
            model = train(rest, options=training)
            budget = error_budget(model, own, reference=rest, kinds=kinds, n_bootstrap=options.bootstrap, seed=1)
            parts.append(combine_kinds(budget, SUMS))
        joined = xr.concat(parts, dim="star").sel(star=reference.spectra.id)
        results[name] = (joined, reference.labels, reference.spectra.columns["snr"])
        console.print(f"real, {name}: done")
    return results


def show_bootstrap(console: Console, budget: xr.Dataset, snr: np.ndarray) -> None:
    """Print the spread of bootstraps and that of the paper."""
    error = budget["error"].sel(kind="bootstrap")
    table = Table(title="Spread of the bootstraps", title_justify="left")
    for column in ("label", "paper", "all, median", "S/N > 50, median", "16-84 %"):
        table.add_column(column, justify="left" if column == "label" else "right")
    for label in labels_from_names(budget["stellar_label"].to_numpy().tolist()):
        own = error.sel(stellar_label=label.name).to_numpy()
        low, middle, high = np.nanquantile(own[snr > 50], [0.16, 0.5, 0.84])
        published = "" if label.published.bootstrap is None else f"{label.published.bootstrap:g}"
        spread = f"{low:.2g}-{high:.2g}"
        table.add_row(f"{label.name} [{label.unit}]", published, f"{np.nanmedian(own):.3g}", f"{middle:.3g}", spread)
    console.print(table)


def draw_by_snr(budget: xr.Dataset, truth: np.ndarray, snr: np.ndarray, path: Path) -> None:
    """Draw the true scatter and the scatter predicted by each kind against S/N."""
    edges = np.quantile(snr, np.linspace(0, 1, 9))
    bins = {f"{k}": (snr >= edges[k]) & (snr <= edges[k + 1]) for k in range(8)}
    shares = explain_errors(budget, truth, groups=bins)
    centre = [np.median(snr[mask]) for mask in bins.values()]
    labels = labels_from_names(budget["stellar_label"].to_numpy().tolist())
    figure = new_figure(3.1 * len(labels), 3.6)
    for k, label in enumerate(labels):
        ax = figure.add_subplot(1, len(labels), k + 1)
        part = shares.isel(stellar_label=k)
        ax.plot(centre, part["scatter"].sel(kind="formal"), "o-", color="black", label="true scatter")
        for kind in SHOWN:
            ax.plot(centre, part["predicted"].sel(kind=kind), marker="s", markersize=3, label=kind)
        ax.set_xscale("log")
        ax.set_yscale("log")
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_locator(log_ticks())
            axis.set_major_formatter(log_numbers())
        ax.minorticks_off()
        ax.set_xlabel(SNR_TEXT)
        ax.set_title(label.axis_text())
    figure.axes[0].set_ylabel("half of the central 68.3 %")
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=1 + len(SHOWN))
    save_figure(figure, path, dpi=100)


def draw_kiel(budget: xr.Dataset, truth: np.ndarray, path: Path) -> None:
    """Draw the ratio of true scatter to the formal error and to a sum of kinds, in cells of the Kiel diagram."""
    labels = budget["value"].sel(kind="formal").to_numpy()
    teff, logg = labels[:, 0], labels[:, 1]
    # cells with equal numbers of stars: eighths in log g, and thirds of each in Teff
    cell = np.full(len(teff), -1)
    for row, part in enumerate(np.array_split(np.argsort(logg)[: np.isfinite(logg).sum()], 8)):
        for column, own in enumerate(np.array_split(part[np.argsort(teff[part])], 3)):
            cell[own] = 3 * row + column
    shares = explain_errors(budget, truth, groups={str(c): cell == c for c in range(24)})
    ratio = np.sqrt(1 / shares["share"]).transpose("group", "stellar_label", "kind")
    shown = labels_from_names(budget["stellar_label"].to_numpy().tolist())[:3]
    figure = new_figure(13, 7)
    for row, kind in enumerate(("formal", "sandwich + jackknife")):
        for k, label in enumerate(shown):
            ax = figure.add_subplot(2, 3, 3 * row + k + 1)
            values = ratio.sel(stellar_label=label.name, kind=kind).to_numpy()
            plot_kiel(teff, logg, np.where(cell < 0, np.nan, values[cell]), ax,
                      colour_label=f"true scatter of {label.symbol} / {kind}")  # fmt: skip
    save_figure(figure, path, dpi=100)


def draw_coverage(budget: xr.Dataset, truth: np.ndarray, path: Path) -> None:
    """Draw the coverage of each kind's intervals for every label, and PIT values of the first label."""
    probability = np.linspace(0.02, 0.98, 49)
    curve = interval_coverage(budget, truth, probability)
    labels = labels_from_names(budget["stellar_label"].to_numpy().tolist())
    figure = new_figure(3.6 * (len(labels) + 1), 3.6)
    for k, label in enumerate(labels):
        ax = figure.add_subplot(1, len(labels) + 1, k + 1)
        lines = {kind: curve.sel(kind=kind).isel(stellar_label=k).to_numpy() for kind in SHOWN}
        plot_coverage(probability, lines, ax).set_title(label.symbol)
    ax = figure.add_subplot(1, len(labels) + 1, len(labels) + 1)
    pit = pit_values(budget, truth).sel(kind="formal").isel(stellar_label=0)
    plot_pit(*pit_histogram(pit), ax).set_title(f"{labels[0].symbol}, formal")
    save_figure(figure, path, dpi=100)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("results"))
    parser.add_argument("--data", type=Path)
    parser.add_argument("--stars", type=int, default=9952, help="reference stars of the mock survey")
    parser.add_argument("--test", type=int, default=1500, help="test stars")
    parser.add_argument("--bootstrap", type=int, default=20, help="bootstraps")
    parser.add_argument("--pooled", action="store_true", help="also train with pooled coefficients and kappa")
    options = parser.parse_args()
    options.trainings = dict(list(TRAININGS.items())[: 2 if options.pooled else 1])
    console = Console(width=170)
    options.out.mkdir(parents=True, exist_ok=True)
    surveys = {"mock": study_mock(console, options)}
    if options.data:
        surveys["real"] = study_real(console, options)
    results = {}
    for survey, budgets in surveys.items():
        for training, (budget, truth, snr) in budgets.items():
            shares = explain_errors(budget, truth, groups=make_groups(budget, snr))
            show(console, f"{survey}, {training}", shares)
            results[f"{survey}, {training}"] = shares.to_dict()
    for training, (budget, _, snr) in surveys["mock"].items():
        console.print(training)
        show_bootstrap(console, budget, snr)
    budget, truth, snr = surveys["mock"]["flat (paper)"]
    draw_by_snr(budget, truth, snr, options.out / "by_snr.png")
    draw_kiel(budget, truth, options.out / "kiel.png")
    draw_coverage(budget, truth, options.out / "coverage.png")
    for name, (budget, _, _) in surveys["mock"].items():
        budget.to_netcdf(options.out / f"{name.split()[0].rstrip(',')}.nc", engine="h5netcdf")
    (options.out / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

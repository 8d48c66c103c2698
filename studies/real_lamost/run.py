"""
Train on real LAMOST DR10 giants with the labels of LAMOST's pipeline, and label other stars with that model.

Usage: python run.py DATA [--out DIR] [--preset paper|masked]
with DATA/lamost/dr10/*.fits.gz and DATA/lamost/lasp_dr10.csv.
"""

import argparse
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from bayescannon.app.config import LabelConfig, LabelsConfig, PrepareConfig, RunConfig, TrainConfig, ValidateConfig
from bayescannon.app.run import run_pipeline
from bayescannon.data.flags import FitStatus, ResultFlag
from bayescannon.io.tables import read_labels
from bayescannon.numerics.rows import rows_of

NAMES = ["teff", "logg", "fe_h"]
GIANTS = {"teff": [3500.0, 5800.0], "logg": [-1.0, 3.8]}
MATCHED = {  # kind of star: lowest and highest Teff, lowest log g
    "F/G dwarfs": (5000.0, 7000.0, 3.8),
    "A stars": (7000.0, 12000.0, 3.0),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder with lamost/dr10 and lamost/lasp_dr10.csv")
    parser.add_argument("--out", type=Path, default=Path("results"), help="folder to write to")
    parser.add_argument("--preset", default="paper")
    options = parser.parse_args()
    console = Console(width=120)

    lasp_table = options.data / "lamost" / "lasp_dr10.csv"
    config = RunConfig(
        out=str(options.out),
        prepare=PrepareConfig(spectra=str(options.data / "lamost" / "dr10"), preset=options.preset),
        labels=LabelsConfig(table=str(lasp_table), columns={"id": "file", "snr": "snrg"}),
        train=TrainConfig(label_names=NAMES, keep=GIANTS),
        label=LabelConfig(catalogue="catalogue.fits"),
        validate=ValidateConfig(),
    )
    result = run_pipeline(config, overwrite=True, console=console)

    lasp = read_labels(lasp_table, label_names=NAMES, columns=config.labels.columns)
    estimates = result.estimates
    rows = rows_of(lasp.id, estimates["star"].to_numpy())
    teff, logg = lasp.labels["teff"][rows], lasp.labels["logg"][rows]
    kinds = {"giants, trained on": np.isin(estimates["star"].to_numpy(), result.reference.spectra.id)}
    for kind, (low, high, logg_min) in MATCHED.items():
        kinds[kind] = (teff >= low) & (teff < high) & (logg >= logg_min)

    # the limit is exceeded by 1 % of the held-out giants
    held_out = result.validation.estimates["k-fold"]
    limit = np.nanquantile(held_out["reduced_chi2"].to_numpy(), 0.99)
    table = Table(title=f"Labelled with the model of giants (chi2 limit {limit:.2f}: 99 % of held-out giants)")
    for name in ("stars", "number", "median chi2", "chi2 > limit", "outside labels", "either", "Teff - LASP",
                 "log g - LASP"):  # fmt: skip
        table.add_column(name, justify="left" if name == "stars" else "right")

    def add(name: str, chi2: np.ndarray, flags: np.ndarray, off: np.ndarray) -> None:
        high, outside = ~(chi2 <= limit), (flags & ResultFlag.OUTSIDE_COVERAGE) != 0
        table.add_row(
            name, str(len(chi2)), f"{np.nanmedian(chi2):.2f}", f"{100 * high.mean():.0f} %",
            f"{100 * outside.mean():.0f} %", f"{100 * (high | outside).mean():.0f} %",
            f"{np.nanmedian(off[:, 0]):.0f} K", f"{np.nanmedian(off[:, 1]):.2f}",
        )  # fmt: skip

    reference = result.validation.reference_labels
    add("giants, held out", held_out["reduced_chi2"].to_numpy(), held_out["flags"].to_numpy(),
        held_out["labels"].to_numpy() - reference)  # fmt: skip
    for name, chosen in kinds.items():
        part = estimates.isel(star=chosen)
        off = part["labels"].to_numpy() - np.column_stack([teff, logg, lasp.labels["fe_h"][rows]])[chosen]
        add(name, part["reduced_chi2"].to_numpy(), part["flags"].to_numpy(), off)
    console.print(table)
    failed = estimates["status"].to_numpy() != FitStatus.CONVERGED
    console.print(f"{failed.sum()} of {len(failed)} fits did not converge")


if __name__ == "__main__":
    main()

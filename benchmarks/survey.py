"""
Label a survey from a store on disk to a catalogue: python benchmarks/survey.py --help.

A model is trained on mock giants. The store holds as many stars as are asked for: the mock spectra again and again,
each time with noise of its own. Then the verb `label` runs as a user runs it, in a process of its own, and its time
with everything (start of Python, reading, workers, joining, writing, syncing) is reported. 454,180 stars take 10 GB.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from fair_clock import machine
from rich.console import Console

import bayescannon as bc
from bayescannon.data.spectra import Spectra
from bayescannon.io.store_writer import StoreWriter

_BLOCK = 2048


def copies(spectra: Spectra, first: int, n_star: int) -> Spectra:
    """Return `n_star` stars with new noise, that of star `first` and those after it."""
    rng = np.random.default_rng(first)
    rows = np.arange(first, first + n_star) % len(spectra)
    ivar = spectra.ivar[rows]
    noise = rng.standard_normal(ivar.shape, dtype=np.float32)
    # half of the variance of the stars' own noise
    flux = spectra.flux[rows] + np.where(ivar > 0, np.sqrt(0.5 / np.where(ivar > 0, ivar, 1)), 0) * noise
    ids = np.char.add("star-", np.arange(first, first + n_star).astype(np.str_))
    some = spectra.select(rows[:1])
    return replace(
        some, flux=flux.astype(np.float32), ivar=(ivar / np.float32(1.5)), id=ids,
        columns={name: values[rows] for name, values in spectra.columns.items()},
    )  # fmt: skip


def main() -> None:
    """Make the store and the model where they do not exist, label, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stars", type=int, default=454_180)
    parser.add_argument("--folder", type=Path, help="of store and catalogue; a temporary one unless given")
    parser.add_argument("--workers", type=int, help="processes; as many as there are cores unless given")
    parser.add_argument("--coverage", action="store_true", help="calibrated errors, coverage, novelty")
    options = parser.parse_args()
    console = Console(width=110, highlight=False)
    with tempfile.TemporaryDirectory(prefix="bayescannon-survey-") as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        store, model = folder / f"stars-{options.stars}.zarr", folder / f"model{'-qualified' * options.coverage}.nc"
        if not (store.exists() and model.exists()):
            survey = bc.simulate_survey(600, 1448, seed=5)
            spectra = bc.prepare_spectra(list(survey.spectra()))
        if not model.exists():
            table = bc.read_labels(survey.apogee, format="allstar-dr12")
            trained, kept = bc.train_clipped(bc.build_reference(spectra, table))
            bc.save_model(bc.qualify(trained, kept, folds=4) if options.coverage else trained, model)
        if not store.exists():
            began = time.perf_counter()
            with StoreWriter(store, spectra.wavelength) as writer:
                for first in range(0, options.stars, _BLOCK):
                    writer.append(copies(spectra, first, min(_BLOCK, options.stars - first)))
                writer.finish(dict(spectra.attrs))
            console.print(f"store of {options.stars} stars written in {time.perf_counter() - began:.0f} s")
        size = sum(path.stat().st_size for path in store.rglob("*") if path.is_file())
        catalogue = folder / f"labels-{options.stars}.parquet"
        command = [sys.executable, "-m", "bayescannon", "label", str(model), str(store), "--out", str(catalogue)]
        command += ["--overwrite"] + ([] if options.workers is None else ["--workers", str(options.workers)])
        before, began = os.times(), time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        wall, after = time.perf_counter() - began, os.times()
        processor = after.children_user + after.children_system - before.children_user - before.children_system
        console.print(
            f"{options.stars} stars, {size / 1e9:.2f} GB, to a catalogue of {catalogue.stat().st_size / 1e6:.1f} MB: "
            f"{wall:.1f} s, {1e3 * wall / options.stars:.3f} ms per star ({1e3 * processor / options.stars:.3f} of "
            f"the processors); {options.workers or 'all'} workers, {machine()}"
        )


if __name__ == "__main__":
    main()

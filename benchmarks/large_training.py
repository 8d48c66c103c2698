"""
Train on many stars in bounded memory: python benchmarks/large_training.py --help.

A store of mock spectra with noise and scatter as in benchmarks/training.py is written to a folder, and the models are
trained on it as `bayescannon train` does, without clipping and folds, each in a process of its own that says its wall
time, its processor time and its peak resident memory.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from training import survey_theta

import bayescannon as bc
from bayescannon.data.spectra import Spectra
from bayescannon.io.store_writer import StoreWriter
from bayescannon.models.label_vector import label_vector
from bayescannon.numerics.threads import n_cores

NAMES = ("teff", "logg", "fe_h", "alpha_m", "a_k")
MODELS = {"flat": {}, "pooled, global kappa": {"coefficients": "pooled", "noise": "global"}}
_BLOCK = 8192


def write_store(path: Path, n_star: int, n_pixel: int) -> np.ndarray:
    """Write a store of spectra; return the scaled labels (star, 5)."""
    theta, scatter = survey_theta(np.random.default_rng(0), n_pixel, len(NAMES))
    labels = np.random.default_rng(1).standard_normal((n_star, len(NAMES))).clip(-2.5, 2.5)
    wavelength = 3905 * 10 ** (1e-4 * np.arange(n_pixel))
    with StoreWriter(path, wavelength) as writer:
        for first in range(0, n_star, _BLOCK):
            rng = np.random.default_rng([2, first])
            some = labels[first : first + _BLOCK]
            sigma = np.exp(rng.normal(-4, 0.6, (len(some), 1))).astype(np.float32)
            flux = (label_vector(some) @ theta.T).astype(np.float32)
            flux += np.hypot(sigma, scatter).astype(np.float32) * rng.standard_normal(flux.shape, dtype=np.float32)
            ivar = np.broadcast_to(1 / (3 * sigma**2), flux.shape).copy()
            ivar[rng.random(flux.shape, dtype=np.float32) < 0.02] = 0
            ids = [f"star-{n}" for n in range(first, first + len(some))]
            writer.append(Spectra(wavelength, flux, ivar, ids, {"snr": np.full(len(some), 60.0)}))
        writer.finish()
    return labels


def train_one(store: Path, table: Path, name: str, memory: float | None) -> None:
    """Train one model; print its times and peak memory as JSON."""
    labels = dict(np.load(table))
    began, used = time.perf_counter(), time.process_time()
    reference = bc.build_reference(str(store), labels, NAMES, memory=memory)
    read = time.perf_counter() - began
    model = bc.train(reference, **MODELS[name])
    print(json.dumps({
        "read": read, "wall": time.perf_counter() - began, "processor": time.process_time() - used,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, "kind": type(reference.spectra).__name__,
        "kappa": float(model.kappa[0]),
    }))  # fmt: skip


def main() -> None:
    """Write the store, train, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where the store is written, or is found")
    parser.add_argument("--stars", type=int, default=100_000)
    parser.add_argument("--pixels", type=int, default=3626)
    parser.add_argument("--memory", type=float, default=0.5, help="GB that the spectra may take")
    parser.add_argument("--only", choices=MODELS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    store, table = options.folder / f"stars-{options.stars}.zarr", options.folder / f"labels-{options.stars}.npz"
    if options.only:
        train_one(store, table, options.only, options.memory)
        return
    if not table.exists():
        options.folder.mkdir(parents=True, exist_ok=True)
        scaled = write_store(store, options.stars, options.pixels)
        scale = np.array([250.0, 0.6, 0.25, 0.08, 0.05])
        values = np.array([4800.0, 2.5, -0.3, 0.1, 0.2]) + scaled * scale
        np.savez(table, id=[f"star-{n}" for n in range(options.stars)], **dict(zip(NAMES, values.T, strict=True)))
    rows = Table(title=f"{options.stars} stars x {options.pixels} pixels, {n_cores()} cores")
    for column in ("training", "read [s]", "wall [s]", "processor [s]", "peak memory [GB]", "spectra"):
        rows.add_column(column, justify="left" if column in ("training", "spectra") else "right")
    for name in MODELS:
        command = [sys.executable, __file__, str(options.folder), "--only", name, "--memory", str(options.memory)]
        command += ["--stars", str(options.stars)]
        said = json.loads(
            subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()[-1]
        )
        rows.add_row(
            name, f"{said['read']:.0f}", f"{said['wall']:.0f}", f"{said['processor']:.0f}", f"{said['memory']:.2f}",
            said["kind"],
        )  # fmt: skip
    Console(width=110).print(rows)


if __name__ == "__main__":
    main()

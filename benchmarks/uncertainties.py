"""
Time the errors of labels beyond formal ones: python benchmarks/uncertainties.py --help.

The reference set is that of benchmarks/training.py. The bootstrap trains, and labels --label of the reference stars, B
times; the jackknife differentiates the labels of --jackknife stars. Reading and preparing spectra is not included; the
first training and labelling have rows of their own. Every line is timed on one thread and on two.
"""

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from fair_clock import machine, timed
from rich.console import Console
from rich.table import Table
from training import survey

from bayescannon.cannon.labelling import label_spectra
from bayescannon.cannon.reference import ReferenceSet
from bayescannon.cannon.training import train
from bayescannon.data.labels import PAPER_LABELS, LabelScaler
from bayescannon.data.spectra import Spectra
from bayescannon.uncertainty.bootstrap import bootstrap_labels
from bayescannon.uncertainty.coefficients import label_with_coefficient_errors
from bayescannon.uncertainty.jackknife import jackknife_covariance
from bayescannon.uncertainty.sandwich import sandwich_covariance


def reference_set(n_star: int, n_pixel: int, n_label: int) -> ReferenceSet:
    """Return reference stars with the paper's labels, flux and inverse variance in float32."""
    scaled, flux, ivar = survey(n_star, n_pixel, n_label)
    names = PAPER_LABELS[:n_label]
    scaler = LabelScaler(names, np.array([4800.0, 2.5, -0.3, 0.1, 0.1])[:n_label], np.ones(n_label))
    scale = np.array([250.0, 0.6, 0.25, 0.08, 0.05])[:n_label]
    labels = scaler.pivot + scaled * scale
    ids = np.array([f"star-{n}" for n in range(n_star)])
    columns = {"snr": np.full(n_star, 60.0)}
    spectra = Spectra(3905 * 10 ** (1e-4 * np.arange(n_pixel)), np.where(ivar > 0, flux, 1), ivar, ids, columns)
    return ReferenceSet(spectra, labels, np.full_like(labels, np.nan), names)


def clock(call: Callable[[], Any]) -> tuple[float, Any]:
    """Return the wall time of one call, in seconds, and its result."""
    start = time.perf_counter()
    result = call()
    return time.perf_counter() - start, result


def main() -> None:
    """Run the benchmark and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stars", type=int, default=9952)
    parser.add_argument("--pixels", type=int, default=3626)
    parser.add_argument("--labels", type=int, default=5, choices=range(1, 6))
    parser.add_argument("--label", type=int, help="reference stars that are labelled; by default all")
    parser.add_argument("--bootstrap", type=int, default=20)
    parser.add_argument("--jackknife", type=int, default=64, help="stars of the jackknife")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    options = parser.parse_args()

    warm = reference_set(200, 40, options.labels)
    model = train(warm)
    for compiled in (label_with_coefficient_errors, sandwich_covariance):
        compiled(model, warm.spectra)
    jackknife_covariance(model, warm, warm.spectra)

    reference = reference_set(options.stars, options.pixels, options.labels)
    stars = reference.spectra.select(np.arange(options.label or options.stars))
    few = stars.select(np.arange(min(options.jackknife, len(stars))))
    model = train(reference)
    estimates = label_spectra(model, stars)
    own = estimates.isel(star=slice(0, len(few)))
    calls: dict[str, tuple[int, Callable[[int], object]]] = {
        "training, cold": (0, lambda n: train(reference, workers=n)),
        "labelling": (len(stars), lambda n: label_spectra(model, stars, workers=n)),
        f"bootstrap, B = {options.bootstrap}": (
            len(stars),
            lambda n: bootstrap_labels(
                model, reference, stars, n_bootstrap=options.bootstrap, estimates=estimates, workers=n
            ),
        ),
        "coefficient": (
            len(stars), lambda n: label_with_coefficient_errors(model, stars, estimates=estimates, workers=n)
        ),
        "sandwich": (len(stars), lambda n: sandwich_covariance(model, stars, estimates=estimates, workers=n)),
        f"jackknife of {len(few)} stars": (
            len(few), lambda n: jackknife_covariance(model, reference, few, estimates=own, workers=n)
        ),
    }  # fmt: skip
    size = f"{options.stars} reference stars x {options.pixels} pixels x {options.labels} labels"
    table = Table(title=f"{size}, {len(stars)} stars to label; {machine()}")
    table.add_column("errors")
    for column in ("threads", "wall [s]", "processor [s]", "processor, ms per star"):
        table.add_column(column, justify="right")
    for name, (n_star, call) in calls.items():
        for n in options.threads:
            one = timed(call, threads=n)
            each = f"{1e3 * one.processor / n_star:.3f}" if n_star else ""
            table.add_row(name, str(n), f"{one.wall:.1f}", f"{one.processor:.1f}", each)
    Console(width=120).print(table)


if __name__ == "__main__":
    main()

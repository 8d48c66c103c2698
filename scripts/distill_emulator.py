"""
Distil a grid of synthetic spectra into one of the mock survey's emulators.

Usage: ``python scripts/distill_emulator.py GRID.npz [--population giant|dwarf|hot] [--out FILE.npz]``

The grid of giants holds 6000 synthetic spectra computed with bossbrain 1.0.12 (D. Nidever, MIT licence); those of
dwarfs and of hot stars are made by ``scripts/synthesise_grid.py``. A grid has vacuum wavelengths 10^(3.5682 + 1e-4 i),
R = 1800, continuum normalised spectra, and labels teff, logg, m_h, alpha_m, c_m and n_m. The script takes their
principal components, fits each component's amplitude with a polynomial of the labels by ridge regression, and reports
the error of the flux on spectra held out of the fit.
"""

import argparse
from itertools import pairwise
from pathlib import Path

import numpy as np

from bayescannon.mock import emulator
from bayescannon.mock.emulator import (
    EMULATOR_LABELS,
    POPULATIONS,
    Emulator,
    data_file,
    polynomial_terms,
    unit_coordinates,
)

N_COMPONENTS = {"giant": 50, "dwarf": 40, "hot": 25}
DEGREE = 4
RIDGE = 0.3
# 99.5 % of the grid are below; above it the polynomials oscillate
MAX_LEVERAGE = 0.5
HELD_OUT = 0.1
INT16_MAX = 32767


def distill(labels: np.ndarray, flux: np.ndarray, fitted: np.ndarray, n_components: int) -> dict[str, np.ndarray]:
    """
    Fit components and coefficients to the spectra chosen by `fitted`.

    Parameters
    ----------
    labels : array of shape (star, 6)
    flux : array of shape (star, pixel)
    fitted : bool array of shape (star,)
    n_components : int
        Principal components that are kept.

    Returns
    -------
    arrays : dict
        The arrays that :meth:`bayescannon.mock.emulator.Emulator.read` reads.
    """
    low, high = labels.min(axis=0), labels.max(axis=0)
    mean = flux[fitted].mean(axis=0)
    centred = flux[fitted] - mean
    _, vectors = np.linalg.eigh(centred.T @ centred)
    components = vectors[:, ::-1][:, :n_components].T
    # amplitudes are fitted to the rounded components, so that rounding adds no error to the fitted spectra
    step = np.abs(components).max(axis=1) / INT16_MAX
    rounded = np.round(components / step[:, None]).astype(np.int16)
    amplitudes = np.linalg.lstsq((rounded * step[:, None]).T, centred.T, rcond=None)[0].T
    terms = polynomial_terms(unit_coordinates(labels[fitted], low, high), DEGREE)
    gram = terms.T @ terms + RIDGE * np.eye(terms.shape[1])
    coefficients = np.linalg.solve(gram, terms.T @ amplitudes)
    return {
        "low": low,
        "high": high,
        "inverse_root": np.linalg.inv(np.linalg.cholesky(gram)).astype(np.float32),
        "max_leverage": np.array(MAX_LEVERAGE),
        "degree": np.array(DEGREE),
        "mean": mean.astype(np.float32),
        "components": rounded,
        "component_step": step.astype(np.float32),
        "coefficients": coefficients.astype(np.float32),
    }


def report(model: Emulator, labels: np.ndarray, flux: np.ndarray) -> None:
    """Print the error of the flux of held-out spectra, in total and by temperature."""
    inside = model.inside(labels)
    labels, flux = labels[inside], flux[inside]
    square = ((model.flux(labels) - flux) ** 2).mean(axis=1)
    print(f"held out: {inside.sum()} spectra in range ({(~inside).sum()} outside)")
    print(f"rms error of the flux {np.sqrt(square.mean()):.5f}, median star {np.sqrt(np.median(square)):.5f}")
    edges = np.quantile(labels[:, 0], np.linspace(0, 1, 7))
    for cool, hot in pairwise(edges):
        chosen = (labels[:, 0] >= cool) & (labels[:, 0] <= hot)
        print(f"  Teff {cool:5.0f} to {hot:5.0f} K: rms {np.sqrt(square[chosen].mean()):.5f}")


def main() -> None:
    """Read the grid, report the held-out error, then fit all spectra and write the file."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0].strip())
    parser.add_argument("grid", type=Path, help="the .npz file of synthetic spectra")
    parser.add_argument("--population", choices=POPULATIONS, default=POPULATIONS[0])
    parser.add_argument("--out", type=Path, help="by default the population's file in bayescannon/mock")
    arguments = parser.parse_args()
    out = arguments.out or Path(emulator.__file__).with_name(data_file(arguments.population))
    n_components = N_COMPONENTS[arguments.population]
    with np.load(arguments.grid, allow_pickle=False) as grid:
        if tuple(grid["label_names"]) != EMULATOR_LABELS:
            raise SystemExit(f"expected labels {EMULATOR_LABELS} in the grid; got {tuple(grid['label_names'])}")
        labels = grid["labels"].astype(np.float64)
        flux = grid["flux"].astype(np.float64)
    fitted = np.random.default_rng(0).random(len(labels)) > HELD_OUT
    np.savez_compressed(out, **distill(labels, flux, fitted, n_components))
    report(Emulator.read(out), labels[~fitted], flux[~fitted])
    np.savez_compressed(out, **distill(labels, flux, np.ones(len(labels), dtype=bool), n_components))
    print(f"wrote {out}: {out.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()

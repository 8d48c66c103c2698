"""
Make the grids of synthetic spectra of dwarfs and of hot stars that ``scripts/distill_emulator.py`` distils.

Usage: ``python scripts/synthesise_grid.py dwarf|hot BOSSBRAIN HYDROGEN.npz OUT.npz``

BOSSBRAIN is the folder ``bossbrain/data`` of bossbrain 1.0.12 (D. Nidever, MIT licence), whose networks are read with
theborg and torch; HYDROGEN.npz is what ``scripts/synthesise_hydrogen.py`` writes. The networks give spectra of giants,
to log g = 3.5 and 6000 K, in air. The lines of metals and molecules of other stars are deformations of theirs:

* The depth A = -ln(flux), less that of hydrogen, is taken at log g = 3.45 and at most 5850 K (the anchor).
* With log g it goes on at the rate k = d ln A / d log g between 2.75 and 3.45: A exp(k x) if lines become shallower and
  A (1 + k x) if they become deeper, so that none grows without limit. Above 5850 K it goes on with 5040 K / Teff in the
  same way, at the rate between 5350 and 5850 K; lines of ions, which become deeper, do so only up to 7500 K.
* Wings of strong lines of neutral atoms (Ca I 4227, Mg b, strong Fe I) grow by pressure broadening, which is weak in
  giants: A grows by another share DAMPING per dex, in proportion to A / (A + 0.15). Lines are taken for neutral if they
  deepen with 5040 K / Teff, and for atomic if they do not deepen with [C/M].
* Beyond 7500 K metals become ionised: A decreases by a factor e every 2500 K.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from scipy.interpolate import CubicSpline
from scipy.ndimage import gaussian_filter1d
from scipy.stats import qmc
from theborg.emulator import Emulator as Network

from bayescannon.data.air import to_vacuum
from bayescannon.mock.emulator import EMULATOR_LABELS, KELVIN_OF_THETA, LOG_FIRST, LOG_STEP
from bayescannon.mock.optics import LINE_SIGMA

NETWORKS = ("3500-4200", "4000-5000", "4900-6000")
# between which temperatures neighbouring networks are mixed
SEAMS = ((4020.0, 4180.0), (4910.0, 4990.0))
ALPHA_ELEMENTS = ("om", "mgm", "sim", "cam", "tim")
T_ANCHOR, T_BASE, G_ANCHOR, G_BASE, T_IONS = 5850.0, 5350.0, 3.45, 2.75, 7500.0
CARBON_STEP = 0.2
# limits of the rates, and the depth below which they are not trusted
LOGG_RATES, THETA_RATES, LEAST_DEPTH = (-1.2, 1.2), (-4.0, 16.0), 0.01
DAMPING, DAMPING_DEPTH = 0.25, 0.15
N_PIXEL, CHUNK = 3909, 250
# least and greatest labels, number of spectra, seed
GRIDS = {
    "dwarf": ((3950, 3.5, -2.2, -0.15, -0.3, -0.3), (7250, 4.95, 0.5, 0.45, 0.3, 0.3), 5000, 1),
    "hot": ((6800, 3.3, -1.5, -0.1, -0.2, -0.2), (11500, 4.7, 0.6, 0.4, 0.2, 0.2), 4000, 3),
}


class Giants:
    """The networks of bossbrain, on the grid of the mock survey."""

    def __init__(self, folder: Path) -> None:
        self.networks = [Network.read(str(folder / f"ann_22pars_{part}.pkl")) for part in NETWORKS]
        self.names = list(self.networks[0].label_names)
        self.wavelength = to_vacuum(3500 + 0.5 * np.arange(14001))
        self.grid = 10 ** (LOG_FIRST + LOG_STEP * np.arange(N_PIXEL))

    def depth(self, labels: np.ndarray) -> np.ndarray:
        """Return -ln(flux) at R = 1800, shape (star, pixel), of labels in the emulators' order."""
        inputs = np.zeros((len(labels), len(self.names)))
        inputs[:, :5] = labels[:, [0, 1, 2, 4, 5]]
        inputs[:, [self.names.index(name) for name in ALPHA_ELEMENTS]] = labels[:, 3:4]
        spectra = []
        for network in self.networks:
            scaled = np.array([network.scaled_labels(row) for row in inputs])
            with torch.no_grad():
                spectra.append(network.model.forward(torch.from_numpy(scaled).float()).numpy())
        flux = spectra[0]
        for hotter, (low, high) in zip(spectra[1:], SEAMS, strict=True):
            share = np.clip((labels[:, :1] - low) / (high - low), 0, 1)
            flux = (1 - share) * flux + share * hotter
        flux = np.array([np.interp(self.grid, self.wavelength, row) for row in flux])
        return -np.log(np.clip(gaussian_filter1d(flux, LINE_SIGMA, axis=1, mode="nearest"), 0.01, 1.2))


class Hydrogen:
    """The lines of hydrogen, between the spectra that were computed."""

    def __init__(self, path: Path) -> None:
        with np.load(path, allow_pickle=False) as data:
            self.logg, self.m_h = data["logg"], data["m_h"]
            self.spline = CubicSpline(data["teff"], data["depth"].astype(np.float64), axis=0)
            self.coolest = data["teff"][0]

    def depth(self, teff: np.ndarray, logg: np.ndarray, m_h: np.ndarray) -> np.ndarray:
        """Return -ln(flux), shape (star, pixel); below the coolest spectra lines fade."""
        by_logg = _lagrange(np.clip(logg, self.logg[0], self.logg[-1]), self.logg)
        by_m_h = _lagrange(np.clip(m_h, self.m_h[0], self.m_h[-1]), self.m_h)
        spectra = self.spline(np.maximum(teff, self.coolest))
        depth = np.einsum("ng,nm,ngmp->np", by_logg, by_m_h, spectra, optimize=True)
        return np.maximum(depth, 0) * (1 - 0.55 * np.clip((self.coolest - teff) / 1000, 0, 1))[:, None]


def _lagrange(x: np.ndarray, nodes: np.ndarray) -> np.ndarray:
    """Weights of the nodes in the polynomial through all of them, shape (star, node)."""
    others = [(node, nodes[nodes != node]) for node in nodes]
    return np.stack([np.prod((x[:, None] - rest) / (node - rest), axis=1) for node, rest in others], axis=1)


def deform(labels: np.ndarray, giants: Giants, hydrogen: Hydrogen) -> np.ndarray:
    """Return spectra of dwarfs or hot stars, shape (star, pixel); see the description of the file."""
    teff, logg, m_h = labels[:, 0], labels[:, 1], labels[:, 2]
    anchor_teff = np.minimum(teff, T_ANCHOR)

    def metals(teff_of: np.ndarray, logg_of: float, carbon: float = 0.0) -> np.ndarray:
        of = labels.copy()
        of[:, 0], of[:, 1], of[:, 4] = teff_of, logg_of, of[:, 4] + carbon
        return giants.depth(of) - hydrogen.depth(of[:, 0], of[:, 1], of[:, 2])

    signed = metals(anchor_teff, G_ANCHOR)
    anchor = np.maximum(signed, 0)
    theta, theta_anchor = KELVIN_OF_THETA / teff, KELVIN_OF_THETA / anchor_teff
    base_teff = anchor_teff - (T_ANCHOR - T_BASE)
    by_logg = _rate(anchor, metals(anchor_teff, G_BASE), G_ANCHOR - G_BASE, LOGG_RATES)
    # negative, for 5040 K / Teff is smaller at the anchor
    theta_step = (theta_anchor - KELVIN_OF_THETA / base_teff)[:, None]
    by_theta = _rate(anchor, metals(base_teff, G_ANCHOR), theta_step, THETA_RATES)
    by_carbon = _rate(metals(anchor_teff, G_ANCHOR, CARBON_STEP), anchor, CARBON_STEP, (-4.0, 4.0))
    neutral = np.clip(by_theta / 3, 0, 1) * np.clip(1 - by_carbon / 0.6, 0, 1)
    higher = (logg - G_ANCHOR)[:, None]
    depth = anchor * _grow(by_logg * higher)
    depth *= 1 + DAMPING * higher * neutral * anchor / (anchor + DAMPING_DEPTH)
    hotter = by_theta * (theta - theta_anchor)[:, None]
    ions = by_theta * (np.maximum(theta, KELVIN_OF_THETA / T_IONS) - theta_anchor)[:, None]
    depth *= _grow(np.where(hotter > 0, ions, hotter))
    depth *= np.exp(-np.clip(teff - T_IONS, 0, None) / 2500)[:, None]
    # where hydrogen is deeper than all lines of the networks, the difference is kept near the anchor
    depth += np.minimum(signed, 0) * np.exp(-((np.clip(teff - T_ANCHOR, 0, None) / 500) ** 2))[:, None]
    return np.exp(-depth - hydrogen.depth(teff, logg, m_h))


def _rate(high: np.ndarray, low: np.ndarray, step: np.ndarray | float, limits: tuple[float, float]) -> np.ndarray:
    """Logarithmic derivative of depths, regularised for shallow lines."""
    low = np.maximum(low, 0)
    return np.clip((high - low) / ((high + low) / 2 + LEAST_DEPTH) / step, *limits)


def _grow(x: np.ndarray) -> np.ndarray:
    """exp(x) below zero and 1 + x above it: smooth to the first derivative."""
    return np.where(x < 0, np.exp(np.minimum(x, 0)), 1 + np.minimum(x, 4))


def main() -> None:
    """Draw labels evenly over the population's range, make the spectra and write them."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0].strip())
    parser.add_argument("population", choices=GRIDS)
    parser.add_argument("bossbrain", type=Path, help="folder bossbrain/data")
    parser.add_argument("hydrogen", type=Path, help="the file that synthesise_hydrogen.py wrote")
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    low, high, n_star, seed = GRIDS[arguments.population]
    giants, hydrogen = Giants(arguments.bossbrain), Hydrogen(arguments.hydrogen)
    labels = qmc.scale(qmc.Halton(len(low), seed=seed).random(n_star), low, high)
    parts = np.array_split(labels, n_star // CHUNK)
    flux = np.concatenate([deform(part, giants, hydrogen) for part in parts]).astype(np.float16)
    names = np.array(EMULATOR_LABELS)
    np.savez_compressed(arguments.out, wavelength=giants.grid, flux=flux, labels=labels, label_names=names)


if __name__ == "__main__":
    main()

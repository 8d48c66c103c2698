"""
Compute the lines of hydrogen of dwarfs and hot stars, for ``scripts/synthesise_grid.py``.

Usage: ``python scripts/synthesise_hydrogen.py ATMOSNET SYNSPEC OUT.npz``

ATMOSNET is the folder ``atmosnet/data`` of atmosnet 1.0.1 (D. Nidever and Y.-S. Ting, MIT licence): networks trained on
the C3K grid of model atmospheres, one per column, whose outputs are decimal logarithms. SYNSPEC is the file
``lemke.dat`` of synspec 1.0.3: the Stark profiles of hydrogen of Lemke (1997, A&AS 122, 285). Both packages are in the
Python package index; dill reads the networks.

Line formation is in LTE: populations by Boltzmann and Saha, the continuous opacity of the negative hydrogen ion (Gray
2005, "The Observation and Analysis of Stellar Photospheres", eq. 8.12-8.15), of hydrogen with Gaunt factors of 1, and
scattering by electrons and atoms (Rayleigh); broadening by Stark effect and, with a rounded rate, by collisions of
hydrogen atoms. The flux is that of parallel layers whose source function is Planck's law.
"""

import argparse
from pathlib import Path

import dill
import numpy as np
from scipy.interpolate import RegularGridInterpolator
from scipy.ndimage import gaussian_filter1d
from scipy.special import expn

from bayescannon.mock.emulator import LOG_FIRST, LOG_STEP
from bayescannon.mock.optics import LINE_SIGMA

# cgs: speed of light, Planck's and Boltzmann's constants, masses of electron and atom, electron charge, Rydberg [1/cm]
C, H, K, M_E, M_H, E = 2.99792458e10, 6.62607015e-27, 1.380649e-16, 9.10938e-28, 1.6735e-24, 4.8032e-10
RYDBERG, ION_ENERGY, ERG_PER_EV = 109677.58, 13.598, 1.602177e-12
HELIUM, MASS_PER_HYDROGEN = 0.085, 1.4 * 1.6726e-24
N_LEVEL, LAST_LINE = 15, 22
MICROTURBULENCE = 2e5
# rate of collisions with hydrogen atoms that broaden lines [cm3/s], rounded, and the last line that it is for
SELF_RATE, LAST_SELF = 1e-8, 8
N_PIXEL = 3909
# oscillator strengths of the Balmer lines; others by Kramers' formula with this Gaunt factor
BALMER = {3: 0.6407, 4: 0.1193, 5: 0.04467, 6: 0.02209, 7: 0.01270, 8: 0.008036, 9: 0.005429, 10: 0.003851}
GAUNT = {2: 0.95, 3: 0.93}
TEFF = np.array([5000, 5400, 5800, 6200, 6600, 7000, 7400, 7800, 8200, 8600, 9000, 9500, 10000, 10600, 11200, 12000.0])
LOGG = np.array([3.0, 3.5, 4.0, 4.5, 5.0])
M_H_GRID = np.array([-1.5, -0.5, 0.5])


def atmosphere(networks: list, labels: np.ndarray) -> list[np.ndarray]:
    """Return column mass, temperature, gas pressure and electron density by depth (cgs)."""
    cool, hot = networks
    share = np.clip((labels[0] - 7600) / 600, 0, 1)
    return [10 ** ((1 - share) * _network(cool[i], labels) + share * _network(hot[i], labels)) for i in range(4)]


def _network(data: dict, labels: np.ndarray) -> np.ndarray:
    def leaky(z: np.ndarray) -> np.ndarray:
        return np.where(z > 0, z, 0.01 * z)

    x = (labels - data["x_min"]) / (data["x_max"] - data["x_min"]) - 0.5
    for layer in (0, 1):
        x = leaky(data[f"w_array_{layer}"] @ x + data[f"b_array_{layer}"])
    return data["w_array_2"] @ x + data["b_array_2"]


def read_stark(path: Path) -> dict[tuple[int, int], tuple]:
    """Return, by lower and upper level, the table of log S(log Ne, log T, log alpha) and its axes."""
    words = (word for word in path.read_text().replace("nl=", " nl=").split())
    tables = {}
    for _ in range(int(next(words))):
        heads = [[float(next(words)) for _ in range(11)] for _ in range(int(next(words)))]
        for lower, upper, *starts_and_steps, n_alpha, n_density, n_temperature in heads:
            # the title of the table: nl=.. nu=..
            next(words)
            next(words)
            shape = (int(n_density), int(n_temperature), 1 + int(n_alpha))
            # the first number of a row is a wavelength offset
            values = np.array([float(next(words)) for _ in range(np.prod(shape))]).reshape(shape)[..., 1:]
            # in the file the order is alpha, density, temperature
            starts, steps = (np.roll(three, -1) for three in np.split(np.array(starts_and_steps), 2))
            axes = [start + step * np.arange(n) for start, step, n in zip(starts, steps, values.shape, strict=True)]
            interpolator = RegularGridInterpolator(axes, values, bounds_error=False, fill_value=None)
            tables[int(lower), int(upper)] = (interpolator, axes)
    return tables


def line_and_continuum(layers: list[np.ndarray], stark: dict, wave: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the continuum-normalised flux, and the continuum, at wavelengths in Angstrom."""
    mass, t, pressure, n_e = layers
    hydrogen = np.maximum(pressure / (K * t) - n_e, 1e5) / (1 + HELIUM)
    saha = (2 * np.pi * M_E * K * t / H**2) ** 1.5 * np.exp(-ION_ENERGY * ERG_PER_EV / (K * t)) / n_e
    neutral = hydrogen / (1 + saha)
    level = np.arange(1, N_LEVEL + 1)
    excitation = ION_ENERGY * (1 - 1 / level**2) * ERG_PER_EV
    occupied = level**2 * np.exp(-excitation / (K * t[:, None]))
    stimulated = 1 - np.exp(-H * C / (wave * 1e-8 * K * t[:, None]))
    continuum = neutral[:, None] * (
        _bound_free_of_ion(wave, t, n_e) * stimulated
        + _free_free_of_ion(wave, t, n_e)
        + _hydrogen_continuum(wave, t, occupied, excitation) * stimulated
        + 5.8e-13 / wave**4 * (1 + 1.42e6 / wave**2)
    )
    continuum += 6.65e-25 * n_e[:, None]
    lines = np.zeros_like(continuum)
    for lower in GAUNT:
        for upper in range(lower + 1, LAST_LINE + 1):
            centre = 1e8 / (RYDBERG * (1 / lower**2 - 1 / upper**2))
            near = np.abs(wave - centre) < min(900.0, 0.12 * centre)
            if 3660 < centre < 9700 and near.any():
                profile = _profile(wave[near] - centre, stark[lower, upper], t, n_e)
                if upper <= LAST_SELF:
                    profile += _self_broadening(wave[near] - centre, centre, t, neutral)
                strength = np.pi * E**2 / (M_E * C**2) * (centre * 1e-8) ** 2 * _oscillator(lower, upper)
                lines[:, near] += strength * (neutral * occupied[:, lower - 1])[:, None] * profile * stimulated[:, near]
    density = MASS_PER_HYDROGEN * hydrogen
    source = 1 / np.expm1(np.minimum(H * C / (wave * 1e-8 * K * t[:, None]), 700))
    flux, base = (_flux(opacity / density[:, None], mass, source) for opacity in (continuum + lines, continuum))
    return flux / base, base


def _bound_free_of_ion(wave: np.ndarray, t: np.ndarray, n_e: np.ndarray) -> np.ndarray:
    theta, pressure = 5040 / t[:, None], (n_e * K * t)[:, None]
    powers = (1.99654, -1.18267e-5, 2.64243e-6, -4.40524e-10, 3.23992e-14, -1.39568e-18, 2.78701e-23)
    cross = np.maximum(np.polynomial.polynomial.polyval(wave, powers), 0) * 1e-18
    return 4.158e-10 * cross * pressure * theta**2.5 * 10 ** (0.754 * theta)


def _free_free_of_ion(wave: np.ndarray, t: np.ndarray, n_e: np.ndarray) -> np.ndarray:
    log_theta, pressure, x = np.log10(5040 / t)[:, None], (n_e * K * t)[:, None], np.log10(wave)
    f0 = -2.2763 - 1.6850 * x + 0.76661 * x**2 - 0.0533464 * x**3
    f1 = 15.2827 - 9.2846 * x + 1.99381 * x**2 - 0.142631 * x**3
    f2 = -197.789 + 190.266 * x - 67.9775 * x**2 + 10.6913 * x**3 - 0.625151 * x**4
    return 1e-26 * pressure * 10 ** (f0 + f1 * log_theta + f2 * log_theta**2)


def _hydrogen_continuum(wave: np.ndarray, t: np.ndarray, occupied: np.ndarray, excitation: np.ndarray) -> np.ndarray:
    """Bound-free of the levels, and free-free together with higher levels as an integral (Unsoeld)."""
    level = np.arange(1, N_LEVEL + 1)
    bound = (wave < (level**2 * 1e8 / RYDBERG)[:, None]) / level[:, None] ** 5.0
    kramers = 2.815e29 / (C / (wave * 1e-8)) ** 3
    rest = K * t / (2 * ION_ENERGY * ERG_PER_EV) * np.exp(-excitation[-1] / (K * t))
    return kramers * (occupied @ bound + rest[:, None])


def _profile(offset: np.ndarray, table: tuple, t: np.ndarray, n_e: np.ndarray) -> np.ndarray:
    """Stark profile per cm of wavelength; beyond the table it falls with the power 2.5 of the distance."""
    interpolator, (densities, temperatures, alphas) = table
    field = 1.25e-9 * n_e[:, None] ** (2 / 3)
    alpha = np.log10(np.maximum(np.abs(offset) / field, 10 ** alphas[0]))
    beyond = np.maximum(alpha - alphas[-1], 0)
    density = np.clip(np.log10(n_e), densities[0], densities[-1])[:, None] + 0 * alpha
    temperature = np.clip(np.log10(t), temperatures[0], temperatures[-1])[:, None] + 0 * alpha
    log_s = interpolator(np.stack([density, temperature, alpha - beyond], axis=-1)) - 2.5 * beyond
    return 10**log_s / field * 1e8


def _self_broadening(offset: np.ndarray, centre: float, t: np.ndarray, neutral: np.ndarray) -> np.ndarray:
    """Lorentzian wings per cm of wavelength, cut at the Doppler width."""
    width = (SELF_RATE * (t / 5000) ** 0.1 * neutral / (4 * np.pi) * (centre * 1e-8) ** 2 / C)[:, None]
    doppler = centre * 1e-8 * np.sqrt(2 * K * t / M_H + MICROTURBULENCE**2)[:, None] / C
    return width / np.pi / ((offset * 1e-8) ** 2 + doppler**2 + width**2)


def _oscillator(lower: int, upper: int) -> float:
    if lower == 2 and upper in BALMER:
        return BALMER[upper]
    kramers = 32 / (3 * np.pi * np.sqrt(3)) / (lower**5 * upper**3) / (1 / lower**2 - 1 / upper**2) ** 3
    return GAUNT[lower] * kramers


def _flux(opacity: np.ndarray, mass: np.ndarray, source: np.ndarray) -> np.ndarray:
    step = np.diff(mass)[:, None] * (opacity[1:] + opacity[:-1]) / 2
    depth = np.concatenate([np.zeros((1, opacity.shape[1])), np.cumsum(step, axis=0)]) + mass[0] * opacity[0]
    weight = 2 * expn(3, np.minimum(depth, 50))
    between = ((source[1:] + source[:-1]) / 2 * (weight[:-1] - weight[1:])).sum(axis=0)
    return source[0] * (1 - weight[0]) + between + source[-1] * weight[-1]


def main() -> None:
    """Compute the grid and write it: depth -ln(flux) at R = 1800, shape (teff, logg, m_h, pixel)."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0].strip())
    parser.add_argument("atmosnet", type=Path, help="folder atmosnet/data")
    parser.add_argument("lemke", type=Path, help="the file lemke.dat")
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    names = [arguments.atmosnet / f"atmosnet_c3k_300neurons_{part}.pkl" for part in ("cool", "hot")]
    networks = [dill.loads(name.read_bytes()) for name in names]
    stark = read_stark(arguments.lemke)
    wave = 10 ** (LOG_FIRST + LOG_STEP * np.arange(N_PIXEL))
    depth = np.empty((len(TEFF), len(LOGG), len(M_H_GRID), N_PIXEL), dtype=np.float32)
    for i, j, k in np.ndindex(depth.shape[:3]):
        layers = atmosphere(networks, np.array([TEFF[i], LOGG[j], M_H_GRID[k], 0.0]))
        flux, _ = line_and_continuum(layers, stark, wave)
        depth[i, j, k] = -np.log(gaussian_filter1d(flux, LINE_SIGMA, mode="nearest"))
    np.savez(arguments.out, teff=TEFF, logg=LOGG, m_h=M_H_GRID, depth=depth)


if __name__ == "__main__":
    main()

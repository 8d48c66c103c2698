"""Stars with labels like those of giants, for figures: the same ones every time."""

import numpy as np

N_STAR = 400


def draw_labels(n_star: int = N_STAR, seed: int = 3) -> dict[str, np.ndarray]:
    """Return labels, S/N, positions and residuals of stars along a giant branch."""
    rng = np.random.default_rng(seed)
    logg = rng.uniform(0.8, 3.6, n_star)
    fe_h = np.clip(rng.normal(-0.25, 0.3, n_star), -2, 0.5)
    teff = 3700 + 430 * logg - 250 * fe_h + rng.normal(0, 60, n_star)
    alpha_m = np.where(rng.random(n_star) < 0.3, 0.22, 0.05) - 0.1 * fe_h + rng.normal(0, 0.02, n_star)
    return {
        "teff": teff,
        "logg": logg,
        "fe_h": fe_h,
        "alpha_m": alpha_m,
        "snr": np.exp(rng.normal(3.8, 0.7, n_star)),
        "rchi2": np.exp(rng.normal(-0.6, 0.3, n_star)),
        "ra": rng.uniform(0, 360, n_star),
        "dec": np.rad2deg(np.arcsin(rng.uniform(-0.1, 0.9, n_star))),
    }

"""
Time training of this package and of others on the same arrays in one run: python benchmarks/training.py --help.

Competitors are optional: TheCannon 0.7.3 and annieslasso 0.2.96 from PyPI, if they are installed. They and a plain
scipy fit train every k-th pixel (--every), and the time is multiplied by k; this package trains all pixels. Reading and
preparing spectra is not included.
"""

import argparse
import contextlib
import io
import time
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.optimize import minimize_scalar

from bayescannon.models.coefficient_priors import PooledCoefficients
from bayescannon.models.label_vector import label_vector, n_terms
from bayescannon.models.noise_priors import GlobalNoise
from bayescannon.models.reported_stars import ReportedStars
from bayescannon.models.spectral_priors import SpectralPriors
from bayescannon.numerics.threads import n_cores
from bayescannon.pixels.block import LabelMoments
from bayescannon.pixels.draft_fit import draft_spectral
from bayescannon.pixels.fit import fit_pixels
from bayescannon.pixels.latent_label_fit import fit_latent_labels
from bayescannon.pixels.spectral_fit import fit_spectral

# standard deviation of the errors of scaled labels, whose spread is 1
LABEL_ERROR = 0.15


def survey(n_star: int, n_pixel: int, n_label: int, seed: int = 0) -> tuple[np.ndarray, ...]:
    """Draw scaled labels, normalised flux and inverse variance; noise and scatter as in LAMOST giants."""
    rng = np.random.default_rng(seed)
    labels = rng.normal(size=(n_star, n_label)).clip(-2.5, 2.5)
    theta = 0.01 * rng.normal(size=(n_pixel, n_terms(n_label))) * np.exp(rng.normal(-0.5, 1, n_pixel))[:, None]
    theta[:, 1 + n_label :] *= 0.15
    theta[:, 0] = 1
    scatter = np.exp(rng.normal(-5, 0.7, n_pixel))
    sigma = np.exp(rng.normal(-4, 0.6, size=(n_star, 1))) * np.ones(n_pixel)
    flux = label_vector(labels) @ theta.T + np.hypot(sigma, scatter) * rng.normal(size=sigma.shape)
    ivar = 1 / (3 * sigma**2)
    ivar[rng.random(ivar.shape) < 0.02] = 0
    return labels, flux.astype(np.float32), ivar.astype(np.float32)


def plain_scipy(vectors: np.ndarray, flux: np.ndarray, ivar: np.ndarray) -> None:
    """Fit each pixel by weighted least squares inside a bounded search for the scatter."""

    def objective(s: float, f: np.ndarray, w: np.ndarray, v: np.ndarray) -> float:
        weight = w / (1 + s * s * w)
        theta = np.linalg.solve(v.T @ (weight[:, None] * v), v.T @ (weight * f))
        return float(np.sum(weight * (f - v @ theta) ** 2 - np.log(weight)))

    for p in range(flux.shape[1]):
        live = ivar[:, p] > 0
        data = (flux[live, p].astype(float), ivar[live, p].astype(float), vectors[live])
        minimize_scalar(objective, bounds=(0, 0.5), args=data, method="bounded", options={"xatol": 1e-7})


def released_code(labels: np.ndarray, flux: np.ndarray, ivar: np.ndarray) -> None:
    """Train with PyPI's TheCannon, the code released with Ho et al. (2017)."""
    from TheCannon.train_model import _train_model

    dataset = SimpleNamespace(
        tr_label=labels.copy(), tr_flux=flux.astype(float), tr_ivar=ivar.astype(float), wl=np.arange(flux.shape[1]),
        get_plotting_labels=lambda: None,
    )  # fmt: skip
    _train_model(dataset)


def annieslasso(labels: np.ndarray, flux: np.ndarray, ivar: np.ndarray) -> None:
    """Train with PyPI's annieslasso (Casey et al. 2016), without regularisation."""
    import thecannon
    from astropy.table import Table as Labels

    names = [f"label_{k}" for k in range(labels.shape[1])]
    vectorizer = thecannon.vectorizer.PolynomialVectorizer(names, 2)
    model = thecannon.CannonModel(
        Labels(labels, names=names), flux.astype(float), ivar.astype(float), vectorizer=vectorizer
    )
    model.train(threads=1)


def clock(call: Callable[[], object], repeats: int) -> float:
    """Return the shortest wall time of several calls, in seconds."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            call()
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    """Run the benchmark and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stars", type=int, default=9952)
    parser.add_argument("--pixels", type=int, default=3626)
    parser.add_argument("--labels", type=int, default=5)
    parser.add_argument("--every", type=int, default=100, help="k: competitors train only every k-th pixel")
    parser.add_argument("--repeats", type=int, default=2)
    options = parser.parse_args()
    labels, flux, ivar = survey(options.stars, options.pixels, options.labels)
    vectors = label_vector(labels)
    fit_pixels(vectors[:200], flux[:200, :4], ivar[:200, :4])  # compiles
    some = (flux[:, :: options.every], ivar[:, :: options.every])
    share = some[0].shape[1] / options.pixels
    ours = {
        "bayescannon, flat (the paper)": SpectralPriors(),
        "bayescannon, pooled": SpectralPriors(PooledCoefficients()),
        "bayescannon, flat, global kappa": SpectralPriors(noise=GlobalNoise()),
        "bayescannon, pooled, global kappa": SpectralPriors(PooledCoefficients(), noise=GlobalNoise()),
    }
    times = {}
    for name, priors in ours.items():
        train = partial(fit_spectral, vectors, flux, ivar, n_label=options.labels, priors=priors)
        times[name] = clock(train, options.repeats)
    # low rank: flat training of the reported labels is its first step
    exact = ReportedStars(labels, np.zeros(labels.shape), flux, ivar)
    times["bayescannon, flat, 12 hidden components"] = clock(partial(fit_latent_labels, exact), options.repeats)
    rough = partial(
        draft_spectral, LabelMoments.known(vectors), flux, ivar, n_label=options.labels,
        priors=SpectralPriors(PooledCoefficients(), noise=GlobalNoise()),
    )  # fmt: skip
    times["bayescannon, pooled, global kappa, from samples"] = clock(rough, options.repeats)
    reported = labels + LABEL_ERROR * np.random.default_rng(1).normal(size=labels.shape)
    stars = ReportedStars(reported, np.full(labels.shape, LABEL_ERROR**2), flux, ivar)
    train = partial(fit_latent_labels, stars)
    times["bayescannon, flat, label errors"] = clock(train, options.repeats)
    missing = []
    for name, call in (
        ("plain scipy, one core", lambda: plain_scipy(vectors, *some)),
        ("TheCannon 0.7.3, one core", lambda: released_code(labels, *some)),
        ("annieslasso 0.2.96, one core", lambda: annieslasso(labels, *some)),
    ):
        try:
            times[name] = clock(call, 1) / share
        except ImportError as error:
            missing.append(f"{name}: left out, {error}")
        except Exception as error:  # a competitor may not run with the installed numpy; this is reported
            missing.append(f"{name}: failed with {type(error).__name__}: {error}")
    console = Console(width=110)
    size = f"{options.stars} stars x {options.pixels} pixels x {vectors.shape[1]} terms"
    table = Table(title=f"{size}, {n_cores()} cores")
    for column in ("training", "seconds", "relative to flat"):
        table.add_column(column, justify="left" if column == "training" else "right")
    flat = times["bayescannon, flat (the paper)"]
    for name, seconds in times.items():
        table.add_row(name, f"{seconds:.1f}", f"{seconds / flat:.1f}")
    console.print(table)
    for line in missing:
        console.print(line)


if __name__ == "__main__":
    main()

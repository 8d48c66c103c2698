"""
Time training of this package and of others on the same arrays in one run: python benchmarks/training.py --help.

Every line is timed on one thread and on two, and what it needs of a product of matrices in double precision that is
timed on the same threads, (T (T + 3) / 2 x stars)(stars x pixels), is said beside it. Of competitors the faster time
counts; on a machine that others use too, the times of the processor are those to compare. They are optional: TheCannon
0.7.3 and annieslasso 0.2.96 from PyPI, if they are installed. They and a plain scipy fit train every k-th pixel
(--every), and the time is multiplied by k; this package trains all pixels. Reading spectra is not included.
"""

import argparse
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
from fair_clock import Timing, machine, product, timed
from rich.console import Console
from rich.table import Table
from scipy.optimize import minimize_scalar

from bayescannon.models.coefficient_priors import PooledCoefficients
from bayescannon.models.label_vector import label_vector, n_terms
from bayescannon.models.noise_priors import GlobalNoise
from bayescannon.models.reported_stars import ReportedStars
from bayescannon.models.spectral_priors import SpectralPriors
from bayescannon.pixels.block import LabelMoments
from bayescannon.pixels.draft_fit import draft_spectral
from bayescannon.pixels.latent_label_fit import fit_latent_labels
from bayescannon.pixels.solver import Solver
from bayescannon.pixels.spectral_fit import fit_spectral

# standard deviation of the errors of scaled labels, whose spread is 1
LABEL_ERROR = 0.15
FLAT = "bayescannon, flat (the paper)"
THREADS = (1, 2)


def survey(n_star: int, n_pixel: int, n_label: int, seed: int = 0) -> tuple[np.ndarray, ...]:
    """Draw scaled labels, normalised flux and inverse variance; noise and scatter as in LAMOST giants."""
    rng = np.random.default_rng(seed)
    labels = rng.normal(size=(n_star, n_label)).clip(-2.5, 2.5)
    theta, scatter = survey_theta(rng, n_pixel, n_label)
    sigma = np.exp(rng.normal(-4, 0.6, size=(n_star, 1))) * np.ones(n_pixel)
    flux = label_vector(labels) @ theta.T + np.hypot(sigma, scatter) * rng.normal(size=sigma.shape)
    ivar = 1 / (3 * sigma**2)
    ivar[rng.random(ivar.shape) < 0.02] = 0
    return labels, flux.astype(np.float32), ivar.astype(np.float32)


def survey_theta(rng: np.random.Generator, n_pixel: int, n_label: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw coefficients (pixel, T) and scatters (pixel,)."""
    theta = 0.01 * rng.normal(size=(n_pixel, n_terms(n_label))) * np.exp(rng.normal(-0.5, 1, n_pixel))[:, None]
    theta[:, 1 + n_label :] *= 0.15
    theta[:, 0] = 1
    return theta, np.exp(rng.normal(-5, 0.7, n_pixel))


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


def ours(labels: np.ndarray, flux: np.ndarray, ivar: np.ndarray, *, latent: bool) -> dict[str, Callable[[int], object]]:
    """Return the trainings of this package by name, each a function of the number of threads."""
    n_label = labels.shape[1]
    vectors = label_vector(labels)
    pooled = SpectralPriors(PooledCoefficients(), noise=GlobalNoise())
    kinds = {
        FLAT: SpectralPriors(),
        "bayescannon, pooled": SpectralPriors(PooledCoefficients()),
        "bayescannon, flat, global kappa": SpectralPriors(noise=GlobalNoise()),
        "bayescannon, pooled, global kappa": pooled,
    }

    def spectral(priors: SpectralPriors, **solver: bool) -> Callable[[int], object]:
        return lambda threads: fit_spectral(
            vectors, flux, ivar, n_label=n_label, priors=priors, solver=Solver(workers=threads, **solver)
        )

    calls = {name: spectral(priors) for name, priors in kinds.items()}
    calls["bayescannon, flat, in double precision"] = spectral(SpectralPriors(), double=True)
    if not latent:
        return calls
    # low rank: flat training of the reported labels is its first step
    exact = ReportedStars(labels, np.zeros(labels.shape), flux, ivar)
    reported = labels + LABEL_ERROR * np.random.default_rng(1).normal(size=labels.shape)
    stars = ReportedStars(reported, np.full(labels.shape, LABEL_ERROR**2), flux, ivar)
    calls["bayescannon, flat, 12 hidden components"] = lambda threads: fit_latent_labels(exact, workers=threads)
    calls["bayescannon, pooled, global kappa, from samples"] = lambda threads: draft_spectral(
        LabelMoments.known(vectors), flux, ivar, n_label=n_label, priors=pooled, solver=Solver(workers=threads)
    )
    calls["bayescannon, flat, label errors"] = lambda threads: fit_latent_labels(stars, workers=threads)
    return calls


def compiled() -> None:
    """Compile what the trainings call, on few stars."""
    labels, flux, ivar = survey(1000, 1100, 2)
    for call in ours(labels, flux, ivar, latent=False).values():
        call(1)


def training_ratios() -> dict[str, float]:
    """
    Return processor times of training on one thread, in units of a product of matrices in double precision.

    The keys say what was trained; 9,952 stars, 1,100 pixels and 21 terms.
    """
    compiled()
    labels, flux, ivar = survey(9952, 1100, 5)
    unit = product(252, 9952, 1100, threads=1).processor
    calls = ours(labels, flux, ivar, latent=False)
    names = (FLAT, "bayescannon, pooled, global kappa", "bayescannon, flat, in double precision")
    ratios = {name: timed(calls[name], threads=1).processor / unit for name in names}
    few = slice(None, None, 55)
    share = len(range(*few.indices(1100))) / 1100
    plain = timed(lambda _: plain_scipy(label_vector(labels), flux[:, few], ivar[:, few]), threads=1)
    return ratios | {"plain scipy": plain.processor / share / unit}


def main() -> None:
    """Run the benchmark and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stars", type=int, default=9952)
    parser.add_argument("--pixels", type=int, default=3626)
    parser.add_argument("--labels", type=int, default=5)
    parser.add_argument("--every", type=int, default=100, help="k: competitors train only every k-th pixel")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--latent", action="store_true", help="hidden components and label errors too")
    options = parser.parse_args()
    compiled()
    labels, flux, ivar = survey(options.stars, options.pixels, options.labels)
    vectors = label_vector(labels)
    n_products = vectors.shape[1] * (vectors.shape[1] + 3) // 2
    units = {n: product(n_products, options.stars, options.pixels, threads=n, repeats=5) for n in THREADS}
    found: dict[str, list[Timing]] = {"product of matrices, float64": list(units.values())}
    for name, call in ours(labels, flux, ivar, latent=options.latent).items():
        found[name] = [timed(call, threads=n, repeats=options.repeats) for n in THREADS]
    some = (flux[:, :: options.every], ivar[:, :: options.every])
    share = some[0].shape[1] / options.pixels
    missing = []
    for name, call in (
        ("plain scipy", lambda _: plain_scipy(vectors, *some)),
        ("TheCannon 0.7.3", lambda _: released_code(labels, *some)),
        ("annieslasso 0.2.96", lambda _: annieslasso(labels, *some)),
    ):
        try:
            found[name] = [timed(call, threads=n).times(1 / share) for n in THREADS]
        except ImportError as error:
            missing.append(f"{name}: left out, {error}")
        except Exception as error:  # a competitor may not run with the installed numpy; this is reported
            missing.append(f"{name}: failed with {type(error).__name__}: {error}")
    table = Table(title=f"{options.stars} stars x {options.pixels} pixels x {vectors.shape[1]} terms; {machine()}")
    table.add_column("training")
    for column in (
        "threads",
        "wall [s]",
        "processor [s]",
        "products, wall",
        "products, processor",
        "of flat, processor",
    ):
        table.add_column(column, justify="right")
    for name, timings in found.items():
        for one, flat in zip(timings, found[FLAT], strict=True):
            table.add_row(
                name, str(one.threads), f"{one.wall:.2f}", f"{one.processor:.2f}",
                f"{one.wall / units[one.threads].wall:.1f}", f"{one.processor / units[one.threads].processor:.1f}",
                f"{one.processor / flat.processor:.1f}",
            )  # fmt: skip
    console = Console(width=130)
    console.print(table)
    for line in missing:
        console.print(line)


if __name__ == "__main__":
    main()

"""
Time labels of stars against others on the same arrays in one run: python benchmarks/labelling.py --help.

The stars are those of benchmarks/training.py with its coefficients and scatters known. All search from the same seven
starts. Others are timed on few stars, on one thread and on two, and the shorter time counts. The unit is one product
of matrices in single precision, which is what the likelihood of a star needs of its pixels.
"""

import argparse
from collections.abc import Callable, Sequence

import numpy as np
from fair_clock import Timing, best, machine, timed
from rich.console import Console
from rich.table import Table
from scipy.optimize import curve_fit

from bayescannon.models.label_vector import label_vector, n_terms
from bayescannon.stars.importance import sample_modes
from bayescannon.stars.modes import find_modes
from bayescannon.stars.optimum import best_optimum
from bayescannon.stars.pixel_columns import PixelColumns
from bayescannon.stars.quartic import Quartic, compress_pixels

STARTS = 7
LABELS, POSTERIOR, CURVE_FIT = "labels from seven starts", "posterior, 1,000 draws", "scipy curve_fit, seven starts"


class Stars:
    """Spectra of stars under a known model: noise and scatter as in LAMOST giants."""

    def __init__(self, n_star: int, n_pixel: int = 3626, n_label: int = 5, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self.labels = rng.normal(size=(n_star, n_label)).clip(-2.5, 2.5)
        self.theta = 0.01 * rng.normal(size=(n_pixel, n_terms(n_label)))
        self.theta *= np.exp(rng.normal(-0.5, 1, n_pixel))[:, None]
        self.theta[:, 1 + n_label :] *= 0.15
        self.theta[:, 0] = 1
        self.scatter = np.exp(rng.normal(-5, 0.7, n_pixel))
        sigma = np.exp(rng.normal(-4, 0.6, size=(n_star, 1))) * np.ones(n_pixel)
        noise = np.hypot(sigma, self.scatter) * rng.normal(size=sigma.shape)
        self.flux = (label_vector(self.labels) @ self.theta.T + noise).astype(np.float32)
        self.ivar = (1 / sigma**2).astype(np.float32)
        self.ivar[rng.random(self.ivar.shape) < 0.02] = 0
        self.starts = rng.normal(size=(STARTS, n_label))
        self.columns = PixelColumns.of(self.theta, self.scatter)

    def compressed(self, workers: int) -> Quartic:
        """Return the likelihoods."""
        return compress_pixels(self.columns, self.flux, self.ivar, n_label=self.labels.shape[1], workers=workers)

    def found(self, workers: int) -> np.ndarray:
        """Return the labels of the best optimum."""
        quartic = self.compressed(workers)
        optima = find_modes(quartic, self.starts, workers=workers)
        return best_optimum(quartic, optima, workers=workers).scaled

    def sampled(self, workers: int) -> np.ndarray:
        """Return the means of posteriors."""
        quartic = self.compressed(workers)
        optima = find_modes(quartic, self.starts, workers=workers)
        seeds = np.arange(len(self.flux), dtype=np.uint64)
        return sample_modes(quartic, optima, seeds, n_draws=1000, workers=workers).mean

    def product(self) -> None:
        """Multiply the pixels of all stars with the products of coefficients."""
        for first in range(0, len(self.ivar), 128):
            _ = self.ivar[first : first + 128] @ self.columns.single[0]

    def by_curve_fit(self, n_star: int) -> np.ndarray:
        """Return the labels of the first stars as the released code finds them: curve_fit from every start."""
        found = []
        for n in range(n_star):
            live = self.ivar[n] > 0
            sigma = np.sqrt(1 / self.ivar[n, live] + self.scatter[live] ** 2)
            flux, theta = self.flux[n, live].astype(float), self.theta[live]

            def model(_: object, *labels: float, theta: np.ndarray = theta) -> np.ndarray:
                return theta @ label_vector(np.array(labels))

            ends = []
            for start in self.starts:
                labels, _ = curve_fit(model, None, flux, p0=start, sigma=sigma, absolute_sigma=True)
                ends.append((float(np.sum(((flux - model(None, *labels)) / sigma) ** 2)), labels))
            found.append(min(ends, key=lambda one: one[0])[1])
        return np.array(found)


def compare(n_star: int, n_few: int, threads: Sequence[int] = (1, 2)) -> tuple[dict[str, list[Timing]], float]:
    """
    Time everything, per star.

    Returns
    -------
    found : dict of name to a Timing for each number of threads, in seconds per star
        Of competitors the best one.
    apart : float
        Largest difference from the labels of curve_fit, in scaled labels.
    """
    stars = Stars(n_star)
    few = Stars(256)
    for call in (few.found, few.sampled):  # compiles
        call(1)
    calls: dict[str, Callable[[int], object]] = {
        "product of matrices, float32": lambda _: stars.product(),
        "compression of the pixels": stars.compressed,
        LABELS: stars.found,
        POSTERIOR: stars.sampled,
    }
    found = {
        name: [timed(call, threads=n, repeats=5).times(1 / n_star) for n in threads] for name, call in calls.items()
    }
    found[CURVE_FIT] = [best(lambda _: stars.by_curve_fit(n_few), threads=threads).times(1 / n_few)]
    apart = np.abs(stars.found(1)[:n_few] - stars.by_curve_fit(n_few)).max()
    return found, float(apart)


def labelling_ratios(n_star: int = 2048, n_few: int = 4) -> dict[str, float]:
    """Return times per star on one thread, in units of one product of matrices in single precision."""
    found, _ = compare(n_star, n_few, threads=(1,))
    unit = found.pop("product of matrices, float32")[0].wall
    return {name: timings[0].wall / unit for name, timings in found.items()}


def main() -> None:
    """Run the benchmark and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stars", type=int, default=8192)
    parser.add_argument("--few", type=int, default=30, help="stars of the others")
    options = parser.parse_args()
    found, apart = compare(options.stars, options.few)
    unit = {one.threads: one.wall for one in found["product of matrices, float32"]}
    table = Table(title=f"{options.stars} stars x 3626 pixels x 5 labels; {machine()}")
    table.add_column("of one star")
    for column in ("threads", "wall [ms]", "processor [ms]", "products"):
        table.add_column(column, justify="right")
    for name, timings in found.items():
        for one in timings:
            table.add_row(
                name, str(one.threads), f"{1e3 * one.wall:.4f}", f"{1e3 * one.processor:.4f}",
                f"{one.wall / unit[one.threads]:.1f}",
            )  # fmt: skip
    console = Console(width=110)
    console.print(table)
    console.print(f"largest difference from curve_fit: {apart:.1e} standard deviations of the labels", highlight=False)


if __name__ == "__main__":
    main()

"""
Time posteriors of mock stars, and compare them with NUTS: python benchmarks/posterior.py --help.

Importance sampling and nutpie sample the same stars in one run. The time per star includes the search of minima; the
compression of the pixels has rows of its own. Training, reading and, except for NUTS, compilation are not included.
Importance sampling is timed on one thread and on two, NUTS with a chain on every core.
"""

import argparse

import numpy as np
from fair_clock import machine, timed
from rich.console import Console
from rich.table import Table
from uncertainties import clock

import bayescannon as bc
from bayescannon.cannon.label_priors import LABEL_PRIORS, build_label_prior
from bayescannon.cannon.labelling import draw_starts
from bayescannon.cannon.likelihood import star_quartic
from bayescannon.cannon.options import TrainingOptions
from bayescannon.data.flags import PosteriorStatus
from bayescannon.numerics.threads import n_cores
from bayescannon.stars.importance import LabelPosterior, sample_labels, star_seeds
from bayescannon.stars.nuts import can_sample, sample_nuts


def main() -> None:
    """Run the benchmark and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference", type=int, default=1200, help="reference stars")
    parser.add_argument("--stars", type=int, default=4000, help="stars to sample")
    parser.add_argument("--nuts", type=int, default=200, help="stars to sample also with NUTS; 0 for none")
    parser.add_argument("--draws", type=int, default=1000, help="draws per star in the timing")
    parser.add_argument("--prior", choices=LABEL_PRIORS, default="flat")
    options = parser.parse_args()
    console = Console(width=110)
    survey = bc.simulate_survey(options.reference, options.stars, seed=5)
    spectra = bc.prepare_spectra(list(survey.spectra()))
    table = bc.read_labels(survey.apogee, format="allstar-dr12")
    training = TrainingOptions.from_names(coefficients="pooled", noise="global")
    model, _ = bc.train_clipped(bc.build_reference(spectra, table), options=training)
    # stars of low S/N first, because their posteriors are least Gaussian
    order = np.argsort(spectra.columns["snr"])[: options.stars]
    stars = spectra.select(order)
    prior = build_label_prior(options.prior, model)
    density = prior.density(model.scaler)
    starts, seeds = draw_starts(model, 7, seed=0), star_seeds(stars.id, 0)
    quartic = star_quartic(model, stars)

    def sample(workers: int) -> LabelPosterior:
        return sample_labels(quartic, starts, seeds, density=density, n_draws=options.draws, workers=workers)

    found = sample(1)
    rows = Table(title=f"{len(stars)} stars, {len(model.label_names)} labels, {options.draws} draws; {machine()}")
    rows.add_column("step")
    for column in ("threads", "wall [ms per star]", "processor [ms per star]"):
        rows.add_column(column, justify="right")
    for name, call in (
        ("compression of the pixels", lambda workers: star_quartic(model, stars, workers=workers)),
        ("seven starts, search, draws, weights, summary", sample),
    ):
        for threads in (1, 2):
            one = timed(call, threads=threads, repeats=3).times(1e3 / len(stars))
            rows.add_row(name, str(threads), f"{one.wall:.3f}", f"{one.processor:.3f}")
    few = slice(0, options.nuts)
    if options.nuts and can_sample():
        fine = sample_labels(quartic.select(few), starts, seeds[few], density=density, n_draws=20_000)

        def nuts(n_draws: int) -> LabelPosterior:
            return sample_nuts(
                quartic.select(few),
                fine,
                prior=prior,
                scaler=model.scaler,
                n_draws=n_draws,
                cores=n_cores(),
            )

        short, _ = clock(lambda: nuts(400))
        long, chains = clock(lambda: nuts(20_000))
        for name, seconds in (("20,000 draws", long), ("400 draws", short)):
            rows.add_row(f"NUTS, {name}, with compilation", str(n_cores()), f"{seconds * 1e3 / options.nuts:.1f}", "")
    console.print(rows)
    counts = np.bincount(found.status, minlength=len(PosteriorStatus))
    console.print(", ".join(f"{PosteriorStatus(k).name} {count}" for k, count in enumerate(counts)), highlight=False)
    console.print(f"stars with several modes: {int((found.n_modes > 1).sum())}", highlight=False)
    if options.nuts and can_sample():
        deviation = np.sqrt(np.diagonal(chains.covariance, axis1=1, axis2=2))
        good = (fine.k_hat < 0.7) & (chains.status == PosteriorStatus.NUTS)
        off = np.abs(fine.mean - chains.mean)[good] / deviation[good]
        width = np.abs(np.sqrt(np.diagonal(fine.covariance, axis1=1, axis2=2))[good] / deviation[good] - 1)
        console.print(
            f"compared with NUTS, {good.sum()} of {options.nuts} stars: means differ by {np.sqrt((off**2).mean()):.3f} "
            f"(rms) and {off.max():.3f} (largest) of a standard deviation,\n"
            f"widths by {100 * np.sqrt((width**2).mean()):.1f} % (rms) and {100 * width.max():.1f} % (largest)",
            highlight=False,
        )


if __name__ == "__main__":
    main()

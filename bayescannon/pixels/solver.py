"""The numerical options of the pixels' fit."""

from dataclasses import dataclass

from bayescannon.numerics.errors import InputError

SCATTERS = ("exact", "grid", "fixed", "step", "near")


@dataclass(frozen=True)
class Solver:
    """
    Options of :func:`bayescannon.pixels.fit.fit_pixels` that are not part of the model.

    Attributes
    ----------
    scatter : {"exact", "grid", "fixed", "step", "near"}
        The exact optimum; the paper's grid of scatters refined by a parabola, for comparison; the starting scatters,
        unchanged; one Newton step from these, in one pass, after which the coefficients are those before it, without
        their covariance; or Newton steps from these (or from 0) until they are within the tolerance, with the
        coefficients moved along. The last two take a pixel as dead where its start has no scatter.
    tolerance : float
        Newton stops when a step changes s^2 by less than this fraction.
    block : int
        Pixels per block, twice as many where sums are in single precision; the memory is about 6 arrays of shape
        (star, block) per worker.
    single : bool
        Single precision for sums of products of label vectors, which is enough between rounds.
    double : bool
        Sums in double precision only. Otherwise data in single precision of some hundred stars or more are summed in
        single precision where the optimum moves by less than 10^-3 of a formal error, with a start from a sample of the
        stars: see :mod:`bayescannon.pixels.mixed_block` and :mod:`bayescannon.pixels.mixed_search`. Newton's method
        then also ends with a step of less than a twentieth of a formal error.
    rough : bool
        Kappa and populations from samples of pixels and stars, as the start of hidden components or latent labels: see
        :func:`bayescannon.pixels.draft_fit.draft_spectral`. A fit of pixels alone has none.
    workers : int or None
        Threads; None takes every core. The result does not depend on it.
    """

    scatter: str = "exact"
    tolerance: float = 1e-6
    block: int = 64
    single: bool = False
    double: bool = False
    rough: bool = False
    workers: int | None = None

    def __post_init__(self) -> None:
        if self.scatter not in SCATTERS:
            raise InputError(f"scatter must be 'exact', 'grid', 'fixed', 'step' or 'near'; got {self.scatter!r}")

"""
Clocks for comparisons: every call runs on a stated number of threads, and more are an error.

Small products of matrices are several times slower on two BLAS threads than on one, so that a competitor is timed on
one and on two, and the faster time counts.
"""

import contextlib
import io
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numba
import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

from bayescannon.numerics.threads import n_cores

# what clocks may be off by, and threads that hardly do anything
_SLACK, _SHORT = 1.25, 0.2


class ThreadsError(RuntimeError):
    """A call that ran on more threads than it was given."""


@dataclass(frozen=True)
class Timing:
    """
    The shortest of several calls.

    Attributes
    ----------
    wall, processor : float
        Seconds; those of the processor are summed over threads.
    threads : int
        That the call was given.
    """

    wall: float
    processor: float
    threads: int

    def times(self, factor: float) -> "Timing":
        """Return the time of `factor` times the work."""
        return Timing(self.wall * factor, self.processor * factor, self.threads)


def timed(call: Callable[[int], object], *, threads: int, repeats: int = 1) -> Timing:
    """
    Time a call, which is given the number of threads that it may use.

    BLAS and OpenMP libraries, and numba, are limited to them; what a call prints is not shown.

    Raises
    ------
    ThreadsError
        A library did not take the limit, or the processor worked for longer than the threads could.
    """
    found = []
    cores = numba.get_num_threads()
    numba.set_num_threads(min(threads, cores))
    try:
        with threadpool_limits(threads):
            more = [one["internal_api"] for one in threadpool_info() if one["num_threads"] > threads]
            if more:
                raise ThreadsError(f"{', '.join(more)} did not take the limit of {threads} threads")
            for _ in range(repeats):
                began, used = time.perf_counter(), time.process_time()
                with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                    call(threads)
                wall, processor = time.perf_counter() - began, time.process_time() - used
                if processor > _SLACK * threads * wall + _SHORT:
                    raise ThreadsError(
                        f"the call used {processor / wall:.1f} threads and was given {threads}; the processor worked "
                        f"for {processor:.2f} s in {wall:.2f} s"
                    )
                found.append(Timing(wall, processor, threads))
    finally:
        numba.set_num_threads(cores)
    return min(found, key=lambda one: one.wall)


def best(call: Callable[[int], object], *, threads: Sequence[int] = (1, 2), repeats: int = 1) -> Timing:
    """Time a call on each number of threads; return the shortest time."""
    return min((timed(call, threads=n, repeats=repeats) for n in threads), key=lambda one: one.wall)


def product(n_left: int, n_sum: int, n_right: int, *, threads: int, repeats: int = 3) -> Timing:
    """Time the product of matrices (n_left, n_sum) and (n_sum, n_right) in double precision."""
    rng = np.random.default_rng(0)
    left, right = rng.normal(size=(n_sum, n_left)), rng.normal(size=(n_sum, n_right))
    return timed(lambda _: left.T @ right, threads=threads, repeats=repeats)


def machine() -> str:
    """Return the processor and the number of cores that may be used."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        name = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        name = platform.processor() or platform.machine()
    return f"{name}, {n_cores()} cores"

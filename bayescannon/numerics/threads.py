"""What this process may use of the machine, and work shared out over its cores."""

import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any

from threadpoolctl import threadpool_limits

from bayescannon.numerics.whole_numbers import whole_number

# whether the thread that asks was started here
_thread = threading.local()


def n_cores() -> int:
    """Count the cores that this process may run on."""
    if hasattr(os, "process_cpu_count"):  # Python 3.13 on
        return os.process_cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def one_blas_thread() -> AbstractContextManager[Any]:
    """Return a context in which BLAS uses one thread: for many small products, several at once."""
    limits: AbstractContextManager[Any] = threadpool_limits(1, user_api="blas")
    return limits


def map_items[T](function: Callable[..., T], *items: Iterable[Any], workers: int | None = None) -> list[T]:
    """
    Call a function on items, several at once, each call with one BLAS thread.

    A result does not depend on `workers`. A call from within `function` runs in the thread that makes it: the cores
    are at work already.

    Parameters
    ----------
    function : callable
        Must release the GIL, as NumPy and compiled kernels do, to gain by threads.
    items : iterables
        The arguments of the calls, one iterable for each argument.
    workers : int or None
        Threads; None takes every core.

    Returns
    -------
    results : list
        In the order of the items.
    """
    n_workers = n_cores() if workers is None else whole_number(workers, "workers", least=1)
    if getattr(_thread, "is_worker", False):
        return list(map(function, *items))
    with (
        one_blas_thread(),
        ThreadPoolExecutor(n_workers, initializer=setattr, initargs=(_thread, "is_worker", True)) as pool,
    ):
        return list(pool.map(function, *items))


def map_blocks[T](function: Callable[[slice], T], n: int, block: int, workers: int | None = None) -> list[T]:
    """
    Call a function on consecutive blocks of n items, as :func:`map_items`.

    Parameters
    ----------
    function : callable
        Takes the slice of a block.
    n : int
        Items; 0 calls nothing.
    block : int
        Items of a block; the last one may be shorter.
    workers : int or None
        Threads; None takes every core.

    Returns
    -------
    results : list
        One for each block, in order.
    """
    blocks = [slice(first, min(first + block, n)) for first in range(0, n, block)]
    return map_items(function, blocks, workers=workers)

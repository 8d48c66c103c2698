"""The number of cores that this process may use, and work in threads on them."""

import os
import sys
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any

from threadpoolctl import ThreadpoolController, threadpool_limits

from bayescannon.numerics.whole_numbers import whole_number

# marks the threads that map_items starts
_thread = threading.local()
# the thread pools of loaded libraries, and how many modules were imported when they were looked for
_pools: dict[int, ThreadpoolController] = {}


def n_cores() -> int:
    """Count the cores that this process may run on."""
    if hasattr(os, "process_cpu_count"):  # Python 3.13 on
        return os.process_cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def one_blas_thread() -> AbstractContextManager[Any]:
    """Return a context in which BLAS uses one thread, for many small products that run in parallel."""
    # looking for the libraries takes most of a millisecond; only an import can load another one
    number = len(sys.modules)
    pools = _pools.get(number)
    if pools is None:
        pools = ThreadpoolController()
        _pools.clear()
        _pools[number] = pools
    limits: AbstractContextManager[Any] = pools.limit(limits=1, user_api="blas")
    return limits


def stay_in_this_thread() -> None:
    """Let BLAS, OpenMP and numba use one thread for good, and :func:`map_items` this one: in a process of many."""
    threadpool_limits(1)
    numba = sys.modules.get("numba")
    if numba is not None:
        numba.set_num_threads(1)
    _thread.is_worker = True


def map_items[T](function: Callable[..., T], *items: Iterable[Any], workers: int | None = None) -> list[T]:
    """
    Call a function on items in parallel threads, each call with one BLAS thread.

    The results do not depend on `workers`. A call from inside `function` starts no further threads, because every core
    is in use already.

    Parameters
    ----------
    function : callable
        Threads help only if it releases the GIL, as NumPy and compiled kernels do.
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
    with one_blas_thread():
        if n_workers == 1:
            _thread.is_worker = True
            try:
                return list(map(function, *items))
            finally:
                _thread.is_worker = False
        with ThreadPoolExecutor(n_workers, initializer=setattr, initargs=(_thread, "is_worker", True)) as pool:
            return list(pool.map(function, *items))


def map_blocks[T](function: Callable[[slice], T], n: int, block: int, workers: int | None = None) -> list[T]:
    """
    Call a function on consecutive blocks of n items, in threads as in :func:`map_items`.

    Parameters
    ----------
    function : callable
        Takes the slice of a block.
    n : int
        Number of items; with 0 the function is not called.
    block : int
        Items per block; the last block may be shorter.
    workers : int or None
        Threads; None takes every core.

    Returns
    -------
    results : list
        One for each block, in order.
    """
    blocks = [slice(first, min(first + block, n)) for first in range(0, n, block)]
    return map_items(function, blocks, workers=workers)

"""One way to do many tasks: in this process, in worker processes, or on a dask cluster, with the same results."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, runtime_checkable

from bayescannon.numerics.dask_executor import LOCAL, DaskExecutor
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.process_executor import ProcessExecutor
from bayescannon.numerics.tasks import WorkerError
from bayescannon.numerics.threads import one_blas_thread

__all__ = [
    "DaskExecutor", "Executor", "ProcessExecutor", "SerialExecutor", "WorkerError", "as_executor", "executor_of",
]  # fmt: skip

SERIAL, PROCESSES, DASK = "serial", "processes", "dask"


@runtime_checkable
class Executor(Protocol):
    """
    What does tasks.

    Attributes
    ----------
    n_workers : int
        How many tasks are done at a time.
    """

    @property
    def n_workers(self) -> int:
        """How many tasks are done at a time."""

    def map[T](self, function: Callable[..., T], items: Iterable[Any], *common: Any) -> Iterator[T]:
        """
        Yield ``function(item, *common)`` of all items, in their order, with a bounded number of them in memory.

        `function` is of the top level of a module, as are the classes of the arguments, so that they can be sent to
        another process. `common` is sent to each worker once.
        """

    def close(self) -> None:
        """End what was started for the tasks."""


class SerialExecutor:
    """
    Calls functions in this process, one item after the other, with one BLAS thread as the others do.

    Examples
    --------
    >>> list(SerialExecutor().map(pow, [2, 3], 2))
    [4, 9]
    """

    n_workers: int = 1

    def map[T](self, function: Callable[..., T], items: Iterable[Any], *common: Any) -> Iterator[T]:
        """Yield ``function(item, *common)`` of all items, in their order."""
        for item in items:
            with one_blas_thread():
                result = function(item, *common)
            yield result

    def close(self) -> None:
        """Do nothing: nothing was started."""


def as_executor(engine: str | Executor | None = None, workers: int | None = None) -> Executor:
    """
    Return the executor for a name.

    Parameters
    ----------
    engine : str, Executor or None
        "serial"; "processes"; "dask" or "local", dask workers on this machine; or the address of a dask scheduler, as
        ``tcp://host:port``. None means worker processes if there are to be several, else this process. An executor is
        returned as it is.
    workers : int, optional
        Number of workers; by default 1 for None, and the cores that this process may use for "processes" and "dask".

    Raises
    ------
    InputError
        There is no such engine, or it does not take that number of workers.
    MissingLibraryError
        dask.distributed is not installed.

    Examples
    --------
    >>> as_executor("processes", 2).n_workers
    2
    >>> type(as_executor(None, 1)).__name__
    'SerialExecutor'
    """
    if engine is not None and not isinstance(engine, str):
        if not isinstance(engine, Executor):
            raise InputError(f"an engine must be {_names()}, or an executor; got {engine!r}")
        if workers is not None:
            raise InputError(f"an executor has its own number of workers; got workers={workers} beside it")
        return engine
    if engine is None:
        engine = SERIAL if workers in (None, 1) else PROCESSES
    if engine == SERIAL:
        if workers not in (None, 1):
            raise InputError(f"the engine 'serial' has one worker; got workers={workers}")
        return SerialExecutor()
    if engine == PROCESSES:
        return ProcessExecutor(workers)
    if engine in (DASK, LOCAL) or "://" in engine:
        return DaskExecutor(LOCAL if engine == DASK else engine, workers)
    raise InputError(f"an engine must be {_names()}; got {engine!r}")


@contextmanager
def executor_of(engine: str | Executor | None = None, workers: int | None = None) -> Iterator[Executor]:
    """Provide the executor for a name as :func:`as_executor` does, and close it at the end if it was made here."""
    executor = as_executor(engine, workers)
    try:
        yield executor
    finally:
        if executor is not engine:
            executor.close()


def _names() -> str:
    """Return the names of the engines, for messages."""
    return f"'{SERIAL}', '{PROCESSES}', '{DASK}' or the address of a dask scheduler, tcp://HOST:PORT"

"""Tasks on the workers of dask.distributed: processes on this machine, or a cluster."""

import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from importlib.util import find_spec
from typing import Any
from uuid import uuid4

from bayescannon.numerics.errors import InputError, MissingLibraryError
from bayescannon.numerics.tasks import Outcome, Task, WorkerError, call, died_again
from bayescannon.numerics.threads import n_cores, stay_in_this_thread
from bayescannon.numerics.whole_numbers import whole_number

LOCAL = "local"
# tasks for each worker that the scheduler knows of; the results come in order
IN_FLIGHT = 3
# marks the threads that do tasks
_thread = threading.local()


class DaskExecutor:
    """
    Calls functions on the workers of a dask.distributed scheduler.

    A worker that is lost is dask's to replace; its tasks are done again, and a task of which four workers died is an
    error. What all calls have in common is part of the graph, so that it survives its workers too.

    Parameters
    ----------
    address : str
        "local" starts worker processes on this machine, with one thread each; ``tcp://host:port`` is the address of a
        scheduler.
    n : int, optional
        Number of processes for "local"; by default the cores that this process may use.

    Raises
    ------
    MissingLibraryError
        dask.distributed is not installed.
    InputError
        A number of workers for a scheduler that has its own.
    """

    def __init__(self, address: str = LOCAL, n: int | None = None) -> None:
        if find_spec("distributed") is None:
            raise MissingLibraryError("dask.distributed is not installed: pip install 'bayescannon[dask]'")
        if address != LOCAL and "://" not in address:
            raise InputError(f"dask must be 'local' or the address of a scheduler, tcp://HOST:PORT; got {address!r}")
        if address != LOCAL and n is not None:
            raise InputError(f"the scheduler {address} has its own workers; leave the number of workers out")
        self.address = address
        self._n = n_cores() if n is None else whole_number(n, "workers", least=1)
        self._client: Any = None
        self._finalizer: Any = None

    def __enter__(self) -> "DaskExecutor":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def n_workers(self) -> int:
        """Number of workers: of a scheduler those that it has now, at least one."""
        if self.address == LOCAL:
            return self._n
        return max(1, len(self._connected().scheduler_info(n_workers=-1)["workers"]))

    def close(self) -> None:
        """End the processes that were started here; workers of a scheduler stay."""
        if self._finalizer is not None:
            self._finalizer()
        self._client = self._finalizer = None

    def map[T](self, function: Callable[..., T], items: Iterable[Any], *common: Any) -> Iterator[T]:
        """
        Yield ``function(item, *common)`` of all items, in their order, with a bounded number of them in memory.

        Parameters
        ----------
        function : callable
            Of the top level of a module that the workers can import.
        items : iterable
            Is read as the work goes on, a few items ahead of the results.
        *common
            The same for all items, sent to each worker once.

        Raises
        ------
        WorkerError
            The scheduler cannot be reached or was lost, or workers died of the same item again and again.
        Exception
            What the function raises, when its item's turn comes.
        """
        import dask

        client = self._connected()
        flying: deque[Any] = deque()
        try:
            # the model is large for a graph, but goes to each worker once
            with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1TB"}):
                task = client.submit(_hold, _Held(Task(function, common)), key=f"bayescannon-task-{uuid4().hex}")
            for item in items:
                flying.append(client.submit(_do, task, item, key=f"bayescannon-item-{uuid4().hex}"))
                while len(flying) >= IN_FLIGHT * self._n_known(client):
                    yield _taken(flying).settle()
            while flying:
                yield _taken(flying).settle()
        finally:
            for future in flying:
                future.cancel()
                future.release()

    def _n_known(self, client: Any) -> int:
        """Return the number of workers as the client last heard of it, without asking."""
        if self.address == LOCAL:
            return self._n
        return max(1, len(client._scheduler_identity.get("workers", ())))

    def _connected(self) -> Any:
        """Return the client, connected; processes on this machine are started."""
        if self._client is not None:
            return self._client
        from distributed import Client, LocalCluster

        try:
            if self.address == LOCAL:
                cluster = LocalCluster(
                    n_workers=self._n, threads_per_worker=1, processes=True, dashboard_address=None, memory_limit=0
                )
                client = Client(cluster, set_as_default=False)
            else:
                cluster, client = None, Client(self.address, set_as_default=False, timeout="20s")
        except (OSError, TimeoutError, RuntimeError) as error:
            raise WorkerError(
                f"dask workers at {self.address} cannot be reached ({error}); check the address"
            ) from error
        self._client = client
        self._finalizer = weakref.finalize(self, _end, client, cluster)
        return client


class _Held:
    """A task in a wrapper that dask does not look into."""

    def __init__(self, task: Task) -> None:
        self.task = task


def _hold(held: _Held) -> _Held:
    """Keep a task on a worker, as a result that other tasks need."""
    return held


def _do(held: _Held, item: Any) -> Outcome:
    """Do a task with an item on a worker, with one thread."""
    if not getattr(_thread, "is_set", False):
        stay_in_this_thread()
        _thread.is_set = True
    return call(held.task, item)


def _taken(flying: deque[Any]) -> Outcome:
    """Wait for the first of the futures, and return its outcome."""
    from distributed import CancelledError, KilledWorker

    future = flying[0]
    try:
        outcome: Outcome = future.result()
    except KilledWorker as error:
        raise died_again() from error
    except (CancelledError, OSError) as error:
        raise WorkerError(f"the dask scheduler was lost ({error}); start it again, and repeat the same call") from error
    flying.popleft()
    future.release()
    return outcome


def _end(client: Any, cluster: Any) -> None:
    """Close a client, and the processes that were started for it."""
    client.close()
    if cluster is not None:
        cluster.close()

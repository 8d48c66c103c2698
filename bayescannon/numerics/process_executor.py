"""Tasks in worker processes on this machine; one that dies is replaced, and its task is done again."""

import contextlib
import multiprocessing
import pickle
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from bayescannon.numerics.tasks import MOST_ATTEMPTS, Outcome, Task, WorkerError, died_again
from bayescannon.numerics.threads import n_cores
from bayescannon.numerics.whole_numbers import whole_number
from bayescannon.numerics.worker_process import ITEM, TASK, serve

# tasks that are done, being done or waiting, for each worker; the results come in order
IN_FLIGHT = 3
# seconds that a worker without work gets to end by itself
_PATIENCE = 5.0


class ProcessExecutor:
    """
    Calls functions in processes, each with one thread.

    The processes are started when there is work for them, are kept for the next call of :meth:`map`, and end with
    :meth:`close`, with this object, or with this process, however it ends. A process that dies is replaced, and its
    task is done again; a task of which three processes died is an error.

    Parameters
    ----------
    n : int, optional
        Number of processes; by default the cores that this process may use.

    Examples
    --------
    >>> from math import hypot
    >>> with ProcessExecutor(1) as executor:
    ...     list(executor.map(hypot, [3, 5], 4.0))
    [5.0, 6.4031242374328485]
    """

    def __init__(self, n: int | None = None) -> None:
        self.n_workers = n_cores() if n is None else whole_number(n, "workers", least=1)
        self._free: list[_Worker] = []
        self._finalizer = weakref.finalize(self, _close_all, self._free)

    def __enter__(self) -> "ProcessExecutor":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the processes; the next call of :meth:`map` starts new ones."""
        _close_all(self._free)

    def map[T](self, function: Callable[..., T], items: Iterable[Any], *common: Any) -> Iterator[T]:
        """
        Yield ``function(item, *common)`` of all items, in their order, with a bounded number of them in memory.

        Parameters
        ----------
        function : callable
            Of the top level of a module.
        items : iterable
            Is read as the work goes on, a few items ahead of the results.
        *common
            The same for all items, sent to each process once.

        Raises
        ------
        WorkerError
            The processes cannot be started, or three died of the same item.
        Exception
            What the function raises, when its item's turn comes.
        """
        run = _Run(pickle.dumps(Task(function, common), protocol=pickle.HIGHEST_PROTOCOL), self._free)
        try:
            for item in items:
                run.put(item, self.n_workers)
                while run.n_in_flight >= IN_FLIGHT * self.n_workers:
                    yield run.take()
            while run.n_in_flight:
                yield run.take()
            run.stop()
        finally:
            run.abandon()


class _Worker:
    """A process, and the connection to it."""

    def __init__(self) -> None:
        methods = multiprocessing.get_all_start_methods()
        context: Any = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
        here, there = context.Pipe()
        self.connection: Connection = here
        self.process: BaseProcess = context.Process(target=serve, args=(there,), daemon=True)
        self.process.start()
        there.close()
        self.is_ready = False
        self._task: bytes | None = None

    def outcome(self, task: bytes, item: Any) -> Outcome:
        """Do the task with an item; an EOFError or OSError says that the process died."""
        message = pickle.dumps((ITEM, item), protocol=pickle.HIGHEST_PROTOCOL)
        if not self.is_ready:
            self.connection.recv()
            self.is_ready = True
        if self._task is not task:
            self.connection.send_bytes(pickle.dumps((TASK, task), protocol=pickle.HIGHEST_PROTOCOL))
            self._task = task
        self.connection.send_bytes(message)
        outcome: Outcome = pickle.loads(self.connection.recv_bytes())
        return outcome

    def kill(self) -> None:
        """End the process at once."""
        self.process.kill()
        self.process.join()
        self.connection.close()

    def close(self) -> None:
        """Let the process end, as it has no work."""
        self.connection.close()
        self.process.join(_PATIENCE)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


def _close_all(workers: list[_Worker]) -> None:
    """End processes that have no work, and forget them."""
    while workers:
        with contextlib.suppress(OSError):
            workers.pop().close()


class _Run:
    """The tasks of one call of map: one thread for each process hands them out and takes the outcomes."""

    def __init__(self, task: bytes, free: list[_Worker]) -> None:
        self.n_in_flight = 0
        self._task = task
        self._free = free
        self._waiting: deque[tuple[int, Any, int]] = deque()
        self._outcomes: dict[int, Outcome] = {}
        self._n_put = self._n_taken = 0
        self._busy: set[_Worker] = set()
        self._threads: list[threading.Thread] = []
        self._changed = threading.Condition()
        self._stopped = self._abandoned = False

    def put(self, item: Any, most_threads: int) -> None:
        """Add an item, and a process if there may be more of them."""
        with self._changed:
            self._waiting.append((self._n_put, item, 1))
            self._n_put += 1
            self.n_in_flight += 1
            self._changed.notify_all()
        if len(self._threads) < most_threads:
            thread = threading.Thread(target=self._drive, daemon=True)
            self._threads.append(thread)
            thread.start()

    def take(self) -> Any:
        """Return the next result in the order of the items, or raise its error."""
        with self._changed:
            while self._n_taken not in self._outcomes:
                self._changed.wait()
            outcome = self._outcomes.pop(self._n_taken)
            self._n_taken += 1
            self.n_in_flight -= 1
        return outcome.settle()

    def stop(self) -> None:
        """Let the threads end, as there are no more items."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def abandon(self) -> None:
        """End the processes that are at work and their threads; after :meth:`stop` there are none."""
        with self._changed:
            self._stopped = self._abandoned = True
            self._waiting.clear()
            for worker in self._busy:
                worker.process.kill()
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _drive(self) -> None:
        """Hand items to one process, one after the other."""
        worker: _Worker | None = None
        while (task := self._next()) is not None:
            number, item, attempt = task
            try:
                if worker is None:
                    worker = self._hire()
                outcome = worker.outcome(self._task, item)
            except (EOFError, OSError) as error:
                outcome = self._failed(worker, error)
                worker = None
                if attempt < MOST_ATTEMPTS:
                    with self._changed:
                        if not self._abandoned:
                            self._waiting.appendleft((number, item, attempt + 1))
                            self._changed.notify_all()
                    continue
            except Exception as error:  # the item cannot be pickled, or the result not be unpickled
                outcome = Outcome(error=error)
                self._dismiss(worker)
                worker = None
            with self._changed:
                self._outcomes[number] = outcome
                self._changed.notify_all()
        if worker is not None:
            with self._changed:
                self._busy.discard(worker)
                if not self._abandoned:
                    self._free.append(worker)
                    return
            worker.kill()

    def _next(self) -> tuple[int, Any, int] | None:
        """Wait for an item; None says that there are no more."""
        with self._changed:
            while not self._waiting and not self._stopped:
                self._changed.wait()
            return self._waiting.popleft() if self._waiting else None

    def _hire(self) -> _Worker:
        """Return a process: one that has no work, or a new one."""
        with self._changed:
            if self._abandoned:
                raise EOFError
            worker = self._free.pop() if self._free else None
            if worker is not None:
                self._busy.add(worker)
                return worker
        worker = _Worker()
        with self._changed:
            self._busy.add(worker)
            if self._abandoned:
                worker.process.kill()
        return worker

    def _failed(self, worker: _Worker | None, error: Exception) -> Outcome:
        """Remove a process that died, and return the outcome of its task if that was the last attempt."""
        if worker is None:
            return Outcome(error=WorkerError(f"worker processes cannot be started ({error}); use one worker"))
        was_ready = worker.is_ready
        self._dismiss(worker)
        if was_ready:
            return Outcome(error=died_again())
        return Outcome(
            error=WorkerError(
                "worker processes end as soon as they are started, from lack of memory or because a script runs the "
                "call when it is imported. Put the call under \"if __name__ == '__main__':\", use one worker, or give "
                "the machine more memory"
            )
        )

    def _dismiss(self, worker: _Worker | None) -> None:
        """End a process."""
        if worker is not None:
            with self._changed:
                self._busy.discard(worker)
            worker.kill()

"""A process that does tasks for the one that started it, and ends with it."""

import contextlib
import ctypes
import os
import pickle
import signal
import sys
import threading
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from typing import Any

from bayescannon.numerics.tasks import Outcome, Task, call
from bayescannon.numerics.threads import stay_in_this_thread

# of the messages to a worker: the function with what all calls have in common, or an item
TASK, ITEM = "task", "item"
READY = "ready"
# prctl(2): the signal to send when the parent dies
_PR_SET_PDEATHSIG = 1
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_NUMBA_THREADS = "NUMBA_NUM_THREADS"


def serve(connection: Connection) -> None:
    """
    Do tasks until the connection ends; what a worker process runs.

    Interrupts are left to the parent. Numerical libraries use one thread. The process ends when its parent does, also
    in the middle of a task.

    Parameters
    ----------
    connection : multiprocessing.connection.Connection
        Messages are pairs of a kind and what belongs to it; the answer to an item is an :class:`Outcome`.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _end_with_parent()
    os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
    if "numba" not in sys.modules:
        # numba refuses another number once its threads run, and the main module may have imported it
        os.environ[_NUMBA_THREADS] = "1"
    stay_in_this_thread()
    task = Task(_no_task)
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        connection.send(READY)
        while True:
            kind, what = pickle.loads(connection.recv_bytes())
            if kind == TASK:
                task = pickle.loads(what)
                # libraries that came with the task
                stay_in_this_thread()
            else:
                connection.send_bytes(_packed(call(task, what)))


def _packed(outcome: Outcome) -> bytes:
    """Return an outcome as bytes; a result that cannot be sent becomes an error."""
    try:
        return pickle.dumps(outcome, protocol=pickle.HIGHEST_PROTOCOL)
    except Exception as error:  # pickle raises many kinds of exception
        text = f"the result of a task cannot be sent to another process: {type(error).__name__}: {error}"
        return pickle.dumps(Outcome(error=RuntimeError(text)))


def _no_task(*_: Any) -> None:
    """Refuse an item that comes before its function."""
    raise RuntimeError("a worker got an item before its task")


def _end_with_parent() -> None:
    """End this process when its parent does: by a signal of the kernel on Linux, and by a thread everywhere."""
    parent = parent_process()
    if parent is None:
        return
    threading.Thread(target=_watch, args=(parent.sentinel,), daemon=True).start()
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            # the parent of the kernel is multiprocessing's fork server, which ends with the process that started it
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _watch(sentinel: int) -> None:
    """Wait for the end of the parent, and end."""
    wait([sentinel])
    os._exit(1)

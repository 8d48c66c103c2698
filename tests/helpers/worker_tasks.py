"""Tasks for workers in other processes, which must be importable there."""

import os
import signal
import time
import warnings
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_info

from bayescannon.numerics.errors import BayesCannonWarning, InputError
from bayescannon.numerics.threads import map_items


def weighted(item, factor, table):
    """Something that takes longer for the first items, so that results arrive out of order."""
    time.sleep(0.02 if item < 2 else 0)
    return item, float(factor * table.sum() + item)


def own_process(_):
    return os.getpid()


def die_once(item, folder):
    """Kill the process at the first attempt of every third item."""
    mark = Path(folder) / f"{item}"
    if item % 3 == 1 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return item


def die_always(item):
    if item == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return item


def fail(item):
    if item == 2:
        raise InputError("item 2 must not be; got 2")
    return item


def fail_untravelled(_):
    class Local(Exception):
        pass

    raise Local("of no module")


def not_sendable(item):
    return lambda: item


def warn(item):
    warnings.warn(f"item {item} is odd", BayesCannonWarning, stacklevel=1)
    return item


def threads_in_use(_):
    np.ones((4, 4)) @ np.ones((4, 4))
    inner = map_items(lambda _: os.getpid(), range(3))
    interrupt = signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    return {pool["num_threads"] for pool in threadpool_info()}, inner == [os.getpid()] * 3, interrupt


def sleep_long(_, folder):
    """Say which process this is, and work for a minute."""
    (Path(folder) / f"{os.getpid()}").touch()
    end = time.monotonic() + 60
    while time.monotonic() < end:
        np.ones((50, 50)) @ np.ones((50, 50))


def main(folder):
    """What a script does whose process is killed in the middle."""
    from bayescannon.numerics.executors import ProcessExecutor

    list(ProcessExecutor(2).map(sleep_long, range(2), folder))

"""
Ctrl-C, SIGTERM and SIGHUP end a command within three seconds, with what is finished kept for the same command again.

The first signal raises :class:`Interrupted` in the main thread, so that temporary files are removed and worker
processes are stopped. A main thread inside compiled code notices a signal only when that returns; after a time of grace
the process ends where it is, which loses no more than a kill does: what is written is complete or not at all, and
worker processes end with their parent.
"""

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

# seconds for cleaning up, then the process ends where it is
GRACE = 2.5
AGAIN = "what is finished is kept; run the same command again to go on"
_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")


class Interrupted(KeyboardInterrupt):
    """
    A signal that ends the command.

    Attributes
    ----------
    status : int
        The exit status: 128 and the number of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.status = 128 + number


@contextmanager
def interrupts() -> Iterator[None]:
    """Let signals raise :class:`Interrupted` during a block, and end a process that does not end by itself in time."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # a command in the background, or under nohup, is born with some signals ignored, and keeps ignoring them
    numbers = [getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)]
    heard = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]
    inner, outer = socket.socketpair()
    outer.setblocking(False)
    before = {number: signal.signal(number, _raise) for number in heard}
    old_descriptor = signal.set_wakeup_fd(outer.fileno(), warn_on_full_buffer=False)
    watch = threading.Thread(target=_watch, args=(inner, set(heard)), daemon=True)
    watch.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(old_descriptor)
        for number, handler in before.items():
            signal.signal(number, handler)
        outer.close()
        watch.join()
        inner.close()


def _raise(number: int, _: FrameType | None) -> None:
    # the next signals change nothing: the process is ending
    for other in _SIGNALS:
        if hasattr(signal, other) and signal.getsignal(getattr(signal, other)) is _raise:
            signal.signal(getattr(signal, other), _ignore)
    raise Interrupted(number)


def _ignore(_: int, __: FrameType | None) -> None:
    """Do nothing; SIG_IGN itself would be passed on to child processes."""


def _watch(inner: socket.socket, heard: set[int]) -> None:
    """End the process some time after the first signal; return where the other end is closed before."""
    while numbers := inner.recv(1):
        if numbers[0] in heard:
            if not _closes(inner, time.monotonic() + GRACE):
                sys.stderr.write(f"bayescannon: interrupted; {AGAIN}\n")
                sys.stderr.flush()
                os._exit(128 + numbers[0])
            return


def _closes(inner: socket.socket, limit: float) -> bool:
    """Tell whether the other end is closed before a time; further signals are read and change nothing."""
    while (left := limit - time.monotonic()) > 0:
        inner.settimeout(left)
        try:
            if not inner.recv(1):
                return True
        except TimeoutError:
            return False
    return False

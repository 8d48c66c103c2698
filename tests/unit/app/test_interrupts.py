import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from bayescannon.app.interrupts import Interrupted, interrupts

# a verb that says that it runs, and then sleeps; a deaf one goes on whatever is raised, as compiled code does
_VERB = """
import signal, sys, time
from bayescannon.app import cli
signal.signal(signal.SIGINT, signal.default_int_handler)
# a job under nohup is born deaf to some
for name in ("SIGTERM", "SIGHUP"):
    signal.signal(getattr(signal, name), signal.SIG_DFL)
def busy(options):
    print("running", flush=True)
    for _ in range(60):
        try:
            time.sleep(1)
        except KeyboardInterrupt:
            if sys.argv[1] != "deaf":
                raise
cli.VERBS["demo"] = busy
sys.exit(cli.main(["demo"]))
"""


@pytest.mark.parametrize(
    ("name", "status", "kind"),
    [("SIGINT", 130, "quick"), ("SIGTERM", 143, "quick"), ("SIGHUP", 129, "quick"), ("SIGTERM", 143, "deaf")],
)
def test_a_signal_ends_a_verb_within_three_seconds_and_says_how_to_go_on(name, status, kind):
    with subprocess.Popen([sys.executable, "-c", _VERB, kind], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as verb:
        assert verb.stdout.readline() == b"running\n"
        start = time.monotonic()
        verb.send_signal(getattr(signal, name))
        _, said = verb.communicate(timeout=30)
    assert time.monotonic() - start < (3.0 if kind == "deaf" else 2.0)
    assert verb.returncode == status
    assert said.decode() == "bayescannon: interrupted; what is finished is kept; run the same command again to go on\n"


def test_handlers_are_those_from_before_when_the_block_ends():
    before = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)]
    with pytest.raises(Interrupted, match="SIGTERM") as caught, interrupts():
        signal.raise_signal(signal.SIGTERM)
    assert caught.value.status == 143
    assert [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)] == before
    assert signal.set_wakeup_fd(-1) == -1


def test_a_signal_that_is_ignored_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interrupts():
            os.kill(os.getpid(), signal.SIGHUP)
            time.sleep(0.05)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_other_threads_change_no_handler():
    seen = []

    def work():
        with interrupts():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGTERM)]

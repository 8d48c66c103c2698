"""The clocks of the benchmarks hold their limits on threads."""

import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_info

sys.path.insert(0, str(Path(__file__).parents[3] / "benchmarks"))

from fair_clock import ThreadsError, best, product, timed

LARGE = np.ones((700, 700))


@pytest.mark.parametrize("threads", [1, 2])
def test_libraries_are_limited_while_a_call_is_timed(threads):
    found = []

    def call(n):
        found.append((n, {one["num_threads"] for one in threadpool_info()}))
        return LARGE @ LARGE

    before = {one["filepath"]: one["num_threads"] for one in threadpool_info()}
    timing = timed(call, threads=threads, repeats=2)
    assert [n for n, _ in found] == [threads] * 2
    assert all(max(used) <= threads for _, used in found)
    assert timing.processor <= 1.25 * threads * timing.wall + 0.2
    after = {one["filepath"]: one["num_threads"] for one in threadpool_info()}
    # of libraries that were loaded before
    assert after | before == after


def test_a_call_on_more_threads_is_an_error(monkeypatch):
    # the processor's clock of a process is the sum over its threads: twice the wall time, as of two busy threads
    clock = time.perf_counter
    monkeypatch.setattr(time, "process_time", lambda: 2 * clock())
    with pytest.raises(ThreadsError, match=r"the call used 2\.0 threads and was given 1"):
        timed(lambda _: threading.Event().wait(0.5), threads=1)


def test_the_faster_number_of_threads_counts():
    timing = best(lambda n: time.sleep(0.03 if n == 1 else 0.002), threads=(1, 2))
    assert timing.threads == 2
    assert timing.wall < 0.03
    assert timing.times(10).wall == 10 * timing.wall


def test_what_a_call_prints_is_not_shown(capsys):
    timed(lambda _: print("printed"), threads=1)
    assert capsys.readouterr().out == ""


def test_the_product_is_timed():
    assert 0 < product(20, 50, 30, threads=1, repeats=2).wall < 1

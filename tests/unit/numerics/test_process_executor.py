"""Worker processes: order, bounds, one thread, warnings, errors, deaths, and no process left behind."""

import os
import subprocess
import sys
import time
from pathlib import Path
from pickle import PicklingError

import numpy as np
import pytest
import worker_tasks as tasks

from bayescannon.numerics.errors import BayesCannonWarning, InputError
from bayescannon.numerics.process_executor import IN_FLIGHT, ProcessExecutor
from bayescannon.numerics.tasks import RemoteTraceback, WorkerError


@pytest.fixture(scope="module")
def two():
    with ProcessExecutor(2) as executor:
        yield executor


def test_results_come_in_order_from_two_processes_that_are_kept(two):
    table = np.arange(1000.0)
    results = list(two.map(tasks.weighted, range(9), 2.0, table))
    assert results == [(item, 2.0 * float(table.sum()) + item) for item in range(9)]
    before = {worker.process.pid for worker in two._free}
    assert set(two.map(tasks.own_process, range(20))) <= before
    assert os.getpid() not in before
    assert list(two.map(abs, [])) == []


def test_items_are_read_only_a_few_ahead_of_the_results(two):
    n_read = 0

    def items():
        nonlocal n_read
        for number in range(1, 101):
            n_read = number
            yield number

    for n_taken, _ in enumerate(two.map(abs, items()), start=1):
        assert n_read <= n_taken - 1 + IN_FLIGHT * 2
    assert n_taken == 100


def test_a_worker_has_one_thread_and_leaves_interrupts_to_its_parent(two):
    for threads, inside, ignores in two.map(tasks.threads_in_use, range(2)):
        assert threads == {1}
        assert inside
        assert ignores


def test_warnings_and_errors_come_out_where_they_would_without_processes(two):
    with pytest.warns(BayesCannonWarning, match="item 1 is odd"):
        assert list(two.map(tasks.warn, [1])) == [1]
    done = []
    with pytest.raises(InputError, match="item 2 must not be") as error:
        done.extend(result for result in two.map(tasks.fail, range(9)))
    assert isinstance(error.value.__cause__, RemoteTraceback)
    assert "worker_tasks.py" in str(error.value.__cause__)
    with pytest.raises(RuntimeError, match="Local: of no module"):
        list(two.map(tasks.fail_untravelled, [0]))
    with pytest.raises(RuntimeError, match="result of a task cannot be sent"):
        list(two.map(tasks.not_sendable, [0]))
    with pytest.raises((AttributeError, PicklingError), match="local object"):
        list(two.map(abs, [lambda: 0]))
    assert list(two.map(abs, [-3])) == [3]


def test_a_process_that_dies_is_replaced_and_its_task_is_done_again(two, tmp_path):
    assert list(two.map(tasks.die_once, range(8), str(tmp_path))) == list(range(8))
    assert {path.name for path in tmp_path.iterdir()} == {"1", "4", "7"}


def test_a_task_that_kills_three_processes_is_an_error_that_says_what_to_do(two):
    with pytest.raises(WorkerError, match=r"3 worker processes died of the same task.*fewer workers"):
        list(two.map(tasks.die_always, range(3)))


def test_a_run_that_is_left_ends_its_processes_at_once(two, tmp_path):
    results = two.map(tasks.sleep_long, range(4), str(tmp_path))
    started = time.monotonic()

    def interrupted():
        yield 0
        while not list(tmp_path.iterdir()):
            time.sleep(0.02)
        raise KeyboardInterrupt

    results = two.map(tasks.sleep_long, interrupted(), str(tmp_path))
    with pytest.raises(KeyboardInterrupt):
        next(results)
    assert time.monotonic() - started < 20
    assert not any(is_alive(int(path.name)) for path in tmp_path.iterdir())


def test_processes_end_with_their_parent(tmp_path):
    """Also when it is killed, in the middle of their work."""
    code = f"import worker_tasks; worker_tasks.main({str(tmp_path)!r})"
    folders = [str(Path(tasks.__file__).parent), str(Path(__file__).parents[3])]
    parent = subprocess.Popen([sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": os.pathsep.join(folders)})
    try:
        wait_for(lambda: len(list(tmp_path.iterdir())) == 2, 60)
    finally:
        parent.kill()
        parent.wait()
    pids = [int(path.name) for path in tmp_path.iterdir()]
    assert len(pids) == 2
    wait_for(lambda: not any(map(is_alive, pids)), 5)


def test_a_script_without_a_guard_is_told_of_it(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "from bayescannon.numerics.executors import ProcessExecutor\nprint(list(ProcessExecutor(1).map(abs, [1])))\n"
    )
    root = str(Path(__file__).parents[3])
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=60, env=os.environ | {"PYTHONPATH": root}
    )
    assert done.returncode == 1
    assert "Put the call under \"if __name__ == '__main__':\"" in done.stderr.splitlines()[-1]


def is_alive(pid):
    """A process that is neither gone nor a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_for(happened, seconds):
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)

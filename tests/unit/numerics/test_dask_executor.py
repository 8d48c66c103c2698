"""Dask workers: the same results, lost workers, and what cannot be reached."""

import time

import numpy as np
import pytest
import worker_tasks as tasks

from bayescannon.numerics.dask_executor import IN_FLIGHT, DaskExecutor
from bayescannon.numerics.errors import BayesCannonWarning, InputError
from bayescannon.numerics.tasks import WorkerError

pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def two():
    with DaskExecutor("local", 2) as executor:
        yield executor


def test_results_come_in_order_and_items_are_read_a_few_ahead(two):
    table, n_read = np.arange(1000.0), 0

    def items():
        nonlocal n_read
        for number in range(1, 31):
            n_read = number
            yield number

    for n_taken, result in enumerate(two.map(tasks.weighted, items(), 2.0, table), start=1):
        assert result == (n_taken, 2.0 * float(table.sum()) + n_taken)
        assert n_read <= n_taken - 1 + IN_FLIGHT * 2
    assert n_taken == 30
    assert list(two.map(abs, [])) == []


def test_a_worker_has_one_thread(two):
    for threads, inside, _ in two.map(tasks.threads_in_use, range(2)):
        assert threads == {1}
        assert inside


def test_warnings_and_errors_come_out_where_they_would_without_dask(two):
    with pytest.warns(BayesCannonWarning, match="item 1 is odd"):
        assert list(two.map(tasks.warn, [1])) == [1]
    with pytest.raises(InputError, match="item 2 must not be"):
        list(two.map(tasks.fail, range(9)))


def test_a_scheduler_that_exists_already_is_used_and_left_running(two):
    address = two._client.scheduler.address
    with DaskExecutor(address) as other:
        assert other.n_workers == 2
        assert list(other.map(abs, [-1, -2])) == [1, 2]
    assert list(two.map(abs, [-1])) == [1]


@pytest.mark.filterwarnings("default")
def test_tasks_of_a_lost_worker_are_done_again(two, tmp_path):
    assert list(two.map(tasks.die_once, range(8), str(tmp_path))) == list(range(8))
    assert {path.name for path in tmp_path.iterdir()} == {"1", "4", "7"}


def test_what_cannot_be_reached_or_is_no_address_is_said(monkeypatch):
    with pytest.raises(InputError, match="must be 'local' or the address of a scheduler"):
        DaskExecutor("somewhere")
    import distributed

    def refuse(*_, **__):
        raise OSError("Timed out")

    monkeypatch.setattr(distributed, "Client", refuse)
    started = time.monotonic()
    with pytest.raises(WorkerError, match=r"cannot be reached .*check the address"):
        list(DaskExecutor("tcp://127.0.0.1:9").map(abs, [1]))
    assert time.monotonic() - started < 5

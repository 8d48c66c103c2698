"""One way to do tasks: the same results from this process, from worker processes and from dask."""

import numpy as np
import pytest
import worker_tasks as tasks

from bayescannon.numerics.errors import BayesCannonWarning, InputError
from bayescannon.numerics.executors import (
    DaskExecutor,
    Executor,
    ProcessExecutor,
    SerialExecutor,
    as_executor,
    executor_of,
)

TABLE = np.arange(1000.0)
EXPECTED = [(item, 2.0 * float(TABLE.sum()) + item) for item in range(9)]


def test_this_process_gives_results_in_order_and_warns_and_raises_as_a_loop_does():
    executor = SerialExecutor()
    assert list(executor.map(tasks.weighted, range(9), 2.0, TABLE)) == EXPECTED
    with pytest.warns(BayesCannonWarning, match="item 0 is odd"):
        assert list(executor.map(tasks.warn, [0])) == [0]
    with pytest.raises(InputError, match="item 2"):
        list(executor.map(tasks.fail, range(4)))
    executor.close()


def test_names_of_engines():
    assert type(as_executor()) is type(as_executor("serial")) is type(as_executor(None, 1)) is SerialExecutor
    assert as_executor(None, 3).n_workers == as_executor("processes", 3).n_workers == 3
    assert as_executor("processes").n_workers >= 1
    assert as_executor("dask", 2).address == as_executor("local").address == "local"
    assert as_executor("tcp://host:8786").address == "tcp://host:8786"
    own = SerialExecutor()
    assert as_executor(own) is own
    for one in (own, ProcessExecutor(1), DaskExecutor("local", 1)):
        assert isinstance(one, Executor)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("slurm",), "must be 'serial', 'processes', 'dask' or the address"),
        ((3,), "or an executor; got 3"),
        (("serial", 2), "has one worker"),
        ((SerialExecutor(), 2), "its own number of workers"),
        (("tcp://host:1", 2), "leave the number of workers out"),
        (("processes", 0), "workers must be at least 1; got 0"),
    ],
)
def test_what_is_no_engine_is_refused(arguments, words):
    with pytest.raises(InputError, match=words):
        as_executor(*arguments)


def test_only_an_executor_that_was_made_for_the_call_is_closed():
    closed = []

    class Own(SerialExecutor):
        def close(self):
            closed.append(self)

    with executor_of(Own()) as executor:
        pass
    assert closed == []
    with executor_of("processes", 1) as executor:
        assert list(executor.map(abs, [-1])) == [1]
        assert executor._free
    assert not executor._free

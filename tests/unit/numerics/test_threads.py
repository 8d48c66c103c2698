"""Work shared out over cores: order, blocks, one BLAS thread, no pools within pools."""

import threading

import pytest
from threadpoolctl import threadpool_info

from bayescannon.numerics.threads import map_blocks, map_items, n_cores, one_blas_thread


def blas_threads(*_):
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


@pytest.mark.parametrize("workers", [1, 2, 5, None])
def test_blocks_cover_all_items_in_order(workers):
    assert map_blocks(lambda part: (part.start, part.stop), 10, 4, workers) == [(0, 4), (4, 8), (8, 10)]
    assert map_blocks(lambda part: part, 0, 4, workers) == []
    assert map_items(lambda a, b: a * b, [1, 2, 3], [4, 5, 6], workers=workers) == [4, 10, 18]


def test_as_many_threads_work_as_are_asked_for():
    together = threading.Barrier(3, timeout=20)
    assert sorted(map_blocks(lambda part: (together.wait(), part.start)[1], 3, 1, 3)) == [0, 1, 2]
    names = set(map_blocks(lambda _: threading.current_thread().name, 20, 1, 1))
    assert len(names) == 1


def test_a_call_from_within_a_block_stays_in_its_thread():
    def outer(_):
        here = threading.get_ident()
        return map_blocks(lambda _: threading.get_ident() == here, 6, 2, 4)

    assert map_blocks(outer, 3, 1, 2) == [[True] * 3] * 3
    # afterwards the calling thread shares work out as before
    assert map_blocks(lambda _: threading.get_ident() != threading.main_thread().ident, 2, 1, 2) == [True, True]


def test_each_call_has_one_blas_thread_and_the_caller_gets_its_own_back():
    before = blas_threads()
    assert map_blocks(blas_threads, 3, 1, 2) == [{1}] * 3
    assert blas_threads() == before
    with one_blas_thread():
        assert blas_threads() == {1}
    assert blas_threads() == before


def test_an_exception_of_a_block_reaches_the_caller():
    def fail(part):
        raise ZeroDivisionError(f"block {part.start}")

    with pytest.raises(ZeroDivisionError, match="block 0"):
        map_blocks(fail, 3, 1, 2)


def test_there_is_a_core():
    assert n_cores() >= 1

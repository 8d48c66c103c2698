"""What a worker process does with messages, without a process around it."""

import pickle
from multiprocessing import Pipe
from threading import Thread

import worker_tasks as tasks

from bayescannon.numerics import worker_process
from bayescannon.numerics.tasks import Task


def test_messages_are_a_task_then_items_until_the_connection_ends(monkeypatch):
    monkeypatch.setattr(worker_process.signal, "signal", lambda *_: None)  # not the main thread
    monkeypatch.setattr(worker_process.os, "environ", {})
    monkeypatch.setattr(worker_process, "stay_in_this_thread", lambda: None)
    here, there = Pipe()
    worker = Thread(target=worker_process.serve, args=(there,))
    worker.start()
    assert here.recv() == worker_process.READY

    def answer(item):
        here.send_bytes(pickle.dumps((worker_process.ITEM, item)))
        return pickle.loads(here.recv_bytes())

    assert "before its task" in str(answer(1).error)
    for function, common, expected in ((pow, (2,), 9), (max, (7,), 7)):
        here.send_bytes(pickle.dumps((worker_process.TASK, pickle.dumps(Task(function, common)))))
        assert answer(3).result == expected
    here.send_bytes(pickle.dumps((worker_process.TASK, pickle.dumps(Task(tasks.not_sendable)))))
    assert "cannot be sent" in str(answer(3).error)
    here.close()
    worker.join(10)
    assert not worker.is_alive()
    assert worker_process.os.environ["OMP_NUM_THREADS"] == "1"

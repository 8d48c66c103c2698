"""What a worker process does with messages, without a process around it."""

import pickle
import subprocess
import sys
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


def test_kernels_are_compiled_in_a_worker_of_a_script_that_imports_numba(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import numba\n"
        "from bayescannon.numerics.process_executor import ProcessExecutor\n"
        "def double(x):\n"
        "    return numba.njit(lambda y: 2 * y)(x)\n"
        "if __name__ == '__main__':\n"
        "    with ProcessExecutor(1) as executor:\n"
        "        print(list(executor.map(double, [1, 4])))\n",
        encoding="utf-8",
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert done.stdout == "[2, 8]\n", done.stderr

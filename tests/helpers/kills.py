"""
Kill a command of the command line at any of its file operations, run it again, and compare with a run never killed.

``python tests/helpers/kills.py SPEC.json`` is a process of one thread that forks a child for every run, so that the
imports are paid once. An audit hook counts the operations that change files below the output folder; at the chosen one
the child is killed by SIGKILL before the operation is done.
"""

import contextlib
import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil

# audit events of operations that change files; "open" counts if it can write
_CHANGES = {
    "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.link", "os.symlink", "shutil.move",
}  # fmt: skip
_WRITES = os.O_WRONLY | os.O_RDWR


@dataclass(frozen=True)
class Outcome:
    """What a run that was killed and run again left."""

    operation: int
    killed: bool
    status: int
    said: str
    same: bool
    litter: list[str]


def contents(folder: Path) -> dict[str, str]:
    """Return a digest of every file below a folder, by its relative path."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def kill_everywhere(
    command: Sequence[str], before: Path, work: Path, *, operations: Sequence[int] | int | None = None
) -> list[Outcome]:
    """
    Run `command` in copies of the folder `before`, kill it, run it again and compare.

    Parameters
    ----------
    command : sequence of str
        Arguments of ``bayescannon``; paths are relative to the folder.
    before : Path
        What is there before the command.
    work : Path
        An empty folder for copies.
    operations : sequence of int, int or None
        At which operations the command is killed; a number takes so many, evenly; None takes all.
    """
    spec = work / "spec.json"
    spec.write_text(json.dumps([list(command), str(before), str(work), operations]))
    done = subprocess.run(
        [sys.executable, __file__, str(spec)], capture_output=True, text=True, check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [Outcome(**row) for row in json.loads((work / "outcomes.json").read_text())]


def failures(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Return the outcomes that are not those of a run that was never killed."""
    return [one for one in outcomes if one.status or not one.same or one.litter]


def kill_at_random(
    command: Sequence[str], before: Path, work: Path, *, times: int, seed: int = 1, number: int = signal.SIGKILL
) -> list[Outcome]:
    """
    Run `command` as a process of its own, kill it at random moments of its time, run it again and compare.

    Parameters
    ----------
    command, before, work
        As in :func:`kill_everywhere`.
    times : int
        How many runs are killed.
    seed : int
    number : int
        The signal.
    """
    folder = work / "run"
    line = [sys.executable, "-m", "bayescannon", *command]

    def fresh() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(before, folder, symlinks=True)

    fresh()
    start = time.monotonic()
    subprocess.run(line, cwd=folder, check=True, capture_output=True)
    length = time.monotonic() - start
    wanted = contents(folder)
    outcomes = []
    for share in np.random.default_rng(seed).uniform(0.1, 1.0, times):
        fresh()
        with subprocess.Popen(line, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(share * length)
            family = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
            process.send_signal(number)
            sent = time.monotonic()
            process.wait()
            ended = time.monotonic() - sent
            _, alive = psutil.wait_procs(family, timeout=5)
        again = subprocess.run(line, cwd=folder, capture_output=True, text=True, check=False)
        found = contents(folder)
        left = [f"process {one.pid} outlived its parent" for one in alive]
        left += [f"it ended {ended:.1f} s after the signal"] if ended > 3 else []
        outcomes.append(
            _outcome(round(1000 * share), process.returncode, again.returncode, again.stderr, wanted, found)
        )
        outcomes[-1].litter.extend(left)
    return outcomes


def _outcome(
    operation: int, killed: int, status: int, said: str, wanted: dict[str, str], found: dict[str, str]
) -> Outcome:
    """Compare what a run that was killed and run again left with what a run never killed leaves."""
    same = all(found.get(name) == digest for name, digest in wanted.items())
    return Outcome(operation, killed != 0, status, said[-2000:], same, sorted(set(found) - set(wanted)))


def _count_operations(root: Path, act: Callable[[int], None]) -> None:
    """Call `act` with the number of each operation that changes a file below `root`, before it is done."""
    count = 0
    prefix = str(root)

    def hook(event: str, args: tuple[Any, ...]) -> None:
        nonlocal count
        if event == "open":
            path, mode, flags = args
            if not (flags & _WRITES if isinstance(flags, int) else mode and set(mode) & set("wax+")):
                return
        elif event in _CHANGES:
            path = args[0]
        else:
            return
        with contextlib.suppress(TypeError, ValueError):
            if os.path.abspath(os.fsdecode(path)).startswith(prefix):  # noqa: PTH100
                count += 1
                act(count)

    sys.addaudithook(hook)


def _child(command: list[str], folder: Path, out: Path, kill_at: int) -> int:
    """Fork a process that runs the command in a folder; return its wait status. What it said goes to a file."""
    pid = os.fork()
    if pid:
        return os.waitpid(pid, 0)[1]
    status = 99
    try:
        os.chdir(folder)
        counter = os.open(out / "count", os.O_CREAT | os.O_WRONLY | os.O_TRUNC)

        def act(count: int) -> None:
            os.pwrite(counter, str(count).encode(), 0)
            if count == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)

        said = io.StringIO()
        _count_operations(folder, act)
        sys.argv = ["bayescannon", *command]
        from bayescannon.app.cli import main

        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            try:
                status = main(command)
            except SystemExit as end:
                status = int(end.code or 0)
        (out / "said").write_text(said.getvalue())
    except BaseException as error:
        (out / "said").write_text(f"{type(error).__name__}: {error}")
    finally:
        os._exit(status)


def _serve(command: list[str], before: Path, work: Path, operations: Any) -> list[Outcome]:
    import bayescannon.app.stores
    import bayescannon.app.training
    import bayescannon.io.catalogue
    import bayescannon.io.preparation  # noqa: F401

    def copy() -> Path:
        folder = work / "run"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(before, folder, symlinks=True)
        return folder

    folder = copy()
    status = _child(command, folder, work, 0)
    assert status == 0, (work / "said").read_text()
    wanted, total = contents(folder), int((work / "count").read_text() or 0)
    if operations is None:
        operations = range(1, total + 1)
    elif isinstance(operations, int):
        step = max(total / operations, 1)
        operations = sorted({min(int(step * (i + 0.5)) + 1, total) for i in range(operations)})
    outcomes = []
    for k in operations:
        folder = copy()
        killed = _child(command, folder, work, k)
        again = _child(command, folder, work, 0)
        found = contents(folder)
        said = (work / "said").read_text()
        outcomes.append(_outcome(k, killed, os.waitstatus_to_exitcode(again), said, wanted, found))
    return outcomes


if __name__ == "__main__":
    command, before, work, operations = json.loads(Path(sys.argv[1]).read_text())
    rows = [asdict(one) for one in _serve(command, Path(before), Path(work), operations)]
    (Path(work) / "outcomes.json").write_text(json.dumps(rows))

"""The executor of a verb: as the command line says, or by how many tasks there are."""

from bayescannon.cannon.engine_choices import EngineChoices
from bayescannon.numerics.executors import Executor, ProcessExecutor, SerialExecutor, as_executor
from bayescannon.numerics.threads import n_cores

# with fewer tasks the threads of one process are as fast: a process takes seconds to start
TASKS_FOR_PROCESSES = 8


def choose_engine(choices: EngineChoices, n_tasks: int) -> Executor:
    """
    Return the executor for so many tasks.

    Worker processes are used if there are several cores and enough tasks, or if a number is given; dask only if it is
    asked for. The results are the same.

    Examples
    --------
    >>> type(choose_engine(EngineChoices(), 2)).__name__
    'SerialExecutor'
    >>> choose_engine(EngineChoices(workers=3), 100).n_workers
    3
    """
    if choices.dask is not None:
        return as_executor(choices.dask, choices.workers)
    n_workers = choices.workers or (n_cores() if n_tasks >= TASKS_FOR_PROCESSES else 1)
    n_workers = min(n_workers, max(n_tasks, 1))
    return ProcessExecutor(n_workers) if n_workers > 1 else SerialExecutor()

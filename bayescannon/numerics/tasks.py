"""One call of a function in another process: its result or its error, and the warnings it gave."""

import copyreg
import pickle
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from bayescannon.numerics.errors import BayesCannonError

# times that a task is begun, where the processes that do it die
MOST_ATTEMPTS = 3
# what warnings of workers were shown already, as Python keeps it for each module
_shown: dict[Any, Any] = {}


def _reduce_proxy(proxy: MappingProxyType[Any, Any]) -> tuple[Any, ...]:
    """Say how a mapping that cannot be changed is made anew in another process; Python itself does not send one."""
    return _proxy, (dict(proxy),)


def _proxy(values: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    return MappingProxyType(values)


copyreg.pickle(MappingProxyType, _reduce_proxy)


class WorkerError(BayesCannonError):
    """Workers that could not be started, or died of a task again and again; the message says what to do."""


class RemoteTraceback(BayesCannonError):
    """The traceback of an error in a worker, shown as its cause; it is never raised by itself."""


@dataclass(frozen=True)
class Task:
    """
    A function and the arguments that all its calls have in common; they are sent to each worker once.

    Attributes
    ----------
    function : callable
        Takes an item, and `common`.
    common : tuple
    """

    function: Callable[..., Any]
    common: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """
    What came of one call.

    Attributes
    ----------
    result
        What the function returned; None if it raised an error.
    error : Exception or None
    trace : str
        The traceback of the error.
    warnings : tuple
        The message, the file name and the line of each warning.
    """

    result: Any = None
    error: Exception | None = None
    trace: str = ""
    warnings: tuple[tuple[Warning, str, int], ...] = ()

    def settle(self) -> Any:
        """Give the warnings again in this process, and return the result or raise the error."""
        for message, filename, line in self.warnings:
            warnings.warn_explicit(message, type(message), filename, line, registry=_shown)
        if self.error is not None:
            raise self.error from (RemoteTraceback(self.trace) if self.trace else None)
        return self.result


def call(task: Task, item: Any) -> Outcome:
    """Call the function of a task on an item; whatever it raises is part of the outcome."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result, error, trace = None, None, ""
        try:
            result = task.function(item, *task.common)
        except Exception as raised:
            trace, error = traceback.format_exc(), _able_to_travel(raised)
    given = tuple((_as_warning(one.message), one.filename, one.lineno) for one in caught)
    return Outcome(result, error, trace, given)


def _able_to_travel(error: Exception) -> Exception:
    """Return an error that can be sent to another process: itself, or one with the same text."""
    error.__traceback__ = None
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # pickle raises many kinds of exception
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def _as_warning(message: Warning | str) -> Warning:
    """Return a warning that can be sent to another process."""
    try:
        pickle.loads(pickle.dumps(message))
    except Exception:  # pickle raises many kinds of exception
        return UserWarning(str(message))
    return message if isinstance(message, Warning) else UserWarning(message)


def died_again() -> WorkerError:
    """Return the error for a task whose workers died as often as it was begun."""
    return WorkerError(
        f"{MOST_ATTEMPTS} worker processes died of the same task, most likely from lack of memory; use fewer workers "
        "or smaller blocks, or give the machine more memory, and repeat the same call"
    )

"""The stars of the folds as tasks: who labels them, and where finished folds are kept for a rerun."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayescannon.data.labels import KNOWN_LABELS, Label, register_label
from bayescannon.io.work_folder import Parts
from bayescannon.numerics.executors import Executor
from bayescannon.numerics.threads import one_blas_thread
from bayescannon.reliability.spectrum_scores import Residuals

# the ending of a finished fold's file: arrays of NumPy, without pickles
_ENDING = ".npz"


@dataclass(frozen=True)
class FoldWork:
    """
    How the folds of held-out stars are done; the result does not depend on it.

    Attributes
    ----------
    executor : Executor or None
        Does a fold in one task; None does one after another in this process, with `threads`.
    parts : Parts or None
        Where finished folds are kept, and taken from.
    name : str
        Begins the keys of the parts.
    threads : int or None
        Threads of this process; None takes every core.
    """

    executor: Executor | None = None
    parts: Parts | None = None
    name: str = "fold"
    threads: int | None = None

    @classmethod
    def of(cls, workers: "int | FoldWork | None") -> "FoldWork":
        """Return the work of a number of threads, or as it was given."""
        return workers if isinstance(workers, FoldWork) else cls(threads=workers)

    def map(
        self, function: "Callable[..., FoldResult]", items: Iterable[tuple[int, Any]], *common: Any
    ) -> "Iterator[FoldResult]":
        """
        Yield ``function(item, threads, *common)`` of the items, which are (fold, ...), in their order.

        A fold that is found finished is read instead; others are kept when they are.
        """
        if self.executor is None:
            for item in items:
                # as in a worker, so that the sums are the same to the byte
                with one_blas_thread():
                    result = _kept(item, function, self, common)
                yield result
            return
        elsewhere = FoldWork(parts=self.parts, name=self.name, threads=1)
        yield from self.executor.map(_in_worker, items, function, elsewhere, common, list(KNOWN_LABELS.values()))

    def key(self, fold: int) -> str:
        """Return the key of a fold."""
        return f"{self.name}-{fold}"


@dataclass(frozen=True)
class FoldResult:
    """
    The stars of one fold, labelled without it.

    Attributes
    ----------
    labels : xarray.Dataset
    residuals : Residuals
    members : int array of shape (N,)
        Their rows in the reference set.
    damaged : xarray.Dataset or None
        Labels of copies with fewer pixels.
    """

    labels: xr.Dataset
    residuals: Residuals
    members: NDArray[np.int64]
    damaged: xr.Dataset | None


def _in_worker(
    item: tuple[int, Any], function: Any, work: FoldWork, common: tuple[Any, ...], labels: list[Label]
) -> FoldResult:
    """Do one item in a process that does not know labels of one's own."""
    for label in labels:
        if label.name not in KNOWN_LABELS:
            register_label(label)
    with one_blas_thread():
        return _kept(item, function, work, common)


def _kept(item: tuple[int, Any], function: Any, work: FoldWork, common: tuple[Any, ...]) -> FoldResult:
    """Read a finished fold, or make it and keep it."""
    if work.parts is None:
        result: FoldResult = function(item, work.threads, *common)
        return result
    key = work.key(item[0])
    if work.parts.done(key) is None:
        with work.parts.writing(key, _ENDING) as path:
            write_fold(function(item, work.threads, *common), path)
    return read_fold(work.parts.path(key, _ENDING))


def write_fold(result: FoldResult, path: Path) -> None:
    """Write a fold as arrays."""
    arrays: dict[str, Any] = {"members": result.members}
    described: dict[str, Any] = {}
    for name, dataset in (("labels", result.labels), ("damaged", result.damaged)):
        if dataset is not None:
            described[name] = _describe(dataset, name, arrays)
    for item in fields(Residuals):
        arrays[f"residuals/{item.name}"] = getattr(result.residuals, item.name)
    arrays["described"] = np.array(json.dumps(described))
    with path.open("wb") as stream:
        np.savez(stream, allow_pickle=False, **arrays)


def read_fold(path: Path) -> FoldResult:
    """Read a fold that :func:`write_fold` wrote."""
    with np.load(path, allow_pickle=False) as arrays:
        described = json.loads(str(arrays["described"]))
        read = {name: _read(name, one, arrays) for name, one in described.items()}
        residuals = Residuals(*(arrays[f"residuals/{item.name}"] for item in fields(Residuals)))
        return FoldResult(read["labels"], residuals, arrays["members"], read.get("damaged"))


def _describe(dataset: xr.Dataset, prefix: str, arrays: dict[str, Any]) -> dict[str, Any]:
    """Put the arrays of a Dataset among others; return what JSON can hold of the rest."""
    said: dict[str, Any] = {"attrs": dataset.attrs, "coords": sorted(map(str, dataset.coords)), "variables": {}}
    for name, values in dataset.variables.items():
        array = np.asarray(values.values)
        # text of any width becomes that of one
        arrays[f"{prefix}/{name}"] = array.astype(np.str_) if array.dtype.kind in "OT" else array
        said["variables"][str(name)] = {"dims": list(values.dims), "attrs": values.attrs}
    return said


def _read(prefix: str, said: dict[str, Any], arrays: Any) -> xr.Dataset:
    variables = {
        name: (one["dims"], arrays[f"{prefix}/{name}"], one["attrs"]) for name, one in said["variables"].items()
    }
    data = {name: value for name, value in variables.items() if name not in said["coords"]}
    return xr.Dataset(data, {name: variables[name] for name in said["coords"]}, said["attrs"])

"""Held-out folds as tasks: the same with any engine, and finished ones are taken up by a rerun."""

import numpy as np
import pytest
import xarray as xr

from bayescannon.cannon import fold_work
from bayescannon.cannon.fold_work import FoldResult, FoldWork, read_fold, write_fold
from bayescannon.cannon.held_out import hold_out
from bayescannon.cannon.reference import ReferenceSet
from bayescannon.cannon.training import train
from bayescannon.data.spectra import Spectra
from bayescannon.io.work_folder import WorkFolder
from bayescannon.models.label_vector import label_vector
from bayescannon.numerics.executors import ProcessExecutor, SerialExecutor
from bayescannon.reliability.spectrum_scores import Residuals


@pytest.fixture(scope="module")
def reference():
    rng = np.random.default_rng(2)
    scaled = rng.normal(size=(60, 2)).clip(-2, 2)
    theta = np.eye(1, 6) + 0.03 * rng.normal(size=(90, 6))
    flux = label_vector(scaled) @ theta.T + 0.01 * rng.normal(size=(60, 90))
    spectra = Spectra(
        5000.0 + np.arange(90), flux.astype(np.float32), np.full(flux.shape, 1e4, np.float32),
        [f"star-{n}" for n in range(60)], {"snr": np.full(60, 100.0)},
    )  # fmt: skip
    return ReferenceSet(spectra, np.array([4800, 2.5]) + scaled * [250, 0.6], label_names=("teff", "logg"))


@pytest.fixture(scope="module")
def plain(reference):
    return train(reference), hold_out(reference, folds=3, options=train(reference), workers=1)


def same(one, other):
    """Every number and every text of two sets of held-out stars."""
    for name in ("labels", "damaged"):
        left, right = (x.estimates if name == "labels" else x.damaged for x in (one, other))
        assert set(left.variables) == set(right.variables)
        for variable in left.variables:
            assert left[variable].values.tobytes() == right[variable].values.tobytes(), variable
            assert left[variable].dtype == right[variable].dtype
        assert left.attrs | {"created": ""} == right.attrs | {"created": ""}
    np.testing.assert_array_equal(one.residuals.residual, other.residuals.residual)


@pytest.mark.parametrize("executor", [SerialExecutor(), pytest.param(ProcessExecutor(2), marks=pytest.mark.long)])
def test_any_engine_labels_the_same(reference, plain, executor):
    model, held_out = plain
    same(held_out, hold_out(reference, folds=3, options=model, workers=FoldWork(executor)))


def test_finished_folds_are_not_done_again(reference, plain, tmp_path, monkeypatch):
    model, held_out = plain
    done = []
    whole = fold_work._kept

    def counted(item, function, work, common):
        return whole(item, lambda task, *more: done.append(task[0]) or function(task, *more), work, common)

    monkeypatch.setattr(fold_work, "_kept", counted)

    def run(output):
        with WorkFolder(output, {"verb": "train"}) as work:
            return hold_out(reference, folds=3, options=model, workers=FoldWork(parts=work.parts, threads=1))

    same(held_out, run(tmp_path / "model.nc"))
    assert done == [0, 1, 2]
    folder = next(tmp_path.glob(".model.nc.work*"))
    file = folder / "fold-1.npz"
    file.write_bytes(file.read_bytes()[:-20])
    (folder / "fold-2.note").unlink()
    same(held_out, run(tmp_path / "model.nc"))
    assert done == [0, 1, 2, 1, 2]


def test_a_fold_is_read_as_it_was_written(tmp_path):
    dataset = xr.Dataset(
        {
            "labels": (("star", "stellar_label"), np.array([[1.0, np.nan]]), {"long_name": "labels"}),
            "status": ("star", np.array([3], dtype=np.int16)),
            "flagged": ("star", np.array([True])),
            "text": ("star", np.array(["ä\x1b"], dtype=object)),
        },
        {"star": ["a"], "stellar_label": ["teff", "logg"]},
        {"version": "0.7", "n": 3, "share": 0.25},
    )
    residuals = Residuals(*(np.ones(shape, dtype=np.float32) for shape in ((1, 4), (1, 4), (1,), (1,))))
    write_fold(FoldResult(dataset, residuals, np.array([5]), None), tmp_path / "fold.npz")
    found = read_fold(tmp_path / "fold.npz")
    xr.testing.assert_identical(found.labels, dataset)
    assert {name: found.labels[name].dtype for name in ("labels", "status", "flagged")} == {
        name: dataset[name].dtype for name in ("labels", "status", "flagged")
    }
    assert found.damaged is None
    assert found.members.tolist() == [5]
    assert found.residuals.residual.dtype == np.float32


def test_objects_are_not_read(tmp_path):
    np.savez(tmp_path / "fold.npz", described=np.array([{"a": 1}], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle"):
        read_fold(tmp_path / "fold.npz")

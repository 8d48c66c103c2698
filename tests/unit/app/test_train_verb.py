"""The verb train: interrupted while it holds stars out it takes up the finished folds, and ends with the same model."""

import numpy as np
import pytest
import xarray as xr

from bayescannon.app import train_verb
from bayescannon.app.cli import main
from bayescannon.cannon import held_out
from bayescannon.cannon.model_file import load_model


def _train(small, out, *more):
    labels = ("--labels", str(small.survey / "apogee.fits"), "--label-names", "teff,logg")
    return main(["train", str(small.store), *labels, "--out", str(out), "--folds", "2", "--clip-rounds", "0", *more])


@pytest.fixture
def folds(monkeypatch):
    """The folds that are labelled, as they are."""
    done, whole = [], held_out._hold_out_one
    monkeypatch.setattr(held_out, "_hold_out_one", lambda task, *more: done.append(task[0]) or whole(task, *more))
    return done


def test_finished_folds_are_taken_up_and_nothing_is_left(small, tmp_path, folds, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    assert _train(small, tmp_path / "whole.nc") == 0
    assert folds == [0, 1]

    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as once:
        once.setattr(train_verb, "write_result", interrupted)
        assert _train(small, tmp_path / "model.nc") != 0
    assert not (tmp_path / "model.nc").exists()
    kept = next(tmp_path.glob(".model.nc.work*"))
    (kept / "fold-1.note").unlink()
    folds.clear()
    assert _train(small, tmp_path / "model.nc") == 0
    assert folds == [1]
    assert (tmp_path / "model.nc").read_bytes() == (tmp_path / "whole.nc").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.nc", "whole.nc"]
    assert load_model(tmp_path / "model.nc").held_out is not None


@pytest.mark.long
def test_worker_processes_make_the_same_model(small, tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    assert _train(small, tmp_path / "one.nc") == 0
    assert _train(small, tmp_path / "two.nc", "--workers", "2") == 0
    one, two = (xr.open_datatree(tmp_path / name, engine="h5netcdf") for name in ("one.nc", "two.nc"))
    with one, two:
        assert {node.path for node in one.subtree} == {node.path for node in two.subtree}
        for node in one.subtree:
            other = two[node.path]
            assert set(node.variables) == set(other.variables)
            for name, variable in node.variables.items():
                got, want = other[name].to_numpy(), variable.to_numpy()
                # the same bytes where BLAS sums in the same order; a message names what differs by more than rounding
                if want.dtype.kind == "f":
                    np.testing.assert_allclose(got, want, rtol=1e-8, atol=1e-10, err_msg=f"{node.path}/{name}")
                else:
                    np.testing.assert_array_equal(got, want, err_msg=f"{node.path}/{name}")


def test_a_run_takes_up_finished_folds_too(small, tmp_path, folds, monkeypatch, capsys):
    config = tmp_path / "run.toml"
    config.write_text(
        f'out = "results"\n[prepare]\nspectra = "{small.survey}/spectra"\n'
        f'[labels]\ntable = "{small.survey}/apogee.fits"\n'
        '[train]\nlabel_names = ["teff", "logg"]\nfolds = 2\nclip_rounds = 0\n',
        encoding="utf-8",
    )

    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as once:
        once.setattr(train_verb, "write_result", interrupted)
        assert main(["run", str(config), "--until", "train"]) == 130
    (next((tmp_path / "results").glob(".model.nc.work*")) / "fold-0.note").unlink()
    folds.clear()
    capsys.readouterr()
    assert main(["run", str(config), "--until", "train"]) == 0
    assert folds == [0]
    assert "prepare: finished before" in capsys.readouterr().out
    assert sorted(path.name for path in (tmp_path / "results").iterdir()) == ["model.nc", "run.json", "store.zarr"]

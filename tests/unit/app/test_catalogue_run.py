"""A catalogue of a store: the same bytes whatever engine and blocks."""

import os
import signal

import numpy as np
import pyarrow.dataset
import pytest
from labelled_store import N_STAR, labelled_bytes, labelled_store
from toy_survey import toy_survey

import bayescannon as bc
from bayescannon.numerics.dask_executor import DaskExecutor
from bayescannon.numerics.errors import InputError


@pytest.fixture(scope="module")
def made():
    return labelled_store()


@pytest.fixture(scope="module")
def whole():
    return labelled_bytes()


@pytest.mark.parametrize(("engine", "block"), [(None, 128), (None, 256), ("processes", 128)])
def test_bytes_do_not_depend_on_engine_and_blocks(made, whole, tmp_path, engine, block):
    model, store, _ = made
    bc.label_catalogue(model, store, tmp_path / "c.fits", n_draws=100, engine=engine, block=block)
    assert (tmp_path / "c.fits").read_bytes() == whole
    assert [path.name for path in tmp_path.iterdir()] == ["c.fits"]


def test_it_is_what_the_estimates_give(made, whole, tmp_path):
    model, store, _ = made
    estimates = bc.label_store(model, store, n_draws=100, block=128)
    bc.write_catalogue(estimates, tmp_path / "c.fits")
    assert (tmp_path / "c.fits").read_bytes() == whole
    assert "created" not in estimates.attrs


@pytest.mark.long
def test_a_survey_model_and_a_selection(tmp_path):
    survey = toy_survey(n_new=300)
    store = bc.save_spectra(survey.spectra, tmp_path / "store.zarr")
    made = {}
    for engine, block in ((None, 128), (None, 256)):
        out = tmp_path / f"{engine}-{block}.parquet"
        run = bc.label_catalogue(survey.model, store, out, only="upper", engine=engine, block=block, false_alarms=0.1)
        made[engine, block] = out.read_bytes()
    assert len(set(made.values())) == 1
    kept = bc.read_catalogue(out)
    assert 0 < len(kept) < 300
    assert run.selection.startswith(f"keeps {len(kept)} of 300 stars")
    assert kept.meta["selection"] == run.selection


def test_a_folder_of_parts_is_the_same_catalogue(made, whole, tmp_path):
    model, store, _ = made
    run = bc.label_catalogue(model, store, tmp_path / "stars", n_draws=100, layout="parts", block=128)
    (tmp_path / "whole.fits").write_bytes(whole)
    table, parts = bc.read_catalogue(tmp_path / "whole.fits"), bc.read_catalogue(run.path)
    assert parts.meta == table.meta
    for name in table.colnames:
        np.testing.assert_array_equal(parts[name], table[name])
    assert len(pyarrow.dataset.dataset(run.path).to_table()) == N_STAR
    with pytest.raises(InputError, match="layout must be one of file, parts, hats; got 'tree'"):
        bc.label_catalogue(model, store, tmp_path / "c", layout="tree")


def test_a_store_at_a_url_gives_the_same_bytes(made, whole, tmp_path):
    pytest.importorskip("fsspec")
    model, store, _ = made
    url = "memory://labelled/store.zarr"
    bc.save_spectra(bc.load_spectra(store), url)
    bc.label_catalogue(model, url, tmp_path / "c.fits", n_draws=100)
    assert (tmp_path / "c.fits").read_bytes() == whole


@pytest.mark.long
@pytest.mark.filterwarnings("default")
def test_a_cluster_of_two_workers_of_which_one_is_killed_gives_the_same_bytes(made, whole, tmp_path):
    pytest.importorskip("distributed")
    killed = []

    class Killing(DaskExecutor):
        def map(self, function, items, *common):
            for result in super().map(function, items, *common):
                if not killed:
                    killed.append(next(iter(self._client.run(os.getpid).values())))
                    os.kill(killed[0], signal.SIGKILL)
                yield result

    model, store, _ = made
    with Killing("local", 2) as engine:
        bc.label_catalogue(model, store, tmp_path / "c.fits", n_draws=100, block=128, engine=engine)
        assert engine.n_workers == 2
    assert killed
    assert (tmp_path / "c.fits").read_bytes() == whole
    assert [path.name for path in tmp_path.iterdir()] == ["c.fits"]

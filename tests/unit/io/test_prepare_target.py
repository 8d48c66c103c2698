"""Where the store of a preparation goes, and what of that is refused before the work."""

import pytest
from stored_spectra import GRID, some_spectra

from bayescannon.data.preset import PAPER
from bayescannon.io.outputs import OutputExistsError
from bayescannon.io.prepare_target import PrepareTarget
from bayescannon.io.store import StoreError, load_spectra, store_id
from bayescannon.io.store_writer import save_spectra
from bayescannon.numerics.errors import InputError


def test_a_path_of_this_machine(tmp_path):
    target = PrepareTarget(tmp_path / "deep" / "s.zarr", overwrite=False, append=False)
    assert target.folder == tmp_path / "deep" / "s.zarr"
    assert target.written() is None
    assert target.old(PAPER, GRID) is None
    finished = save_spectra(some_spectra(5), tmp_path / "finished.zarr")
    known = store_id(finished)
    target.put(finished)
    assert target.written() == known
    assert not finished.exists()
    with pytest.raises(OutputExistsError):
        target.check()
    with pytest.raises(OutputExistsError):
        PrepareTarget(tmp_path / "deep" / "s.zarr", overwrite=False, append=False)


def test_a_url(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    target = PrepareTarget("memory://target/s.zarr", overwrite=False, append=False)
    assert target.folder == tmp_path / "s.zarr"
    finished = save_spectra(some_spectra(5), tmp_path / "finished.zarr")
    target.put(finished)
    assert target.written() == store_id(finished)
    assert len(load_spectra(target.path)) == 5
    with pytest.raises(OutputExistsError, match="at a URL is not replaced"):
        target.check()


def test_what_is_asked_must_go_together(tmp_path):
    with pytest.raises(InputError, match="got both"):
        PrepareTarget(tmp_path / "s.zarr", overwrite=True, append=True)
    with pytest.raises(InputError, match="on this machine only"):
        PrepareTarget("memory://target/t.zarr", overwrite=False, append=True)
    with pytest.raises(StoreError, match="there is no store"):
        PrepareTarget(tmp_path / "s.zarr", overwrite=False, append=True).old(PAPER, GRID)

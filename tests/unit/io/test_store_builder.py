"""Shards are written when they are full, the root metadata last, and what is adopted is not written again."""

import numpy as np
import pytest
from stored_spectra import GRID, some_spectra

from bayescannon.data.spectra import GridError, Spectra
from bayescannon.io.store_builder import StoreBuilder, clean_text
from bayescannon.numerics.errors import InputError


def _build(spectra, adopted=()):
    files = {}
    builder = StoreBuilder(files.__setitem__, GRID, "s")
    for shard in adopted:
        builder.adopt(shard)
    shards = []
    for start in range(1024 * len(adopted), len(spectra), 700):
        shards += builder.append(spectra.select(slice(start, start + 700)))
    builder.finish({"preset": "paper"})
    return files, shards


def test_the_root_is_written_last():
    files, shards = _build(some_spectra(2500))
    assert list(files)[-1] == "zarr.json"
    assert [shard.number for shard in shards] == [0, 1]
    assert list(files)[:2] == ["flux/c.0.0", "ivar/c.0.0"]
    assert [len(shard) for shard in shards] == [1024, 1024]


def test_adopted_shards_make_the_same_store():
    spectra = some_spectra(2500)
    whole, shards = _build(spectra)
    rest, _ = _build(spectra, adopted=shards)
    assert set(whole) - set(rest) == {f"{name}/c.{number}.0" for name in ("flux", "ivar") for number in (0, 1)}
    assert {name: whole[name] for name in rest} == rest


def test_columns_are_written_when_a_file_is_full(monkeypatch):
    for module in ("store_builder", "store_layout"):
        monkeypatch.setattr(f"bayescannon.io.{module}.COLUMN_CHUNK", 2048)
    files = {}
    builder = StoreBuilder(files.__setitem__, GRID, "s")
    builder.append(some_spectra(3000))
    assert {"snr/c.0", "star/c.0"} < set(files)
    assert "snr/c.1" not in files


def test_blocks_must_go_together():
    builder = StoreBuilder({}.__setitem__, GRID, "s")
    spectra = some_spectra(5)
    builder.append(spectra)
    with pytest.raises(GridError):
        builder.append(Spectra(GRID + 1, spectra.flux, spectra.ivar, spectra.id))
    with pytest.raises(InputError, match="must have the columns"):
        builder.append(Spectra(GRID, spectra.flux, spectra.ivar, spectra.id, {"snr": spectra.columns["snr"]}))
    columns = {**spectra.columns, "empty": np.arange(5)}
    with pytest.raises(InputError, match="column empty of every block must be of string; got int64"):
        builder.append(Spectra(GRID, spectra.flux, spectra.ivar, spectra.id, columns))


@pytest.mark.parametrize("name", ["a/b", ".hidden", "flux", "wavelength", "a\udcff", ""])
def test_names_that_are_no_names_of_columns(name):
    spectra = some_spectra(5)
    builder = StoreBuilder({}.__setitem__, GRID, "s")
    with pytest.raises(InputError, match="cannot be names of columns"):
        builder.append(Spectra(GRID, spectra.flux, spectra.ivar, spectra.id, {name: np.arange(5)}))


def test_no_star_is_no_store():
    with pytest.raises(InputError, match="at least one star"):
        StoreBuilder({}.__setitem__, GRID, "s").finish()


def test_text_that_terminals_cannot_hold_is_escaped():
    assert clean_text(np.array(["a\udcff", "é"])).tolist() == ["a\\udcff", "é"]

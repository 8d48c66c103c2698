"""Where a catalogue comes from, and a flat form of it that every format can carry."""

import pytest
from catalogues import make_estimates

from bayescannon.data.flags import FitStatus, ResultFlag
from bayescannon.io.catalogue import (
    CatalogueError,
    build_catalogue,
)
from bayescannon.io.catalogue_provenance import (
    flatten_provenance,
    unflatten_provenance,
)


def test_provenance() -> None:
    meta = build_catalogue(make_estimates()).meta
    assert meta["seed"] == 11
    assert type(meta["seed"]) is int
    assert meta["n_starts"] == 7
    assert meta["model_hash"] == "0123abcd" * 8
    assert "10.3847/1538-4357/836/1/5" in meta["method"]
    assert [row["value"] for row in meta["fit_status"]] == [int(status) for status in FitStatus]
    assert [row["name"] for row in meta["result_flags"]] == [flag.name for flag in ResultFlag]
    assert all(row["sentence"].endswith(".") for row in meta["fit_status"] + meta["result_flags"])
    as_text = [(key, str(value)) for key, value in flatten_provenance(meta)]
    assert unflatten_provenance([*as_text, ("naxis1", "200"), ("flags", "7")]) == meta


def test_creation_time_is_optional_and_the_rest_is_not() -> None:
    estimates = make_estimates()
    del estimates.attrs["created"]
    assert "created" not in build_catalogue(estimates).meta
    del estimates.attrs["model_hash"]
    with pytest.raises(CatalogueError, match="need the attribute 'model_hash'"):
        build_catalogue(estimates)

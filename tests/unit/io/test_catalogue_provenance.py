"""Where a catalogue comes from, and a flat form of it that every format can carry."""

import numpy as np
import pytest
from catalogues import make_estimates

from bayescannon.data.flags import FitStatus, ResultFlag
from bayescannon.io.catalogue import CatalogueError, build_catalogue
from bayescannon.io.catalogue_provenance import EXPLANATIONS, build_provenance, flatten_provenance, unflatten_provenance


def test_explanations_fit_into_a_card_of_fits():
    # 80 characters, with keyword, a value of 20 and the signs between them
    assert max(map(len, EXPLANATIONS.values())) <= 80 - 10 - 20 - 3


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


def test_a_flat_provenance_has_one_line_of_text_or_a_number_per_entry() -> None:
    attrs = make_estimates().attrs | {"priors": "theta flat,\n  s flat", "seed": np.int64(7), "foreign": "left out"}
    provenance = build_provenance(attrs)
    assert provenance["priors"] == "theta flat, s flat"
    assert "foreign" not in provenance
    pairs = dict(flatten_provenance(provenance))
    assert pairs["seed"] == 7
    assert set(pairs) <= {
        *EXPLANATIONS,
        *(f"status{int(one)}" for one in FitStatus),
        *(f"flag{int(f)}" for f in ResultFlag),
    }
    assert pairs["status0"].startswith("CONVERGED: ")
    assert all("\n" not in str(value) for value in pairs.values())


def test_text_that_no_header_holds_is_refused() -> None:
    with pytest.raises(CatalogueError, match=r"'reference' of the label estimates must be ASCII text.*got 'Ä'"):
        build_provenance(make_estimates().attrs | {"reference": "Ä"})
    with pytest.raises(CatalogueError, match=r"need the attribute 'version'.*they have none"):
        build_provenance({})

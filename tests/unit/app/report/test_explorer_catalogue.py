"""Columns of a catalogue in a page: the useful ones first, as many as fit, none of them lost without a word."""

import json

import numpy as np
import pytest
from astropy.table import Table

from bayescannon.app.report import explorer_catalogue
from bayescannon.app.report.explorer_catalogue import pack_catalogue
from bayescannon.app.report.packing import unpack_values

NAMES = ("teff", "logg")


@pytest.fixture
def catalogue():
    rng = np.random.default_rng(0)
    n = 200
    table = Table({
        "id": [f"star {i}" for i in range(n)], "ra": rng.uniform(0, 360, n), "flags": rng.integers(0, 4000, n),
        "flag_bad": rng.random(n) < 0.1, "status_text": np.where(rng.random(n) < 0.1, "NO", "CONVERGED"),
        "obsid": [f"{i}" for i in range(n)], "e_teff": rng.random(n), "snr_g": rng.random(n),
        "teff": rng.normal(4800, 100, n), "logg": rng.normal(2.5, 0.5, n), "cov": rng.random((n, 2, 2)),
    })  # fmt: skip
    table["teff"].unit = "K"
    return table


def packed(catalogue, limit=10**7):
    return pack_catalogue(catalogue, NAMES, np.array(["star 3", "star 5", "other"]), limit=limit)


def test_columns_come_in_the_order_of_their_use(catalogue):
    found = packed(catalogue)
    names = [column["name"] for column in found.data["columns"]]
    assert names == ["teff", "logg", "snr_g", "flags", "flag_bad", "in_reference_set", "e_teff", "ra", "status_text"]
    columns = {column["name"]: column for column in found.data["columns"]}
    assert columns["teff"]["unit"] == "K"
    assert columns["status_text"]["names"] == ["CONVERGED", "NO"]
    assert found.left_out == ()
    assert found.rounded == ""
    np.testing.assert_allclose(unpack_values(columns["ra"]), catalogue["ra"], atol=0.01)
    assert found.size == sum(len(column["data"]) for column in [found.data["id"], *found.data["columns"]])
    json.dumps(found.data)


def test_what_does_not_fit_is_named(catalogue):
    whole = packed(catalogue)
    less = packed(catalogue, limit=whole.size - 1)
    assert less.left_out
    assert less.size < whole.size
    assert less.data["columns"][0]["name"] == "teff"


def test_many_rows_are_rounded_and_say_so(catalogue, monkeypatch):
    monkeypatch.setattr(explorer_catalogue, "_MANY", 100)
    found = packed(catalogue)
    assert found.rounded == "labels of the catalogue are rounded to 1/8000 of their range, other columns to 1/1000"
    columns = {column["name"]: column for column in found.data["columns"]}
    assert columns["teff"]["step"] == pytest.approx(np.ptp(catalogue["teff"]) / 8000)
    assert columns["snr_g"]["step"] == pytest.approx(np.ptp(catalogue["snr_g"]) / 1000)
    assert found.size < packed(catalogue).size * 1.01

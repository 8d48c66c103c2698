"""The columns of a catalogue: names, units, descriptions and number types."""

import itertools

import numpy as np
import pytest
from astropy import units
from astropy.io.votable.ucd import parse_ucd
from astropy.table import QTable
from catalogues import ENDINGS, SEVEN, make_calibrated, make_estimates, require_same_catalogue, with_posterior

from bayescannon.data.labels import KNOWN_LABELS
from bayescannon.io.catalogue import build_catalogue, read_catalogue, write_catalogue

TAIL = ["status", "status_text", "flags", "flag_bad", "flag_warn"]


MEASURED = ["snr_g", "rchi2", "ra", "dec", "redshift", "live_pixels", "agreeing_starts"]


@pytest.mark.parametrize("names", [("teff",), ("logg", "a_k", "teff"), SEVEN])
def test_columns(names: tuple[str, ...]) -> None:
    estimates = make_estimates(names=names)
    table = build_catalogue(estimates)
    pairs = [f"rho_{x}_{y}" for x, y in itertools.combinations(names, 2)]
    assert table.colnames == ["id", *names, *MEASURED, *(f"e_formal_{name}" for name in names), *pairs, *TAIL]
    for column in table.columns.values():
        assert column.description
        assert (column.unit is None) == (column.dtype.kind == "U")
        parse_ucd(column.meta["ucd"], check_controlled_vocabulary=True, has_colon=True)
    for k, name in enumerate(names):
        unit = units.Unit(KNOWN_LABELS[name].unit)
        assert table[name].unit == table[f"e_formal_{name}"].unit == unit
        assert table[name].format == f".{KNOWN_LABELS[name].digits}f"
        assert "noise of the pixels alone" in table[f"e_formal_{name}"].description
        np.testing.assert_allclose(table[name], estimates["labels"][:, k], rtol=1e-7)
        np.testing.assert_allclose(table[f"e_formal_{name}"] ** 2, estimates["formal_covariance"][:, k, k], rtol=1e-6)
    for x, y in itertools.combinations(names, 2):
        covariance = estimates["formal_covariance"].sel(stellar_label=x, stellar_label_2=y)
        rebuilt = table[f"rho_{x}_{y}"] * table[f"e_formal_{x}"] * table[f"e_formal_{y}"]
        np.testing.assert_allclose(rebuilt, covariance, rtol=1e-5)
        assert np.nanmax(np.abs(table[f"rho_{x}_{y}"])) <= 1
        assert "(J^T W J)^-1" in table[f"rho_{x}_{y}"].description
    assert np.isnan(table[f"e_formal_{names[0]}"][[1, 4]]).all()
    assert list(np.flatnonzero(np.isnan(table[names[0]]))) == [1]
    assert table["status_text"][[0, 1, 4]].tolist() == ["CONVERGED", "FEW_PIXELS", "SINGULAR"]
    assert QTable(table)[names[0]].unit == units.Unit(KNOWN_LABELS[names[0]].unit)


def test_number_types_are_the_smallest_that_lose_nothing() -> None:
    table = build_catalogue(with_posterior(make_calibrated()))
    assert {name for name in table.colnames if table[name].dtype == np.float64} == {"ra", "dec"}
    assert {table[name].dtype.name for name in ("status", "posterior_status", "flag_bad", "flag_warn")} == {"uint8"}
    assert (table["agreeing_starts"].dtype, table["n_modes"].dtype) == (np.int16, np.int16)
    assert (table["live_pixels"].dtype, table["flags"].dtype) == (np.int32, np.int32)


def test_a_chi2_beyond_single_precision_is_infinite() -> None:
    estimates = make_estimates()
    estimates["reduced_chi2"][0] = 1e60
    assert np.isposinf(build_catalogue(estimates)["rchi2"][0])


def test_columns_do_not_depend_on_the_order_of_dims() -> None:
    estimates = make_estimates()
    turned = estimates.transpose("stellar_label_2", "stellar_label", "star")
    require_same_catalogue(build_catalogue(turned), build_catalogue(estimates), rounded=False)


def test_variance_that_is_not_positive_is_missing() -> None:
    estimates = make_estimates()
    estimates["formal_covariance"][0, 0, 0] = -1e-9
    estimates["formal_covariance"][2, 0, 0] = 0.0
    table = build_catalogue(estimates)
    assert np.isnan(table["e_formal_teff"][[0, 2]]).all()
    assert np.isnan(table["rho_teff_logg"][[0, 2]]).all()
    assert np.isfinite(table["e_formal_logg"][[0, 2]]).all()


def test_outlying_pixels_are_a_column_where_there_are_any() -> None:
    estimates = make_estimates()
    table = build_catalogue(estimates.assign(outlying_pixels=("star", np.arange(estimates.sizes["star"]))))
    assert table.colnames[table.colnames.index("live_pixels") + 1] == "outlying_pixels"
    assert table["outlying_pixels"].tolist() == list(range(len(table)))
    assert table["outlying_pixels"].dtype == np.int32


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("has_none", [True, False])
def test_populations_are_columns_that_survive_a_file(tmp_path, ending, has_none):
    estimates = make_estimates()
    n_star = estimates.sizes["star"]
    membership = np.random.default_rng(5).dirichlet([1, 1, 1], n_star)
    membership[1] = np.nan
    estimates = estimates.assign(
        membership=(("star", "population_name"), membership),
        population=("star", np.where(np.arange(n_star) == 1, "", "dwarf")),
        **({"p_none": ("star", np.linspace(0.01, 1, n_star))} if has_none else {}),
    ).assign_coords(population_name=["giant", "dwarf", "hot"])
    estimates.attrs |= {"populations": "giant: logg < 3.8", "selection": "keeps 3 of 12 stars", "population_notes": "x"}
    table = build_catalogue(estimates)
    here = table.colnames.index("population")
    more = ["p_none"] if has_none else []
    assert table.colnames[here : here + 4 + len(more)] == ["population", "p_giant", "p_dwarf", "p_hot", *more]
    assert table["p_hot"].meta["ucd"] == "stat.probability"
    assert table["population"].meta["ucd"] == "meta.code"
    assert table["p_hot"].description.startswith("probability that the star is of population hot; ")
    write_catalogue(table, tmp_path / f"c{ending}")
    require_same_catalogue(read_catalogue(tmp_path / f"c{ending}"), table, rounded=ending == ".mrt")

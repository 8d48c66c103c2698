"""The catalogue: columns, units, provenance."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from astropy import units
from astropy.io import fits
from astropy.io.votable.ucd import parse_ucd
from astropy.table import QTable
from catalogues import ENDINGS, SEVEN, make_calibrated, make_estimates, require_same_catalogue, with_posterior

from bayescannon.data.flags import FitStatus, ResultFlag
from bayescannon.data.labels import KNOWN_LABELS, PAPER_LABELS, LabelError
from bayescannon.io.catalogue import (
    CatalogueError,
    build_catalogue,
    check_catalogue_path,
    read_catalogue,
    write_catalogue,
)
from bayescannon.io.catalogue_provenance import (
    flatten_provenance,
    unflatten_provenance,
)
from bayescannon.io.outputs import OutputExistsError, OutputFolderError
from bayescannon.numerics.errors import MissingFileError

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
        assert "noise of the pixels only" in table[f"e_formal_{name}"].description
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


def test_without_a_calibration_there_are_no_errors_but_the_formal_ones(tmp_path: Path) -> None:
    table = build_catalogue(make_estimates())
    assert not [name for name in table.colnames if name.startswith("e_") and not name.startswith("e_formal_")]
    assert table.meta["errors"].startswith("formal only")
    write_catalogue(table, tmp_path / "c.fits")
    assert fits.getheader(tmp_path / "c.fits", 1)["ERRORS"].startswith("formal only")


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


@pytest.mark.parametrize("ending", ENDINGS)
def test_calibrated_errors_are_the_errors_and_survive_a_file(tmp_path: Path, ending: str) -> None:
    table = build_catalogue(make_calibrated())
    names = PAPER_LABELS
    assert table.colnames[:11] == ["id", *itertools.chain(*((name, f"e_{name}") for name in names))]
    for name in names:
        np.testing.assert_allclose(table[f"e_{name}"], 3 * table[f"e_formal_{name}"], rtol=1e-6)
        assert table[f"e_{name}"].unit == units.Unit(KNOWN_LABELS[name].unit)
        assert table[f"e_{name}"].description == f"calibrated error of {name}: half of its central 68.3 % interval"
    # the correlations are those of the formal errors
    np.testing.assert_array_equal(table["rho_teff_logg"], build_catalogue(make_estimates())["rho_teff_logg"])
    write_catalogue(table, tmp_path / f"calibrated{ending}")
    got = read_catalogue(tmp_path / f"calibrated{ending}")
    require_same_catalogue(got, table, rounded=ending == ".mrt")
    assert got.meta["errors"].startswith("calibrated on 1000")


@pytest.mark.parametrize("ending", ENDINGS)
def test_quantiles_say_what_they_are_and_how_they_compare_with_the_errors(tmp_path: Path, ending: str) -> None:
    table = build_catalogue(with_posterior(make_calibrated()))
    assert [name for name in table.colnames if name.startswith("logg_p")] == [
        "logg_p2_5", "logg_p15_9", "logg_p50", "logg_p84_1", "logg_p97_5",
    ]  # fmt: skip
    text = table["logg_p15_9"].description
    assert text.startswith("15.9 % quantile of the posterior of logg from the model's likelihood")
    assert "not calibrated" in text
    # a calibrated error is three formal ones here
    assert text.endswith("half of 15.9-84.1 % is 0.33 e_logg (median)")
    assert table.meta["posterior_width"] == (
        "half of the 15.9-84.1 % interval of posteriors over e_, median: teff 0.33, logg 0.33, fe_h 0.33, "
        "alpha_m 0.33, a_k 0.33"
    )
    write_catalogue(table, tmp_path / f"posterior{ending}")
    require_same_catalogue(read_catalogue(tmp_path / f"posterior{ending}"), table, rounded=ending == ".mrt")
    plain = build_catalogue(with_posterior(make_estimates()))
    assert plain["logg_p50"].description.endswith("half of 15.9-84.1 % is 1 e_formal_logg (median)")
    assert "over e_formal_, median: teff 1, " in plain.meta["posterior_width"]


def test_the_names_of_a_star_are_kept_where_they_are_known(tmp_path: Path) -> None:
    estimates = make_estimates(3)
    estimates["obsid"] = "star", np.array(["101001", "", "101003"])
    estimates["subclass"] = "star", np.array(["K3", "G8", ""], dtype=object)
    estimates["gaia_id"] = "star", np.full(3, "")
    estimates["survey_id"] = "star", np.array([4611686018427387905, 2, 3])
    table = build_catalogue(estimates)
    assert "gaia_id" not in table.colnames, "a name that no star has is left out"
    for ending in ENDINGS:
        write_catalogue(table, tmp_path / f"c{ending}")
        got = read_catalogue(tmp_path / f"c{ending}")
        assert got["obsid"].tolist() == ["101001", "", "101003"]
        assert got["subclass"].tolist() == ["K3", "G8", ""]
        assert got["survey_id"].tolist() == ["4611686018427387905", "2", "3"]


def test_the_catalogue_prints_labels_errors_and_flags() -> None:
    estimates = make_calibrated()
    first, *rest = build_catalogue(estimates)[-5:].pformat(max_width=120)
    assert first.split()[:5] == ["id", "teff", "e_teff", "logg", "e_logg"]
    assert first.split()[-3:] == ["flags", "flag_bad", "flag_warn"]
    assert rest[-1].split()[1] == f"{float(estimates['labels'][-1, 0]):.1f}"


def test_estimates_can_be_written_as_they_are(tmp_path: Path) -> None:
    write_catalogue(make_calibrated(), tmp_path / "c.ecsv")
    require_same_catalogue(read_catalogue(tmp_path / "c.ecsv"), build_catalogue(make_calibrated()), rounded=False)


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


def test_wrong_estimates_are_refused() -> None:
    with pytest.raises(CatalogueError, match="need the variable 'flags'"):
        build_catalogue(make_estimates().drop_vars("flags"))
    with pytest.raises(LabelError, match="unknown label name 'tef'"):
        build_catalogue(make_estimates(names=("tef",)))
    estimates = make_estimates()
    estimates["status"][3] = 77
    with pytest.raises(CatalogueError, match=r"status must be one of .*; got 77"):
        build_catalogue(estimates)
    estimates = make_estimates()
    estimates.attrs["data_release"] = "DR2 Gaußsche"
    with pytest.raises(CatalogueError, match=r"'data_release' .* ASCII"):
        build_catalogue(estimates)


@pytest.mark.parametrize("name", ["c.csv", "c", "c.fits.gz", ".fits"])
def test_unknown_ending(tmp_path: Path, name: str) -> None:
    table = build_catalogue(make_estimates())
    for action in (lambda path: write_catalogue(table, path), read_catalogue, check_catalogue_path):
        with pytest.raises(CatalogueError, match=r"\.fits, \.ecsv, \.parquet, \.vot, \.mrt; got"):
            action(tmp_path / name)


def test_existing_file_needs_overwrite(tmp_path: Path) -> None:
    path = tmp_path / "c.ecsv"
    path.write_text("precious")
    table = build_catalogue(make_estimates())
    with pytest.raises(OutputExistsError, match=r"--overwrite \(overwrite=True\)"):
        write_catalogue(table, path)
    with pytest.raises(OutputExistsError, match="--overwrite"):
        check_catalogue_path(path)
    assert path.read_text() == "precious"
    write_catalogue(table, path, overwrite=True)
    assert len(read_catalogue(path)) == len(table)


def test_folder_must_exist_and_must_not_be_the_file(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="does not exist; make it first"):
        check_catalogue_path(tmp_path / "no" / "c.fits")
    (tmp_path / "c.fits").mkdir()
    with pytest.raises(OutputFolderError, match="is a folder"):
        check_catalogue_path(tmp_path / "c.fits", overwrite=True)

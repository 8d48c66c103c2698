"""The catalogue: columns, units, provenance."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from astropy import units
from astropy.io import fits
from catalogues import ENDINGS, make_calibrated, make_estimates, require_same_catalogue, with_posterior

from bayescannon.data.labels import KNOWN_LABELS, PAPER_LABELS, LabelError
from bayescannon.io.catalogue import (
    CatalogueError,
    build_catalogue,
    check_catalogue_path,
    read_catalogue,
    write_catalogue,
)
from bayescannon.io.outputs import OutputExistsError, OutputFolderError
from bayescannon.numerics.errors import MissingFileError


def test_without_a_calibration_there_are_no_errors_but_the_formal_ones(tmp_path: Path) -> None:
    table = build_catalogue(make_estimates())
    assert not [name for name in table.colnames if name.startswith("e_") and not name.startswith("e_formal_")]
    assert table.meta["errors"].startswith("formal only")
    write_catalogue(table, tmp_path / "c.fits")
    assert fits.getheader(tmp_path / "c.fits", 1)["ERRORS"].startswith("formal only")


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


def test_one_star_without_its_dim_is_refused() -> None:
    with pytest.raises(CatalogueError, match=r"need the dim star; .* star=\[0\], which keeps the dim"):
        build_catalogue(make_estimates().isel(star=0))

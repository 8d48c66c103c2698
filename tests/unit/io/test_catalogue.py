"""The catalogue: columns, units, provenance, and files that come back as they went."""

import importlib.util
import io
import itertools
import warnings
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from astropy import units
from astropy.io import fits, votable
from astropy.io.votable.ucd import parse_ucd
from astropy.table import QTable, Table

from bayescannon.data.flags import FitStatus, ResultFlag
from bayescannon.data.labels import KNOWN_LABELS, PAPER_LABELS, LabelError
from bayescannon.io import catalogue_formats
from bayescannon.io.catalogue import (
    CatalogueError,
    build_catalogue,
    check_catalogue_path,
    read_catalogue,
    write_catalogue,
)
from bayescannon.io.catalogue_provenance import (
    EXPLANATIONS,
    flatten_provenance,
    unflatten_provenance,
)
from bayescannon.io.outputs import OutputExistsError, OutputFolderError
from bayescannon.numerics.errors import MissingFileError
from bayescannon.stars.importance import PROBABILITIES

ENDINGS = [".fits", ".ecsv", ".parquet", ".vot", ".mrt"]
SEVEN = (*PAPER_LABELS, "vsini", "mass")  # km/s and solMass beside K, dex and mag


def make_estimates(n_star: int = 12, names: tuple[str, ...] = PAPER_LABELS) -> xr.Dataset:
    """Label estimates with a failed star and a star without errors."""
    rng = np.random.default_rng(3)
    n = len(names)
    root = rng.normal(size=(n_star, n, 2 * n))
    covariance = 0.01 * root @ root.transpose(0, 2, 1)
    labels = rng.normal(2.0, 3.0, size=(n_star, n))
    status = np.zeros(n_star, dtype=int)
    for row, kind in ((1, FitStatus.FEW_PIXELS), (4, FitStatus.SINGULAR)):
        if row < n_star:
            status[row] = kind
            covariance[row] = np.nan
            if kind is FitStatus.FEW_PIXELS:
                labels[row] = np.nan
    columns = {
        "chi2": rng.chisquare(3000, n_star),
        "reduced_chi2": rng.uniform(0.2, 2.0, n_star),
        "live_pixels": rng.integers(0, 3627, n_star),
        "agreeing_starts": rng.integers(0, 8, n_star),
        "status": status,
        "flags": rng.integers(0, 64, n_star),
        "ra": rng.uniform(0, 360, n_star),
        "dec": rng.uniform(-10, 60, n_star),
        "snr": np.where(np.arange(n_star) == 2, np.nan, rng.uniform(5, 200, n_star)),
        "redshift": rng.normal(0, 1e-4, n_star),
    }
    return xr.Dataset(
        {
            "labels": (("star", "stellar_label"), labels),
            "formal_covariance": (("star", "stellar_label", "stellar_label_2"), covariance),
            **{name: ("star", values) for name, values in columns.items()},
        },
        coords={
            "star": [f"spec-55859-F5902_sp{i:02d}-{10**i}" for i in range(n_star)],
            "stellar_label": list(names),
            "stellar_label_2": list(names),
        },
        attrs={
            "n_starts": np.int64(7),
            "seed": np.int64(11),
            "model_hash": "0123abcd" * 8,
            "version": "0.1.0",
            "data_release": "LAMOST DR2",
            "created": "2024-05-06T07:08:09",
            "reference": "",
        },
    )


def require_same_catalogue(got: Table, want: Table, *, rounded: bool) -> None:
    """Compare everything that a file must keep; a rounded file is off by half of a last decimal at most."""
    assert type(got) is Table
    assert got.colnames == want.colnames
    assert len(got) == len(want)
    assert got.meta == want.meta
    assert not got.has_masked_columns
    for name in want.colnames:
        g, w = got[name], want[name]
        assert g.unit == w.unit, name
        assert g.description == w.description, name
        assert g.format == w.format, name
        assert g.meta == w.meta, name
        assert g.dtype.kind == w.dtype.kind, name
        if w.dtype.kind != "U":
            assert g.dtype == w.dtype, name
        if w.dtype.kind == "f":
            decimals = int(w.format.strip(".f"))
            tolerance = 0.5001 * 10.0**-decimals if rounded else 0.0
            # a rounded number is rounded again to single precision
            np.testing.assert_allclose(g, w, rtol=1e-7 if rounded else 0, atol=tolerance, err_msg=name)
        else:
            np.testing.assert_array_equal(g, w)


@pytest.mark.parametrize("names", [("fe_h",), ("teff", "logg", "fe_h"), PAPER_LABELS, SEVEN])
@pytest.mark.parametrize("ending", ENDINGS)
def test_round_trip(tmp_path: Path, ending: str, names: tuple[str, ...]) -> None:
    table = build_catalogue(make_estimates(names=names))
    path = tmp_path / f"catalogue{ending}"
    write_catalogue(table, path)
    got = read_catalogue(path)
    require_same_catalogue(got, table, rounded=ending == ".mrt")
    # what was read can be written again, and is then the same to the last digit
    write_catalogue(got, path, overwrite=True)
    require_same_catalogue(read_catalogue(path), got, rounded=False)


@pytest.mark.parametrize("n_star", [0, 1])
@pytest.mark.parametrize("ending", ENDINGS)
def test_round_trip_of_short_catalogue(tmp_path: Path, ending: str, n_star: int) -> None:
    table = build_catalogue(make_estimates(n_star))
    write_catalogue(table, tmp_path / f"short{ending}")
    require_same_catalogue(read_catalogue(tmp_path / f"short{ending}"), table, rounded=ending == ".mrt")


@pytest.mark.parametrize("ending", ENDINGS)
def test_round_trip_of_added_columns_and_quantities(tmp_path: Path, ending: str) -> None:
    table = build_catalogue(make_estimates())
    table["distance"] = np.linspace(0, 2, len(table))
    table["distance"].description = "label distance to 10 of the reference stars, of which 10 out of 12 are near"
    table["j"] = np.linspace(9, 12, len(table))
    table["j"].unit = units.mag
    write_catalogue(QTable(table), tmp_path / f"more{ending}")
    got = read_catalogue(tmp_path / f"more{ending}")
    np.testing.assert_allclose(got["distance"], table["distance"], atol=1e-4)
    assert got["distance"].unit == units.dimensionless_unscaled
    assert got["distance"].description == table["distance"].description
    assert got["j"].unit == units.mag
    assert got["teff"].unit == units.K
    assert got.meta == table.meta


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


def make_calibrated(names: tuple[str, ...] = PAPER_LABELS) -> xr.Dataset:
    """Label estimates whose calibrated errors are three times the formal ones."""
    estimates = make_estimates(names=names)
    variance = np.diagonal(estimates["formal_covariance"].to_numpy(), axis1=1, axis2=2)
    estimates["calibrated_error"] = ("star", "stellar_label"), 3 * np.sqrt(variance)
    return estimates.assign_attrs(errors="calibrated on 1000 reference stars out of fold (0123456789ab)")


def with_posterior(estimates: xr.Dataset) -> xr.Dataset:
    """Add a posterior whose 15.9-84.1 % interval is twice the formal error."""
    steps = xr.DataArray([-2.0, -1.0, 0.0, 1.0, 2.0], dims="quantile", coords={"quantile": list(PROBABILITIES)})
    variance = np.diagonal(estimates["formal_covariance"].to_numpy(), axis1=1, axis2=2)
    width = xr.DataArray(np.sqrt(variance), dims=("star", "stellar_label"))
    n_star = estimates.sizes["star"]
    return estimates.assign(
        posterior_quantile=estimates["labels"] + steps * width,
        k_hat=("star", np.full(n_star, 0.1)),
        ess=("star", np.full(n_star, 900.0)),
        n_modes=("star", np.ones(n_star, dtype=int)),
        posterior_status=("star", np.zeros(n_star, dtype=int)),
    )


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
    assert text.startswith("15.9 % quantile of the posterior of logg by the model's likelihood")
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


READERS = {".vot": "votable", ".ecsv": "ascii.ecsv", ".mrt": "mrt", ".fits": "fits", ".parquet": "parquet"}


@pytest.mark.parametrize("kind", [Table, QTable])
@pytest.mark.parametrize("ending", ENDINGS)
def test_astropy_reads_every_format_without_a_warning(tmp_path: Path, ending: str, kind: type[Table]) -> None:
    table = build_catalogue(with_posterior(make_calibrated(SEVEN)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        write_catalogue(table, tmp_path / f"c{ending}")
        got = kind.read(tmp_path / f"c{ending}", format=READERS[ending])
    assert got.colnames == table.colnames
    for name in ("teff", "e_teff", "vsini", "mass", "a_k", "ra"):
        assert got[name].unit == table[name].unit
    for name in table.colnames:
        if ending in (".vot", ".ecsv", ".parquet"):
            # astropy breaks the lines of a description in a VOTable
            assert got[name].info.description.split() == table[name].description.split()
            assert got[name].info.meta["ucd"] == table[name].meta["ucd"]
    assert str(got["logg"].info.unit) in {".fits": ("None",), ".mrt": ("dex(---)",)}.get(ending, ("dex",))


def test_the_catalogue_prints_labels_errors_and_flags() -> None:
    estimates = make_calibrated()
    first, *rest = build_catalogue(estimates)[-5:].pformat(max_width=120)
    assert first.split()[:5] == ["id", "teff", "e_teff", "logg", "e_logg"]
    assert first.split()[-3:] == ["flags", "flag_bad", "flag_warn"]
    assert rest[-1].split()[1] == f"{float(estimates['labels'][-1, 0]):.1f}"


def test_estimates_can_be_written_as_they_are(tmp_path: Path) -> None:
    write_catalogue(make_calibrated(), tmp_path / "c.ecsv")
    require_same_catalogue(read_catalogue(tmp_path / "c.ecsv"), build_catalogue(make_calibrated()), rounded=False)


def test_an_old_catalogue_whose_errors_are_formal_loses_its_doubled_columns(tmp_path: Path) -> None:
    table = build_catalogue(make_estimates())
    table.meta["errors"] = "formal"
    for name in PAPER_LABELS:
        table[f"e_{name}"] = table[f"e_formal_{name}"]
    write_catalogue(table, tmp_path / "old.fits")
    got = read_catalogue(tmp_path / "old.fits")
    require_same_catalogue(got, build_catalogue(make_estimates()), rounded=False)


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
    with pytest.raises(CatalogueError, match="status 77 is no FitStatus"):
        build_catalogue(estimates)
    estimates = make_estimates()
    estimates.attrs["data_release"] = "DR2 Gaußsche"
    with pytest.raises(CatalogueError, match=r"'data_release' .* ASCII"):
        build_catalogue(estimates)


def test_fits_file_is_plain_fits(tmp_path: Path) -> None:
    table = build_catalogue(make_estimates())
    write_catalogue(table, tmp_path / "c.fits")
    with fits.open(tmp_path / "c.fits") as hdus:
        hdus.verify("exception")
        header, data = hdus[1].header, hdus[1].data
        place = table.colnames.index("logg") + 1
        assert f"TUNIT{place}" not in header, "FITS has no dex"
        assert header[f"TTYPE{place}"] == "logg"
        assert header[f"TCOMM{place}"] == table["logg"].description + " [dex]"
        assert header[f"TUCD{place}"] == "phys.gravity"
        assert header[f"TUNIT{place - 1}"] == "K"
        assert "TUNIT1" not in header
        assert header["MODHASH"] == table.meta["model_hash"]
        assert header["SEED"] == 11
        assert header.comments["SEED"] == EXPLANATIONS["seed"]
        assert header["FLAG16"].startswith("OUTSIDE_COVERAGE: ")
        assert np.isnan(data["teff"][1])


def test_votable_is_a_valid_votable(tmp_path: Path) -> None:
    table = build_catalogue(make_estimates())
    write_catalogue(table, tmp_path / "c.vot")
    element = votable.parse(tmp_path / "c.vot", verify="exception").get_first_table()
    assert [field.name for field in element.fields] == table.colnames
    assert {info.name: info.value for info in element.infos}["seed"] == "11"
    assert element.get_field_by_id("teff").unit == units.K
    assert element.get_field_by_id("logg").ucd == "phys.gravity"
    with io.StringIO() as report:
        assert votable.validate(tmp_path / "c.vot", output=report), report.getvalue()


def test_mrt_bytes_are_where_the_header_says(tmp_path: Path) -> None:
    table = build_catalogue(make_estimates())
    write_catalogue(table, tmp_path / "c.mrt")
    lines = (tmp_path / "c.mrt").read_text().splitlines()
    rows = lines[-len(table) :]
    assert max(map(len, lines[: -len(table)])) <= 80
    assert len({len(row) for row in rows}) == 1
    (entry,) = [line for line in lines if "? effective temperature" in line]
    first, last = map(int, entry[: entry.index("F")].replace(" ", "").split("-"))
    cells = [row[first - 1 : last] for row in rows]
    assert cells[0].strip() == f"{table['teff'][0]:.1f}"
    assert cells[1].strip() == ""
    assert entry.split()[2:5] == [f"F{last - first + 1}.1", "K", "teff"]
    (entry,) = [line for line in lines if "? log10 of the surface gravity" in line]
    assert entry.split()[3:5] == ["[-]", "logg"]


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


@pytest.mark.parametrize("ending", ENDINGS)
def test_nothing_half_written(tmp_path: Path, ending: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / f"c{ending}"
    path.write_text("precious")
    table = build_catalogue(make_estimates())

    def break_off(_table: Table, part: Path) -> None:
        part.write_text("half")
        raise OSError("disk full")

    broken = catalogue_formats.CatalogueFormat(break_off, read_catalogue)
    monkeypatch.setitem(catalogue_formats.FORMATS, ending, broken)
    with pytest.raises(OSError, match="disk full"):
        write_catalogue(table, path, overwrite=True)
    assert path.read_text() == "precious"
    assert list(tmp_path.iterdir()) == [path]


def test_written_file_has_the_usual_permissions_and_no_siblings(tmp_path: Path) -> None:
    write_catalogue(build_catalogue(make_estimates()), tmp_path / "c.fits")
    (tmp_path / "other").write_text("")
    assert (tmp_path / "c.fits").stat().st_mode == (tmp_path / "other").stat().st_mode
    assert {path.name for path in tmp_path.iterdir()} == {"c.fits", "other"}


def test_parquet_without_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pyarrow" else found(name))
    with pytest.raises(CatalogueError, match=r"bayescannon\[parquet\]"):
        check_catalogue_path(tmp_path / "c.parquet")
    with pytest.raises(CatalogueError, match=r"bayescannon\[parquet\]"):
        read_catalogue(tmp_path / "c.parquet")
    check_catalogue_path(tmp_path / "c.fits")


def test_text_that_a_format_cannot_hold(tmp_path: Path) -> None:
    estimates = make_estimates(2).assign_coords(star=["spec-é", "spec-b"])
    table = build_catalogue(estimates)
    for ending in (".fits", ".mrt"):
        with pytest.raises(CatalogueError, match=r"ASCII text only, but column 'id' has 'spec-é'"):
            write_catalogue(table, tmp_path / f"c{ending}")
    for ending in (".ecsv", ".parquet", ".vot"):
        write_catalogue(table, tmp_path / f"c{ending}")
        assert read_catalogue(tmp_path / f"c{ending}")["id"].tolist() == ["spec-é", "spec-b"]


@pytest.mark.parametrize("values", [np.zeros((12, 2)), np.zeros(12, dtype=bool)])
def test_columns_that_no_catalogue_has(tmp_path: Path, values: np.ndarray) -> None:
    table = build_catalogue(make_estimates())
    table["odd"] = values
    with pytest.raises(CatalogueError, match="'odd' has shape"):
        write_catalogue(table, tmp_path / "c.fits")


def test_foreign_tables_are_refused(tmp_path: Path) -> None:
    foreign = Table({"id": ["a"], "x": [1.0]})
    with pytest.raises(CatalogueError, match="the table to write is no catalogue"):
        write_catalogue(foreign, tmp_path / "c.fits")
    foreign.write(tmp_path / "foreign.fits")
    with pytest.raises(CatalogueError, match="is no catalogue of bayescannon: it has no 'status'"):
        read_catalogue(tmp_path / "foreign.fits")
    with pytest.raises(FileNotFoundError, match="check the name"):
        read_catalogue(tmp_path / "none.fits")


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_file_of_another_kind_is_refused_in_words(tmp_path: Path, ending: str) -> None:
    (tmp_path / f"c{ending}").write_bytes(b"\x89PNG and not a table\n" * 50)
    with pytest.raises(CatalogueError, match=r"cannot be read as a catalogue .* write_catalogue"):
        read_catalogue(tmp_path / f"c{ending}")


def test_an_image_is_refused_in_words(tmp_path: Path) -> None:
    fits.PrimaryHDU(np.zeros((5, 5))).writeto(tmp_path / "image.fits")
    with pytest.raises(CatalogueError, match="cannot be read as a catalogue"):
        read_catalogue(tmp_path / "image.fits")

"""The files of a catalogue: they come back as they went, and others read them, too."""

import importlib.util
import io
import warnings
from pathlib import Path

import numpy as np
import pytest
from astropy import units
from astropy.io import fits, votable
from astropy.table import QTable, Table
from catalogues import ENDINGS, SEVEN, make_calibrated, make_estimates, require_same_catalogue, with_posterior

from bayescannon.data.labels import PAPER_LABELS
from bayescannon.io import catalogue_formats
from bayescannon.io.catalogue import (
    CatalogueError,
    build_catalogue,
    check_catalogue_path,
    read_catalogue,
    write_catalogue,
)
from bayescannon.io.catalogue_provenance import EXPLANATIONS

READERS = {".vot": "votable", ".ecsv": "ascii.ecsv", ".mrt": "mrt", ".fits": "fits", ".parquet": "parquet"}


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


def test_parquet_without_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pyarrow" else found(name))
    with pytest.raises(CatalogueError, match=r"pip install pyarrow"):
        check_catalogue_path(tmp_path / "c.parquet")
    with pytest.raises(CatalogueError, match=r"pip install pyarrow"):
        read_catalogue(tmp_path / "c.parquet")
    check_catalogue_path(tmp_path / "c.fits")


def test_text_that_a_format_cannot_hold(tmp_path: Path) -> None:
    estimates = make_estimates(2).assign_coords(star=["spec-é", "spec-b"])
    table = build_catalogue(estimates)
    for ending in (".fits", ".mrt"):
        with pytest.raises(CatalogueError, match=r"must be ASCII; column 'id' has 'spec-é'"):
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


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_file_of_another_kind_is_refused_in_words(tmp_path: Path, ending: str) -> None:
    (tmp_path / f"c{ending}").write_bytes(b"\x89PNG and not a table\n" * 50)
    with pytest.raises(CatalogueError, match=r"cannot be read as a catalogue .* write_catalogue"):
        read_catalogue(tmp_path / f"c{ending}")


def test_an_image_is_refused_in_words(tmp_path: Path) -> None:
    fits.PrimaryHDU(np.zeros((5, 5))).writeto(tmp_path / "image.fits")
    with pytest.raises(CatalogueError, match="cannot be read as a catalogue"):
        read_catalogue(tmp_path / "image.fits")


def test_an_old_catalogue_whose_errors_are_formal_loses_its_doubled_columns(tmp_path: Path) -> None:
    table = build_catalogue(make_estimates())
    table.meta["errors"] = "formal"
    for name in PAPER_LABELS:
        table[f"e_{name}"] = table[f"e_formal_{name}"]
    write_catalogue(table, tmp_path / "old.fits")
    got = read_catalogue(tmp_path / "old.fits")
    require_same_catalogue(got, build_catalogue(make_estimates()), rounded=False)


def test_foreign_tables_are_refused(tmp_path: Path) -> None:
    foreign = Table({"id": ["a"], "x": [1.0]})
    with pytest.raises(CatalogueError, match="the table to write is not a catalogue"):
        write_catalogue(foreign, tmp_path / "c.fits")
    foreign.write(tmp_path / "foreign.fits")
    with pytest.raises(CatalogueError, match="is not a catalogue of bayescannon: it lacks 'status'"):
        read_catalogue(tmp_path / "foreign.fits")
    with pytest.raises(FileNotFoundError, match="check the name"):
        read_catalogue(tmp_path / "none.fits")


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

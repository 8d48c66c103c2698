import numpy as np
import pytest
from astropy.table import Table
from survey_files import BLUE, RED, primary, vectors, write

from bayescannon.io.preparation import prepare_files
from bayescannon.io.redshift_table import choose_redshift, read_redshifts
from bayescannon.io.store import load_spectra
from bayescannon.numerics.errors import InputError, InputTypeError, MissingFileError

WANT = {"med-1": 1e-4, "med-2": -2e-4}


@pytest.mark.parametrize("name", ["t.ecsv", "t.fits"])
@pytest.mark.parametrize(
    ("column", "factor", "unit"),
    [("redshift", 1, None), ("Z", 1, None), ("rv", 299_792.458, None), ("velocity", 299_792_458, "m/s")],
)
def test_redshifts_and_velocities(tmp_path, name, column, factor, unit):
    table = Table({"ID": ["dr9/med-1.fits.gz", "med-2", "med-3"], column: np.array([1e-4, -2e-4, np.nan]) * factor})
    table[column].unit = unit
    table.write(tmp_path / name)
    assert read_redshifts(tmp_path / name) == pytest.approx({"dr9/med-1.fits.gz": 1e-4, "med-2": -2e-4})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("id,teff\na,1\n", "must have a column id and one of redshift, or rv .* has id, teff"),
        ("redshift,teff\n0,1\n", "must have a column id"),
        ("id,redshift,rv\na,0,0\n", "one of redshift, or rv"),
        ("id,redshift\na,0.1\na,0.2\n", r"two redshifts for a: 0\.1 and 0\.2"),
        ("id,redshift\na,30\n", "between -1 and 1; .* has 30 for a"),
    ],
)
def test_tables_that_cannot_be_used(tmp_path, text, words):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(InputError, match=words):
        read_redshifts(tmp_path / "t.csv")


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffID,RV\ra,29.9792458\rb,-9999\r",
        "id;rv\na;29,9792458\nb;-999,0\nc;\n",
        "name | z\na | 1e-4\nb | -9999.0\n",
    ],
)
def test_tables_of_any_kind_and_what_stands_for_a_missing_value(tmp_path, text):
    (tmp_path / "t.txt").write_text(text, encoding="utf-8")
    assert read_redshifts(tmp_path / "t.txt") == pytest.approx({"a": 1e-4})


def test_numbers_mappings_and_paths(tmp_path):
    assert choose_redshift(None) is None
    assert choose_redshift(0) == 0
    assert choose_redshift({" med-1.fits": 1e-4, "b": -9999}) == {"med-1.fits": 1e-4}
    for wrong in (True, 2, [0.1]):
        with pytest.raises(InputError, match="redshift must be z = v/c"):
            choose_redshift(wrong)
    assert choose_redshift({"med-1": None, "med-2": 0}) == {"med-2": 0}
    with pytest.raises(InputTypeError, match="redshift holds text; expected numbers"):
        choose_redshift({"med-1": "fast"})
    with pytest.raises(MissingFileError, match=r"no file .* with redshifts"):
        choose_redshift("nothing.csv")
    (tmp_path / "t.csv").write_text("id,redshift\nmed-1,0.0001\nmed-2,-0.0002\n")
    assert choose_redshift(tmp_path / "t.csv") == pytest.approx(WANT)
    (tmp_path / "t.fits").write_bytes(b"text")
    with pytest.raises(InputError, match="cannot be read as a table of redshifts"):
        choose_redshift(tmp_path / "t.fits")


def test_files_without_redshift_get_that_of_the_table(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for k in (1, 2, 3):
        z = 3e-4 if k == 3 else None
        write(folder / f"med-{k}.fits", primary(Z=z), vectors(BLUE, "COADD_B"), vectors(RED, "COADD_R"))
    named = {"dr9/med-1.fits.gz": 1e-4, "med-2": -2e-4}
    report = prepare_files(folder, tmp_path / "s.zarr", workers=1, redshift=named)
    assert load_spectra(report.store).columns["redshift"].tolist() == [1e-4, -2e-4, 3e-4]
    assert "2 spectra whose redshift is that of the table (--redshift)" in report.lines()
    assert "1 spectra without a redshift in the table (--redshift): that of the file was taken" in report.lines()


def test_a_name_that_could_be_two_is_refused(tmp_path):
    write(tmp_path / "med-1.fits", primary(Z=None), vectors(BLUE, "COADD_B"), vectors(RED, "COADD_R"))
    with pytest.raises(InputError, match=r"'med-1' could be 'a/med-1' or 'b/med-1' of the table of redshifts"):
        prepare_files(tmp_path, tmp_path / "s.zarr", workers=1, redshift={"a/med-1": 0.0, "b/med-1": 1e-4})

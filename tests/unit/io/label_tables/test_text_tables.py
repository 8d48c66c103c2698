"""Tables of text: any delimiter, comments, units, and no row that is lost or shifted in silence."""

import numpy as np
import pytest
from survey_tables import IDS, N_ROW, TEFF, assert_simple, simple

from bayescannon.io.label_tables.found_table import TableError
from bayescannon.io.tables import read_labels

HEADER = "id,ra,dec,teff,logg,fe_h\n"


@pytest.fixture
def csv(tmp_path):
    simple().write(tmp_path / "t.csv", format="ascii.csv")
    return (tmp_path / "t.csv").read_text()


@pytest.fixture
def read(tmp_path):
    """Read a text as a table."""

    def read_text(text, name="table.csv", **options):
        (tmp_path / name).write_text(text)
        return read_labels(tmp_path / name, **options)

    return read_text


@pytest.mark.parametrize("delimiter", [",", ";", "|", "\t", " "])
@pytest.mark.parametrize("ending", ["csv", "tsv", "dat", "txt", "whatever"])
def test_any_delimiter_under_any_name(csv, read, delimiter, ending):
    assert_simple(read(csv.replace(",", delimiter), f"t.{ending}"))


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "#Table1\n" + text,
        lambda text: "# one\n#two,with,commas\n\n" + text,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\n", "\r"),
        lambda text: text.replace("\n", "\n\n"),
        lambda text: text.replace(",", ", "),
        lambda text: text.replace("\n", ",\n"),
        lambda text: "\n".join(f"|{line}|" for line in text.replace(",", "|").splitlines()) + "\n",
        lambda text: "\n".join(",".join(f'"{cell}"' for cell in line.split(",")) for line in text.splitlines()) + "\n",
        lambda text: text.replace("\n", "\n# a comment\n"),
        lambda text: "# " + text.replace(",", " "),
    ],
)
def test_comments_ends_of_lines_quotes_and_borders(csv, read, change):
    assert_simple(read(change(csv)))


def test_a_decimal_comma_beside_semicolons(csv, read):
    labels = read(csv.replace(",", ";").replace(".", ","))
    assert_simple(labels)
    assert any("decimal commas" in note for note in labels.notes)


def test_vizier_has_a_line_of_units_and_one_of_dashes(csv, read):
    header, *rows = csv.replace(",", "\t").splitlines()
    units = "\t".join([" ", "deg", "deg", "kK", "[cm/s2]", "dex"])
    rows = [row.replace(f"\t{teff:g}", f"\t{float(teff) / 1000!r}") for row, teff in zip(rows, TEFF, strict=True)]
    text = "\n".join(["#VizieR", "#Column id", header, units, "\t".join(["----"] * 6), *rows]) + "\n"
    labels = read(text, "asu.tsv")
    assert_simple(labels)
    assert "teff: converted from kK to K" in labels.notes


def test_a_line_of_units_without_dashes(csv, read):
    header, rest = csv.split("\n", 1)
    assert_simple(read(f"{header}\n,deg,deg,K,dex,dex\n{rest}"))


def test_wrong_units_of_a_line_are_refused(csv, read):
    header, rest = csv.split("\n", 1)
    rules = ",".join(["---"] * 6)
    with pytest.raises(ValueError, match=r"'teff' is in deg, which does not convert to K; .*--units teff=K"):
        read(f"{header}\n{','.join(['deg'] * 6)}\n{rules}\n{rest}")
    assert_simple(read(f"{header}\n,deg,deg,deg,dex,dex\n{rules}\n{rest}", units={"teff": "K"}))


@pytest.mark.parametrize(
    "format", ["ipac", "rst", "fixed_width", "fixed_width_two_line", "ecsv", "mrt", "tab", "basic"]
)
def test_formats_of_astropy(tmp_path, format):
    simple(note=["a b"] * N_ROW).write(tmp_path / "t.txt", format=f"ascii.{format}")
    assert_simple(read_labels(tmp_path / "t.txt"))


def test_names_of_64_bits_stay_exact_beside_a_missing_one(read):
    text = "id,teff\n4611686018427387905,4800\n,4900\n4611686018427387907,5000\n"
    assert read(text).id.tolist() == ["4611686018427387905", "", "4611686018427387907"]


def test_texts_for_missing_numbers(read):
    rows = ["---", "NaN", "null", "INDEF", "--", "", "None", "n/a", "4800"]
    labels = read("id,teff\n" + "".join(f"s{k},{row}\n" for k, row in enumerate(rows)))
    assert np.isfinite(labels.labels["teff"]).tolist() == [False] * 8 + [True]


def test_a_cell_of_a_million_characters_costs_itself_only(read, csv):
    header, *rows = csv.splitlines()
    cells = [f"{row},{'x' * 1_000_000 if k == 2 else 'y'}" for k, row in enumerate(rows)]
    assert_simple(read("\n".join([f"{header},note", *cells]) + "\n"))
    # the name of a spectrum is never as long
    with_name = read("\n".join([header, *rows]).replace(IDS[1], "z" * 1_000_000) + "\n")
    assert with_name.id.dtype.itemsize < 100
    assert with_name.id[1] == ""
    assert any("1 of 8 rows have none" in note for note in with_name.notes)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text[: text.rindex(",")], "line 9 of .* has 5 cells, and the header 6.*the file is cut"),
        (lambda text: text.replace("\n", ",7\n", 2).replace(",7\n", "\n", 1), "line 2 of .* has 7 cells"),
        (lambda text: text.replace(",-0.625", ""), "line 4 of .* has 5 cells"),
        (lambda text: text[:-5] + '"0.2', r"cannot be read from line 9.*A quote that is opened"),
        (lambda text: text[:20], "has no rows|cells"),
        (lambda text: HEADER, "has no rows"),
        (lambda text: "", "is empty"),
        (lambda text: "# only\n# comments\n", "only comments"),
        (lambda text: "1,2,3\n4,5,6\n", "no line with the names of its columns"),
        (lambda text: text.replace("spec", "sp\0c"), "holds bytes of 0"),
        (lambda text: "one word\nand more words\n", "cells"),
        (lambda text: "word\nword\n", "cannot be read as a table"),
    ],
)
def test_what_is_cut_or_ragged_is_refused(csv, read, change, words):
    with pytest.raises(TableError, match=words):
        read(change(csv))


def test_a_last_cell_that_lost_digits(read):
    text = "id,teff,logg\na,4800,2.500\nb,4900,2.125\nc,5000,3.1"
    with pytest.raises(TableError, match="fewer decimals"):
        read(text)
    labels = read("id,logg,teff\na,2.500,4800\nb,2.125,4900\nc,3.100,500")
    assert any("last line has no end" in note for note in labels.notes)


@pytest.mark.parametrize("format", ["csv", "ipac", "mrt", "ecsv", "basic", "fixed_width_two_line"])
def test_a_cut_never_changes_a_value(tmp_path, format):
    simple().write(tmp_path / "t.txt", format=f"ascii.{format}")
    data = (tmp_path / "t.txt").read_bytes()
    for stop in range(1, len(data), 7):
        (tmp_path / "cut.txt").write_bytes(data[:stop])
        try:
            labels = read_labels(tmp_path / "cut.txt")
        except TableError:
            continue
        n_row = len(labels)
        np.testing.assert_array_equal(labels.labels["teff"], TEFF[:n_row])
        last = any("last line has no end" in note for note in labels.notes)
        assert last or data[stop - 1 : stop] == b"\n"


def test_columns_of_the_same_name(read):
    with pytest.raises(TableError, match="several columns named 'teff'"):
        read("id,teff,teff\na,4800,4900\n")
    labels = read("id,note,note,teff\na,1,2,4900\n")
    assert any("several columns named note" in note for note in labels.notes)
    with pytest.raises(TableError, match=r"TEFF and Teff, which differ in upper and lower case.*--columns teff=COLUMN"):
        read("id,TEFF,Teff\na,4800,4900\n")
    assert read("id,TEFF,Teff\na,4800,4900\n", columns={"teff": "Teff"}).labels["teff"] == [4900]


PLAIN = "id,teff,logg\na,4800,2.5\nb,5100.5,3.0\nc,6000,4.0\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (PLAIN.replace("b,", "id,teff,logg\nb,"), "1 lines that repeat the header left out"),
        (PLAIN.replace("a,", ",K,[cm/s2]\na,", 1), "the line below the header is taken as units"),
        (PLAIN.replace("a,", "-,[K],-\na,", 1), "teff: teff is in [K], taken as K, since no log10 is so large"),
        (PLAIN.replace("a,", "12S,N,N\na,", 1), ""),
        ("\n".join('"' + line.replace(",", '", "') + '"' for line in PLAIN.split()) + "\n", ""),
        ("\n".join(",".join(f"'{cell}'" for cell in line.split(",")) for line in PLAIN.split()) + "\n", ""),
        ("+--+--+\n|" + PLAIN.strip().replace(",", "|").replace("\n", "|\n|") + "|\n+--+--+\n", "separated by bars"),
        ("\u200b" + PLAIN, ""),
        ("\ufeff\ufeff" + PLAIN, ""),
    ],
)
def test_what_stands_around_the_rows(tmp_path, text, words):
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    labels = read_labels(tmp_path / "t.csv")
    assert labels.id.tolist() == ["a", "b", "c"]
    assert labels.labels["teff"].tolist() == [4800, 5100.5, 6000]
    assert labels.labels["logg"].tolist() == [2.5, 3, 4]
    assert words in "\n".join(labels.notes)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Labels of 2024, final\n" + PLAIN, "is the header a title"),
        (PLAIN + "(3 rows affected)\n", "the line is no row and is to be removed"),
        (PLAIN.replace("4800", '"4,800"'), "without signs between their thousands"),
        (PLAIN.replace("4800", "4800%"), "without %"),
        (PLAIN.replace("4800", "4800 K"), "its unit with --units"),
        (PLAIN.replace("4800", "<4800"), "a limit is no measured value"),
        (PLAIN.replace("4800", "4800±50"), "the error into a column of its own"),
        (PLAIN.replace("4800", '"48,5"'), "a decimal comma"),
        (PLAIN.replace("4800", "temperature"), "is it a second line of names"),
    ],
)
def test_what_is_no_row_of_numbers_is_refused_with_a_remedy(tmp_path, text, words):
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    with pytest.raises(TableError, match=words):
        read_labels(tmp_path / "t.csv", label_names=["teff", "logg"])

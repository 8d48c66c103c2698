"""Damaged tables of labels: refused in a sentence, or read with rows that are those of the whole table."""

import gzip
import io
import warnings

import numpy as np
import pytest
from astropy.table import Table
from fuzzing import CASES, DEAR_CASES, asks_for_memory, bounded, cards, damage, damages, in_a_child, run, with_cards
from hypothesis import strategies as st

from bayescannon.data.label_table import LabelTable
from bayescannon.io.redshift_table import read_redshifts
from bayescannon.io.tables import read_labels
from bayescannon.numerics.errors import BayesCannonError

N = 12
WHOLE = Table(
    {
        "id": [f"star-{k:03d}" for k in range(N)],
        "teff": [4500.25 + 10 * k for k in range(N)],
        "logg": [1.125 + 0.125 * k for k in range(N)],
        "e_teff": [50.5 + k for k in range(N)],
    }
)


def _text(**how):
    stream = io.StringIO()
    WHOLE.write(stream, **how)
    return stream.getvalue().encode()


def _votable(form):
    stream = io.BytesIO()
    from astropy.io.votable import from_table

    from_table(WHOLE).to_xml(stream, tabledata_format=form)
    return stream.getvalue()


def _parquet():
    import pyarrow as pa
    import pyarrow.parquet

    stream = io.BytesIO()
    columns = {name: np.asarray(WHOLE[name]).tolist() for name in WHOLE.colnames}
    pa.parquet.write_table(pa.table(columns), stream, write_page_checksum=True)
    return stream.getvalue()


def _fits():
    stream = io.BytesIO()
    WHOLE.write(stream, format="fits")
    return stream.getvalue()


TEXTS = {
    "t.csv": _text(format="ascii.csv"),
    "t.tsv": _text(format="ascii.tab"),
    "t.dat": _text(format="ascii.basic"),
    "t.ecsv": _text(format="ascii.ecsv"),
    "fixed.txt": _text(format="ascii.fixed_width_two_line"),
    "t.ipac": _text(format="ascii.ipac"),
    "t.mrt": _text(format="ascii.mrt"),
}
BINARIES = {
    "t.fits": _fits(),
    "binary2.vot": _votable("binary2"),
    "tabledata.vot": _votable("tabledata"),
    "t.parquet": _parquet(),
    "t.csv.gz": gzip.compress(TEXTS["t.csv"]),
    "t.fits.gz": gzip.compress(_fits()),
}


def _require_reason(error):
    assert str(error)
    assert not asks_for_memory(str(error)), error


def _read(path, **options):
    """Read a table; None if it is refused, in one sentence and not for lack of memory."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            table = read_labels(path, **options)
    except BayesCannonError as error:
        _require_reason(error)
        return None
    assert isinstance(table, LabelTable)
    return table


def _whole_rows(table, *, but=0):
    """Assert that rows with known names have the values of the whole table, or none; all but so many."""
    known = {name: k for k, name in enumerate(WHOLE["id"])}
    wrong = 0
    for k, name in enumerate(table.id.tolist()):
        if name not in known:
            continue
        for label in set(table.labels) & {"teff", "logg"}:
            value = table.labels[label][k]
            wrong += bool(np.isfinite(value) and abs(value - WHOLE[label][known[name]]) > 1e-3)
    assert wrong <= but, f"{wrong} wrong values in {table}: {table.notes}"


def test_the_whole_tables_are_read(tmp_path):
    for name, data in (TEXTS | BINARIES).items():
        (tmp_path / name).write_bytes(data)
        table = _read(tmp_path / name)
        assert len(table) == N
        _whole_rows(table)


# astropy leaves a file open where it refuses what it reads
@pytest.mark.filterwarnings("ignore:Exception ignored in. <_io.FileIO")
@pytest.mark.parametrize("n", DEAR_CASES)
@pytest.mark.parametrize("name", TEXTS | BINARIES)
def test_a_damaged_table_is_never_an_error_of_the_package(tmp_path, name, n):
    path = tmp_path / name
    data = (TEXTS | BINARIES)[name]

    def check(bytewise, in_headers):
        path.write_bytes(damage(with_cards(data, in_headers) if name.endswith("fits") else data, bytewise))
        with bounded():
            table = _read(path)
            try:
                read_redshifts(path)
            except BayesCannonError as error:
                _require_reason(error)
        if table is not None and name.endswith((".gz", ".parquet")):
            # checksums of gzip and of the pages of parquet find what is changed
            _whole_rows(table)

    run(check, damages(), cards(), n=n)


@pytest.mark.parametrize("n", CASES)
@pytest.mark.parametrize("name", TEXTS)
def test_a_table_that_is_cut_has_right_rows_or_is_refused(tmp_path, name, n):
    path = tmp_path / name
    data = TEXTS[name]

    def check(at):
        path.write_bytes(data[:at])
        table = _read(path)
        if table is not None:
            # of a last line without an end the last cell may be short, and that is said
            said = any("the last line has no end" in note for note in table.notes)
            _whole_rows(table, but=1 if said else 0)

    run(check, st.integers(0, len(data)), n=n)


@pytest.mark.parametrize("n", CASES)
@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.ecsv"])
def test_a_delimiter_too_many_or_too_few_never_shifts_a_row(tmp_path, name, n):
    path = tmp_path / name
    text = TEXTS[name].decode()
    begin = text.rindex("id")
    delimiter = {"t.csv": ",", "t.tsv": "\t", "t.ecsv": " "}[name]
    there = [k for k, sign in enumerate(text) if sign == delimiter and k > begin]

    def check(which, sign, at):
        # one lost, or one more of whatever ends or opens cells
        if sign == "":
            place = there[which % len(there)]
            changed = text[:place] + text[place + 1 :]
        else:
            place = begin + at % (len(text) - begin)
            changed = text[:place] + sign + text[place:]
        path.write_text(changed)
        table = _read(path)
        if table is not None:
            # a sign may end the number that it stands in, and spoil that value alone
            _whole_rows(table, but=1 if sign else 0)

    signs = st.sampled_from(("", "", delimiter, '"', "\n", "\r", "'", "#"))
    run(check, st.integers(0, 10**4), signs, st.integers(0, 10**4), n=n)


@pytest.mark.parametrize("n", DEAR_CASES)
def test_a_damaged_hdf5_table(tmp_path, n):
    import h5py

    path = tmp_path / "t.h5"
    with h5py.File(path, "w") as file:
        for name in WHOLE.colnames:
            values = np.asarray(WHOLE[name])
            file[name] = values.astype(object) if name == "id" else values
        file["teff"].attrs["unit"] = "K"
    data = path.read_bytes()
    assert len(_read(path)) == N

    def check(bytewise):
        path.write_bytes(damage(data, bytewise))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            answer = in_a_child(lambda: _read(path) is not None)
        assert answer in ("read", "refused"), answer

    run(check, damages(), n=n)


@pytest.mark.parametrize("n", CASES)
def test_tables_of_whatever_text(tmp_path, n):
    path = tmp_path / "t.csv"

    def check(names, rows, delimiter, end):
        lines = [delimiter.join(names), *(delimiter.join(row) for row in rows)]
        path.write_bytes(end.join(lines).encode("utf-8", "surrogatepass"))
        with bounded():
            _read(path)

    column = st.one_of(
        st.sampled_from(["id", "teff", "TEFF", "logg", "e_teff", "ra", "dec", "snr"]), st.text(max_size=8)
    )
    numbers = st.floats().map(str)
    cell = st.one_of(numbers, st.integers().map(str), st.text(max_size=6), st.sampled_from(["", "nan", "-9999", "1,5"]))
    run(
        check,
        st.lists(column, min_size=1, max_size=6),
        st.lists(st.lists(cell, min_size=1, max_size=6), max_size=5),
        st.sampled_from([",", "\t", " ", ";", "|"]),
        st.sampled_from(["\n", "\r\n", "\r"]),
        n=n,
    )

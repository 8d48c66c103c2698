import gzip
import tracemalloc

import numpy as np
import pytest
from lamost_files import lamost_bytes, sdss_bytes, smooth_spectrum

from bayescannon.data.spectra import RawSpectrum, SpectrumError
from bayescannon.io.lamost import is_lamost, lamost_result, parse_lamost, read_lamost

LAYOUTS = ("image", "table", "image of pipeline 2.6")


def changed(row, values):
    """The rows of a good spectrum with one of them replaced or changed by a function."""
    rows = smooth_spectrum()
    rows[row] = values(rows[row]) if callable(values) else values
    return rows


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("zipped", [False, True])
def test_every_layout_gives_the_same_spectrum(tmp_path, layout, zipped):
    # the ending says nothing: gzip is found by content
    path = tmp_path / "spec-1.fits"
    path.write_bytes(lamost_bytes(layout, zipped=zipped))
    raw = read_lamost(path)
    rows = smooth_spectrum()
    assert raw.id == "spec-1"
    np.testing.assert_array_equal(raw.flux, rows[0])
    np.testing.assert_array_equal(raw.ivar, rows[1])
    np.testing.assert_allclose(raw.wavelength, rows[2], rtol=1e-7)
    assert raw.wavelength.dtype == raw.flux.dtype == raw.ivar.dtype == np.float64
    assert raw.mask.dtype == np.uint32
    assert (raw.redshift, raw.ra, raw.dec, raw.snr) == (1e-4, 10.5, -3.25, 40.0)
    assert raw.meta == {
        "obsid": "7", "designation": "", "class": "STAR", "subclass": "G5", "release": "LAMOST DR7", "pipeline": "",
        "object_name": "", "object_catalogue": "", "layout": layout, "path": str(path),
    }  # fmt: skip
    assert is_lamost(path.read_bytes()[:30_000])


@pytest.mark.parametrize("key", ["TSOURCE", "OBJSOURC"])
def test_names_of_the_star(key):
    cards = {"DESIG": "LAMOST J063649.44+271720.1", "OBJNAME": 3410525197795033344, key: "MRS_NT_K"}
    meta = parse_lamost(lamost_bytes(**cards), "x").meta
    assert meta["designation"] == "LAMOST J063649.44+271720.1"
    assert meta["object_name"] == "3410525197795033344"
    assert meta["object_catalogue"] == "MRS_NT_K"


def test_header_values_that_are_missing():
    raw = parse_lamost(lamost_bytes(SNRG=None, SN_G=12.5, RA=None, DEC=-9999.0, DATA_V=None), "x")
    assert raw.snr == 12.5
    assert np.isnan(raw.ra)
    assert np.isnan(raw.dec)
    assert raw.meta["release"] == ""
    assert np.isnan(parse_lamost(lamost_bytes(SNRG=-9999.0), "x").snr)


def test_the_redshift_zero_is_a_redshift():
    assert parse_lamost(lamost_bytes(Z=0), "x").redshift == 0.0


def test_wavelength_row_decides_without_the_name_of_the_telescope():
    assert parse_lamost(lamost_bytes(TELESCOP="MOCK"), "x").meta["layout"] == "image"


def test_nan_and_negative_ivar_are_kept_for_the_preparation():
    rows = smooth_spectrum()
    rows[1, 100], rows[1, 101], rows[0, 102] = np.nan, -1, np.nan
    raw = parse_lamost(lamost_bytes(rows=rows), "x")
    assert np.isnan(raw.ivar[100])
    assert raw.ivar[101] == -1
    assert np.isnan(raw.flux[102])


def test_mask_values_that_are_no_bits_become_bad():
    raw = parse_lamost(
        lamost_bytes(rows=changed(3, lambda row: np.r_[4.0, np.nan, -1.0, row[3:]].astype(np.float32))), "x"
    )
    assert raw.mask[:4].tolist() == [4, 2**32 - 1, 2**32 - 1, 0]


BAD_FILES = {
    "text": (b"RA,DEC\n1,2\n", "not FITS"),
    "empty": (b"", "not FITS"),
    "truncated gzip": (lamost_bytes(zipped=True)[:-2000], "truncated"),
    "damaged gzip": (b"\x1f\x8b\x08" + b"\x55" * 500, "damaged gzip"),
    "gzip of text": (gzip.compress(b"no spectrum"), "not FITS"),
    "truncated image": (lamost_bytes()[:-20_000], "truncated"),
    "truncated table": (lamost_bytes("table")[:-20_000], "truncated"),
    "truncated header": (lamost_bytes()[:1000], "damaged FITS"),
    "SDSS": (sdss_bytes(), "not LAMOST.*LOGLAM.*SDSS"),
    "SDSS, five rows": (lamost_bytes("image of pipeline 2.6", TELESCOP="SDSS 2.5-M"), "not LAMOST.*row 3"),
    "galaxy without Z": (lamost_bytes(CLASS="GALAXY", Z=None), "no redshift"),
    "missing Z": (lamost_bytes(Z=-9999.0), "no redshift"),
    "text for Z": (lamost_bytes(Z=""), "no redshift"),
    "Z below -1": (lamost_bytes(Z=-1.5), "no redshift"),
    "descending": (lamost_bytes(rows=smooth_spectrum()[:, ::-1]), "bad wavelength: descending"),
    "constant": (lamost_bytes(rows=changed(2, 5000.0)), "bad wavelength: not strictly ascending"),
    "NaN in wavelength": (
        lamost_bytes(rows=changed(2, lambda row: np.where(row > 9000, np.nan, row))),
        "bad wavelength.*finite",
    ),
    "one pixel": (lamost_bytes("table", rows=smooth_spectrum()[:, :1]), "bad wavelength: 1 pixels"),
    "all-zero ivar": (lamost_bytes(rows=changed(1, 0.0)), "no good pixel"),
    "all-NaN ivar": (lamost_bytes(rows=changed(1, np.nan)), "no good pixel"),
    "all-negative ivar": (lamost_bytes(rows=changed(1, -1.0)), "no good pixel"),
    "three rows": (lamost_bytes(rows=smooth_spectrum()[:3]), r"unknown layout.*\(3, 3909\)"),
    "no COEFF0": (lamost_bytes("image of pipeline 2.6", COEFF0=None), "unknown layout.*row 3"),
    "short column": (
        lamost_bytes("table", rows=[row[:-5] if k == 1 else row for k, row in enumerate(smooth_spectrum())]),
        "damaged FITS.*different lengths: FLUX 3909, IVAR 3904",
    ),
    "short mask": (
        lamost_bytes("table", rows=[row[:-5] if k == 3 else row for k, row in enumerate(smooth_spectrum())]),
        "different lengths.*ANDMASK 3904",
    ),
    "table of two rows": (None, "unknown layout.*2 rows"),
}


def two_row_table():
    """A LAMOST table with a second row."""
    data = lamost_bytes("table")
    return data.replace(b"NAXIS2  =                    1", b"NAXIS2  =                    2") + bytes(2880 * 30)


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_files_are_refused_with_a_reason(tmp_path, name):
    data, words = BAD_FILES[name]
    path = tmp_path / "bad.fits"
    path.write_bytes(two_row_table() if data is None else data)
    with pytest.raises(SpectrumError, match=words) as caught:
        read_lamost(path)
    kind, _, detail = str(caught.value).partition(": ")
    assert kind
    assert detail


def test_a_file_that_cannot_be_opened(tmp_path):
    with pytest.raises(SpectrumError, match="no such file"):
        read_lamost(tmp_path / "nothing.fits")
    with pytest.raises(SpectrumError, match="unreadable"):
        read_lamost(tmp_path)
    with pytest.raises(SpectrumError, match="unreadable"):
        read_lamost("a\0b.fits")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_damaged_bytes_never_raise_anything_else(layout):
    rng = np.random.default_rng(3)
    good = lamost_bytes(layout)
    n_refused = 0
    for trial in range(150):
        data = bytearray(good)
        if trial % 3 == 0:
            data = data[: rng.integers(len(data))]
        else:
            # most damage goes to the headers, where it matters
            for place in rng.integers(0, 6000, size=5):
                data[place] = rng.integers(256)
        try:
            raw = parse_lamost(bytes(data), "x")
        except SpectrumError:
            n_refused += 1
        else:
            assert isinstance(raw, RawSpectrum)
    assert n_refused > 40


@pytest.mark.real_data
def test_every_real_spectrum_is_read(survey_data):
    layouts = {"dr10": "table", "dr1_pipeline_2.6": "image of pipeline 2.6"}
    count = {}
    for folder in ("dr10", "dr1_pipeline_2.6", "dr2_dr3", "dr6", "dr7", "dr8"):
        for path in sorted((survey_data / "lamost" / folder).iterdir()):
            raw = read_lamost(path)
            assert raw.meta["layout"] == layouts.get(folder, "image")
            assert 3690 < raw.wavelength[0] < 3710
            assert 8900 < raw.wavelength[-1] < 9110
            assert abs(raw.redshift) < 0.2
            assert raw.snr > 0
            assert 0 <= raw.ra < 360
            assert is_lamost(path.read_bytes()[:30_000])
            count[folder] = count.get(folder, 0) + 1
    assert count == {"dr10": 244, "dr1_pipeline_2.6": 12, "dr2_dr3": 2, "dr6": 1, "dr7": 12, "dr8": 10}


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("new", "old", "same_below"),
    # the second object was reduced by two versions of the pipeline, which differ in the red arm only
    [("001", "001_dr7", np.inf), ("005", "005_dr5", 5700.0)],
)
def test_both_layouts_of_an_object_agree(survey_data, new, old, same_below):
    table, image = (
        read_lamost(survey_data / "lamost" / "both_layouts" / f"spec-55859-F5902_sp01-{which}.fits.gz")
        for which in (new, old)
    )
    assert (table.meta["layout"], image.meta["layout"]) == ("table", "image")
    np.testing.assert_array_equal(table.wavelength, image.wavelength)
    same = table.wavelength < same_below
    assert same.sum() > 1800
    np.testing.assert_allclose(table.flux[same], image.flux[same], rtol=2**-23)
    np.testing.assert_allclose(table.ivar[same], image.ivar[same], rtol=2**-23)
    assert np.max(np.abs(table.flux - image.flux) * np.sqrt(image.ivar)) < 0.3
    np.testing.assert_array_equal(table.mask, image.mask)
    assert (table.ra, table.dec, table.snr) == (image.ra, image.dec, image.snr)


@pytest.mark.real_data
def test_real_files_of_another_survey_are_refused(survey_data):
    paths = sorted((survey_data / "lamost" / "not_lamost").iterdir())
    assert len(paths) == 3
    for path in paths:
        with pytest.raises(SpectrumError, match=r"not LAMOST.*LOGLAM.*SDSS 2\.5-M"):
            read_lamost(path)
        assert not is_lamost(path.read_bytes()[:30_000])


def test_gzip_of_several_streams(tmp_path):
    data = lamost_bytes()
    path = tmp_path / "spec-1.fits.gz"
    path.write_bytes(gzip.compress(data[:9000]) + gzip.compress(data[9000:]))
    np.testing.assert_array_equal(read_lamost(path).flux, parse_lamost(data, "spec-1").flux)
    path.write_bytes(gzip.compress(data[:9000]) + gzip.compress(data[9000:])[:-9])
    with pytest.raises(SpectrumError, match="truncated"):
        read_lamost(path)


def test_a_redshift_as_text_and_one_left_to_the_run():
    assert parse_lamost(lamost_bytes(Z="0.0002"), "a").redshift == 2e-4
    assert np.isnan(lamost_result(lamost_bytes(Z=-9999.0), "a").spectra[0].redshift)


def test_what_unpacks_to_gigabytes_is_found_out_early(tmp_path, monkeypatch):
    """10 MB of zeros, compressed; nothing beyond the limit is unpacked."""
    bomb = gzip.compress(lamost_bytes()[:2880] + bytes(40_000_000), 1)
    monkeypatch.setattr("bayescannon.io.lamost.UNPACKED_SPECTRUM", 1_000_000)
    tracemalloc.start()
    with pytest.raises(SpectrumError, match=r"^too large: it unpacks to more than 976\.6 KiB"):
        parse_lamost(bomb, "bomb.fits.gz")
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()
    (tmp_path / "large.fits").write_bytes(bytes(1_000_001))
    with pytest.raises(SpectrumError, match=r"^too large: the file has more than"):
        read_lamost(tmp_path / "large.fits")


@pytest.mark.parametrize("size", [10**20, 10**11, -5])
@pytest.mark.parametrize("key", ["NAXIS1", "NAXIS2", "NAXIS"])
def test_a_header_that_declares_too_much_is_refused_before_anything_is_allocated(key, size):
    data = lamost_bytes()
    start = data.index(key.ljust(8).encode() + b"=")
    data = data[:start] + f"{key:8}= {size:>20}".ljust(80).encode() + data[start + 80 :]
    with pytest.raises(SpectrumError, match=r"^(too large|damaged FITS|unknown layout|truncated|not LAMOST): "):
        parse_lamost(data, "a.fits")

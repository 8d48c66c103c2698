import json
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
import zarr

from bayescannon.data.air import to_air
from bayescannon.data.prepare import prepare_spectra
from bayescannon.data.raw_spectrum import SpectrumError
from bayescannon.io.readers import arrays
from bayescannon.io.readers.arrays import READER, read, read_rows, recognises
from bayescannon.io.readers.choice import file_head

N_STAR, N_PIXEL = 7, 60
RNG = np.random.default_rng(1)
WAVELENGTH = np.arange(5000.0, 5000 + N_PIXEL)
FLUX, ERROR = RNG.normal(100, 1, (N_STAR, N_PIXEL)), RNG.uniform(1, 2, (N_STAR, N_PIXEL))
IDS = np.array([f"star-{k}" for k in range(N_STAR)])
GAIA = 3216486443742786048 + np.arange(N_STAR)
ALL = {
    "wavelength": WAVELENGTH, "flux": FLUX, "ivar": ERROR**-2, "id": IDS, "redshift": 1e-4 * np.arange(N_STAR),
    "ra": 10.0 + np.arange(N_STAR), "dec": -1.0 * np.arange(N_STAR), "snr": np.full(N_STAR, 50.0), "gaia_id": GAIA,
    "mask": FLUX > 101.5,
}  # fmt: skip


def write_npz(path, arrays, attrs=None, *, save=np.savez):
    save(path, **arrays, **(attrs or {}))


def write_hdf5(path, arrays, attrs=None):
    with h5py.File(path, "w") as file:
        for name, values in arrays.items():
            file[name] = values.astype("S") if values.dtype.kind == "U" else values
        file["wavelength"].attrs.update(attrs or {})


def write_zarr(path, arrays, attrs=None):
    group = zarr.open_group(path, mode="w")
    for name, values in arrays.items():
        kept = values.astype(np.dtypes.StringDType()) if values.dtype.kind == "U" else values
        array = group.create_array(name, shape=kept.shape, dtype=str if values.dtype.kind == "U" else kept.dtype)
        array[...] = kept
    group["wavelength"].attrs.update(attrs or {})


def write_parquet(path, arrays, attrs=None):
    n_star = len(arrays["flux"])
    columns = {
        name: list(values if len(values) == n_star else np.tile(values, (n_star, 1))) for name, values in arrays.items()
    }
    table = pa.table(columns).replace_schema_metadata({"pandas": json.dumps({"attributes": attrs or {}})})
    pyarrow.parquet.write_table(table, path, row_group_size=3)


WRITERS = {"a.npz": write_npz, "a.h5": write_hdf5, "a.zarr": write_zarr, "a.parquet": write_parquet}


@pytest.mark.parametrize("name", WRITERS)
def test_many_stars_in_one_file_of_any_format(tmp_path, name):
    path = tmp_path / name
    WRITERS[name](path, ALL)
    assert recognises(b"" if path.is_dir() else file_head(path), path)
    assert READER.count(path) == N_STAR
    result = read(path)
    assert [raw.id for raw in result.spectra] == IDS.tolist()
    for k, raw in enumerate(result.spectra):
        dead = ALL["mask"][k]
        np.testing.assert_array_equal(raw.wavelength, WAVELENGTH)
        np.testing.assert_allclose(raw.flux[~dead], FLUX[k][~dead], rtol=1e-12)
        np.testing.assert_allclose(raw.ivar, np.where(dead, 0, ERROR[k] ** -2), rtol=1e-12)
        assert (raw.redshift, raw.ra, raw.dec, raw.snr) == (pytest.approx(1e-4 * k), 10 + k, -k, 50)
        assert raw.meta["gaia_id"] == str(GAIA[k])
    # in parts it is the same
    parts = [raw for start in range(0, N_STAR, 2) for raw in read_rows(path, start, min(start + 2, N_STAR)).spectra]
    for one, other in zip(parts, result.spectra, strict=True):
        assert one.id == other.id
        np.testing.assert_array_equal(one.flux, other.flux)
        np.testing.assert_array_equal(one.ivar, other.ivar)


@pytest.mark.parametrize("name", ["a.npz", "a.h5", "a.zarr"])
def test_one_star_in_a_file(tmp_path, name):
    arrays = {"wave": WAVELENGTH, "flux": FLUX[0], "sigma": ERROR[0], "z": np.array(0.0), "model": FLUX[0]}
    path = tmp_path / name
    if name == "a.npz":
        write_npz(path, arrays)
    else:
        arrays["wavelength"] = arrays.pop("wave")
        WRITERS[name](path, arrays)
    result = read(path)
    (raw,) = result.spectra
    assert (raw.id, raw.redshift) == ("a", 0)
    np.testing.assert_allclose(raw.ivar, ERROR[0] ** -2)
    assert result.notes["files whose ivar is 1 / error^2 of the array sigma"] == 1
    assert result.notes["files with arrays that were not read: model"] == 1


@pytest.mark.parametrize(
    ("measure", "values"),
    [("error", ERROR), ("e_flux", ERROR), ("variance", ERROR**2), ("var", ERROR**2), ("invvar", ERROR**-2)],
)
def test_errors_and_variances_become_inverse_variances(tmp_path, measure, values):
    values = values.copy()
    values[0, 3:6] = 0, np.nan, np.inf
    write_npz(
        tmp_path / "a.npz", {"wavelength": WAVELENGTH, "flux": FLUX, measure: values, "redshift": np.zeros(N_STAR)}
    )
    raws = read(tmp_path / "a.npz").spectra
    np.testing.assert_allclose(raws[1].ivar, ERROR[1] ** -2, rtol=1e-12)
    if measure != "invvar":
        assert raws[0].ivar[3:6].tolist() == [0, 0, 0]
    assert [raw.id for raw in raws[:2]] == ["a-0", "a-1"]


def test_of_two_measures_that_say_the_same_one_is_taken_and_said(tmp_path):
    both = {"wavelength": WAVELENGTH, "flux": FLUX, "ivar": ERROR**-2, "error": ERROR}
    write_npz(tmp_path / "a.npz", both)
    assert any("ivar beside error, which say the same" in text for text in read(tmp_path / "a.npz").notes)
    write_npz(tmp_path / "b.npz", both | {"error": 2 * ERROR})
    with pytest.raises(SpectrumError, match="two could be meant: ivar and error do not say the same"):
        read(tmp_path / "b.npz")


@pytest.mark.parametrize("name", ["a.h5", "a.zarr", "a.npz", "a.parquet"])
@pytest.mark.parametrize(("unit", "factor"), [("nm", 0.1), ("micron", 1e-4), ("Angstrom", 1.0)])
def test_units_of_wavelengths(tmp_path, name, unit, factor):
    arrays = ALL | {"wavelength": WAVELENGTH * factor}
    attrs = {"wavelength_unit": unit} if name in ("a.npz", "a.parquet") else {"units": unit}
    WRITERS[name](tmp_path / name, arrays, attrs)
    np.testing.assert_allclose(read(tmp_path / name).spectra[0].wavelength, WAVELENGTH, rtol=1e-13)


@pytest.mark.parametrize("name", ["a.h5", "a.zarr", "a.npz", "a.parquet"])
@pytest.mark.parametrize(
    ("attrs", "air"), [({}, None), ({"vacuum": False}, True), ({"air": True}, True), ({"medium": "vacuum"}, False)]
)
def test_air_and_vacuum_of_attributes(tmp_path, name, attrs, air):
    WRITERS[name](tmp_path / name, ALL, attrs)
    assert all(raw.air is air for raw in read(tmp_path / name).spectra)


@pytest.mark.parametrize("name", ["a.h5", "a.zarr", "a.npz", "a.parquet"])
def test_an_array_says_the_scale_of_each_star(tmp_path, name):
    vacuum = np.arange(N_STAR) % 2 == 0
    WRITERS[name](tmp_path / name, ALL | {"vacuum": vacuum}, {})
    assert [raw.air for raw in read(tmp_path / name).spectra] == (~vacuum).tolist()
    assert [raw.air for raw in read_rows(tmp_path / name, 3, 5).spectra] == [True, False]


def test_one_value_in_an_array_says_the_scale_of_all(tmp_path):
    write_hdf5(tmp_path / "a.h5", ALL | {"vacuum": np.array(False)})
    assert all(raw.air for raw in read(tmp_path / "a.h5").spectra)


@pytest.mark.parametrize("what", ["redshift", "rv"])
def test_what_stands_for_a_missing_redshift_is_missing(tmp_path, what):
    values = np.zeros(N_STAR)
    values[[1, 4]] = -9999, 9999.99
    write_npz(tmp_path / "a.npz", {"wavelength": WAVELENGTH, "flux": FLUX, "ivar": ERROR**-2, what: values})
    assert np.flatnonzero(np.isnan([raw.redshift for raw in read(tmp_path / "a.npz").spectra])).tolist() == [1, 4]


def test_air_is_converted_by_the_preparation(tmp_path):
    line = 1 - 0.5 * np.exp(-0.5 * ((WAVELENGTH - 5030) / 1.5) ** 2)
    at_rest = {"flux": line[None], "ivar": np.full((1, N_PIXEL), 1e4), "redshift": np.zeros(1), "id": np.array(["a"])}
    write_hdf5(tmp_path / "v.h5", at_rest | {"wavelength": WAVELENGTH})
    write_hdf5(tmp_path / "a.h5", at_rest | {"wavelength": to_air(WAVELENGTH)}, {"vacuum": False})
    grid = np.arange(5005.0, 5050, 0.5)
    vacuum, air = (prepare_spectra(list(read(tmp_path / name).spectra), "none", grid) for name in ("v.h5", "a.h5"))
    np.testing.assert_allclose(air.flux, vacuum.flux, atol=1e-6)


def test_logarithms_velocities_and_own_wavelengths(tmp_path):
    write_npz(
        tmp_path / "a.npz",
        {"loglam": np.log10(WAVELENGTH), "flux": FLUX, "ivar": ERROR**-2, "rv": np.arange(N_STAR) * 299.792458},
    )
    result = read(tmp_path / "a.npz")
    np.testing.assert_allclose(result.spectra[2].wavelength, WAVELENGTH, rtol=1e-13)
    assert result.spectra[2].redshift == pytest.approx(2e-3)
    assert any("velocity rv [km/s]" in text for text in result.notes)
    own = WAVELENGTH + np.arange(N_STAR)[:, None]
    write_npz(tmp_path / "b.npz", {"wavelength": own, "flux": FLUX, "ivar": ERROR**-2})
    for k, raw in enumerate(read(tmp_path / "b.npz").spectra):
        np.testing.assert_array_equal(raw.wavelength, own[k])


def test_a_star_that_cannot_be_used_is_a_row(tmp_path):
    own = np.tile(WAVELENGTH, (N_STAR, 1))
    own[2, 5] = np.nan
    write_npz(tmp_path / "a.npz", {"wavelength": own, "flux": FLUX, "ivar": ERROR**-2, "id": IDS})
    result = read(tmp_path / "a.npz")
    assert len(result.spectra) == N_STAR - 1
    ((row, reason),) = result.refused
    assert row == "2"
    assert reason.startswith("bad wavelength: star-2: wavelength must be finite")


BAD = {
    "no wavelength": ({"wavelength": None}, "no wavelength: the file has the arrays flux, ivar"),
    "no flux": ({"flux": None}, "no flux"),
    "no measure of noise": ({"ivar": None}, "no ivar: expected an array ivar, error"),
    "two fluxes": ({"fluxes": FLUX}, "two could be meant: flux and fluxes"),
    "two axes": ({"loglam": np.log10(WAVELENGTH)}, "two could be meant: a wavelength and its logarithm"),
    "redshift and velocity": ({"redshift": np.zeros(N_STAR), "rv": np.zeros(N_STAR)}, "a redshift and a velocity"),
    "transposed": (
        {"flux": FLUX.T, "ivar": FLUX.T},
        r"wrong shape: .*\(60, 7\) and \(60,\)\. .*save flux\.T",
    ),
    "short wavelength": ({"wavelength": WAVELENGTH[1:]}, r"wrong shape: .*\(7, 60\) and \(59,\)"),
    "short ivar": ({"ivar": FLUX[:3]}, r"wrong shape: ivar must have the shape of flux, \(7, 60\); got \(3, 60\)"),
    "too few redshifts": ({"redshift": np.zeros(3)}, "wrong shape: redshift must have one value for each of 7 stars"),
    "text as redshift": ({"redshift": np.array(["a"] * N_STAR)}, "bad values: redshift must hold numbers"),
    "too few ids": ({"id": IDS[:3]}, r"wrong shape: id must have one value for each of 7 stars; got \(3,\)"),
    "too many ids": ({"id": np.arange(9)}, "wrong shape: id must have one value for each of 7 stars"),
    "one mask for all": ({"mask": WAVELENGTH < 5010}, r"wrong shape: mask must have the shape of flux; got \(60,\)"),
    "too few scales": ({"vacuum": np.zeros(3, bool)}, "wrong shape: vacuum must have one value, or one per star"),
    "complex flux": ({"flux": FLUX + 1j}, "bad values: flux must hold numbers; got complex"),
    "flux as text": ({"flux": FLUX.astype(str)}, "bad values: flux must hold numbers; got text"),
    "no stars": ({"flux": FLUX[:0], "ivar": FLUX[:0]}, r"no spectrum: flux has shape \(0, 60\)"),
    "ids with a fraction": ({"id": np.arange(N_STAR) + 0.5}, "bad names: .*floating-point"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_has_no_clear_meaning_is_refused(tmp_path, name):
    change, words = BAD[name]
    arrays = {"wavelength": WAVELENGTH, "flux": FLUX, "ivar": ERROR**-2} | change
    write_npz(tmp_path / "a.npz", {key: value for key, value in arrays.items() if value is not None})
    with pytest.raises(SpectrumError, match=words):
        read(tmp_path / "a.npz")


def test_a_unit_that_is_no_length(tmp_path):
    write_hdf5(tmp_path / "a.h5", ALL, {"unit": "km/s"})
    with pytest.raises(SpectrumError, match="wavelength unit: wavelength is in km / s"):
        read(tmp_path / "a.h5")


def test_tables_of_labels_are_not_recognised(tmp_path):
    pyarrow.parquet.write_table(pa.table({"id": IDS.tolist(), "teff": [5000.0] * N_STAR}), tmp_path / "labels.parquet")
    write_npz(tmp_path / "labels.npz", {"teff": np.ones(3)})
    (tmp_path / "damaged.npz").write_bytes(b"PK\x03\x04 and no more")
    for path in sorted(tmp_path.iterdir()):
        assert not recognises(file_head(path), path)


def test_a_mask_of_whole_numbers_is_said_to_be_bits(tmp_path):
    for mask, said in ((ALL["mask"], False), (ALL["mask"].astype(int), True), (0 * ALL["mask"].astype(int), False)):
        write_npz(tmp_path / "a.npz", ALL | {"mask": mask})
        notes = read(tmp_path / "a.npz").notes
        assert any(text.startswith("files whose mask holds bits: of the presets only masked") for text in notes) is said


def test_every_name_that_is_read_is_documented():
    text = (Path(__file__).parents[4] / "docs" / "howto" / "own_spectra.md").read_text(encoding="utf-8")
    others = {"source_id", "gaia_source_id", "gaia_dr3_source_id", "gaiadr3_source_id"}
    star = {"gaia_id", "twomass_id", "survey_id"}
    names = {
        one for what, some in arrays._NAMES.items() if what not in set(arrays.IDENTITY_COLUMNS) - star for one in some
    }
    assert {one for one in names - others if f"`{one}`" not in text} == set()

from dataclasses import replace
from pathlib import Path

import astropy.units as u
import numpy as np
import pytest
from lamost_files import lamost_bytes, smooth_spectrum

from bayescannon.data.prepare import lamost_grid, mask_bad, prepare_spectra, resample, to_rest
from bayescannon.data.preset import MASKED, PAPER, PRESETS, RELEASED, SKY_LINES, provenance
from bayescannon.data.spectra import IDENTITY_COLUMNS, GridError, RawSpectrum, SpectrumError, require_same_grid
from bayescannon.io.lamost import parse_lamost, read_lamost
from bayescannon.numerics.errors import BayesCannonWarning, InputError, InputTypeError


def raw_spectrum(name="a", **cards):
    return parse_lamost(lamost_bytes(**cards), name)


def test_mask_bad_kills_what_is_no_measurement():
    flux = np.array([1, np.nan, np.inf, 1, 1, 1, 1, 1e70, 1.0])
    ivar = np.array([1, 1, 1, 0, -1, np.nan, np.inf, 1, 2.0])
    before = flux.copy(), ivar.copy()
    wavelength = 5000.0 + np.arange(9)
    got_flux, got_ivar = mask_bad(wavelength, flux, ivar, np.zeros(9, dtype=np.uint32))
    assert got_ivar.tolist() == [1, 0, 0, 0, 0, 0, 0, 0, 2]
    assert got_flux.tolist() == [1, 0, 0, 0, 0, 0, 0, 0, 1]
    np.testing.assert_array_equal((flux, ivar), before)


def test_mask_bits_are_used_only_where_chosen():
    ones = np.ones(4)
    mask = np.array([0, 1, 2, 3], dtype=np.uint32)
    wavelength = 5000 + np.arange(4.0)

    def alive(preset):
        return mask_bad(wavelength, ones, ones, mask, preset)[1].tolist()

    assert alive(PAPER) == [1, 1, 1, 1]
    assert alive(replace(PAPER, mask_bits=2)) == [1, 1, 0, 0]
    assert alive(MASKED) == [1, 0, 0, 0]


def test_sky_lines_and_arm_join_are_masked_where_they_were_observed():
    raw = raw_spectrum(Z=0.01)
    _, ivar = mask_bad(raw.wavelength, raw.flux, raw.ivar, raw.mask, MASKED)
    dead = raw.wavelength[ivar == 0]
    near_sky = np.abs(dead[:, None] - np.array(SKY_LINES)).min(axis=1) <= 3
    in_join = (dead >= 5800) & (dead <= 6000)
    assert np.all(near_sky | in_join)
    for line in SKY_LINES:
        assert 3 <= np.sum(np.abs(dead - line) <= 3) <= 8
    assert in_join.sum() == np.sum((raw.wavelength >= 5800) & (raw.wavelength <= 6000))
    # at rest they have moved with the star's redshift
    spectra = prepare_spectra([raw], MASKED)
    dead = spectra.wavelength[spectra.ivar[0] == 0]
    assert np.any(np.abs(dead - 5577 / 1.01) < 1)
    assert not np.any(np.abs(dead - 5577) < 3)


def test_rest_frame_conventions():
    wavelength = np.array([4000.0, 8000.0])
    np.testing.assert_allclose(to_rest(wavelength, 0.01), wavelength / 1.01)
    np.testing.assert_allclose(to_rest(wavelength, 0.01, "released"), wavelength * 0.99)
    with pytest.raises(ValueError, match="'exact' or 'released'"):
        to_rest(wavelength, 0.01, "doppler")


def test_a_redshifted_line_ends_at_its_rest_wavelength():
    for z in (-5e-4, 5e-4):
        rows = smooth_spectrum()
        rows[0] = 100 - 50 * np.exp(-(((rows[2] - 6564.6 * (1 + z)) / 4) ** 2))
        spectra = prepare_spectra([raw_spectrum(rows=rows, Z=z)])
        line = np.abs(spectra.wavelength - 6564.6) < 20
        depth = 1 - spectra.flux[0, line]
        assert np.average(spectra.wavelength[line], weights=depth.clip(0)) == pytest.approx(6564.6, abs=0.05)


def test_resample_keeps_a_spectrum_on_its_own_grid():
    grid = lamost_grid()
    rng = np.random.default_rng(5)
    flux, ivar = rng.normal(size=grid.size), rng.gamma(1, size=grid.size)
    ivar[::10] = 0
    for variance in ("interpolate", "propagate"):
        got = resample(grid, flux, ivar, grid, variance)
        np.testing.assert_allclose(got[0], np.where(ivar > 0, flux, 0), rtol=1e-12)
        np.testing.assert_allclose(got[1], ivar, rtol=1e-12)


def test_a_dead_pixel_kills_both_pixels_it_feeds():
    wavelength, ivar = np.arange(10.0), np.ones(10)
    ivar[4] = 0
    _, got = resample(wavelength, np.ones(10), ivar, np.arange(9) + 0.5)
    assert np.flatnonzero(got == 0).tolist() == [3, 4]


def test_interpolated_noise_is_smaller_than_its_interpolated_variance():
    # half way between two pixels of variance 1 the variance is 1/2
    wavelength, ones = np.arange(3.0), np.ones(3)
    assert resample(wavelength, ones, ones, np.array([0.5]))[1] == 1
    assert resample(wavelength, ones, ones, np.array([0.5]), "propagate")[1] == 2
    with pytest.raises(ValueError, match="'interpolate' or 'propagate'"):
        resample(wavelength, ones, ones, wavelength, "exact")


def test_nan_and_negative_ivar_are_dead_pixels_and_nothing_else():
    rows = smooth_spectrum()
    rows[1, 1000:1010], rows[1, 2000:2010], rows[0, 3000:3010] = np.nan, -5, np.nan
    spectra = prepare_spectra([raw_spectrum("a", rows=rows), raw_spectrum("b")])
    dead = spectra.ivar == 0
    # ten dead pixels feed eleven
    assert dead.sum(axis=1).tolist() == [33, 0]
    assert np.isfinite(spectra.flux).all()
    assert (spectra.flux[dead] == 1).all()
    assert spectra.flux.dtype == spectra.ivar.dtype == np.float32


def test_prepared_spectra_know_their_star_and_their_preparation():
    spectra = prepare_spectra([raw_spectrum("x/spec-1.fits.gz", Z=2e-4)], replace(PAPER, width=60.0))
    assert spectra.id.tolist() == ["spec-1"]
    assert spectra.columns["redshift"].tolist() == [2e-4]
    assert spectra.columns["snr"].tolist() == [40.0]
    assert spectra.columns["class"].tolist() == ["STAR"]
    assert spectra.attrs["preset"] == "paper (changed)"
    assert '"width": 60.0' in spectra.attrs["preset_settings"]
    assert [provenance(preset)["preset"] for preset in PRESETS.values()] == ["paper", "released", "masked", "none"]


def test_released_and_exact_rest_frames_agree_to_second_order():
    raw = raw_spectrum(Z=5e-4)
    paper, released = (prepare_spectra([raw], preset) for preset in (PAPER, RELEASED))
    assert 0 < np.abs(paper.flux - released.flux).max() < 1e-3


@pytest.mark.parametrize(
    ("cards", "words"),
    [
        ({"Z": 2.0}, "off the grid.*1233"),
        ({"rows": smooth_spectrum(n_pixel=1000)}, "off the grid.*reaches 764 pixels"),
    ],
)
def test_a_spectrum_that_does_not_reach_the_grid_is_refused(cards, words):
    with pytest.raises(SpectrumError, match=rf"1 of 2 spectra.*leave them out\. The first is b: {words}"):
        prepare_spectra([raw_spectrum("a"), raw_spectrum("b", **cards)])


def test_a_spectrum_without_a_live_pixel_on_the_grid_is_refused():
    rows = smooth_spectrum()
    rows[0] *= -1
    with pytest.raises(SpectrumError, match="a: no good pixel"):
        prepare_spectra([raw_spectrum(rows=rows)])


def test_duplicate_ids_are_refused():
    with pytest.raises(ValueError, match="'a' occurs 2 times"):
        prepare_spectra([raw_spectrum("a"), raw_spectrum("a")])


def test_another_grid_is_told_from_the_papers():
    grid = np.arange(4000.0, 8000.0, 2.0)
    spectra = prepare_spectra([raw_spectrum()], grid=grid)
    assert spectra.flux.shape == (1, 2000)
    with pytest.raises(GridError, match=r"3626 pixels.*2000 pixels from 4000\.00"):
        require_same_grid(spectra.wavelength, lamost_grid(), got_from="the store", want_from="the model")


@pytest.mark.real_data
@pytest.mark.parametrize("preset", [PAPER, RELEASED, MASKED], ids=lambda preset: preset.name)
def test_real_spectra_come_out_near_one(survey_data, preset):
    paths = sorted((survey_data / "lamost" / "dr10").iterdir())
    spectra = prepare_spectra([read_lamost(path) for path in paths], preset)
    live = spectra.ivar > 0
    assert np.median(live.mean(axis=1)) > 0.9
    for low in range(4000, 9000, 500):
        window = (spectra.wavelength >= low) & (spectra.wavelength < low + 500)
        assert np.median(spectra.flux[live & window]) == pytest.approx(1, abs=0.03)
    # H-alpha and the strongest line of the calcium triplet are where they are at rest, in vacuum
    for line in (6564.6, 8544.4):
        near = np.abs(spectra.wavelength - line) < 25
        typical = np.median(spectra.flux[:, near][live[:, near].all(axis=1)], axis=0)
        assert typical.min() < 0.95
        assert spectra.wavelength[near][np.argmin(typical)] == pytest.approx(line, abs=2.5)


def test_errors_finer_than_the_stored_flux_are_no_measurement():
    rows = smooth_spectrum()
    rows[1, 1000] *= 1e20
    with pytest.warns(BayesCannonWarning, match="1 pixels of 1 spectra have an inverse variance above 100 times"):
        spectra = prepare_spectra([parse_lamost(lamost_bytes(rows=rows), "a")])
    assert spectra.ivar.max() < 1e13
    assert 0 < (spectra.ivar[0] == 0).sum() < 10


def test_the_data_release_is_kept():
    raws = [raw_spectrum("a"), raw_spectrum("b", DATA_V="LAMOST DR5")]
    assert prepare_spectra(raws).attrs["data_release"] == "LAMOST DR5, LAMOST DR7"


def test_names_of_the_star_are_columns_and_blank_where_unknown():
    raws = [raw_spectrum("a", DESIG="LAMOST J0000+00"), raw_spectrum("b")]
    raws[1] = replace(raws[1], meta={**raws[1].meta, "gaia_id": "3410525197795033344"})
    columns = prepare_spectra(raws).columns
    assert set(IDENTITY_COLUMNS) <= set(columns)
    assert columns["designation"].tolist() == ["LAMOST J0000+00", ""]
    assert columns["gaia_id"].tolist() == ["", "3410525197795033344"]
    assert columns["twomass_id"].tolist() == ["", ""]


def on_grid(name, redshift=0.0, **changes):
    wavelength = np.arange(4900.0, 5200.0)
    values = {"wavelength": wavelength, "flux": 1000 + wavelength - 5000, "ivar": np.ones(300)}
    return RawSpectrum(name, **(values | changes), redshift=redshift)


GRID = np.arange(5000.0, 5100.0)


@pytest.mark.parametrize(
    ("redshift", "words"),
    [
        (-9999.0, "no redshift: z = v/c of a star must be between -1 and 1; got -9999"),
        (np.nan, "no redshift: none is given.*redshift=0 for a spectrum at rest"),
        (-1.0, "no redshift"),
        (30.0, r"off the grid.*got 30. Divide a velocity in km/s by 299792\.458"),
        (-30.0, "no redshift.*Divide a velocity"),
    ],
)
def test_a_redshift_that_is_none_refuses_the_star_and_no_other(redshift, words):
    raws = [on_grid("a"), on_grid("b", redshift), on_grid("c")]
    with pytest.raises(
        SpectrumError, match=rf"1 of 3 spectra cannot be prepared \(1 .*\).*leave them out\. The first is b: {words}"
    ):
        prepare_spectra(raws, grid=GRID)
    spectra = prepare_spectra(raws, grid=GRID, leave_out=True)
    assert spectra.id.tolist() == ["a", "c"]
    assert len(spectra.attrs["left_out"]) == 1
    assert spectra.attrs["left_out"][0].startswith("b: ")
    np.testing.assert_array_equal(spectra.flux, prepare_spectra([raws[0], raws[2]], grid=GRID).flux)


@pytest.mark.parametrize(("factor", "unit"), [(0.1, "nm"), (1e-4, "micron")])
def test_a_wavelength_scale_that_cannot_be_refuses_the_star(factor, unit):
    plain = on_grid("a")
    small = on_grid("b", wavelength=plain.wavelength * factor)
    with pytest.raises(SpectrumError, match=rf"b: wavelength scale: .*must be in Angstrom.*astropy\.units\.{unit}"):
        prepare_spectra([plain, small], grid=GRID)
    assert prepare_spectra([plain, small], grid=GRID, leave_out=True).id.tolist() == ["a"]


def test_a_redshift_of_one_is_no_stars_wherever_the_grid_is():
    raw = RawSpectrum("a", np.arange(4000.0, 40000.0), np.ones(36000), np.ones(36000), redshift=1.0)
    with pytest.raises(SpectrumError, match="a: no redshift: z = v/c"):
        prepare_spectra([raw])


def test_nothing_but_bad_spectra_is_an_error():
    for leave_out in (True, False):
        with pytest.raises(SpectrumError, match=r"none of the 2 spectra can be prepared \(2 no redshift\)\. The first"):
            prepare_spectra([on_grid("a", -9999), on_grid("b", -9999)], grid=GRID, leave_out=leave_out)
    with pytest.raises(InputTypeError, match="leave_out must be True or False; got 'no'"):
        prepare_spectra([on_grid("a", 0)], grid=GRID, leave_out="no")


def test_descending_masked_and_nm_spectra_are_prepared_as_the_plain_one():
    plain = on_grid("a", 1e-4)
    want = prepare_spectra([plain], grid=GRID)
    w, f, v = plain.wavelength, plain.flux, plain.ivar
    for changes in (
        {"wavelength": w[::-1], "flux": f[::-1], "ivar": v[::-1]},
        {"wavelength": w / 10 * u.nm},
        {"wavelength": (w / 10)[::-1] * u.nm, "flux": f[::-1].astype(">f4"), "ivar": v[::-1]},
        {"flux": f * u.Jy, "ivar": v / u.Jy**2},
    ):
        got = prepare_spectra([on_grid("a", 1e-4, **changes)], grid=GRID)
        np.testing.assert_allclose(got.flux, want.flux, rtol=1e-6)
        np.testing.assert_allclose(got.ivar, want.ivar, rtol=1e-6)
    hole = np.arange(300) == 150
    dead = prepare_spectra([on_grid("a", ivar=np.where(hole, 0, v))], grid=GRID)
    masked = prepare_spectra([on_grid("a", flux=np.ma.array(np.where(hole, 1e9, f), mask=hole))], grid=GRID)
    np.testing.assert_array_equal(masked.flux, dead.flux)
    np.testing.assert_array_equal(masked.ivar, dead.ivar)
    assert (dead.ivar == 0).sum() == 1


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_by_name(preset):
    flux = np.ones(300) if preset == "none" else on_grid("a").flux
    by_name, by_object = (prepare_spectra([on_grid("a", flux=flux)], one, GRID) for one in (preset, PRESETS[preset]))
    np.testing.assert_array_equal(by_name.flux, by_object.flux)
    assert by_name.attrs == by_object.attrs


class Foreign:
    __module__ = "specutils.spectra.spectrum"


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: prepare_spectra([]), InputError, "needs at least one RawSpectrum; got none"),
        (lambda: prepare_spectra(on_grid("a")), InputTypeError, r"for one star \[raw\]"),
        (lambda: prepare_spectra(prepare_spectra([on_grid("a")], grid=GRID)), InputTypeError, "prepared already"),
        (lambda: prepare_spectra("folder"), InputTypeError, "got the path folder. Use prepare_files to prepare files"),
        (lambda: prepare_spectra(Path("folder")), InputTypeError, "prepare_files"),
        (lambda: prepare_spectra(3), InputTypeError, "list of RawSpectrum; got an int"),
        (lambda: prepare_spectra([on_grid("a"), None]), InputTypeError, "got a NoneType"),
        (lambda: prepare_spectra([np.ones(3)]), InputTypeError, "got a numpy ndarray"),
        (lambda: prepare_spectra([Foreign()]), InputTypeError, "from_specutils makes RawSpectrum of them"),
        (lambda: prepare_spectra(Foreign()), InputTypeError, "from_specutils"),
        (lambda: prepare_spectra([on_grid("a")], "papers"), InputError, "one of paper, released, masked.*got 'papers'"),
        (lambda: prepare_spectra([on_grid("a")], GRID), InputError, "a grid is given as grid="),
        (lambda: prepare_spectra([on_grid("a")], grid=GRID[::-1]), InputError, "grid must be ascending"),
        (
            lambda: prepare_spectra([on_grid("a")], grid=GRID / 10),
            InputError,
            "grid must be in Angstrom.* got 500 to 509.9. Give grid with its unit",
        ),
    ],
)
def test_wrong_calls_say_what_came(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_a_generator_and_a_grid_with_a_unit():
    spectra = prepare_spectra((on_grid(name) for name in "ab"), grid=(GRID / 10).tolist() * u.nm)
    assert spectra.id.tolist() == ["a", "b"]
    np.testing.assert_allclose(spectra.wavelength, GRID, rtol=1e-14)

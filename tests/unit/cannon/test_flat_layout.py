"""Model files of version 0.2.0: the same numbers, and no change of one goes unnoticed."""

import numpy as np
import pytest
import xarray as xr
from old_model import EXPECTED, OLD

from bayescannon.cannon.labelling import formal_errors, label_spectra
from bayescannon.cannon.model_file import load_model
from bayescannon.cannon.model_layout import ModelFileError
from bayescannon.data.spectra import Spectra


@pytest.fixture(scope="module")
def old():
    """A model with everything that a model may have, from version 0.2.0."""
    return load_model(OLD)


def flat(path):
    with xr.open_dataset(path, engine="h5netcdf") as data:
        return data.load()


def test_a_file_of_0_2_0_gives_the_same_numbers_labels_and_hashes(old):
    assert old.hash == EXPECTED["hash"]
    assert old.calibration.hash == EXPECTED["calibration_hash"]
    assert old.describe_errors() == EXPECTED["calibration"]
    assert old.options.describe() == EXPECTED["priors"]
    assert old.latent_labels.status.name == EXPECTED["status"]
    assert np.abs(old.theta).sum() == pytest.approx(EXPECTED["theta_sum"], rel=1e-14)
    np.testing.assert_array_equal(old.populations.coefficients.tau, EXPECTED["tau"])
    assert old.latent_labels.error_scale is None
    assert old.provenance.version == "0.2.0"
    assert old.provenance.data_release == "toy DR1"
    assert [row.remaining for row in old.tally] == [100]
    assert old.populations.learned == ("coefficients", "scatter", "kappa")
    flux = np.array(EXPECTED["flux"])
    columns = {name: np.full(len(flux), 60.0 if name == "snr" else 0.0) for name in ("ra", "dec", "redshift", "snr")}
    stars = Spectra(old.wavelength, flux, np.array(EXPECTED["ivar"]), np.array(EXPECTED["id"]), columns, {})
    estimates = label_spectra(old, stars)
    np.testing.assert_allclose(estimates["labels"], EXPECTED["labels"], rtol=1e-12)
    # that version gave errors below the formal ones
    least = np.maximum(EXPECTED["calibrated_error"], formal_errors(estimates))
    np.testing.assert_allclose(estimates["calibrated_error"], least, rtol=1e-8)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data.assign(theta=data["theta"] * 2), "changed after it was saved"),
        (lambda data: data.assign(calibration_dof=data["calibration_dof"] + 1), "calibration was changed"),
        (lambda data: data.drop_vars([name for name in data if str(name).startswith("calibration_")]), "calibration"),
        (lambda data: data.drop_vars("calibration_dof_slope"), "other than this version knows; train anew"),
        (lambda data: data.drop_vars("chi2"), "lacks 'chi2', which every model of version 0.2.0 has"),
        (lambda data: data[["theta"]].drop_attrs(), "not a bayescannon model"),
        (lambda data: data.assign(score=[name.upper() for name in data["score"].to_numpy()]), "has no score 'range'"),
    ],
)
def test_a_changed_file_of_0_2_0_is_refused(tmp_path, change, message):
    change(flat(OLD)).to_netcdf(tmp_path / "changed.nc", engine="h5netcdf")
    with pytest.raises(ModelFileError, match=message):
        load_model(tmp_path / "changed.nc")


def test_the_oldest_files_are_of_the_papers_training(tmp_path):
    data = flat(OLD)
    del data.attrs["training"]
    data.to_netcdf(tmp_path / "oldest.nc", engine="h5netcdf")
    assert load_model(tmp_path / "oldest.nc").options.describe() == "theta flat, s flat, kappa fixed"


def test_smooth_scales_of_0_2_0_are_no_population(tmp_path):
    data = flat(OLD).drop_vars(["learned_mu", "learned_activity"])
    data.to_netcdf(tmp_path / "smooth.nc", engine="h5netcdf")
    populations = load_model(tmp_path / "smooth.nc").populations
    assert populations.coefficients is None
    np.testing.assert_array_equal(populations.smooth_scale, EXPECTED["tau"])

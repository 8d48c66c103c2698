"""The hidden components of real giants are what is known to change their spectra: the arms, the air, the dust."""

import pytest

import bayescannon as bc

NAMES = ("teff", "logg", "fe_h")


@pytest.mark.long
@pytest.mark.real_data
def test_components_of_real_giants(survey_data, tmp_path):
    data = survey_data / "lamost"
    bc.prepare_files(data / "dr10", tmp_path / "store.zarr", workers=1, progress=False)
    table = bc.read_labels(data / "lasp_dr10.csv", label_names=NAMES, columns={"id": "file", "snr": "snrg"})
    giants = {"teff": [3500.0, 5800.0], "logg": [-1.0, 3.8]}
    reference = bc.build_reference(tmp_path / "store.zarr", table, NAMES, keep=giants, cuts="none")
    errors = {"teff": 40.0, "logg": 0.08, "fe_h": 0.05}
    model = bc.train(reference, label_errors=errors, hidden=6, noise="global", coefficients="pooled")
    atlas = bc.hidden_atlas(model)
    named = {name for component in atlas.components for name in component.named_peaks(8)}
    # dust (sodium and a diffuse band), the sky's line of oxygen at 6300 A, water and oxygen in the air
    assert {"Na D", "sky 6300", "H2O 9000", "A band (O2)"} <= named
    assert any(name.startswith("DIB") for name in named)
    assert max(one.share for part in atlas.components for one in part.features if one.feature == "arm join") > 0.15

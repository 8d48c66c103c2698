import numpy as np
import pytest
import toy

import bayescannon as bc
from bayescannon.data.labels import KNOWN_LABELS, Label, LabelError, LabelScaler, labels_from_names, register_label
from bayescannon.numerics.errors import InputTypeError


def test_scaler_takes_median_and_central_width():
    values = np.linspace(0, 100, 1001)[:, None]
    scaler = LabelScaler.fit(values, ["teff"])
    assert scaler.pivot[0] == pytest.approx(50)
    assert scaler.scale[0] == pytest.approx(95 / 4)
    np.testing.assert_allclose(scaler.from_scaled(scaler.to_scaled(values)), values)
    assert scaler.covariance_from_scaled(np.eye(1))[0, 0] == pytest.approx((95 / 4) ** 2)


@pytest.mark.parametrize(
    ("values", "names", "message"),
    [
        (np.ones((50, 1)), ["teff"], "'teff' is constant over the 50"),
        (np.full((50, 1), np.nan), ["teff"], "must be finite"),
        (np.ones((50, 2)), ["teff"], r"shape \(star, 1\)"),
        (np.ones((50, 1)), ["tef"], "unknown label name 'tef'; known labels are teff, logg"),
        (np.ones((50, 2)), ["teff", "teff"], "given twice"),
        (np.ones((50, 0)), [], "no label names"),
    ],
)
def test_labels_that_cannot_be_scaled_are_refused(values, names, message):
    with pytest.raises(LabelError, match=message):
        LabelScaler.fit(values, names)


def test_the_papers_numbers_are_in_one_place():
    teff, alpha = labels_from_names(["teff", "alpha_m"])
    assert (teff.published.bias, teff.published.scatter) == (-3.44, 68.8)
    assert alpha.published.scatter == 0.0391
    assert KNOWN_LABELS["a_k"].published.survey_error is None
    assert "K" in teff.axis_text()


@pytest.fixture
def own_label():
    label = register_label(Label("c_fe", "[C/Fe]", "dex", "carbon abundance relative to iron"))
    yield label
    del KNOWN_LABELS["c_fe"]


@pytest.mark.usefixtures("own_label")
def test_a_label_of_ones_own_goes_the_whole_way(tmp_path):
    names = ("teff", "logg", "c_fe")
    reference = toy.toy_reference(150)
    reference = bc.ReferenceSet(reference.spectra, reference.labels, label_names=names)
    model = bc.qualify(bc.train(reference), reference, folds=3)
    bc.save_model(model, tmp_path / "model.nc")
    bc.write_catalogue(bc.label_spectra(tmp_path / "model.nc", reference.spectra), tmp_path / "c.fits")
    catalogue = bc.read_catalogue(tmp_path / "c.fits")
    assert {"c_fe", "e_c_fe", "e_formal_c_fe", "rho_teff_c_fe"} <= set(catalogue.colnames)
    assert np.abs(catalogue["c_fe"] - reference.labels[:, 2]).max() < 0.3


def test_labels_that_cannot_be_registered_are_refused(own_label):
    assert register_label(own_label) is own_label
    with pytest.raises(LabelError, match="another label has the name 'c_fe'"):
        register_label(Label("c_fe", "C", "dex", "another"))
    for name in ("e_mine", "rho_x", "C_FE", "c fe", "", "1a"):
        with pytest.raises(LabelError, match="the name of a label must be lower-case"):
            register_label(Label(name, "x", "dex", "x"))
    with pytest.raises(TypeError, match="register_label takes a Label"):
        register_label("c_fe")
    # the third text is the unit
    with pytest.raises(LabelError, match=r"the unit 'barium' of label 'ba_h' is not known .* Label\(name, symbol, "):
        register_label(Label("ba_h", "dex", "barium"))
    with pytest.raises(LabelError, match="digits of label 'ba_h' must be 0 or more; got -1"):
        Label("ba_h", "dex", digits=-1)
    with pytest.raises(InputTypeError, match="published of label 'ba_h' must be PublishedNumbers; got 3"):
        Label("ba_h", "dex", published=3)


def test_a_second_text_alone_is_the_unit():
    label = Label("mg_h", "dex")
    assert (label.symbol, label.unit, label.description) == ("[Mg/H]", "dex", "[Mg/H]")
    assert Label("age", "Gyr").axis_text() == "age [Gyr]"
    assert Label("ratio", unit="").axis_text() == "ratio"
    old = Label("c_fe", "[C/Fe]", "dex", "carbon")
    assert (old.symbol, old.unit, old.description) == ("[C/Fe]", "dex", "carbon")
    with pytest.raises(InputTypeError, match="digits of a label must be a number"):
        Label("x", "dex", digits="3")


def test_every_known_label_has_a_physical_range():
    for label in KNOWN_LABELS.values():
        assert -np.inf < label.lowest < label.highest < np.inf
        assert str(label.range_text()).endswith(label.unit)
    # white dwarfs, brown dwarfs, the most metal-poor star
    assert KNOWN_LABELS["teff"].lowest < 500 < 200_000 < KNOWN_LABELS["teff"].highest
    assert KNOWN_LABELS["fe_h"].lowest < -7.5


@pytest.mark.parametrize("position", range(4))
def test_the_texts_of_a_label_are_texts(position):
    texts = ["mine", "m", "dex", "of one's own"]
    texts[position] = None
    with pytest.raises(InputTypeError, match="of a label must be text; got None"):
        Label(*texts)


@pytest.mark.parametrize("name", ["ra", "snr", "flags", "id", "source", "rchi2", "status"])
def test_no_label_has_the_name_of_another_column(name):
    with pytest.raises(LabelError, match=f"no label can have the name '{name}'"):
        register_label(Label(name, "deg"))


@pytest.mark.usefixtures("own_label")
def test_no_other_column_of_a_catalogue_can_be_the_name_of_a_label():
    model = bc.train(toy.toy_reference(60))
    estimates = bc.label_spectra(model, toy.toy_reference(60).spectra)
    for name in bc.build_catalogue(estimates).colnames:
        if name not in KNOWN_LABELS:
            with pytest.raises(LabelError, match=r"no label can have the name|not begin with"):
                register_label(Label(name, "dex"))

"""Labels of one's own, from plain values."""

import numpy as np
import pytest
import toy

import bayescannon as bc
from bayescannon.data.label_definitions import define_labels, definitions_of, read_definition, restore_labels
from bayescannon.data.labels import KNOWN_LABELS, Label, LabelError, labels_from_names
from bayescannon.io.tables import read_labels


def test_a_definition_needs_a_unit_only():
    ba, age = define_labels({"ba_fe": {"unit": "dex"}, "age": {"unit": "Gyr", "lowest": 0, "digits": 1}})
    assert (ba.symbol, ba.description, ba.digits, ba.lowest, ba.highest) == ("[Ba/Fe]", "[Ba/Fe]", 3, -np.inf, np.inf)
    assert (age.symbol, age.unit, age.lowest, age.digits) == ("age", "Gyr", 0, 1)
    assert labels_from_names(["age", "ba_fe"]) == (age, ba)
    assert define_labels({"ba_fe": {"unit": "dex"}}) == (ba,), "again is the same"


@pytest.mark.parametrize(
    ("definitions", "words"),
    [
        ({"x": {}}, "has no unit"),
        ({"x": {"unit": "dex", "colour": "red"}}, "'x' has 'colour'; it may have symbol, unit"),
        ({"x": {"unit": "parrots"}}, "unit 'parrots' of label 'x' is not known"),
        ({"e_x": {"unit": "dex"}}, "not begin with e_"),
        ({"teff": {"unit": "kK"}}, "another label has the name 'teff'"),
        ({"x": {"unit": "dex", "lowest": 2, "highest": 1}}, "lowest < highest"),
    ],
)
def test_definitions_that_cannot_be_are_refused(definitions, words):
    with pytest.raises(LabelError, match=words):
        define_labels(definitions)
    assert "x" not in KNOWN_LABELS


def test_the_command_lines_form():
    assert read_definition("mass_ratio:") == ("mass_ratio", {"unit": ""})
    assert read_definition("b:dex: of: two") == ("b", {"unit": "dex", "description": "of: two"})
    for text in ("ba_fe", ":dex", ""):
        with pytest.raises(LabelError, match="expected NAME:UNIT"):
            read_definition(text)


def test_labels_come_back_from_plain_values():
    own = Label("age", "Gyr", lowest=0, highest=20)
    values = definitions_of([own, KNOWN_LABELS["logg"]])
    assert values["age"]["highest"] == 20
    assert "lowest" not in definitions_of([Label("ba_fe", "dex")])["ba_fe"]
    restore_labels(values, "a file")
    assert KNOWN_LABELS["age"] == own


def test_another_unit_under_the_same_name_is_refused_and_another_text_is_not():
    define_labels({"age": {"unit": "Gyr"}})
    restore_labels({"age": {"unit": "Gyr", "description": "of another file"}}, "m.nc")
    with pytest.raises(LabelError, match=r"'age' of m.nc is in Myr, and the label .* known here in Gyr"):
        restore_labels({"age": {"unit": "Myr"}}, "m.nc")


def test_a_models_file_makes_its_labels_known(tmp_path):
    (label,) = define_labels({"age": {"unit": "Gyr", "description": "stellar age", "lowest": 0}})
    reference = toy.toy_reference(60)
    reference = bc.ReferenceSet(reference.spectra, np.abs(reference.labels), label_names=("teff", "logg", "age"))
    bc.save_model(bc.train(reference), tmp_path / "model.nc")
    bc.save_reference(reference, tmp_path / "reference.nc")
    for load in (
        lambda: bc.load_model(tmp_path / "model.nc").labels[2],
        lambda: bc.load_reference(tmp_path / "reference.nc"),
    ):
        del KNOWN_LABELS["age"]
        load()
        assert KNOWN_LABELS["age"] == label
    estimates = bc.label_spectra(bc.load_model(tmp_path / "model.nc"), reference.spectra)
    bc.write_catalogue(estimates, tmp_path / "c.ecsv")
    assert bc.read_catalogue(tmp_path / "c.ecsv")["age"].unit == "Gyr"
    KNOWN_LABELS["age"] = Label("age", "Myr")
    with pytest.raises(bc.BayesCannonError, match=r"'age' of the model is in Gyr, .* in Myr"):
        bc.load_model(tmp_path / "model.nc")


def test_a_table_has_the_column_of_ones_own_label():
    define_labels({"age": {"unit": "Gyr", "lowest": 0, "highest": 20}})
    table = read_labels({"id": list("abc"), "age": [1.0, -99.0, 13.0], "e_age": [0.1, 0.2, 0.3]}, label_names=["age"])
    np.testing.assert_array_equal(table.labels["age"], [1, np.nan, 13])
    assert table.errors["age"].tolist() == [0.1, 0.2, 0.3]

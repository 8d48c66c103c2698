import numpy as np
import pandas as pd
import pytest
from astropy.table import QTable

from bayescannon.data.label_table import LabelTable
from bayescannon.data.labels import KNOWN_LABELS, LabelError, labels_from_names
from bayescannon.numerics.errors import BayesCannonError, InputError


def test_only_what_is_known_has_to_be_given():
    table = LabelTable.from_arrays(teff=[4800.0, 5100.0])
    assert table.id.tolist() == table.survey_id.tolist() == ["", ""]
    assert np.isnan([table.ra, table.dec, table.snr]).all()
    assert table.flags.tolist() == [0, 0]
    assert table.errors == {}
    assert len(LabelTable(["a", "b", "c"])) == 3
    assert len(LabelTable(None)) == 0


def test_the_order_of_the_attributes_is_kept():
    table = LabelTable(["a"], ["s"], [1.0], [2.0], {"teff": [3.0]}, {"teff": [4.0]}, [5], None, [6.0], "somewhere")
    assert (table.survey_id[0], table.ra[0], table.dec[0], table.labels["teff"][0]) == ("s", 1, 2, 3)
    assert (table.errors["teff"][0], table.flags[0], table.snr[0], table.source) == (4, 5, 6, "somewhere")


@pytest.mark.parametrize("kind", [dict, pd.DataFrame, QTable])
def test_labels_come_from_any_table(kind):
    table = LabelTable(["a", "b"], labels=kind({"teff": [4800, 5100], "logg": [2.5, 3.0]}))
    np.testing.assert_array_equal(table.matrix(["logg", "teff"]), [[2.5, 4800], [3, 5100]])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda: LabelTable.from_arrays(["a"], teff=[1, 2]),
            r"teff must have one value per row \(1\); got shape \(2,\)",
        ),
        (lambda: LabelTable.from_arrays(["a"], teff=[1], e_teff=[1, 2]), "e_teff must have one value per row"),
        (lambda: LabelTable.from_arrays(["a"], teff=[1], flags=[1, 2]), "flags must have one value per row"),
        (lambda: LabelTable.from_arrays(["a"], teff=[1], survey_id=["x", "y"]), "survey_id must have one value"),
        (lambda: LabelTable.from_arrays(["a"], teff=4800), r"teff must have one value per row \(1\); got shape \(\)"),
        (lambda: LabelTable.from_arrays(["a"], teff=[[1]]), r"got shape \(1, 1\)"),
        (lambda: LabelTable.from_arrays(["a"], Teff=[1]), r"unknown column 'Teff'; known are teff, .*e_teff"),
        (lambda: LabelTable.from_arrays(["a"], e_vrad=[1]), "unknown column 'e_vrad'"),
        (lambda: LabelTable(["a"], labels={"vrad": [1]}), "unknown label name 'vrad'; known labels are teff"),
        (lambda: LabelTable(["a"], labels=np.ones((1, 3))), "labels must map names to one value per row"),
        (lambda: LabelTable.from_arrays(["a"], teff=["hot"]), "teff holds text; expected numbers"),
    ],
)
def test_wrong_calls_say_what_came(call, words):
    with pytest.raises(BayesCannonError, match=words):
        call()


def test_a_label_that_is_not_there_is_named_with_both_ways_to_map_it():
    table = LabelTable.from_arrays(["a"], teff=[1], source="t.csv")
    with pytest.raises(
        LabelError, match=r"'logg' is not in t.csv, which has teff.*--columns logg=COLUMN \(columns=\{'logg'"
    ):
        table.require(["logg"])


def test_rows_are_chosen_by_mask_or_index():
    table = LabelTable.from_arrays(["a", "b", "c"], teff=[1, 2, 3], e_teff=[4, 5, 6])
    assert table.select([False, True, False]).errors["teff"].tolist() == [5]
    assert table.select([2, 0]).id.tolist() == ["c", "a"]
    with pytest.raises(InputError, match="one value per row"):
        table.select([True])


def test_repr_is_one_line():
    table = LabelTable.from_arrays(
        ["a", ""], teff=[1, 2], e_teff=[1, 2], logg=[1, 2], e_logg=[np.nan, np.nan], ra=[1, 2], dec=[1, np.nan],
        source="<t>",
    )  # fmt: skip
    assert repr(table) == "<LabelTable of 2 stars from <t>: teff, logg; errors of teff; 1 ids, 1 positions>"
    assert "&lt;t&gt;" in table._repr_html_()


def test_repr_of_labels():
    assert repr(KNOWN_LABELS["teff"]) == "<Label teff [K]: effective temperature>"
    assert "effective temperature" in KNOWN_LABELS["teff"]._repr_html_()


@pytest.mark.parametrize("names", ["teff", None, 3])
def test_names_of_labels_are_a_sequence(names):
    with pytest.raises(LabelError, match=r"a sequence of names, such as \('teff', 'logg'\); got"):
        labels_from_names(names)


def test_negative_errors_and_broken_flags_are_refused():
    with pytest.raises(InputError, match=r"errors must not be negative; e_teff of row 1 is -60\. Give NaN"):
        LabelTable(["a", "b"], labels={"teff": [4800, 5100]}, errors={"teff": [50, -60]})
    with pytest.raises(BayesCannonError, match=r"flags must hold whole numbers, which are bits; got 0\.5"):
        LabelTable(["a", "b"], flags=[0, 0.5])
    assert LabelTable(["a", "b"], flags=[0.0, np.nan]).flags[0] == 0


def test_ids_may_be_nullable_whole_numbers():
    big = 4_611_686_018_427_387_905
    for column in (pd.array([big, None], dtype="Int64"), pd.DataFrame({"id": [big, pd.NA]}, dtype="Int64")["id"]):
        assert LabelTable(column, labels={"teff": [1, 2]}).id.tolist() == [str(big), ""]

"""Kinds of error: one entry each, with a sentence, and a status where there is none."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from bayescannon.cannon.labelling import label_spectra
from bayescannon.cannon.training import train
from bayescannon.data.flags import ErrorStatus
from bayescannon.uncertainty import kinds as error_kinds
from bayescannon.uncertainty.budget import error_budget
from bayescannon.uncertainty.kinds import KINDS, Kind, KindResult, Task


def test_no_bootstrap_model_can_label(model, reference, stars, monkeypatch):
    def nothing(*_, estimates, n_bootstrap, **__):
        labels = np.full((n_bootstrap, *estimates["labels"].shape), np.nan)
        labels[0, 1:], labels[1, 2:] = 1.0, 2.0
        return xr.Dataset(
            {"labels": (("b", "s", "l"), labels), "n_failed": ("s", np.isnan(labels[:, :, 0]).sum(axis=0))}
        )

    monkeypatch.setattr(error_kinds, "bootstrap_labels", nothing)
    budget = error_budget(model, stars, reference=reference, kinds=("bootstrap",), n_bootstrap=4)
    assert budget["error_status"][:3, 0].to_numpy().tolist() == [ErrorStatus.FEW_DRAWS] * 2 + [ErrorStatus.GIVEN]
    assert budget["bootstrap_failed"][:3].to_numpy().tolist() == [4, 3, 2]
    assert np.isnan(budget["error"][:2]).all()
    np.testing.assert_allclose(budget["error"][2:], np.sqrt(0.5))


def test_a_model_without_calibration_says_so(reference, stars):
    budget = error_budget(train(reference), stars, kinds=("calibrated", "posterior"))
    assert (budget["error_status"].sel(kind="calibrated") == ErrorStatus.NOT_CALIBRATED).all()
    assert np.isnan(budget["error"].sel(kind="calibrated")).all()
    assert (budget["error"].sel(kind="posterior") > 0).all()


def test_a_new_kind_is_one_entry(model, stars, monkeypatch):
    def double(task):
        result = KINDS["formal"].evaluate(task)
        return KindResult(2 * result.error, result.value, result.status, attrs={"factor": 2})

    monkeypatch.setitem(KINDS, "double", Kind("Twice the formal error.", double))
    budget = error_budget(model, stars, kinds=("double", "formal"))
    np.testing.assert_allclose(budget["error"].sel(kind="double"), 2 * budget["error"].sel(kind="formal"))
    assert budget.attrs["factor"] == 2
    assert str(budget["meaning"].sel(kind="double").item()) == "Twice the formal error."


def task_of(model, spectra, **changes):
    """A task of all the stars."""
    given = {
        "everything": spectra, "chosen": np.arange(len(spectra)), "estimates": label_spectra(model, spectra),
        "reference": None, "prior": None, "n_bootstrap": 3, "n_draws": 500, "block": 40, "radius": 1.0,
        "star_id": None, "seed": 0,
        "workers": 1, "keep_draws": False,
    }  # fmt: skip
    return Task(model, spectra, **{**given, **changes})


@pytest.mark.parametrize("kind", [name for name, kind in KINDS.items() if not kind.needs_reference])
def test_a_star_without_pixels_has_a_status_of_every_kind(model, stars, kind):
    ivar = stars.ivar.copy()
    ivar[4] = 0
    result = KINDS[kind].evaluate(task_of(model, replace(stars, ivar=ivar)))
    assert result.error.shape == result.value.shape == (20, 3)
    assert result.status[4] in (ErrorStatus.NO_FIT, ErrorStatus.NOT_CALIBRATED)
    given = result.status == ErrorStatus.GIVEN
    assert (result.error[given] > 0).all()
    assert given.any() == (kind not in ("calibrated", "membership"))
    for dims, values in result.variables.values():
        assert np.shape(values)[0 if dims == "star" else 1] == 20


def test_every_kind_says_what_it_is_in_a_sentence():
    for kind in KINDS.values():
        assert kind.sentence[0].isupper()
        assert kind.sentence.endswith(".")


def test_a_kind_that_needs_the_reference_set_does_not_run_without(model, stars):
    for kind in KINDS.values():
        if kind.needs_reference:
            with pytest.raises(AssertionError, match="must say so in KINDS"):
                kind.evaluate(task_of(model, stars))


def test_repeats_are_looked_for_among_all_spectra(model, stars):
    first = stars.select(np.arange(10))
    alone = KINDS["repeat"].evaluate(task_of(model, first))
    assert (alone.status == ErrorStatus.SINGLE).all()
    both = KINDS["repeat"].evaluate(task_of(model, first, everything=stars))
    assert (both.status == ErrorStatus.GIVEN).all()
    again = label_spectra(model, stars)["labels"].to_numpy()
    np.testing.assert_allclose(both.value, (again[:10] + again[10:]) / 2, rtol=1e-9)
    np.testing.assert_allclose(both.error, np.abs(again[:10] - again[10:]) / np.sqrt(2), rtol=1e-5)

"""Kinds of error: one entry each, with a sentence, and a status where there is none."""

import numpy as np
import xarray as xr

from bayescannon.cannon.training import train
from bayescannon.data.flags import ErrorStatus
from bayescannon.uncertainty import kinds as error_kinds
from bayescannon.uncertainty.budget import error_budget
from bayescannon.uncertainty.kinds import KINDS, Kind, KindResult


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

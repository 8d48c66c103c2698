"""What is in the files of a run; one that cannot be read is said, and the others are read."""

import json
import math

import pytest

import bayescannon as bc
from bayescannon.app.report.run_contents import RunContents, read_comparison, read_statistics
from bayescannon.app.report.run_folder import RunFolder
from bayescannon.numerics.errors import InputError


def test_everything_is_read(contents):
    assert contents.faults == ()
    assert contents.store.n_stars == len(contents.catalogue) == 600
    assert contents.store.refused == {}
    assert {row.method for row in contents.validation} == {"leave-none-out", "k-fold"}
    assert contents.facts["stars"] == contents.facts["converged"] == 600
    assert 0.5 < contents.facts.median_chi2 < 2


def test_each_fault_names_its_file(run):
    (run / "model.nc").write_bytes(b"no model")
    (run / "validation.json").write_text("{")
    found = RunContents.read(RunFolder.open(run))
    assert found.model is None
    assert found.validation == ()
    assert found.catalogue is not None
    assert len(found.faults) == 2
    assert "model.nc" in found.faults[0]
    assert "validation.json is damaged, or not JSON" in found.faults[1]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda rows: {}, "it holds no rows"),
        (lambda rows: [1], "a row without method"),
        (lambda rows: [{**rows[0], "bias": "much"}], "of the wrong type"),
        (lambda rows: [{**rows[0], "label": "weight"}], "of an unknown label"),
        (lambda rows: [{k: v for k, v in rows[0].items() if k != "bias"}], "a row without method"),
    ],
)
def test_statistics_of_another_kind_are_refused(run, change, said):
    path = run / "validation.json"
    path.write_text(json.dumps(change(json.loads(path.read_text()))))
    with pytest.raises(InputError, match=said):
        read_statistics(path)


def test_a_catalogue_in_parts_is_read(run):
    (run / "run.json").unlink()
    (run / "catalogue.fits").unlink()
    bc.label_catalogue(run / "model.nc", run / "store.zarr", run / "catalogue", layout="parts", progress=False)
    assert len(RunContents.read(RunFolder.open(run)).catalogue) == 600


def test_a_comparison_is_read_as_it_was_written(contents, tmp_path):
    found = bc.compare_catalogues(contents.folder.outputs["label"], contents.folder.outputs["label"], progress=False)
    (tmp_path / "comparison.json").write_text(found.to_json())
    again = read_comparison(tmp_path)
    assert again.said.endswith("600 matched")
    assert [row.label for row in again.rows] == [row.label for row in found.rows]
    assert again.rows[0].bias == found.rows[0].bias == 0
    assert math.isnan(again.rows[0].pull_width) == math.isnan(found.rows[0].pull_width)
    assert again.flags == tuple(found.flags)
    (tmp_path / "comparison.json").write_text("[]")
    with pytest.raises(InputError, match="of another kind"):
        read_comparison(tmp_path)

"""What a page shows of a run: sections that it has, warnings, numbers at a glance, the configuration."""

from dataclasses import replace

import numpy as np
import pytest
from survey_models import known_survey

from bayescannon.app.report.page_parts import PageParts, contents_of_page
from bayescannon.app.report.run_contents import RunContents


def test_a_whole_run_has_no_warnings(contents):
    parts = PageParts.of(contents)
    assert parts.warnings == ()
    assert parts.values["missing"] == []
    facts = dict(parts.values["facts"])
    assert (facts["spectra in the store"], facts["reference spectra"], facts["stars in the catalogue"]) == (
        "600",
        "150",
        "600",
    )
    assert facts["model"] == contents.model.hash


def test_the_contents_name_the_sections_that_there_are(contents):
    whole = dict(contents_of_page({**PageParts.of(contents).values, "warnings": []}))
    assert list(whole) == ["trust", "run", "reference", "held-out", "catalogue", "explorer", "model", "provenance",
                           "cite"]  # fmt: skip
    empty = PageParts.of(RunContents(replace(contents.folder, outputs={})))
    assert list(dict(contents_of_page({**empty.values, "warnings": ["one"]}))) == [
        "trust", "warnings", "run", "explorer", "provenance", "cite",
    ]  # fmt: skip


def test_figures_are_in_the_sections_of_what_they_show(contents):
    values = PageParts.of(contents).values
    names = {section: [one.name for one in values[f"{section}_figures"]]
             for section in ("validation", "catalogue", "model", "comparison")}  # fmt: skip
    assert names == {"validation": ["one_to_one"], "catalogue": ["kiel"], "model": ["coefficients"], "comparison": []}


def test_the_configuration_is_what_differs_from_the_defaults(contents):
    assert PageParts.of(contents).values["config"].splitlines() == [
        'out = "results"', "figures = true", "report = true", "", "[prepare]", 'spectra = "spectra"', "", "[labels]",
        'table = "apogee.fits"', "", "[train]", 'label_names = ["teff", "logg", "fe_h"]',
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda table: table.meta.update(model_hash="0" * 12), "the catalogue is by the model 000000000000"),
        (lambda table: table["teff"].__setitem__(slice(0, 5), np.nan), "5 stars of the catalogue have no labels"),
        (lambda table: table["flags"].__setitem__(slice(0, 500), 16), "most of these labels are of no use"),
    ],
)
def test_what_makes_labels_less_useful_is_a_warning(contents, change, said):
    table = contents.catalogue.copy()
    change(table)
    (warning,) = PageParts.of(replace(contents, catalogue=table)).warnings
    assert warning.startswith(said)


def test_a_model_without_calibration_and_an_assessed_catalogue_are_said(contents):
    model = replace(contents.model, calibration=None, calibration_note="none: too few stars")
    parts = PageParts.of(replace(contents, model=model, coverage=contents.catalogue))
    assert any(one.startswith("errors of the labels: ") for one in parts.warnings)
    assert any(one.startswith("coverage: assessed 600 stars") for one in parts.warnings)


def test_a_survey_model_names_its_populations(contents):
    parts = PageParts.of(RunContents(contents.folder, model=known_survey()))
    assert dict(parts.values["facts"])["populations"] == "upper, lower"
    assert {row[0] for row in parts.values["provenance"].rows} >= {"router", "upper"}


def test_a_damaged_budget_is_said(contents, tmp_path):
    path = tmp_path / "uncertainties.nc"
    path.write_bytes(b"nothing")
    outputs = {**contents.folder.outputs, "uncertainties": path}
    parts = PageParts.of(replace(contents, folder=replace(contents.folder, outputs=outputs)))
    assert parts.values["more"] == []
    assert parts.warnings[-1].startswith("uncertainties.nc cannot be read")

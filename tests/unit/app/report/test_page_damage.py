"""Runs whose files were changed by hand, cut, or are of something else: a page all the same, or a sentence."""

import shutil

import numpy as np
import pytest

import bayescannon as bc
from bayescannon.app.cli import main
from bayescannon.app.report.page import write_report
from bayescannon.app.report.run_contents import RunContents
from bayescannon.app.report.run_folder import RunFolder
from bayescannon.numerics.errors import BayesCannonError

JOURNALS = (
    "", "null", "[]", "{}", '{"format": "bayescannon run 1", "steps": []}',
    '{"format": "bayescannon run 1", "steps": {"label": null}}',
    '{"format": "bayescannon run 1", "steps": {"label": {"outputs": {"/etc/passwd": 1}}}}',
    '{"format": "bayescannon run 1", "steps": {"label": {"outputs": {"": ""}}, "mine": {"outputs": {"x": {}}}}}',
    "[" * 100_000,
)  # fmt: skip


@pytest.mark.parametrize("text", JOURNALS, ids=range(len(JOURNALS)))
def test_any_journal_is_read(run, text):
    (run / "run.json").write_text(text)
    found = RunFolder.open(run)
    assert found.outputs
    assert found.notes


@pytest.mark.parametrize("text", ["", "null", "[null]", "[[]]", '[{"method": 1}]', "[" * 100_000, "NaN"])
def test_any_statistics_are_a_fault_that_is_said(run, text):
    (run / "compare").mkdir()
    for name in ("validation.json", "compare/comparison.json"):
        (run / name).write_text(text)
    found = RunContents.read(RunFolder.open(run))
    assert len(found.faults) == 2
    assert found.faults[0].startswith("validation.json ")
    assert found.faults[1].startswith("compare: comparison.json ")


def test_files_in_place_of_folders_and_folders_in_place_of_files(run):
    for name in ("figures", "store.zarr"):
        shutil.rmtree(run / name)
        (run / name).write_text("a file")
    for name in ("validation.json", "catalogue.fits"):
        (run / name).unlink()
        (run / name).mkdir()
    html = write_report(run, n_spectra=0).read_text()
    assert "there is no store of spectra" in html
    assert "there is no catalogue" in html


def test_a_store_that_lost_spectra_keeps_the_rest(run):
    shutil.rmtree(run / "store.zarr" / "flux")
    html = write_report(run, n_spectra=3).read_text()
    assert "the spectra cannot be shown" in html
    assert "x-plane-a" in html


def test_a_catalogue_of_other_labels(run):
    catalogue = bc.read_catalogue(run / "catalogue.fits")
    catalogue.remove_columns(["logg", "e_logg"])
    bc.write_catalogue(catalogue, run / "catalogue.fits", overwrite=True)
    html = write_report(run, n_spectra=3).read_text()
    assert "the catalogue has no column" in html


def test_infinite_numbers_in_a_catalogue(run):
    catalogue = bc.read_catalogue(run / "catalogue.fits")
    for name in ("rchi2", "snr_g", "teff", "ra"):
        if name in catalogue.colnames:
            catalogue[name][:5] = np.inf
    bc.write_catalogue(catalogue, run / "catalogue.fits", overwrite=True)
    assert "x-plane-a" in write_report(run, n_spectra=3).read_text()


@pytest.mark.parametrize("out", ["no/folder/page.html", "store.zarr", "run.json"])
def test_a_page_that_cannot_be_written_is_refused_before_the_work(run, out, capsys, monkeypatch):
    monkeypatch.chdir(run)
    monkeypatch.setattr("bayescannon.app.report.page.report_html", None)
    assert main(["report", ".", "--out", out]) == 1
    assert "Traceback" not in capsys.readouterr().err
    with pytest.raises(BayesCannonError):
        write_report(run, run / out)


def test_configurations_that_are_links_in_a_loop_or_no_text(run):
    (run / "a.toml").symlink_to("a.toml")
    (run / "b.toml").write_bytes(b"\xff\xfe")
    assert "<h1>" in write_report(run, n_spectra=0).read_text()

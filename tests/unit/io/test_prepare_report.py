from bayescannon.data.preset import PAPER
from bayescannon.io.prepare_report import PrepareError, PrepareReport, tally


def test_what_a_preparation_says(tmp_path):
    notes = {"single exposures left out": 2, "nothing": 0}
    report = PrepareReport(tmp_path, 3, 5, (("a.fits", "not FITS: x"),), PAPER, "arrays", 6, 4, notes)
    assert report.lines() == [
        "read by arrays: 6 spectra of 3 files",
        "4 of 5 spectra had air wavelengths, converted to vacuum",
        "2 single exposures left out",
    ]
    assert report.tally() == {"not FITS": 1}


def test_refusals_are_counted_by_kind():
    assert tally([("a", "x: 1"), ("b", "y"), ("c", "x: 2")]) == {"x": 2, "y": 1}
    assert PrepareError("none").refused == []

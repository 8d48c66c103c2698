"""The verb fetch against an archive on this machine: each survey, a dry run, failures, tokens, and wrong calls."""

import os

import pytest
from archive import LOGIN, archive, fits_bytes, gz_bytes

from bayescannon.app.cli import main

CONE = b"""<?xml version="1.0"?>
<VOTABLE version="1.3" xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE type="results"><TABLE>
<FIELD name="obsid" datatype="long"/><FIELD name="ra" datatype="double"/>
<DATA><TABLEDATA><TR><TD>11</TD><TD>83.6</TD></TR><TR><TD>12</TD><TD>83.7</TD></TR></TABLEDATA></DATA>
</TABLE></RESOURCE></VOTABLE>"""


@pytest.fixture
def served(monkeypatch):
    monkeypatch.setattr("urllib3.util.retry.time.sleep", lambda _: None)
    with archive() as one:
        for k in (11, 12, 13):
            one.files[f"/dr10/v2.0/spectrum/fits/{k}"] = gz_bytes(k)
        one.files["/sas/dr12/apogee/spectro/redux/r5/allStar-v603.fits"] = fits_bytes()
        one.files["/dr10/v2.0/voservice/conesearch"] = CONE
        one.files["/viz-bin/asu-binfits"] = fits_bytes(3)
        yield one


def _fetch(served, tmp_path, *more):
    return main(["fetch", *more, "--mirror", served.url, "--rate", "1000", "--out", str(tmp_path / "out")])


def _ids(tmp_path, *ids):
    path = tmp_path / "ids.txt"
    path.write_text("\n".join(ids), encoding="utf-8")
    return str(path)


def test_every_survey_is_fetched_and_then_there(served, tmp_path, capsys):
    for survey, name in (("apogee", "allStar-v603.fits"), ("ho2017", "ho2017.fits")):
        assert _fetch(served, tmp_path, survey) == 0
        assert (tmp_path / "out" / name).exists()
        assert "1 fetched" in capsys.readouterr().out
        served.seen.clear()
        assert _fetch(served, tmp_path, survey) == 0
        assert "0 fetched (0 B); 1 were there" in capsys.readouterr().out
        assert served.seen == []


def test_spectra_by_id_and_around_a_position(served, tmp_path):
    assert _fetch(served, tmp_path, "lamost", "--release", "dr10", "--ids", _ids(tmp_path, "11", "13")) == 0
    assert _fetch(served, tmp_path, "lamost", "--release", "dr10", "--cone", "83.6,22,0.5") == 0
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"11.fits.gz", "12.fits.gz", "13.fits.gz", "fetched.json"}
    assert served.paths().count("/dr10/v2.0/spectrum/fits/11") == 1


def test_a_dry_run_says_how_much_and_fetches_nothing(served, tmp_path, capsys):
    ids = _ids(tmp_path, "11", "12", "13")
    assert _fetch(served, tmp_path, "lamost", "--release", "dr10", "--ids", ids, "--dry-run") == 0
    assert "would fetch 3 files, " in capsys.readouterr().out
    assert served.paths() == []
    assert not (tmp_path / "out").exists()


def test_failures_are_in_a_table_and_in_the_status(served, tmp_path, capsys):
    served.trouble["/dr10/v2.0/spectrum/fits/12"] = [LOGIN]
    table = tmp_path / "failed.csv"
    ids = _ids(tmp_path, "11", "12", "13", "99")
    assert _fetch(served, tmp_path, "lamost", "--release", "dr10", "--ids", ids, "--failed", str(table)) == 1
    rows = table.read_text(encoding="utf-8").splitlines()
    assert rows[0] == "file,reason"
    assert [row.partition(",")[0] for row in rows[1:]] == ["12.fits.gz", "99.fits.gz"]
    assert "2 failed" in capsys.readouterr().out
    # the same command tries them again
    assert _fetch(served, tmp_path, "lamost", "--release", "dr10", "--ids", ids, "--failed", str(table)) == 1
    assert [row.partition(",")[0] for row in table.read_text(encoding="utf-8").splitlines()[1:]] == ["99.fits.gz"]


def test_the_token_is_sent_and_never_said(served, tmp_path, capsys):
    token = tmp_path / "token"
    token.write_text("SECRET\n", encoding="utf-8")
    os.chmod(token, 0o644)  # noqa: PTH101
    log = tmp_path / "log"
    more = ["--token-file", str(token), "--log-file", str(log), "-v"]
    assert _fetch(served, tmp_path, "lamost", "--release", "dr10", "--ids", _ids(tmp_path, "11", "99"), *more) == 1
    assert served.seen[0][1].endswith("?token=SECRET")
    said = capsys.readouterr()
    assert "others can read the token" in said.err
    everything = said.out + said.err + log.read_text(encoding="utf-8")
    everything += (tmp_path / "out" / "fetched.json").read_text(encoding="utf-8")
    assert "SECRET" not in everything


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["lamost"], "needs --release"),
        (["lamost", "--release", "dr10"], "either --ids FILE or --cone"),
        (["lamost", "--release", "dr77", "--cone", "1,2,1"], "must be one of dr1, dr2"),
        (["lamost", "--release", "dr10", "--cone", "1,2"], "--cone must be RA,DEC,RADIUS"),
        (["lamost", "--release", "dr10", "--cone", "1,95,1"], "-90 <= DEC <= 90"),
        (["apogee", "--release", "dr99"], "must be one of dr12, dr17"),
        (["apogee", "--rate", "0"], "--rate must be above 0"),
        (["lamost", "--release", "dr10", "--ids", "none.txt"], "none.txt"),
        (["lamost", "--release", "dr10", "--cone", "1,2,1", "--token-file", "none"], "no file none with a token"),
    ],
)
def test_wrong_calls_are_one_sentence(served, tmp_path, more, said, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    # --rate of a case comes last, and counts
    assert main(["fetch", "--mirror", served.url, "--rate", "1000", "--out", "out", *more]) == 1
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error


def test_without_a_network_it_says_so(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("urllib3.util.retry.time.sleep", lambda _: None)
    assert main(["fetch", "apogee", "--mirror", "http://127.0.0.1:9", "--out", str(tmp_path / "out")]) == 1
    assert "is there a network" in capsys.readouterr().out

"""The page of a run: complete, well formed, the same for the same run, and nothing in it is taken for HTML."""

import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from run_folders import EVIL

import bayescannon as bc
from bayescannon.app.cli import main
from bayescannon.app.report.page import LIMIT, further_models, label_options, write_report
from bayescannon.app.report.run_folder import RunFolder
from bayescannon.cannon.choices import LABEL_PRIORS
from bayescannon.cannon.label_priors import as_label_prior
from bayescannon.io.outputs import OutputExistsError
from bayescannon.numerics.errors import InputError

EMPTY = {"meta", "link", "img", "input", "br", "hr"}


class Checked(HTMLParser):
    """Balanced elements, ids that are there once, addresses, and the headings in order."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.ids, self.addresses, self.levels, self.alts, self.text = [], [], [], [], [], []

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if "id" in values:
            self.ids.append(values["id"])
        self.addresses += [(tag, values[name]) for name in ("src", "href") if name in values]
        if tag == "img":
            self.alts.append(values.get("alt", ""))
        if re.fullmatch("h[1-6]", tag):
            self.levels.append(int(tag[1]))
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> ends nothing"
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] not in ("script", "style"):
            self.text.append(data)


def checked(html):
    """Parse a page and check what every page must have."""
    page = Checked()
    page.feed(html)
    page.close()
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    assert page.levels[0] == 1
    assert page.levels.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(page.levels, page.levels[1:], strict=False))
    assert all(page.alts)
    for tag, address in page.addresses:
        if address.startswith("#"):
            assert address[1:] in page.ids
        elif tag == "a":
            assert address.startswith("https://doi.org/")
        else:
            assert address.startswith("data:")
    return page


@pytest.fixture(scope="module")
def html(whole, tmp_path_factory):
    return write_report(whole, tmp_path_factory.mktemp("page") / "page.html", n_spectra=5).read_text()


def test_it_is_well_formed_and_holds_every_section(html, contents):
    page = checked(html)
    assert len(html.encode()) < LIMIT
    ids = ("trust", "run", "reference", "held-out", "catalogue", "explorer", "model", "provenance", "cite", "x-app")
    assert set(ids) <= set(page.ids)
    assert "missing" not in page.ids
    text = " ".join(page.text)
    for said in (contents.model.hash, "600", "k-fold, all: inferred - reference of 150 stars", "OUTSIDE_COVERAGE",
                 "spectra that each step removed", 'label_names = ["teff", "logg", "fe_h"]'):  # fmt: skip
        assert said in text
    assert text.count("good") + text.count("look closer") + text.count("not good") >= 5
    assert len(page.alts) == 3
    stated = float(re.search(r"One file of ([\d.]+) MB", text)[1])
    assert stated == pytest.approx(len(html.encode()) / 1e6, abs=0.051)
    assert "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:" in html
    assert '<html lang="en">' in html
    assert '<a class="skip" href="#main">' in html


def test_the_same_run_gives_the_same_bytes_wherever_it_lies(html, whole, run, tmp_path):
    again = write_report(whole, tmp_path / "again.html", n_spectra=5).read_text()
    assert again == html
    assert write_report(run, n_spectra=5) == run / "report.html"
    assert (run / "report.html").read_text() == html


def test_a_page_is_not_replaced_unless_told(run):
    (run / "report.html").write_text("mine")
    with pytest.raises(OutputExistsError, match="--overwrite"):
        write_report(run)
    assert (run / "report.html").read_text() == "mine"
    write_report(run, n_spectra=0, overwrite=True)
    checked((run / "report.html").read_text())


def test_a_page_ends_in_html(run, tmp_path):
    with pytest.raises(InputError, match=r"must be one of \.html, \.htm; got '\.pdf' in '.*page\.pdf'"):
        write_report(run, tmp_path / "page.pdf")
    assert not (tmp_path / "page.pdf").exists()


def test_foreign_text_is_text(run):
    catalogue = bc.read_catalogue(run / "catalogue.fits")
    catalogue["id"] = np.array([EVIL, *catalogue["id"][1:]])
    catalogue.meta["reference"] = f"{EVIL} stars"
    catalogue.meta["preset"] = "</section></script><img src=x onerror=alert(1)>"
    bc.write_catalogue(catalogue, run / "catalogue.fits", overwrite=True)
    folder = run.rename(run.with_name("a<b>&'\"c"))
    (folder.parent / "run.toml").write_text(
        (folder.parent / "run.toml").read_text().replace('"results"', '"a<b>&\'\\"c"')
    )
    path = write_report(folder, n_spectra=0)
    html = path.read_text()
    page = checked(html)
    assert EVIL not in html
    assert "onerror=alert(1)>" not in html
    assert EVIL in " ".join(page.text)
    assert "bayescannon run: a<b>&'\"c" in page.text


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("catalogue.fits", "there is no catalogue (catalogue.fits)"),
        ("store.zarr", "there is no store of spectra (store.zarr)"),
        ("model.nc", "there is no model (model.nc)"),
        ("validation.json", "there are no statistics of held-out stars (validation.json)"),
        ("run.json", "run.json is missing: which steps were finished is unknown"),
    ],
)
def test_what_is_missing_is_said_at_the_top(run, name, said):
    path = run / name
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    page = checked(write_report(run, n_spectra=2).read_text())
    text = " ".join(page.text)
    assert said in text
    assert text.index("Missing or damaged") < text.rindex("Can I trust this?")
    assert ("There is no explorer" in text) == (name == "model.nc")


@pytest.mark.parametrize("name", ["catalogue.fits", "model.nc", "validation.json", "run.json", "figures/kiel.svg"])
def test_a_damaged_file_keeps_the_page_from_nothing_else(run, name):
    path = run / name
    path.write_bytes(b"damaged" + path.read_bytes()[7:-20])
    page = checked(write_report(run, n_spectra=0).read_text())
    text = " ".join(page.text)
    assert name.rpartition("/")[2] in text
    assert "damaged" in text or "is not" in text
    assert "Provenance" in text


def test_no_stars_and_no_labels(run):
    catalogue = bc.read_catalogue(run / "catalogue.fits")
    for name in ("teff", "logg", "fe_h", "rchi2"):
        catalogue[name] = np.nan
    catalogue["status"] = 2
    bc.write_catalogue(catalogue, run / "catalogue.fits", overwrite=True)
    text = " ".join(checked(write_report(run, n_spectra=3).read_text()).text)
    assert "600 stars of the catalogue have no labels" in text
    assert "No star could be fitted." in text
    bc.write_catalogue(catalogue[:0], run / "catalogue.fits", overwrite=True)
    text = " ".join(checked(write_report(run, n_spectra=3, overwrite=True).read_text()).text)
    assert "the catalogue has no stars" in text


def test_a_store_of_other_stars_keeps_the_explorer_from_its_spectra_only(run):
    catalogue = bc.read_catalogue(run / "catalogue.fits")
    catalogue["id"] = np.array([f"other-{name}" for name in catalogue["id"]])
    bc.write_catalogue(catalogue, run / "catalogue.fits", overwrite=True)
    page = checked(write_report(run, n_spectra=3).read_text())
    text = " ".join(page.text)
    assert "the spectra cannot be shown: every id must be among the 600 stars of store.zarr" in text
    assert {"x-plane-a", "x-spectrum"} <= set(page.ids)


def test_the_catalogue_says_how_its_stars_were_labelled(contents):
    """A configuration that was edited after the run does not decide the posteriors that are shown."""
    config = contents.folder.config
    edited = replace(config, label=replace(config.label, prior="box", seed=7))
    run = replace(contents, folder=replace(contents.folder, config=edited))
    options = label_options(run)
    assert (options["prior"], options["seed"]) == (run.catalogue.meta["prior"], run.catalogue.meta["seed"])
    assert options["prior"] != "box"
    assert label_options(replace(run, catalogue=None))["prior"] == "box"


@pytest.mark.parametrize("prior", LABEL_PRIORS)
def test_the_prior_that_a_catalogue_describes_is_known(contents, prior):
    """Without a configuration too: a catalogue gives a description, not the name."""
    catalogue = contents.catalogue.copy()
    catalogue.meta["prior"] = bc.build_label_prior(prior, contents.model).describe()
    run = replace(contents, catalogue=catalogue, folder=replace(contents.folder, config=None))
    found = as_label_prior(label_options(run)["prior"], contents.model)
    assert found.describe() == catalogue.meta["prior"]


def test_every_control_has_a_name_of_its_own(html):
    labelled = re.findall(r"<label[^>]*>([^<]*)<(?:select|input)([^>]*)>", html)
    named = re.findall(r'<(?:select|input)[^>]*aria-label="([^"]+)"', html)
    names = [more.split('aria-label="')[1].split('"')[0] if "aria-label" in more else text for text, more in labelled]
    names = [name.strip() for name in names if name.strip()]
    assert len(names) > 10
    assert len(names) == len(set(names))
    # what is seen of a name is in the name that is spoken
    for text, more in labelled:
        if text.strip() and "aria-label" in more:
            assert text.strip() in more
    assert named


def test_further_models_are_named_by_their_files(run, tmp_path):
    other = shutil.copy(run / "model.nc", tmp_path / "other.nc")
    assert list(further_models([str(other)])) == ["other"]
    html = write_report(run, n_spectra=0, also=[other]).read_text()
    assert '"other"' in html
    with pytest.raises(InputError, match="told apart by the names"):
        further_models([str(other), str(other)])


def test_the_command_line_writes_it(run, capsys):
    assert main(["report", str(run), "--spectra", "2"]) == 0
    assert capsys.readouterr().out.startswith(f"wrote {run / 'report.html'} (")
    assert main(["report", str(run), "--spectra", "2"]) == 1
    assert "--overwrite" in capsys.readouterr().err
    assert main(["report", str(run), "--out", str(run / "b.html"), "--also", str(run / "no.nc")]) == 1
    assert "no.nc" in capsys.readouterr().err
    assert not (run / "b.html").exists()
    with pytest.raises(SystemExit):
        main(["report", str(run), "--spectra", "-1"])
    assert main(["report", str(run / "nothing")]) == 1
    assert "there is no folder" in capsys.readouterr().err
    assert RunFolder.open(run).outputs

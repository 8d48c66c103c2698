"""Folders as a run leaves them, of toy stars: made once, copied for tests that change them."""

import shutil
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path

import toy
from labelled_store import labelled_store

import bayescannon as bc
from bayescannon.app.report.run_folder import JOURNAL
from bayescannon.app.run_journal import RunJournal
from bayescannon.data.tally import TallyRow
from bayescannon.figures.style import new_figure, save_figure

# a star whose name would end an element of the page, and run, if it were not escaped
EVIL = "<script>alert(1)</script>"
CONFIG = """
out = "results"
[prepare]
spectra = "spectra"
[labels]
table = "apogee.fits"
[train]
label_names = ["teff", "logg", "fe_h"]
"""


@cache
def _whole():
    """A folder with all that a run leaves; nobody changes it."""
    model, store, _ = labelled_store()
    folder = Path(tempfile.mkdtemp(prefix="run-folder-")) / "results"
    folder.mkdir()
    (folder.parent / "run.toml").write_text(CONFIG)
    shutil.copytree(store, folder / "store.zarr")
    model = replace(model, tally=(TallyRow("spectra", 0, 150), TallyRow(f"cut {EVIL}", 0, 150)))
    bc.save_model(model, folder / "model.nc")
    reference = toy.toy_reference(150, n_pixel=40)
    validation = bc.validate(model, reference, folds=2)
    (folder / "validation.json").write_text(validation.to_json())
    bc.label_catalogue(model, folder / "store.zarr", folder / "catalogue.fits", progress=False)
    (folder / "figures").mkdir()
    for name in ("kiel.svg", "one_to_one.png", "coefficients.png"):
        figure = new_figure(2.0, 2.0)
        figure.add_subplot().plot([0, 1], [0, 1])
        save_figure(figure, folder / "figures" / name)
    journal = RunJournal(folder / JOURNAL)
    steps = {"prepare": "store.zarr", "train": "model.nc", "validate": "validation.json", "label": "catalogue.fits",
             "figures": "figures"}  # fmt: skip
    for step, output in steps.items():
        journal.finish(step, {}, [folder / output])
    return folder


def run_folder(place):
    """Copy a whole run into an empty folder; return the run's."""
    shutil.copytree(_whole().parent, place, dirs_exist_ok=True)
    return Path(place) / "results"

"""Tables of a page: steps, flags, statuses, refused files, provenance."""

from dataclasses import replace

import numpy as np

from bayescannon.app.report.page_tables import (
    flags_table,
    provenance_table,
    refused_table,
    status_table,
    steps_table,
)
from bayescannon.app.report.run_contents import RunContents
from bayescannon.data.flags import FitStatus, ResultFlag


def test_every_flag_has_its_count_and_its_meaning(contents):
    table = flags_table(contents.facts)
    assert [row[0] for row in table.rows] == [flag.name for flag in ResultFlag]
    for row, flag in zip(table.rows, ResultFlag, strict=True):
        count = int((np.asarray(contents.catalogue["flags"]) & int(flag) != 0).sum())
        assert row[1:3] == (f"{count:,}", f"{100 * count / 600:.2f} %")
        assert row[4] == flag.sentence
    assert table.rows[0][3] == "flag_bad"


def test_statuses_add_up_to_all_stars(contents):
    table = status_table(contents)
    assert len(table.rows) == len(FitStatus)
    assert sum(int(row[1]) for row in table.rows) == 600
    assert status_table(RunContents(contents.folder)) is None


def test_provenance_is_of_catalogue_model_and_store(contents):
    rows = provenance_table(contents).rows
    assert {row[0] for row in rows} == {"catalogue", "model", "store"}
    assert ("model", "hash", contents.model.hash) in rows
    assert ("store", "store_id", contents.store.attributes["store_id"]) in rows
    assert provenance_table(RunContents(contents.folder)).rows == ()


def test_refused_files_are_counted_by_reason(contents):
    assert refused_table(contents) is None
    store = replace(contents.store, refused={"no flux": 1200, "damaged": 3})
    assert refused_table(replace(contents, store=store)).rows == (("no flux", "1,200"), ("damaged", "3"))


def test_steps_have_what_they_left(contents):
    rows = {row[0]: row[1:] for row in steps_table(contents.folder).rows}
    assert rows["label"][0] == "catalogue.fits"
    assert "CRC-32C" in rows["label"][1]
    assert rows["figures"] == ("figures", "3 files")
    assert steps_table(replace(contents.folder, made={})).rows == ()

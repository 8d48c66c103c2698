"""Survey B's own labels are found by name, whatever the blocks."""

import numpy as np
import pytest
from labelled_store import N_STAR, labelled_bytes, labelled_store

import bayescannon as bc
from bayescannon.io.store_rows import read_rows


@pytest.fixture(scope="module")
def made():
    return labelled_store()


@pytest.fixture(scope="module")
def whole():
    return labelled_bytes()


def test_pipeline_labels_are_matched_alike_in_all_blocks(made, tmp_path):
    model, store, _ = made
    names = read_rows(store, slice(0, N_STAR)).id
    # the names of the first block have no row; the others have one
    table = bc.LabelTable(id=names[128:], labels={name: np.full(N_STAR - 128, 1.0) for name in model.label_names})
    made_of = {}
    for block in (128, 512):
        bc.label_catalogue(model, store, tmp_path / f"{block}.fits", block=block, pipeline_labels=table)
        made_of[block] = (tmp_path / f"{block}.fits").read_bytes()
    assert made_of[128] == made_of[512]
    distance = np.asarray(bc.read_catalogue(tmp_path / "128.fits")["label_distance"])
    assert np.isnan(distance[:128]).all()
    assert np.isfinite(distance[128:]).all()

"""Labels of several surveys in one reference set: which counts, on which scale, with which errors and tally."""

import re
from dataclasses import replace

import numpy as np
import pytest
from toy import NAMES, toy_labels, toy_spectra, toy_table

import bayescannon as bc
from bayescannon.cannon.matching import build_reference, reference_in_model
from bayescannon.cannon.reference import ReferenceSetError
from bayescannon.data.labels import LabelError
from bayescannon.io.store_writer import save_spectra
from bayescannon.numerics.errors import BayesCannonError, InputError

N_STAR, N_FIRST = 200, 120
TRUTH = toy_labels(N_STAR)
SPECTRA = toy_spectra(TRUTH)
ERRORS = np.array([40.0, 0.08, 0.05])
BIAS = np.array([70.0, -0.1, 0.04])


def tables(*, first=slice(0, N_FIRST), other=slice(60, N_STAR), seed=0):
    """A trusted table of the first stars, and a biased one of the last; 60 stars are in both."""
    rng = np.random.default_rng(seed)
    trusted = TRUTH + ERRORS * rng.standard_normal(TRUTH.shape)
    biased = TRUTH + BIAS + 2 * ERRORS * rng.standard_normal(TRUTH.shape)
    found = []
    for labels, size, rows, name in ((trusted, 1, first, "good"), (biased, 2, other, "rough")):
        errors = {label: np.full(N_STAR, size * ERRORS[k])[rows] for k, label in enumerate(NAMES)}
        spectra = SPECTRA.select(np.arange(N_STAR)[rows])
        table = toy_table(spectra, labels[rows], errors=errors, source=f"{name}.csv")
        found.append(bc.LabelSource(replace(table, survey_id=np.char.add(name, table.id)), name))
    return found


def test_the_first_table_counts_and_others_are_put_on_its_scale():
    sources = tables()
    reference = build_reference(SPECTRA, sources, NAMES)
    assert reference.spectra.id.tolist() == SPECTRA.id.tolist()
    assert reference.source.tolist() == ["good"] * N_FIRST + ["rough"] * (N_STAR - N_FIRST)
    np.testing.assert_array_equal(reference.labels[:N_FIRST], sources[0].labels.matrix(NAMES))
    np.testing.assert_array_equal(reference.errors[:N_FIRST], sources[0].labels.error_matrix(NAMES))
    assert reference.spectra.columns["survey_id"][0] == f"good{SPECTRA.id[0]}"
    assert reference.spectra.columns["survey_id"][-1] == f"rough{SPECTRA.id[-1]}"
    off = (reference.labels - TRUTH)[N_FIRST:]
    assert (np.abs(off.mean(axis=0)) < 0.5 * np.abs(BIAS)).all()
    assert (reference.errors[N_FIRST:] > 1.7 * ERRORS).all()
    assert (reference.errors[N_FIRST:] < 4 * ERRORS).all()


def test_the_tally_names_each_source_with_its_counts():
    steps = {row.step: row for row in build_reference(SPECTRA, tables(), NAMES, cuts="none").tally}
    assert [row.removed for step, row in steps.items() if step.startswith("good: no labels under this id")] == [80]
    assert steps["rough: has labels of an earlier table"].removed == 60
    (total,) = [row for step, row in steps.items() if step.startswith("no labels in any table")]
    assert (total.step, total.remaining) == ("no labels in any table; good 120, rough 80", N_STAR)
    (scale,) = [step for step in steps if "map of" in step]
    assert re.match(r"rough: linear map of 60 stars in common \(\d wrong\): teff -\d+", scale)
    assert re.search(r"; \d+ stars are outside their range$", scale)


def test_equal_scales_are_said_and_labels_are_taken_as_they_are():
    sources = tables()
    reference = build_reference(SPECTRA, sources, NAMES, offsets="none")
    np.testing.assert_array_equal(reference.labels[N_FIRST:], sources[1].labels.matrix(NAMES)[60:])
    np.testing.assert_array_equal(reference.errors[N_FIRST:], sources[1].labels.error_matrix(NAMES)[60:])
    assert any(row.step == "rough: taken as they are" for row in reference.tally)
    model = bc.train(reference)
    assert model.describe_reference() == (
        "200 reference stars, labels of good 120, rough 80 spectra; scales taken as equal"
    )
    assert bc.label_spectra(model, SPECTRA.select([0])).attrs["reference"] == model.describe_reference()


def test_sources_without_stars_in_common_are_refused_unless_scales_are_equal():
    sources = tables(other=slice(N_FIRST, N_STAR))
    with pytest.raises(ReferenceSetError, match="0 stars have the labels of both; at least 5 are needed") as refused:
        build_reference(SPECTRA, sources, NAMES)
    assert "offsets between the labels of good and rough cannot be fitted" in str(refused.value)
    assert "--offsets none" in str(refused.value)
    assert "good: no labels under this id" in str(refused.value)
    assert len(build_reference(SPECTRA, sources, NAMES, offsets="none")) == N_STAR


@pytest.mark.parametrize(("n_common", "form"), [(4, None), (6, "constant"), (12, "diagonal"), (30, "linear")])
def test_few_stars_in_common_tell_less(n_common, form):
    sources = tables(other=slice(N_FIRST - n_common, N_STAR))
    if form is None:
        with pytest.raises(ReferenceSetError, match="4 stars have the labels of both"):
            build_reference(SPECTRA, sources, NAMES)
    else:
        steps = [row.step for row in build_reference(SPECTRA, sources, NAMES).tally]
        assert any(f"rough: {form} map of {n_common} stars" in step for step in steps)


def test_stars_in_common_count_once_and_ranges_do_not_leave_them_out():
    again = replace(SPECTRA, id=np.char.add(SPECTRA.id, "-again"))
    both = bc.Spectra(
        SPECTRA.wavelength, np.tile(SPECTRA.flux, (2, 1)), np.tile(SPECTRA.ivar, (2, 1)),
        np.concatenate([SPECTRA.id, again.id]), {name: np.tile(x, 2) for name, x in SPECTRA.columns.items()},
    )  # fmt: skip
    first, other = tables()
    # a sky match finds both spectra of a star
    first, other = (replace(one, match="sky") for one in (first, other))
    giants, dwarfs = replace(first, keep={"logg": (None, 2.5)}), replace(other, keep={"logg": (2.5, None)})
    reference = build_reference(both, [giants, dwarfs], NAMES)
    assert any("rough: linear map of 60 stars in common" in row.step for row in reference.tally)
    assert reference.n_stars == len(reference) / 2
    assert set(reference.source.tolist()) == {"good", "rough"}


def test_ranges_of_the_set_are_on_the_common_scale():
    reference = build_reference(SPECTRA, tables(), NAMES, keep={"teff": (4600, None)})
    every = build_reference(SPECTRA, tables(), NAMES)
    np.testing.assert_array_equal(reference.labels, every.labels[every.labels[:, 0] >= 4600])
    with pytest.raises(InputError, match="a range of a_k cannot be kept on the scale of several tables"):
        build_reference(SPECTRA, tables(), NAMES, keep={"a_k": (0, 1)})


def test_a_cap_keeps_the_trusted_stars():
    every = build_reference(SPECTRA, tables(), NAMES)
    capped = build_reference(SPECTRA, tables(), NAMES, max_per_cell=2, seed=4)
    assert 20 < len(capped) < len(every)
    assert capped.tally[-1].step == "more than 2 stars in a cell of teff 250 K, logg 0.5 dex, fe_h 0.25 dex"
    share = [(one.source == "good").mean() for one in (every, capped)]
    assert share[1] > share[0]
    assert (
        capped.spectra.id.tolist()
        == build_reference(SPECTRA, tables(), NAMES, max_per_cell=2, seed=4).spectra.id.tolist()
    )


def test_wrong_lists_are_refused():
    first, other = tables()
    cases = (
        ([], "at least one table of labels is needed"),
        ([first, replace(other, name="good")], "each of several tables of labels needs a name of its own"),
        ([first, {"id": SPECTRA.id, **dict(zip(NAMES, TRUTH.T, strict=True))}], "got 'good', ''"),
    )
    for labels, words in cases:
        with pytest.raises(InputError, match=words):
            build_reference(SPECTRA, labels, NAMES)
    with pytest.raises(LabelError, match="label 'alpha_m' is not in good"):
        build_reference(SPECTRA, [first, other], (*NAMES, "alpha_m"))
    with pytest.raises(InputError, match="offsets must be one of fit, none"):
        build_reference(SPECTRA, [first, other], NAMES, offsets="mean")
    nobody = toy_table(SPECTRA, TRUTH, id=np.char.add("x", SPECTRA.id), source="n.csv")
    with pytest.raises(BayesCannonError, match="no reference star is left"):
        build_reference(SPECTRA, [bc.LabelSource(nobody, "n"), bc.LabelSource(nobody, "m")], NAMES, offsets="none")


def test_one_table_in_a_list_is_that_table():
    (first, _) = tables()
    one, many = build_reference(SPECTRA, first.labels, NAMES), build_reference(SPECTRA, [first], NAMES)
    assert one.tally == many.tally
    np.testing.assert_array_equal(one.labels, many.labels)
    assert one.source.tolist() == many.source.tolist() == ["good"] * N_FIRST


def test_sources_stay_with_the_stars_in_files_and_models(tmp_path):
    reference = build_reference(SPECTRA, tables(), NAMES).select(np.arange(N_STAR)[::-1])
    assert reference.source[0] == "rough"
    assert reference.drop(reference.source == "good", "test").source.tolist() == ["rough"] * 80
    again = bc.load_reference(bc.save_reference(reference, tmp_path / "r.nc"))
    assert again.source.tolist() == reference.source.tolist()
    bc.save_model(bc.train(reference), tmp_path / "m.nc")
    model = bc.load_model(tmp_path / "m.nc")
    assert model.source_counts == {"rough": 80, "good": 120}
    store = save_spectra(SPECTRA.select(np.arange(5, N_STAR)), tmp_path / "s.zarr")
    found = reference_in_model(model, store)
    assert len(found) == N_STAR - 5
    np.testing.assert_array_equal(found.labels, reference.labels[:-5])
    np.testing.assert_array_equal(found.errors, reference.errors[:-5])
    assert found.star.tolist() == reference.star[:-5].tolist()
    assert found.source.tolist() == reference.source[:-5].tolist()
    other = save_spectra(toy_spectra(TRUTH[:20], seed=9), tmp_path / "o.zarr")
    with pytest.raises(ReferenceSetError, match="none of the 200 reference spectra of the model is in"):
        reference_in_model(model, other)
    with pytest.raises(InputError, match=r"source must have one name per spectrum \(200\); got shape \(3,\)"):
        replace(reference, source=["a", "b", "c"])

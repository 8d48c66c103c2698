"""Two tables of labels: matches, ranges of S/N, the Kiel diagram, flags, outliers, and what cannot be compared."""

import json

import numpy as np
import pytest

from bayescannon.cannon.catalogue_comparison import CompareError, compare_tables
from bayescannon.cannon.compare_choices import CompareChoices
from bayescannon.data.flags import ResultFlag
from bayescannon.data.label_table import LabelTable
from bayescannon.numerics.errors import InputError

N = 600


def _tables(seed=2):
    rng = np.random.default_rng(seed)
    teff, logg = rng.uniform(4000, 5200, N), rng.uniform(1, 3.5, N)
    ids = np.array([f"spec-{k:04d}" for k in range(N)])
    ra, dec = rng.uniform(0, 90, N), rng.uniform(-20, 60, N)
    flags = np.where(rng.random(N) < 0.1, int(ResultFlag.HIGH_CHI2), 0).astype(np.uint64)
    a = LabelTable(
        ids, ra=ra, dec=dec, labels={"teff": teff + 50 * rng.normal(size=N), "logg": logg + 0.1},
        errors={"teff": np.full(N, 50.0), "logg": np.full(N, 0.1)}, snr=np.exp(rng.normal(3.7, 0.6, N)), flags=flags,
        flag_type=ResultFlag, source="a.fits",
    )  # fmt: skip
    order = rng.permutation(N)[:500]
    b = LabelTable(ids[order], ra=ra[order], dec=dec[order], labels={"teff": teff[order], "logg": logg[order]},
                   source="truth.csv")  # fmt: skip
    return a, b, teff, order


@pytest.mark.parametrize("match", ["id", "sky"])
def test_stars_are_matched_and_every_one_counted(match):
    a, b, teff, order = _tables()
    found = compare_tables(a, b, CompareChoices(match=match))
    assert (found.n_a, found.n_b, found.n_matched, found.n_shared) == (N, 500, 500, 0)
    row = found.row("all", "teff")
    assert row.bias == pytest.approx(np.mean((a.labels["teff"] - teff)[np.sort(order)]))
    assert found.row("all", "logg").bias == pytest.approx(0.1)
    by_snr = [one for one in found.rows if one.selection.startswith("S/N") and one.label == "teff"]
    assert sum(one.n_stars for one in by_snr) == 500
    assert found.row("unflagged", "teff").n_stars == 500 - found.is_bad.sum()


def test_cells_of_the_kiel_diagram_hold_the_stars_of_large_ones():
    a, b, _, _ = _tables()
    found = compare_tables(a, b)
    cells = [cell for cell in found.kiel if cell.label == "logg"]
    assert all(cell.bias == pytest.approx(0.1) and cell.n_stars >= 10 for cell in cells)
    assert 400 < sum(cell.n_stars for cell in cells) <= 500


def test_flags_are_compared_with_flags():
    a, b, _, _ = _tables()
    both = compare_tables(a, a)
    flags = {flag.flag: flag for flag in both.flags}
    n_bad = int((a.flags != 0).sum())
    assert (flags["bad"].both, flags["bad"].only_a, flags["bad"].neither) == (n_bad, 0, N - n_bad)
    assert flags["HIGH_CHI2"].both == n_bad
    only = {flag.flag: flag for flag in compare_tables(a, b).flags}
    assert only["bad"].only_a > 0
    assert set(only) == {"bad"}


def test_outliers_are_listed_worst_first():
    a, b, _, _ = _tables()
    labels = {name: values.copy() for name, values in b.labels.items()}
    labels["teff"][3] += 900
    labels["teff"][7] -= 500
    found = compare_tables(a, LabelTable(b.id, labels=labels, source="b"))
    assert [one.id_b for one in found.outliers[:2]] == [b.id[3], b.id[7]]
    assert found.outliers[0].pull < -4


def test_rows_that_share_a_row_are_said():
    a, b, _, _ = _tables()
    twice = LabelTable(
        np.concatenate([a.id, a.id[:30]]), labels={k: np.concatenate([v, v[:30]]) for k, v in a.labels.items()}
    )
    found = compare_tables(twice, b)
    assert found.n_shared == np.isin(a.id[:30], b.id).sum()
    assert "share a row of B" in found.counts()


def test_json_holds_all_numbers_and_no_nan():
    a, b, _, _ = _tables()
    facts = json.loads(compare_tables(a, b).to_json())
    assert facts["n_matched"] == 500
    assert any("has no errors of teff, logg" in note for note in facts["notes"])
    assert {row["selection"] for row in facts["rows"]} >= {"all", "unflagged", "S/N 10-30"}
    assert "NaN" not in compare_tables(a, b, CompareChoices(snr_edges=[1e6, 1e7])).to_json()


def test_text_has_a_line_for_each_row():
    a, b, _, _ = _tables()
    found = compare_tables(a, b)
    assert found.to_text().count("\n") == len(found.rows) + len(found.notes)
    with pytest.raises(InputError, match="there is no comparison of 'fe_h'"):
        found.row("all", "fe_h")


def test_what_cannot_be_compared_is_said_in_a_sentence():
    a, b, _, _ = _tables()
    other = LabelTable(["x-1", "x-2"], labels={"teff": [4000.0, 5000.0]}, source="other.csv")
    with pytest.raises(CompareError, match=r"no name agrees \(id\); a\.fits has names such as 'spec-0000'"):
        compare_tables(a, other)
    with pytest.raises(CompareError, match="no position agrees"):
        compare_tables(a, other, CompareChoices(match="sky"))
    with pytest.raises(CompareError, match="no label in common"):
        compare_tables(a, LabelTable(a.id, labels={"fe_h": np.zeros(N)}, source="c"))
    with pytest.raises(CompareError, match="none has one of teff in both"):
        compare_tables(a, LabelTable(a.id, labels={"teff": np.full(N, np.nan)}, source="c"))
    with pytest.raises(CompareError, match="has no column 'gaia_id'"):
        compare_tables(a, b, CompareChoices(match="gaia_id"))

"""A catalogue that was damaged or changed is found out, in every format."""

import numpy as np
import pytest
from catalogues import ENDINGS, make_calibrated, require_same_catalogue

import bayescannon as bc
from bayescannon.io.catalogue import build_catalogue, read_catalogue, write_catalogue
from bayescannon.io.catalogue_digest import check_catalogue
from bayescannon.io.catalogue_formats import FORMATS, plain_columns
from bayescannon.io.catalogue_hash import catalogue_hash
from bayescannon.io.catalogue_provenance import CatalogueError
from bayescannon.io.catalogue_rows import CatalogueRows
from bayescannon.numerics.errors import BayesCannonWarning


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("catalogues")
    for ending in ENDINGS:
        write_catalogue(build_catalogue(make_calibrated()), folder / f"c{ending}")
    return folder


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_was_written_has_no_findings_and_no_digest_in_memory(files, ending):
    path = files / f"c{ending}"
    assert check_catalogue(path) == []
    assert "digest" not in read_catalogue(path).meta
    if ending != ".fits":
        assert len(FORMATS[ending].read(path).meta["digest"]) == 64


@pytest.mark.parametrize("ending", [".ecsv", ".vot", ".mrt", ".parquet"])
def test_a_changed_value_unit_or_provenance_is_found(files, ending, tmp_path):
    """As by an editor that keeps everything else of the file."""
    path = tmp_path / f"changed{ending}"

    def value(table):
        table["teff"][3] += 10

    def unit(table):
        table["teff"].unit = "m"

    def provenance(table):
        table.meta["reference"] = "another one"

    def row(table):
        table.remove_row(5)

    for change in (value, unit, provenance, row):
        table = plain_columns(FORMATS[ending].read(files / f"c{ending}"))
        change(table)
        FORMATS[ending].write(CatalogueRows.of_table(table), path)
        assert check_catalogue(path) == ["its columns or its provenance do not agree with its digest"], change
        with pytest.raises(CatalogueError, match=r"damaged, or changed .* Make it again; .* edited=True"):
            read_catalogue(path)
        with pytest.warns(BayesCannonWarning, match="changed after it was written"):
            assert len(read_catalogue(path, edited=True)) == len(table)


@pytest.mark.parametrize("ending", [".ecsv", ".vot", ".mrt", ".parquet"])
def test_damage_is_found_or_changes_nothing(files, tmp_path, ending):
    content = (files / f"c{ending}").read_bytes()
    good = read_catalogue(files / f"c{ending}")
    rng = np.random.default_rng(2)
    n_found = 0
    for place in rng.integers(0, len(content), 12).tolist():
        changed = bytearray(content)
        changed[place] ^= 1 << int(rng.integers(7))
        path = tmp_path / f"c{ending}"
        path.write_bytes(changed)
        findings = check_catalogue(path)
        n_found += bool(findings)
        if not findings:
            got = read_catalogue(path)
            for name in good.colnames:
                np.testing.assert_array_equal(got[name], good[name])
    assert n_found > 2


def test_a_file_of_an_older_version_has_no_digest_and_is_read(tmp_path):
    table = build_catalogue(make_calibrated())
    FORMATS[".ecsv"].write(CatalogueRows.of_table(table), tmp_path / "old.ecsv")
    require_same_catalogue(bc.read_catalogue(tmp_path / "old.ecsv"), table, rounded=False)


def test_what_cannot_be_read_is_a_finding(tmp_path):
    (tmp_path / "c.fits").write_bytes(b"no table")
    assert "cannot be read as a catalogue" in check_catalogue(tmp_path / "c.fits")[0]
    assert "check the name" in check_catalogue(tmp_path / "none.fits")[0]
    assert "must be one of .fits" in check_catalogue(tmp_path / "none.txt")[0]


def test_the_digest_is_of_names_values_and_order_and_not_of_layout():
    table = build_catalogue(make_calibrated())
    digest = catalogue_hash(table, [table])
    assert catalogue_hash(table, [table[:5], table[5:]]) == digest
    turned = table[::-1]
    assert catalogue_hash(turned, [turned]) != digest
    renamed = table.copy()
    renamed.rename_column("teff", "teff2")
    assert catalogue_hash(renamed, [renamed]) != digest

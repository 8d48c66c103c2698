"""`bayescannon check`: whole outputs are ok, and damaged ones are named with what is damaged in them."""

import json

import h5py
import pytest
import toy

import bayescannon as bc
from bayescannon.app.cli import main
from bayescannon.numerics.errors import InputError, MissingFileError


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("outputs")
    reference = toy.toy_reference(60, n_pixel=20)
    model = bc.qualify(bc.train(reference), reference, folds=2)
    bc.save_model(model, folder / "model.nc")
    bc.save_reference(reference, folder / "reference.nc")
    bc.write_catalogue(bc.label_spectra(model, reference.spectra), folder / "catalogue.fits")
    bc.save_spectra(reference.spectra, folder / "store.zarr")
    return folder


NAMES = ("model.nc", "reference.nc", "catalogue.fits", "store.zarr")


def test_whole_outputs_are_ok(outputs, capsys):
    for name in NAMES:
        assert bc.find_damage(outputs / name) == []
    assert main(["check", *(str(outputs / name) for name in NAMES)]) == 0
    assert capsys.readouterr().out == "".join(f"{outputs / name}: ok\n" for name in NAMES)


def test_damage_is_named_and_written(outputs, tmp_path, capsys):
    bad = tmp_path / "bad.nc"
    bad.write_bytes((outputs / "model.nc").read_bytes())
    with h5py.File(bad, "r+") as file:
        file["model/theta"][3, 0] += 1
    found = tmp_path / "found.json"
    assert main(["check", str(outputs / "model.nc"), str(bad), str(tmp_path / "none"), "--json", str(found)]) == 1
    said = capsys.readouterr().out.splitlines()
    assert said[0].endswith("model.nc: ok")
    assert said[1].startswith(f"{bad}: was changed after it was saved")
    assert said[2] == f"{bad}: /model/theta was changed"
    assert said[3] == f"{tmp_path / 'none'}: there is nothing at {tmp_path / 'none'}; check the name"
    assert json.loads(found.read_text())[str(bad)][1] == "/model/theta was changed"


def test_a_model_that_is_no_model(outputs, tmp_path):
    from bayescannon.io.netcdf import DIGEST, PARTS, read_tree, write_tree

    tree = read_tree(outputs / "model.nc")
    for name in (DIGEST, PARTS):
        del tree.attrs[name]
    tree["model/theta"].data[0, 0] += 1
    write_tree(tree, tmp_path / "made-up.nc")
    (finding,) = bc.find_damage(tmp_path / "made-up.nc")
    assert "was changed after it was saved (hash" in finding


def test_what_cannot_be_checked(outputs, tmp_path):
    (tmp_path / "a.txt").write_text("text")
    for path, kind, fault in (
        (tmp_path / "none", MissingFileError, "there is nothing at"),
        (tmp_path / "a.txt", InputError, "is no store, model or catalogue"),
        (tmp_path, InputError, "is a folder without a store or a catalogue"),
        ("/dev/null", InputError, "is a device"),
    ):
        with pytest.raises(kind, match=fault):
            bc.find_damage(path)
    (tmp_path / "a.nc").write_bytes(b"\0" + (outputs / "model.nc").read_bytes()[1:])
    assert bc.find_damage(tmp_path / "a.nc") == ["is not a netCDF file: it does not begin as one"]
